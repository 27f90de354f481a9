"""The chart of PSNR per frame: ticks, labels, and files that can be opened."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from vsr.core.errors import OutputError
from vsr.figures.canvas import Drawing, Line, Text, to_png, to_svg
from vsr.figures.line_plot import Curve, Panel, check_plot, draw, ticks, write_plot

PANELS = [
    Panel("walk <1> & run", (Curve("one", (30.0, 31.5, 29.0)), Curve("two", (33.0, 33.5, 33.0)))),
    Panel("cuts", (Curve("one", tuple(30 + n % 4 for n in range(40))),), (10, 25)),
    Panel("short", (Curve("one", (100.0,)),)),
]


def words(panels: list[Panel]) -> list[str]:
    return [shape.text for shape in draw(panels).shapes if isinstance(shape, Text)]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (31.2, 36.8, [30, 32, 34, 36, 38]),
        (0, 30, [0, 5, 10, 15, 20, 25, 30]),
        (33.31, 33.58, [33.3, 33.4, 33.5, 33.6]),
        (0, 0, [0, 1]),
    ],
)
def test_ticks_of_known_ranges(low: float, high: float, expected: list[float]) -> None:
    least = 1 if high == low else 0
    about = 6 if low == 0 else 4
    assert ticks(low, high, about, least) == pytest.approx(expected)


def test_ticks_are_round_and_reach_around_the_values() -> None:
    random = np.random.default_rng(4)
    for low, span in zip(random.uniform(0, 50, 200), 10 ** random.uniform(-2, 3, 200), strict=True):
        found = ticks(low, low + span, 5)
        step = found[1] - found[0]
        assert found[0] <= low + 1e-9 * step
        assert found[-1] >= low + span - 1e-9 * step
        assert found[1] > low - 1e-9 * step
        assert 2 <= len(found) <= 8
        assert round(step / 10 ** math.floor(math.log10(step) + 1e-9), 6) in (1, 2, 5)


def test_the_chart_says_what_it_shows() -> None:
    said = words(PANELS)
    for expected in ("walk <1> & run", "one  30.17", "two  33.17", "short", "one  100.00", "frame"):
        assert expected in said
    assert said.count("cut") == 2


def test_lines_stand_where_the_values_are() -> None:
    (panel,) = PANELS[:1]
    shapes = draw([panel]).shapes
    curves = [s for s in shapes if isinstance(s, Line) and s.width == 2]
    lows, highs = ([y for _, y in curve.points] for curve in curves)
    assert len(lows) == len(highs) == 3
    assert all(high < low for low, high in zip(lows, highs, strict=True))  # y counts downwards
    places = {s.text: s.at[1] - 4 for s in shapes if isinstance(s, Text) and s.anchor == "end"}
    assert lows[0] == pytest.approx(places["30"])
    steps = {b[0] - a[0] for a, b in zip(curves[0].points, curves[0].points[1:], strict=False)}
    assert len(steps) == 1


def test_labels_do_not_cover_each_other() -> None:
    curves = tuple(Curve(f"model{n}", (30.0, 30 + n / 50)) for n in range(9))
    shapes = draw([Panel("many", curves)]).shapes
    labels = [s.at[1] for s in shapes if isinstance(s, Text) and s.text.startswith("model")]
    gaps = np.diff(sorted(labels))
    assert gaps.min() >= 13
    assert labels == sorted(labels, reverse=True)  # the best is the highest


def test_a_chart_is_written_as_png_and_svg(tmp_path: Path) -> None:
    write_plot(tmp_path / "chart.PNG", PANELS)
    write_plot(tmp_path / "chart.svg", PANELS)
    drawing = draw(PANELS)
    pixels = cv2.imread(str(tmp_path / "chart.PNG"))
    assert pixels is not None
    assert pixels.shape == (2 * drawing.height, 2 * drawing.width, 3)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    blue, _, red = pixels.reshape(-1, 3).astype(int).T
    assert (blue - red > 100).any()  # the first line
    assert (red - blue > 100).any()  # the second
    root = ElementTree.parse(tmp_path / "chart.svg").getroot()
    texts = [element.text for element in root if element.tag.endswith("text")]
    assert texts == words(PANELS)


def test_shapes_as_svg_and_png() -> None:
    dot = Line(((10.0, 10.0),), "#ff0000", 8)
    drawing = Drawing(40, 20, (dot, Text((39, 15), "a\n\x01b", "#000000", anchor="end")))
    svg = to_svg(drawing).decode()
    assert ">a??b<" in svg
    assert 'text-anchor="end"' in svg
    pixels = cv2.imdecode(np.frombuffer(to_png(drawing), np.uint8), cv2.IMREAD_COLOR)
    assert pixels[20, 20].tolist() == [0, 0, 255]
    assert pixels[20, 32].tolist() == [255, 255, 255]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"chart\.gif: .* allowed: \.png, \.svg"):
        check_plot(tmp_path / "chart.gif")
    with pytest.raises(OutputError, match="does not exist"):
        check_plot(tmp_path / "none/chart.png")
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OutputError, match=r"folder\.svg: cannot be written \(Is a directory\)"):
        write_plot(tmp_path / "folder.svg", PANELS)
