"""Several files read as one: the same pictures, the same packets, each part in its place."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.clips import Clip, make
from support.part_lists import listed

from vsr.core.errors import InputError
from vsr.core.frame import Frame
from vsr.core.span import Span
from vsr.video.joined import difference, measure
from vsr.video.open import open_input
from vsr.video.reader import open_video

SECOND = 10**6
CLIP = Clip(pts=range(0, 24 * 1024, 1024), audio=("eng",))  # 1.92 s


def clips(folder: Path, suffix: str = ".mp4", clip: Clip = CLIP) -> list[Path]:
    """Three clips with pictures of their own."""
    return [
        make(folder / f"it's {n}{suffix}", replace(clip, numbers=range(100 * n, 100 * n + 24)))
        for n in range(3)
    ]


def frames(path: Path, start: Fraction | None = None, end: Fraction | None = None) -> list[Frame]:
    """The frames of a video, or of a part of it; nothing may be amiss."""
    told: list[str] = []
    with open_video(path, Span(start, end), told.append) as video:
        drawn = list(video.frames())
    assert told == []
    return drawn


def times(path: Path) -> list[Fraction]:
    """When the pictures are shown, from the container's start on."""
    with open_video(path, Span(), pytest.fail) as video:
        base, origin = video.info.time_base, video.origin
        return [frame.pts * base - origin for frame in video.frames()]


def pictures(drawn: Sequence[Frame]) -> list[list[np.ndarray]]:
    return [[np.asarray(plane) for plane in frame.planes] for frame in drawn]


