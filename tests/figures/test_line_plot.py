"""The chart of PSNR per frame: what it says, and files that can be opened."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from vsr.core.errors import OutputError
from vsr.figures.line_plot import Curve, Panel, check_plot, write_plot

WALK = Panel(
    "walk <1> & $run$", (Curve("_one", (30.0, 31.5, 29.0)), Curve("Zoë\n日本", (33.0, 33.5, 33.0)))
)
CUTS = Panel("cuts", (Curve("one", tuple(30 + n % 4 for n in range(40))),), (10, 25))
SHORT = Panel("short", (Curve("one", (100.0,)),))


def words(path: Path, *panels: Panel) -> list[str]:
    write_plot(path, panels, overwrite=True)
    found = (element for element in ElementTree.parse(path).iter() if element.tag.endswith("text"))
    return [element.text or "" for element in found]


def test_the_chart_says_what_it_shows(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    said = words(tmp_path / "chart.svg", WALK, CUTS, SHORT)
    for expected in ("walk <1> & $run$", "_one  30.17", "Zoë?日本  33.17", "short", "one  100.00"):
        assert expected in said
    assert said.count("cut") == 2
    assert said.count("frame") == said.count("PSNR of the luma in dB") == 3


def test_frames_are_counted_in_whole_numbers(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    said = words(tmp_path / "chart.svg", SHORT)
    assert said[: said.index("frame")] == ["0"]
    said = words(tmp_path / "chart.svg", WALK)
    assert said[: said.index("frame")] == ["0", "1", "2"]


def test_differences_that_cannot_be_seen_stay_small(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    said = words(tmp_path / "chart.svg", Panel("flat", (Curve("one", (30.0, 30.001)),)))
    levels = [float(word) for word in said if word.startswith(("29.", "30."))]
    assert max(levels) - min(levels) >= 0.3


def test_a_chart_is_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "chart.PNG"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_plot(path, [WALK, CUTS])
    pixels = cv2.imread(str(path))
    assert pixels is not None
    assert pixels[0, 0].tolist() == [255, 255, 255]
    blue, _, red = pixels.reshape(-1, 3).astype(int).T
    assert (blue - red > 100).any()  # the first line
    assert (red - blue > 100).any()  # the second
    with pytest.raises(OutputError, match=r"chart\.PNG: has been made by somebody else"):
        write_plot(path, [CUTS])
    (tmp_path / "chart.1.PNG").unlink()
    write_plot(path, [CUTS], overwrite=True)
    assert np.shape(cv2.imread(str(path)))[0] < pixels.shape[0]
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_chart_is_the_same_file(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for suffix in (".svg", ".png"):
        one, other = tmp_path / f"one{suffix}", tmp_path / f"other{suffix}"
        write_plot(one, [WALK])
        write_plot(other, [WALK])
        assert one.read_bytes() == other.read_bytes()


def test_what_cannot_be_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(OutputError, match=r"chart\.gif: .* allowed: \.png, \.svg"):
        check_plot(tmp_path / "chart.gif")
    with pytest.raises(OutputError, match="does not exist"):
        check_plot(tmp_path / "none/chart.png")
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OutputError, match=r"folder\.svg: cannot be written \(Is a directory\)"):
        write_plot(tmp_path / "folder.svg", [WALK], overwrite=True)


def test_without_matplotlib_one_line_tells_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(OutputError) as caught:
        check_plot(tmp_path / "chart.svg")
    says = f'{tmp_path}/chart.svg: a plot needs matplotlib: pip install "vsr-video[plot]"'
    assert str(caught.value) == says


def test_nothing_else_waits_for_matplotlib() -> None:
    code = "import sys, vsr.figures.line_plot; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
