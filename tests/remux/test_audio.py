"""Sound that a container cannot hold is encoded, sample by sample at the same times."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support.cli_runner import vsr
from support.copied_streams import Passed, footage, passed, payloads, sound, wave

from vsr import upscale
from vsr.core.options import StreamOptions

RATE = 48000
TRANSCODE = StreamOptions(audio="transcode")


def heard(path: Path, rate: int = RATE) -> np.ndarray:
    """The first track as a player gives it. Sample 0 is heard when the first frame is shown;
    what comes before is cut off. Times that are off by a rounded tick do not count."""
    with av.open(str(path)) as container:
        shown = [p.pts for p in container.demux(container.streams.video[0]) if p.pts is not None]
        first = min(shown) * container.streams.video[0].time_base
    placed, due = np.zeros(2 * rate, np.float32), None
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", "stereo", rate)
        for packet in container.demux(container.streams.audio[0]):
            for frame in packet.decode():
                if frame.pts is None and due is None:
                    frame.pts = packet.pts
                for part in resampler.resample(frame):
                    samples = part.to_ndarray()[0]
                    if part.pts is not None:
                        at = round((part.pts * part.time_base - first) * rate)
                    due = at if due is None or abs(at - due) > rate // 100 else due
                    begin = max(0, -due)
                    if begin < len(samples):
                        placed[due + begin : due + len(samples)] = samples[begin:]
                    due += len(samples)
    return placed


def delay(after: np.ndarray, before: np.ndarray) -> int:
    """By how many samples `after` is late."""
    size = 2 * len(before)
    likeness = np.fft.irfft(np.fft.rfft(after, size) * np.fft.rfft(before, size).conj())
    best = int(np.argmax(likeness))
    return best - size if best > size // 2 else best


def likeness(after: np.ndarray, before: np.ndarray) -> float:
    return float(after @ before / np.sqrt((after @ after) * (before @ before)))


def tracks(path: Path) -> list[tuple[str, int, str]]:
    with av.open(str(path)) as container:
        return [
            (s.codec_context.codec.canonical_name, s.rate, s.layout.name)
            for s in container.streams.audio
        ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("codec", "source_suffix", "suffix", "becomes"),
    [
        ("wmav2", ".asf", ".mp4", "aac"),
        ("libopencore_amrnb", ".3gp", ".mkv", "aac"),
        ("libopus", ".mkv", ".avi", "mp3"),
        ("aac", ".mp4", ".webm", "opus"),
        ("aac", ".mp4", ".mpg", "mp2"),
        ("flac", ".mkv", ".ts", "aac"),
        ("pcm_s16le", ".mov", ".flv", "aac"),
    ],
)
def test_sound_stays_in_step_with_the_picture(
    tmp_path: Path, codec: str, source_suffix: str, suffix: str, becomes: str
) -> None:
    rate, layout = (8000, "mono") if "amr" in codec else (RATE, "stereo")
    source = footage(tmp_path / f"in{source_suffix}", _sound(codec, rate, layout), "mpeg4")
    target = tmp_path / f"out{suffix}"
    result = upscale(
        source,
        target,
        scale=2,
        model="nearest",
        device="cpu",
        audio="transcode",
        codec=_codec(suffix),
    )
    assert [name for name, _, _ in tracks(target)] == [becomes]
    before, after = heard(source), heard(target)
    assert abs(delay(after, before)) <= _coarse(source_suffix, suffix)
    assert likeness(np.roll(after, -delay(after, before)), before) > 0.97
    assert [name.split(" as ")[1] for name in result.converted] == [becomes]
    assert not result.dropped
    assert not [w for w in result.warnings if "timestamps" not in w and "encoder" not in w]


def _sound(codec: str, rate: int, layout: str) -> Any:
    def add(out: Any) -> Any:
        write = sound(codec, rate, layout, language="fra")(out)
        if codec == "wmav2":
            out.streams.audio[0].bit_rate = 128000
        return write

    return add


def _codec(suffix: str) -> str:
    return "libvpx" if suffix == ".webm" else ""


def _coarse(source_suffix: str, suffix: str) -> int:
    """Samples by which a container's clock may be off: Matroska's and ASF's tick once in 1 ms."""
    return RATE // 1000 if {".mkv", ".asf", ".flv", ".webm"} & {source_suffix, suffix} else 12


