"""What a finished file holds, and what --verify finds wrong with one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest
from support.clips import Clip, make, remux

from vsr import upscale
from vsr.core.errors import OutputError
from vsr.output.verify import check_output, verify

EVEN = tuple(range(0, 20 * 512, 512))
BASE = Fraction(1, 12800)
PLAIN = {"preset": "veryfast", "bf": "2"}
TARGET = Path("the/target.mp4")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts", ".flv", ".webm"])
def test_frames_and_length(tmp_path: Path, suffix: str) -> None:
    codec = {"codec": "libvpx-vp9", "options": {"cpu-used": "8"}} if suffix == ".webm" else {}
    path = make(tmp_path / f"clip{suffix}", Clip(pts=EVEN, **codec))
    found = check_output(path, TARGET, 20)
    assert found.frames == 20
    assert abs(found.duration - 20 * 512 * BASE) <= Fraction(1, 25)  # where the last is a guess
    assert found.sound_offset is None


@pytest.mark.parametrize(("suffix", "codec"), [(".h264", "libx264"), (".hevc", "libx265")])
def test_the_length_of_a_file_that_keeps_no_times(tmp_path: Path, suffix: str, codec: str) -> None:
    source = make(tmp_path / "clip.mp4", Clip(width=64, height=64, pts=EVEN))
    run = upscale(source, tmp_path / f"raw{suffix}", model="nearest", scale=2, codec=codec).run
    assert run.duration_out == run.duration_in == 20 * 512 * BASE


@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 10), Fraction(3, 2)])
def test_when_the_sound_begins(tmp_path: Path, start: Fraction) -> None:
    path = make(tmp_path / "clip.mp4", Clip(pts=EVEN, audio=("eng", "deu"), audio_start=start))
    offset = check_output(path, TARGET, 20).sound_offset
    assert offset is not None
    # AAC begins with a packet of silence; the clip's muxer rounds starts to milliseconds.
    assert abs(offset - (start - Fraction(1024, 48000))) <= Fraction(1, 1000)


def test_a_missing_frame_is_an_error(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(pts=EVEN))
    with pytest.raises(OutputError, match=r"the/target\.mp4: 20 of 21 frames arrived"):
        check_output(path, TARGET, 21)


def test_a_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"not a video at all")
    with pytest.raises(OutputError, match=r"the/target\.mp4: cannot be read again"):
        check_output(path, TARGET, 1)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".mov"])
def test_a_good_file_is_verified(tmp_path: Path, suffix: str) -> None:
    pts = (0, 512, 1024, 1700, 2600, 2700, 9000)
    path = make(tmp_path / f"clip{suffix}", Clip(pts=pts, options=PLAIN))
    verify(path, TARGET, pts, BASE)
    verify(path, TARGET, [t + 512 for t in pts], BASE)  # moved as a whole


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (EVEN[:-1], "20 of 19 frames"),
        ((*EVEN, 20 * 512), "20 of 21 frames"),
        ((*EVEN[:9], EVEN[9] + 300, *EVEN[10:]), r"frame 10 is -0\.02\d+ s off"),
    ],
)
def test_other_times_are_an_error(tmp_path: Path, times: Sequence[int], message: str) -> None:
    path = make(tmp_path / "clip.mp4", Clip(pts=EVEN, options=PLAIN))
    with pytest.raises(OutputError, match=message):
        verify(path, TARGET, times, BASE)


def test_a_packet_that_cannot_be_decoded_is_an_error(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(pts=EVEN, options={"preset": "veryfast", "bf": "0"}))
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][8]
        place, size = packet.pos, packet.size
    assert place is not None
    data = bytearray(path.read_bytes())
    data[place : place + size] = bytes(size)
    path.write_bytes(data)
    assert check_output(path, TARGET, 20).frames == 20  # it is there
    with pytest.raises(OutputError):
        verify(path, TARGET, EVEN, BASE)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_run_says_what_arrived(tmp_path: Path, suffix: str) -> None:
    start = Fraction(1, 10)
    source = make(tmp_path / "in.mp4", Clip(pts=EVEN, audio=("eng",), audio_start=start))
    target = tmp_path / f"out{suffix}"
    result = upscale(source, target, scale=2, model="bicubic", preset="ultrafast", verify=True)
    facts = result.facts()
    assert facts["verified"] is True
    assert facts["frames_in"] == facts["frames_out"] == 20
    assert facts["duration_in"] == pytest.approx(0.8)
    assert abs(facts["duration_difference"]) <= 0.002
    assert facts["av_offset_in"] == pytest.approx(float(start) - 1024 / 48000, abs=0.001)
    assert facts["av_offset_out"] == pytest.approx(facts["av_offset_in"], abs=0.0011)
    assert facts["copied"] == ["1 audio aac (eng)"]
    assert facts["damage"] == {}


def test_without_sound_there_is_no_offset(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(pts=EVEN, audio=("eng",)))
    silent = remux(source, tmp_path / "silent.mp4", ("video",))
    result = upscale(silent, tmp_path / "out.mp4", scale=2, model="bicubic", preset="ultrafast")
    assert (result.run.sound_in, result.run.sound_out) == (None, None)
