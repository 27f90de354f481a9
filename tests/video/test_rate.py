"""The nominal rate: one answer for reading, probing, estimates and the plan of segments."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
from support.clips import Clip, held, make, video_frame

import vsr
from vsr.video.rate import nominal_rate


@pytest.mark.parametrize(
    ("average", "guessed", "found"),
    [
        ("25", "25", "25"),
        ("24000/1001", "30000/1001", "24000/1001"),
        (None, "25", "25"),
        ("60000", "25", "25"),
        ("90000", None, "90000"),
        ("1000", "30", "30"),
        ("5000", "1000", "1000"),
        ("1200", "1200", "1200"),  # a camera for slow motion
        (None, None, None),
        ("0", "0", None),
    ],
)
def test_an_absurd_average_gives_way_to_the_guess(
    average: str | None, guessed: str | None, found: str | None
) -> None:
    stream: Any = SimpleNamespace(
        average_rate=average and Fraction(average), guessed_rate=guessed and Fraction(guessed)
    )
    assert nominal_rate(stream) == (found and Fraction(found))


def raw_dv(path: Path, pal: bool) -> Path:
    """Two frames of raw DV, as captured by FireWire."""
    rows, layout = (576, "yuv420p") if pal else (480, "yuv411p")
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("dvvideo", rate=25 if pal else Fraction(30000, 1001))
        stream.width, stream.height, stream.pix_fmt = 720, rows, layout
        for number in range(2):
            frame = video_frame(number, 720, rows, layout)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("pal", "rate"), [(True, Fraction(25)), (False, Fraction(30000, 1001))])
def test_raw_dv_has_its_real_rate_everywhere(tmp_path: Path, pal: bool, rate: Fraction) -> None:
    source = raw_dv(tmp_path / "in.dv", pal)
    facts = vsr.probe(source).video
    assert (facts.frame_rate, facts.expected_frames) == (rate, 2)
    (told,) = vsr.estimate([(source, tmp_path / "out.mp4")], model="nearest", scale=2)
    assert told.frames == 2


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_raw_dv_becomes_any_container(tmp_path: Path, suffix: str) -> None:
    source, target = raw_dv(tmp_path / "in.dv", pal=True), tmp_path / f"out{suffix}"
    result = vsr.upscale(source, target, model="nearest", scale=2, preset="ultrafast", crf=40)
    assert result.frames_out == 2
    assert held(target).pts == [0, Fraction(1, 25)]


def test_a_timecode_of_slow_motion_is_left_out_of_mp4_with_a_warning(tmp_path: Path) -> None:
    clip = Clip(
        pts=tuple(range(8)),
        time_base=Fraction(1, 300),
        metadata={"timecode": "01:00:00:00"},
        stream_metadata={"timecode": "01:00:00:00"},
    )
    source = make(tmp_path / "in.mkv", clip)
    result = vsr.upscale(source, tmp_path / "out.mp4", model="nearest", scale=2)
    assert result.frames_out == 8
    assert ".mp4 holds no timecode at 300 frames a second: it is left out" in result.warnings
    result = vsr.upscale(source, tmp_path / "out.mkv", model="nearest", scale=2)
    assert result.warnings == ()
