"""Drawn pictures that are whole are never taken for interlaced; what is woven of them is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from av.filter import Graph
from support.drawn_games import SIZES, Draw, drawings
from support.interlaced import encode, moment, woven

from vsr.video.deinterlace import detect
from vsr.video.field_vote import FieldOrder, vote

PATTERNS = ("testsrc", "testsrc2", "mandelbrot", "life", "cellauto", "sierpinski", "zoneplate")


@pytest.mark.parametrize("name, draw", list(drawings(65))[::3])
def test_drawn_games_are_progressive(tmp_path: Path, name: str, draw: Draw) -> None:
    pictures = [draw(number) for number in range(12)]
    assert detect(encode(tmp_path / "a.mkv", pictures, "ffv1", {}, "gray"), 0).order is None


@pytest.mark.parametrize("number", [1, 13, 37, 49, 64, 65, 156, 157, 184])
@pytest.mark.parametrize("crf", ["12", "26"])
def test_compressed_drawn_games_are_progressive(tmp_path: Path, number: int, crf: str) -> None:
    *_, (_, draw) = drawings(number + 1)  # some of those that look most like fields
    options = {"preset": "veryfast", "crf": crf}
    path = encode(tmp_path / "a.mp4", [draw(n) for n in range(16)], "libx264", options)
    assert detect(path, 0).order is None


@pytest.mark.parametrize("place, pattern", list(enumerate(PATTERNS)))
def test_test_patterns_are_progressive(tmp_path: Path, place: int, pattern: str) -> None:
    for width, height in SIZES[place :: len(PATTERNS)]:
        graph = Graph()
        shown = graph.add(pattern, f"size={width}x{height}:rate=25")
        graph.link_nodes(shown, graph.add("format", "gray"), graph.add("buffersink")).configure()
        pictures = [graph.vpull().to_ndarray() for _ in range(12)]
        path = encode(tmp_path / f"{width}.mkv", pictures, "ffv1", {}, "gray")
        assert detect(path, 0).order is None, (pattern, width, height)


def luma(rows: np.ndarray) -> np.ndarray:
    return rows.astype(np.int32)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("order", FieldOrder)
def test_fields_of_two_moments_are_told(order: FieldOrder, told: bool) -> None:
    before, middle, after = (luma(rows) for rows in woven(order, 4)[1:])
    assert list(vote(before, middle, after, told)) == [order]


def test_rows_that_come_from_the_other_field_are_of_one_moment() -> None:
    page = np.random.default_rng(3).integers(0, 2, (200, 160)) * 200
    page[::4] = 255
    before, middle, after = (luma(page[n : n + 128]) for n in (10, 9, 8))
    assert list(vote(before, middle, after, told=False)) in ([None], [])


def test_a_change_of_brightness_tells_nothing() -> None:
    before, middle, after = (luma(moment(n)) for n in (0, 2, 4))
    assert list(vote(before, middle, after * 2, told=False)) == []