def assert_same(one: Sequence[Frame], other: Sequence[Frame]) -> None:
    assert len(one) == len(other)
    for a, b in zip(pictures(one), pictures(other), strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def packets(path: Path, kind: str) -> list[bytes]:
    with open_input(path) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


X265 = {"x265-params": "log-level=none"}


@pytest.mark.parametrize(
    ("suffix", "clip"),
    [
        (".mp4", CLIP),
        (".mkv", CLIP),
        (".mp4", replace(CLIP, codec="libx265", options=X265)),
        (".mp4", replace(CLIP, codec="mpeg4", options={})),
        (".mkv", replace(CLIP, codec="mjpeg", pix_fmt="yuvj420p", options={})),
    ],
    ids=["mp4", "mkv", "hevc", "mpeg4", "mjpeg"],
)
def test_pictures_and_sound_are_those_of_the_parts(tmp_path: Path, suffix: str, clip: Clip) -> None:
    parts = clips(tmp_path, suffix, clip)
    starts = [0, 2 * SECOND, 30 * SECOND]
    joined = listed(tmp_path, parts, starts)
    every = [frames(part) for part in parts]
    drawn = frames(joined)
    assert_same(drawn, [frame for part in every for frame in part])
    sound = [packet for part in parts for packet in packets(part, "audio")]
    assert packets(joined, "audio") == sound
    tick = Fraction(1, 1000) if suffix == ".mkv" else Fraction(1, 90000)
    expected = [
        Fraction(start, SECOND) + time
        for start, part in zip(starts, parts, strict=True)
        for time in times(part)
    ]
    got = times(joined)
    first = got[0] - expected[0]  # where the joined clock's first sound stands before 0
    assert all(abs(a - first - b) <= tick for a, b in zip(got, expected, strict=True))
    # A gap is one: the picture before it stands until the next part begins.
    base = Fraction(1, 10**6)
    assert all(frame.duration > 0 for frame in drawn)
    assert got[48] - got[47] > 26 + base


def test_expected_frames_are_those_of_the_parts(tmp_path: Path) -> None:
    """A pause holds none."""
    joined = listed(tmp_path, clips(tmp_path), [0, 2 * SECOND, 30 * SECOND])
    for span, frames in (
        (Span(), 72),
        (Span(Fraction(30)), 24),
        (Span(None, Fraction(10)), 48),
    ):
        with open_video(joined, span, pytest.fail) as video:
            assert video.expected_frames is not None
            assert abs(video.expected_frames - frames) <= 1


def test_parts_with_parameter_sets_of_their_own(tmp_path: Path) -> None:
    """An encoder that was started anew with other settings, at the same size."""
    parts = clips(tmp_path)
    others = {"bf": "0", "preset": "ultrafast", "profile": "baseline", "crf": "35"}
    make(parts[1], replace(CLIP, options=others))
    assert_same(
        frames(listed(tmp_path, parts, [0, 2 * SECOND, 4 * SECOND])),
        [frame for part in parts for frame in frames(part)],
    )


@pytest.mark.parametrize("audio", [("eng",), ()])
@pytest.mark.parametrize(
    ("suffix", "time_base"),
    [(".mp4", Fraction(1, 12800)), (".mp4", Fraction(1, 30000)), (".mkv", None)],
)
def test_a_span_is_the_frames_that_the_whole_has(
    tmp_path: Path, suffix: str, time_base: Fraction | None, audio: Sequence[str]
) -> None:
    """Places at which libav's own seeking would fail or lose pictures are among these."""
    base = time_base or Fraction(1, 12800)
    step = round(Fraction(1001, 12500) / base)
    options = {"g": "10", "bf": "2"}
    clip = Clip(pts=range(0, 24 * step, step), time_base=base, audio=audio, options=options)
    joined = listed(tmp_path, clips(tmp_path, suffix, clip), [0, 2_000_001, 30_000_007])
    drawn = frames(joined)
    with open_video(joined, Span(), pytest.fail) as video:
        base, origin = video.info.time_base, video.origin
    spans = [(Fraction(n, 13), Fraction(n, 13) + Fraction(4, 3)) for n in range(0, 60, 3)]
    for start, end in (*spans, (Fraction(5, 2), Fraction(31)), (Fraction(30), Fraction(40))):
        inside = [f for f in drawn if start <= f.pts * base - origin < end]
        if inside:
            assert_same(frames(joined, start, end), inside)


def test_a_part_that_is_missing_or_changed_is_told(tmp_path: Path) -> None:
    parts = clips(tmp_path)
    joined = listed(tmp_path, parts, [0, 2 * SECOND, 4 * SECOND])
    data = parts[1].read_bytes()
    parts[1].write_bytes(data + b"\0")
    with pytest.raises(InputError, match="was changed since it was listed"):
        open_input(joined)
    parts[1].unlink()
    with pytest.raises(InputError, match="No such file"):
        open_input(joined)


def test_a_part_that_goes_while_it_is_read_is_told(tmp_path: Path) -> None:
    parts = clips(tmp_path)
    joined = listed(tmp_path, parts, [0, 2 * SECOND, 4 * SECOND])
    told: list[str] = []
    with open_video(joined, Span(), told.append) as video:
        drawn = video.frames()
        next(drawn)
        parts[2].unlink()
        left = 1 + sum(1 for _ in drawn)
    assert left == 48
    assert any("shorter" in line or "bytes" in line or "read" in line for line in told), told
    assert video.damage.as_dict() if hasattr(video.damage, "as_dict") else video.damage


def test_a_part_that_leads_to_other_files_is_refused(tmp_path: Path) -> None:
    parts = clips(tmp_path)
    joined = listed(tmp_path, parts, [0, 2 * SECOND, 4 * SECOND])
    size, modified = parts[1].stat().st_size, parts[1].stat().st_mtime_ns
    text = b"ffconcat version 1.0\nfile 'file:/etc/hostname'\n"
    parts[1].write_bytes(text + b"#" * (size - len(text)))
    os.utime(parts[1], ns=(modified, modified))
    with pytest.raises(InputError, match="leads to other files"):
        open_input(joined)


def test_what_differs_is_named(tmp_path: Path) -> None:
    def measured(name: str, clip: Clip) -> object:
        path = make(tmp_path / name, clip)
        with open_input(path) as container:
            return measure(container, path)

    plain = measured("plain.mp4", CLIP)
    for name, clip, said in (
        ("size.mp4", replace(CLIP, width=96), "video 0: width 64, then 96"),
        ("mute.mp4", replace(CLIP, audio=()), "audio 1 is in one of them alone"),
        ("codec.mp4", replace(CLIP, codec="mpeg4", options={}), "video 0: codec h264, then mpeg4"),
        ("rate.mp4", replace(CLIP, audio_rate=44100), "audio 1: parameters "),
    ):
        assert difference(plain, measured(name, clip)).startswith(said)  # type: ignore[arg-type]
    assert difference(plain, measured("same.mp4", CLIP)) == ""  # type: ignore[arg-type]
