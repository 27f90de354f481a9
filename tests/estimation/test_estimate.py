"""What a job will take: ratios and sizes, as times differ from run to run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import pytest
from support.clips import Clip, make, picture

from vsr import upscale
from vsr.core.errors import InputError, ModelError
from vsr.core.options import UpscaleOptions
from vsr.estimation.estimate import Estimate, Rate, _between, _Run, estimate, measure

QUICK: dict[str, Any] = {"scale": 2, "model": "nearest", "preset": "ultrafast", "threads": 1}


def clip(path: Path, frames: int, **other: Any) -> Path:
    """A clip of 25 frames a second whose every frame is about as hard to code."""
    return make(path, Clip(width=48, height=32, pts=tuple(range(0, frames * 512, 512)), **other))


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Measurements leave nothing behind."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert not list(folder.glob("vsr-*"))


def estimated(sources: list[Path], suffix: str = ".mkv", **options: Any) -> list[Estimate]:
    """The estimates for outputs beside the sources; none of those is made."""
    pairs = [(source, source.with_name(f"{source.stem}_out{suffix}")) for source in sources]
    found = list(estimate(pairs, UpscaleOptions.of(**{**QUICK, **options})))
    assert [(each.source, each.target) for each in found] == pairs
    assert not any(target.exists() for _, target in pairs)
    return found


def test_files_that_are_alike_share_a_measurement(tmp_path: Path) -> None:
    short, long = clip(tmp_path / "a.mp4", 30), clip(tmp_path / "b.mp4", 60)
    one, two = estimated([short, long])
    assert (one.frames, two.frames) == (30, 60)
    assert (one.measured, two.measured) == (True, False)
    assert one.seconds
    assert two.seconds == pytest.approx(2 * one.seconds)
    assert one.bytes
    assert two.bytes
    assert one.bytes < two.bytes <= 2 * one.bytes  # one keyframe is enough for both
    assert one.reason == two.reason == ""


def test_files_that_differ_are_measured_each(tmp_path: Path) -> None:
    sources = [
        clip(tmp_path / "a.mp4", 30),
        make(tmp_path / "b.mp4", Clip(width=32, height=32)),
        clip(tmp_path / "c.mp4", 30, codec="mpeg4", options={}),
        clip(tmp_path / "d.mp4", 30, pix_fmt="yuv444p"),
    ]
    assert all(each.measured for each in estimated(sources))


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["h264", "ffv1", "mpeg4"])
def test_the_size_is_about_right(tmp_path: Path, codec: str) -> None:
    source = clip(tmp_path / "a.mkv", 120, audio=("eng",))
    options = {**QUICK, "codec": codec, "preset": ""}
    [found] = estimated([source], **options)
    target = tmp_path / "real.mkv"
    upscale(source, target, **options)
    assert found.bytes
    assert found.bytes / target.stat().st_size == pytest.approx(1, abs=0.2)


def test_the_other_streams_are_the_sources_own(tmp_path: Path) -> None:
    silent = clip(tmp_path / "a.mp4", 60)
    heard = clip(tmp_path / "b.mp4", 60, audio=("eng", "deu"))
    without, with_sound = estimated([silent, heard])
    [asked_for_none] = estimated([heard], audio="none")
    assert not with_sound.measured  # its picture is like the other's
    assert without.bytes
    assert with_sound.bytes
    assert asked_for_none.bytes
    target = tmp_path / "real.mkv"
    copied = upscale(heard, target, **QUICK)
    assert len(copied.copied) == 2
    spoken = target.stat().st_size
    upscale(silent, target, overwrite=True, **QUICK)
    sound = spoken - target.stat().st_size
    assert with_sound.bytes - without.bytes == pytest.approx(sound, rel=0.2)
    assert asked_for_none.bytes == pytest.approx(without.bytes, rel=0.2)


def test_a_part_of_a_file_costs_a_part(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 100)
    [whole] = estimated([source])
    [part] = estimated([source], start=Fraction(1), end=2.0)
    assert (whole.frames, part.frames) == (100, 25)
    assert part.bytes
    assert whole.bytes
    assert part.bytes < whole.bytes / 2
    [beyond] = estimated([source], start=60)
    assert (beyond.frames, beyond.seconds, beyond.bytes) == (None, None, None)
    assert "60 s" in beyond.reason


def test_what_cannot_be_done_is_told(tmp_path: Path) -> None:
    broken, good = tmp_path / "a.mp4", clip(tmp_path / "b.mp4", 12)
    broken.write_text("no video")
    first, second, missing = estimated([broken, good, tmp_path / "c.mp4"])
    assert first.reason.startswith(f"{broken}: cannot be read as a video")
    assert (first.frames, first.seconds, first.bytes, first.measured) == (None, None, None, False)
    assert second.seconds
    assert missing.reason.endswith("no such file")
    [refused] = estimated([good], codec="h265")
    assert refused.reason.startswith("unknown video encoder 'h265'")
    assert (refused.frames, refused.seconds) == (12, None)
    with pytest.raises(ModelError):
        estimated([good], model="no such")


def test_a_file_that_does_not_say_how_long_it_is(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.h264", 12)
    [found] = estimated([source])
    assert found.frames is None
    assert found.reason == "its length is not known"


def test_a_file_whose_middle_is_missing_is_measured_at_its_beginning(tmp_path: Path) -> None:
    whole = clip(tmp_path / "whole.mkv", 150, options={"g": "10"})
    source = tmp_path / "a.mkv"
    data = whole.read_bytes()
    source.write_bytes(data[: len(data) // 4])
    [found] = estimated([source])
    assert found.frames == 150
    assert found.seconds
    assert found.bytes


def test_still_images_go_by_their_pixels(tmp_path: Path) -> None:
    for name, side in (("a.png", 16), ("b.png", 32)):
        cv2.imwrite(str(tmp_path / name), picture(0, side, side))
    one, two = estimated([tmp_path / "a.png", tmp_path / "b.png"], suffix=".png")
    assert (one.frames, two.frames) == (1, 1)
    assert one.measured
    assert one.seconds
    assert one.bytes
    assert two.seconds == pytest.approx(4 * one.seconds)
    assert two.bytes == pytest.approx(4 * one.bytes, abs=2)


def test_an_estimate_for_a_single_frame(tmp_path: Path) -> None:
    [found] = estimated([make(tmp_path / "a.mp4", Clip(pts=(0,)))])
    assert found.frames == 1
    assert found.seconds
    assert found.bytes


def test_a_measurement_counts_the_frames_of_its_piece(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 75)
    rate = measure(source, UpscaleOptions.of(**QUICK), 0.2, 1.2, ".mkv")
    assert rate.frames == 20  # 30 less the first 10
    assert rate.seconds > 0
    assert rate.bytes > 0
    assert rate.seconds_for(40) == pytest.approx(2 * rate.seconds)
    # Each keyframe is paid for: a video of twice the length has more of them.
    assert rate.bytes_for(20) == rate.bytes + rate.once
    assert rate.bytes_for(1000) == 50 * rate.bytes + 4 * rate.once
    with pytest.raises(InputError, match="no frame"):
        measure(source, UpscaleOptions.of(**QUICK), 10, 1, ".mkv")


def test_what_two_runs_share_is_not_counted() -> None:
    """Frames at 0.1 s and 1000 bytes; 2.5 s and 9000 bytes that any run takes besides."""
    rate = _between(_Run(8, 3.3, 4.0, 17_000), _Run(24, 4.9, 5.6, 33_000))
    assert rate.seconds_for(100) == pytest.approx(10)
    assert (rate.bytes, rate.frames, rate.once) == (16_000, 16, 9_000)


def test_runs_that_do_not_differ_are_one() -> None:
    long = _Run(5, 1.0, 2.0, 5000)
    assert _between(_Run(0, 0.0, 0.0, 0), long) == Rate(5, 1.0, 5000, 0)
    assert _between(long, long) == Rate(5, 1.0, 5000, 0)
    # Nor is a difference believed that a busy machine made.
    assert _between(_Run(2, 1.5, 2.0, 2000), long).seconds_for(5) == pytest.approx(0.25)
