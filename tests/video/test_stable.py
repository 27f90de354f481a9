"""A file that another process changes while it is read: libav says nothing of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.clips import Clip, make

from vsr.core.errors import InputError
from vsr.core.options import ReadOptions
from vsr.core.span import Span
from vsr.video.reader import open_video

FRAMES = 400


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file far larger than what is read of it at once."""
    pts = range(0, FRAMES * 512, 512)
    return make(tmp_path / "in.mp4", Clip(160, 120, codec="mpeg4", options={"g": "1"}, pts=pts))


def read(
    source: Path, said: list[str], strict: bool = False, cut: bool = True
) -> tuple[int, dict[str, int]]:
    with open_video(source, Span(), said.append, ReadOptions(strict=strict)) as video:
        for number, _ in enumerate(video.frames(), 1):
            if number == 3:
                if cut:
                    os.truncate(source, source.stat().st_size // 2)
                else:
                    os.utime(source, ns=(1, 1))
        return number, video.damage.counts


def test_what_is_cut_off_is_told_and_counted(source: Path) -> None:
    size, said = source.stat().st_size, list[str]()
    come, counts = read(source, said)
    assert come < FRAMES
    assert counts["cut_bytes"] == size - size // 2
    assert counts["absent"] == FRAMES - come
    assert any("was cut short while it was read" in line for line in said)
    assert f"about {FRAMES - come} pictures that its header promises have not come" in said


def test_strict_makes_it_an_error(source: Path) -> None:
    with pytest.raises(InputError, match="--strict allows no damage"):
        read(source, [], strict=True)


def test_a_change_that_costs_nothing_is_told(source: Path) -> None:
    said: list[str] = []
    come, counts = read(source, said, cut=False)
    assert (come, counts) == (FRAMES, {"rewritten": 1})
    assert said == ["the file was written to while it was read"]


def test_a_file_that_stays_is_not_talked_about(source: Path) -> None:
    said: list[str] = []
    with open_video(source, Span(), said.append) as video:
        assert len(list(video.frames())) == FRAMES
        assert not video.damage.counts
    assert not said