def _passed(source: Path, target: Path, **options: Any) -> Passed:
    return passed(source, target, TRANSCODE, encoder="mpeg4", **options)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_sound_that_begins_late_does_so_again(tmp_path: Path, suffix: str) -> None:
    source = footage(tmp_path / "in.mkv", sound("libopus", start=4800))
    target = tmp_path / f"out{'.mkv' if suffix == '.mkv' else suffix}"
    before = heard(source)
    assert not np.any(before[:4000])
    if suffix == ".mkv":  # it holds Opus: what it does not is AMR
        source = footage(tmp_path / "in.3gp", sound("libopencore_amrnb", 8000, "mono", 800))
        before = heard(source)
    if suffix in (".mp4", ".ts"):  # they hold Opus too
        source = footage(tmp_path / "in.asf", _late_wma)
        before = heard(source)
    went = _passed(source, target)
    assert len(went.plan.others.converted) == 1
    if suffix != ".avi":  # it has no start times
        assert abs(delay(heard(target), before)) <= RATE // 1000


def _late_wma(out: Any) -> Any:
    write = sound("wmav2", start=4800)(out)
    out.streams.audio[0].bit_rate = 128000
    return write


def test_a_gap_is_filled_with_silence(tmp_path: Path) -> None:
    source = footage(tmp_path / "in.mkv", sound("flac", gap=RATE // 5))
    before, target = heard(source), tmp_path / "out.ts"
    hole = slice(RATE // 4 + 4800, RATE // 4 + 8000)
    assert not np.any(before[hole])
    went = _passed(source, target)
    after = heard(target)
    assert delay(after, before) == 0
    assert likeness(after, before) > 0.99
    assert np.abs(after[hole]).max() < 1e-3
    assert not went.told
    with av.open(str(target)) as container:
        times = [p.pts * p.time_base for p in container.demux(audio=0) if p.size]
    gaps = {b - a for a, b in pairwise(times)}
    assert max(gaps) - min(gaps) <= Fraction(1, 90000)


def test_a_part_is_cut_to_the_sample(tmp_path: Path) -> None:
    source = footage(tmp_path / "in.mkv", sound("flac"))
    start, end = Fraction(4, 25), Fraction(10, 25)
    target = tmp_path / "out.ts"
    went = passed(source, target, TRANSCODE, start, end, "mpeg4")
    assert went.plan.others.converted == ("1 audio flac as aac",)
    first, length = int(start * RATE), int((end - start) * RATE)
    wanted = np.zeros(2 * RATE, np.float32)
    wanted[:length] = wave(RATE // 2, RATE, 2)[0][first : first + length]
    after = heard(target)
    assert delay(after, wanted) == 0
    assert likeness(after, wanted) > 0.98
    with av.open(str(target)) as container:
        times = [p.pts * p.time_base for p in container.demux(audio=0) if p.size]
        shown = [p.pts * p.time_base for p in container.demux(video=0) if p.size]
    assert times[-1] - min(shown, default=times[0]) <= end - start + Fraction(1, 25)


@pytest.mark.parametrize(
    ("codec", "rate", "layout", "suffix", "expected"),
    [
        ("flac", 48000, "5.1", ".ts", ("aac", 48000, "5.1")),
        ("flac", 96000, "stereo", ".ts", ("aac", 96000, "stereo")),
        ("flac", 48000, "5.1", ".webm", ("opus", 48000, "5.1")),
        ("flac", 44100, "stereo", ".webm", ("opus", 48000, "stereo")),
        ("libopus", 48000, "5.1", ".avi", ("mp3", 48000, "stereo")),
        ("flac", 8000, "mono", ".mpg", ("mp2", 16000, "mono")),
        ("flac", 22050, "mono", ".ts", ("aac", 22050, "mono")),
        ("flac", 48000, "7.1", ".ts", ("aac", 48000, "7.1")),
    ],
)
def test_rate_and_layout_as_near_as_the_encoder_goes(
    tmp_path: Path, codec: str, rate: int, layout: str, suffix: str, expected: tuple[str, int, str]
) -> None:
    video = {".webm": "libvpx", ".mpg": "mpeg2video"}.get(suffix, "mpeg4")
    source = footage(tmp_path / "in.mkv", sound(codec, rate, layout), video)
    passed(source, tmp_path / f"out{suffix}", TRANSCODE, encoder=video)
    # So short a program stream is not enough for libav to know its video.
    assert [t for t in tracks(tmp_path / f"out{suffix}") if t[1]] == [expected]


def test_the_rate_of_bits_suits_the_channels(tmp_path: Path) -> None:
    source = footage(tmp_path / "in.mkv", sound("flac"))
    went = _passed(source, tmp_path / "out.ts")
    settings = went.plan.actions[1].audio
    assert settings is not None
    assert settings.bit_rate == 192_000


def test_what_can_be_copied_is(tmp_path: Path) -> None:
    def both(out: Any) -> Any:
        writers = sound("aac", language="eng")(out), sound("flac", language="deu", title="T")(out)
        return lambda: [write() for write in writers]

    source = footage(tmp_path / "in.mkv", both)
    target = tmp_path / "out.ts"
    went = _passed(source, target)
    assert went.plan.others.copied == ("1 audio aac (eng)",)
    assert went.plan.others.converted == ("2 audio flac (deu) as aac",)
    before, after = payloads(source, "audio")[0], payloads(target, "audio")
    assert [packet[7:] for packet in after[0]] == before
    with av.open(str(target)) as container:
        assert [s.metadata["language"] for s in container.streams.audio] == ["eng", "deu"]


def test_packets_that_cannot_be_decoded_are_skipped_and_counted(tmp_path: Path) -> None:
    source = footage(tmp_path / "in.mkv", sound("flac"))
    frames = payloads(source, "audio")[0]
    data = bytearray(source.read_bytes())
    at = data.index(frames[2])
    data[at : at + 16] = bytes(16)
    source.write_bytes(data)
    target = tmp_path / "out.ts"
    went = _passed(source, target)
    assert went.told == ["1 audio flac: 1 packet could not be decoded"]
    whole = wave(RATE // 2, RATE, 2)[0]
    after = heard(target)
    length = RATE // 2 // len(frames)
    assert likeness(after[:length], whole[:length]) > 0.98  # what came before
    tail = slice(RATE // 2 - 2000, RATE // 2)
    assert likeness(after[tail], whole[tail]) > 0.98  # and behind it, in its place


def test_sound_is_not_encoded_unasked(tmp_path: Path) -> None:
    source = footage(tmp_path / "in.mkv", sound("flac"))
    went = passed(source, tmp_path / "out.ts", encoder="mpeg4")
    assert went.plan.others.dropped == (
        "1 audio flac: .ts cannot hold it (--audio transcode converts it)",
    )


@pytest.mark.slow
def test_the_audio_option(tmp_path: Path) -> None:
    source = footage(tmp_path / "in.mkv", sound("flac"))
    common = ("upscale", source, "--scale", 2, "-m", "nearest", "--preset", "ultrafast")
    for words, count in (
        (("--audio", "transcode"), 1),
        (("--audio", "none"), 0),
        (("--no-audio",), 0),
    ):
        target = tmp_path / f"out{words[-1]}.ts"
        ran = vsr(*common[:2], target, *common[2:], *words)
        assert ran.code == 0, ran.err
        assert "warning" not in ran.err
        with av.open(str(target)) as container:
            assert len(container.streams.audio) == count
    ran = vsr(*common[:2], tmp_path / "copied.ts", *common[2:])
    assert "left out: 1 audio flac: .ts cannot hold it (--audio transcode converts it)" in ran.err
    assert vsr(*common[:2], tmp_path / "a.ts", *common[2:], "--audio", "loud").code == 2
