"""The whole line: frames, times, colour and the span, from file to file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import torch
from support.cli_runner import vsr
from support.clips import Clip, Held, held, make, nearest, planes, remux

from vsr import Progress, Result, VsrError, upscale
from vsr.core.errors import InputError
from vsr.core.resample import resize
from vsr.inference.upscaler import Enlarger
from vsr.networks.catalogue import default_model
from vsr.pipeline import frames as flow

CONTAINERS = (".mp4", ".mkv", ".mov")
LOSSLESS: dict[str, Any] = {"codec": "ffv1", "options": {}}
STEADY = tuple(range(0, 12 * 512, 512))
TIMINGS = {
    "constant": Clip(audio=("eng",)),
    "no B-frames": Clip(audio=("eng",), options={"bf": "0", "preset": "ultrafast"}),
    "variable": Clip(pts=(0, 512, 1024, 1600, 2600, 5000, 5100, 9000, 9512), audio=("eng",)),
    "video late": Clip(pts=tuple(6400 + t for t in STEADY), audio=("eng",)),
    "video late, alone": Clip(pts=tuple(6400 + t for t in STEADY)),
    "audio late": Clip(audio=("eng",), audio_start=Fraction(1, 4)),
    "29.97": Clip(pts=range(0, 12 * 1001, 1001), time_base=Fraction(1, 30000), audio=("eng",)),
    "odd base": Clip(pts=(0, 7, 11, 20, 33, 35), time_base=Fraction(1, 97), audio=("eng",)),
}


def enlarge(source: Path, target: Path, **options: Any) -> Result:
    settings = {"scale": 2, "model": "bicubic", "device": "cpu", **options}
    if settings.get("codec") != "ffv1":
        settings.setdefault("preset", "ultrafast")
    return upscale(source, target, **settings)


def shift_of(found: Held, wanted: Sequence[Fraction]) -> Fraction:
    """By how much all frames' times lie off those wanted: the same for each, to the tick."""
    ticks = [time / found.time_base for time in found.pts]
    expected = nearest(wanted, found.time_base)
    shift = ticks[0] - expected[0]
    assert ticks == [tick + shift for tick in expected]
    return shift * found.time_base


def tick(path: Path) -> Fraction:
    """The coarsest clock among the file's streams."""
    with av.open(str(path)) as container:
        return max(Fraction(s.time_base) for s in container.streams if s.time_base)


def origin(path: Path) -> Fraction:
    """When the file starts, by its own clock."""
    with av.open(str(path)) as container:
        return Fraction(container.start_time or 0, av.time_base)


@pytest.mark.slow
@pytest.mark.parametrize("target_suffix", CONTAINERS)
@pytest.mark.parametrize("source_suffix", CONTAINERS)
@pytest.mark.parametrize("name", TIMINGS)
def test_frames_times_and_sound_arrive(
    tmp_path: Path, name: str, source_suffix: str, target_suffix: str
) -> None:
    clip = TIMINGS[name]
    source = make(tmp_path / f"in{source_suffix}", clip)
    target = tmp_path / f"out{target_suffix}"
    preset = "ultrafast" if name == "no B-frames" else "veryfast"  # the latter with B-frames
    result = enlarge(source, target, preset=preset)
    before, after = held(source), held(target)
    assert result.frames_in == result.frames_out == len(after.pts) == len(clip.pts)
    assert after.sizes == {(128, 96)}
    assert after.packets == before.packets
    assert not result.warnings
    shift = shift_of(after, before.pts)
    sound, sound_before = (h.times["audio"][0] if clip.audio else [] for h in (after, before))
    # Matroska's clock begins at 0: what would come before it moves all streams alike.
    early = bool(sound_before) and sound_before[0] < 0 and target_suffix == ".mkv"
    assert shift == 0 or (early and abs(shift + sound_before[0]) <= tick(target))
    for time, time_before in zip(sound, sound_before, strict=True):
        assert abs(time - time_before - shift) <= tick(target)
    if not early:
        assert all(
            abs(time - time_before) <= Fraction(1, 1000 if target_suffix == ".mkv" else 48000) / 2
            for time, time_before in zip(sound, sound_before, strict=True)
        )


@pytest.mark.slow
@pytest.mark.parametrize("target_suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("source_suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (Fraction(13, 25), Fraction(33, 25)),  # both on a frame
        (Fraction(13, 25), None),
        (None, Fraction(33, 25)),
        (Fraction(1, 3), Fraction(4, 3)),  # both between two ticks
        (Fraction(0), Fraction(1, 25)),
    ],
)
def test_a_span_begins_at_zero(
    tmp_path: Path,
    source_suffix: str,
    target_suffix: str,
    start: Fraction | None,
    end: Fraction | None,
) -> None:
    source = make(
        tmp_path / f"in{source_suffix}", Clip(pts=range(0, 36 * 512, 512), audio=("eng", "fra"))
    )
    target = tmp_path / f"out{target_suffix}"
    result = enlarge(source, target, start=start, end=end)
    before, after = held(source), held(target)
    begin = origin(source) + (start or 0)
    length = None if end is None else end - (start or 0)
    shown = [t - begin for t in before.pts if t >= begin and (length is None or t - begin < length)]
    assert result.frames_in == result.frames_out == len(after.pts) == len(shown)
    ticks = [time / after.time_base for time in after.pts]
    expected = nearest(shown, after.time_base)
    shift = round(ticks[0] - expected[0])
    # A start between two ticks is rounded, once for all.
    loose = (start or 0) % before.time_base != 0
    step = max(before.time_base, after.time_base) / after.time_base if loose else 0
    for found, wanted in zip(ticks, expected, strict=True):
        assert abs(found - wanted - shift) <= step
    span = Fraction(1024, 48000)
    for track, track_before, times, times_before in zip(
        after.packets["audio"],
        before.packets["audio"],
        after.times["audio"],
        before.times["audio"],
        strict=True,
    ):
        inside = [
            n
            for n, t in enumerate(times_before)
            if t + span > begin + Fraction(1, 1000)
            and (length is None or t - begin < length - Fraction(1, 1000))
        ]
        first = track_before.index(track[0])
        assert first <= inside[0] <= first + 1  # what sounds within the first tick may go
        assert track_before[first : first + len(track)] == track
        assert inside[-1] <= first + len(track) - 1 <= inside[-1] + 1
        ahead = times_before[first] - (shown[0] + begin)  # the sound's lead over the picture
        assert abs(times[0] - after.pts[0] - ahead) <= max(tick(source), tick(target))
        if target_suffix != ".mkv":
            assert abs(shift) <= step


def test_a_span_counts_from_the_files_start_not_the_videos(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", TIMINGS["video late"])  # sound from 0, pictures from 0.5 s
    target = tmp_path / "out.mp4"
    enlarge(source, target, start=Fraction(1, 4), end=Fraction(3, 4))
    assert held(target).pts == [Fraction(1, 4) + Fraction(n, 25) for n in range(7)]


@pytest.mark.parametrize("start", [0.48, 5, Fraction(10**6)])
def test_a_span_beyond_the_end_is_an_error(tmp_path: Path, start: float) -> None:
    source = make(tmp_path / "in.mp4")
    with pytest.raises(InputError, match="no frame can be decoded from"):
        enlarge(source, tmp_path / "out.mp4", start=start)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize(("start", "end"), [(-1, None), (1, 1), (2, 1), (None, 0)])
def test_an_empty_span_is_an_error(tmp_path: Path, start: float | None, end: float | None) -> None:
    source = make(tmp_path / "in.mp4")
    with pytest.raises(InputError, match=r"must (not be negative|come after)"):
        enlarge(source, tmp_path / "out.mp4", start=start, end=end)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize("value_range", [1, 2])
@pytest.mark.parametrize(
    ("pix_fmt", "fill"),
    [
        ("yuv420p", (81, 90, 240)),
        ("yuv422p", (16, 128, 17)),
        ("yuv444p", (235, 240, 0)),
        ("gray", (255,)),
        ("yuv420p10le", (81 * 4 + 1, 362, 961)),
        ("yuv422p10le", (64, 512, 1)),
        ("yuv444p10le", (1023, 2, 1022)),
        ("gray10le", (333,)),
        ("yuv420p12le", (2001, 77, 4095)),
        ("gray16le", (54321,)),
    ],
)
def test_plain_colour_stays_what_it_is(
    tmp_path: Path, pix_fmt: str, fill: tuple[int, ...], value_range: int
) -> None:
    clip = Clip(30, 18, pix_fmt, pts=(0, 512, 1024), fill=fill, **LOSSLESS)
    source = make(tmp_path / "in.mkv", replace(clip, color={"color_range": value_range}))
    target = tmp_path / "out.mkv"
    enlarge(source, target, scale=3, codec="ffv1")
    found = planes(target)
    assert len(found) == 3
    for frame in found:
        assert frame[0].shape == (54, 90)
        assert [np.unique(plane).tolist() for plane in frame] == [[value] for value in fill]
    assert held(target).info == held(source).info


def test_luma_is_the_papers_bicubic(tmp_path: Path) -> None:
    for pix_fmt, peak in (("yuv420p", 255), ("gray10le", 1023)):
        source = make(tmp_path / f"{peak}.mkv", Clip(41, 33, pix_fmt, pts=(0, 512), **LOSSLESS))
        target = tmp_path / f"{peak}-large.mkv"
        enlarge(source, target, codec="ffv1")
        for small, large in zip(planes(source), planes(target), strict=True):
            exact = resize(torch.from_numpy(small[0].astype(np.float32)), 66, 82)
            exact = exact.clamp(0, peak).numpy()
            assert np.abs(large[0] - exact).max() <= 0.5 + 1e-4  # a half goes either way


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize(
    "pix_fmt",
    ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le"],
)
def test_format_colour_tags_and_pixel_aspect_arrive(
    tmp_path: Path, pix_fmt: str, suffix: str
) -> None:
    hdr = {"color_range": 1, "colorspace": 9, "color_primaries": 9, "color_trc": 16}
    full = {"color_range": 2, "colorspace": 5, "color_primaries": 5, "color_trc": 6}
    clip = Clip(
        pix_fmt=pix_fmt,
        pts=STEADY[:4],
        color=hdr if "10" in pix_fmt else full,
        pixel_aspect=Fraction(10, 11),
    )
    source = make(tmp_path / f"in{suffix}", clip)
    target = tmp_path / f"out{suffix}"
    result = enlarge(source, target)
    before, after = held(source), held(target)
    assert after.info == before.info
    assert after.info["format"].replace("yuvj", "yuv") == pix_fmt
    assert after.info["range"] == clip.color["color_range"]
    assert after.info["pixel_aspect"] == Fraction(10, 11)
    assert not result.warnings


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize(
    "matrix",
    [
        (0, 65536, 0, -65536, 0, 0, 0, 0, 2**30),  # a quarter turn
        (-65536, 0, 0, 0, -65536, 0, 0, 0, 2**30),  # half a turn
        (-65536, 0, 0, 0, 65536, 0, 0, 0, 2**30),  # mirrored
        (0, 65536, 0, 65536, 0, 0, 0, 0, 2**30),  # mirrored and turned
    ],
)
def test_the_display_matrix_arrives(tmp_path: Path, matrix: tuple[int, ...], suffix: str) -> None:
    source = make(tmp_path / f"in{suffix}", Clip(pts=STEADY[:3], matrix=matrix))
    target = tmp_path / f"out{suffix}"
    enlarge(source, target)
    before, after = held(source), held(target)
    assert before.info["display_matrix"] is not None
    assert after.info["display_matrix"] == before.info["display_matrix"]
    assert after.sizes == {(128, 96)}  # turned by the player, not in the file


@pytest.fixture(scope="module")
def index_first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with sound whose index stands first."""
    folder = tmp_path_factory.mktemp("index_first")
    whole = make(folder / "whole.mp4", Clip(pts=range(0, 50 * 512, 512), audio=("eng",)))
    return remux(whole, folder / "clip.mp4", ("video", "audio"), movflags="faststart")


@pytest.mark.parametrize("audio", [True, False])
@pytest.mark.parametrize("kept", [0.35, 0.5, 0.66, 0.8, 0.9])
def test_a_file_that_is_cut_short_does_not_go_unnoticed(
    index_first: Path, tmp_path: Path, kept: float, audio: bool
) -> None:
    source, data = tmp_path / "in.mp4", index_first.read_bytes()
    source.write_bytes(data[: int(len(data) * kept)])
    try:
        result = enlarge(source, tmp_path / "out.mp4", audio=audio)
    except InputError as error:
        assert "truncated" in str(error)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4"]
    else:
        assert any("truncated" in warning or "short" in warning for warning in result.warnings)


def test_progress_and_result(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", Clip(audio=("eng",), attachment=b"\0\1\0\0font"))
    target = tmp_path / "out.mp4"
    seen: list[Progress] = []
    said: list[str] = []
    result = enlarge(source, target, progress=seen.append, warn=said.append)
    assert [now.frames for now in seen] == list(range(1, 13))
    assert {now.expected for now in seen} == {12}
    assert (result.source, result.target) == (source, target)
    assert (result.model, result.scale, result.device) == ("bicubic", 2, "cpu")
    assert result.encoder == "libx264"
    assert result.copied == ("1 audio aac (eng)",)
    assert len(result.dropped) == 1
    assert list(result.warnings) == said
    assert result.fps == pytest.approx(12 / result.seconds)


def test_an_error_of_who_is_told_is_not_taken_for_one_of_the_target(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", TIMINGS["no B-frames"])

    def progress(now: Progress) -> None:
        raise FileNotFoundError("a log of the caller's")

    with pytest.raises(FileNotFoundError, match="a log of the caller's"):
        enlarge(source, tmp_path / "out.mp4", progress=progress, resume="never")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_the_default_model_is_one_for_what_there_is_to_see(tmp_path: Path) -> None:
    clip = make(tmp_path / "in.mkv", Clip(24, 16, pts=(0, 512), **LOSSLESS))
    folder = tmp_path / "frames"
    for number in range(2):
        folder.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"{number}.png"), np.full((16, 24), 90 + number, np.uint8))
    chosen = {
        "video": upscale(clip, tmp_path / "out.mkv", device="cpu").model,
        "frames": upscale(folder, tmp_path / "large", device="cpu").model,
        "apart": upscale(folder, tmp_path / "apart", device="cpu", stills=True).model,
        "image": upscale(folder / "0.png", tmp_path / "out.png", device="cpu").model,
    }
    moving, still = default_model(), default_model(stills=True)
    assert chosen == {"video": moving, "frames": moving, "apart": still, "image": still}


def test_a_frame_that_the_network_loses_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_of_them = flow.enlarge

    def forgetful(*arguments: Any) -> Iterator[Any]:
        for number, frame in enumerate(all_of_them(*arguments)):
            if number != 5:
                yield frame

    monkeypatch.setattr(flow, "enlarge", forgetful)
    source = make(tmp_path / "in.mp4")
    with pytest.raises(VsrError, match="11 of 12 frames"):
        enlarge(source, tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["espcn", "vespcn"])
def test_tiles_and_threads_change_nothing(tmp_path: Path, model: str) -> None:
    source = make(tmp_path / "in.mkv", Clip(211, 165, pts=(0, 512, 1024), **LOSSLESS))
    options = {"scale": 2, "device": "cpu", "precision": "fp32", "codec": "ffv1"}
    found = []
    for name, how in {"whole": {"tile": 0}, "tiles": {"tile": 24, "threads": 1}}.items():
        target = tmp_path / f"{name}.mkv"
        result = upscale(source, target, model=model, **options, **how)
        assert result.frames_out == 3
        found.append(planes(target))
    for whole, tiled in zip(*found, strict=True):
        for plane, other in zip(whole, tiled, strict=True):
            assert np.array_equal(plane, other)


def test_running_out_of_memory_loses_no_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From an allocator that refuses what is larger than a part of the frame."""
    source = make(tmp_path / "in.mkv", Clip(96, 64, **LOSSLESS))
    exact = enlarge(source, tmp_path / "exact.mkv", codec="ffv1")
    enlarged = Enlarger.__call__

    def refusing(self: Enlarger, given: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        if given[0].shape[-2] * given[0].shape[-1] > 70 * 70:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")
        return enlarged(self, given)

    monkeypatch.setattr(Enlarger, "__call__", refusing)
    result = enlarge(source, tmp_path / "tiled.mkv", codec="ffv1", tile=0)
    assert (result.frames_in, result.frames_out) == (12, 12)
    assert result.warnings == ("out of memory on cpu: from here on in tiles of 48",)
    for plane, other in zip(planes(exact.target), planes(result.target), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(plane, other, strict=True))


@pytest.mark.slow
def test_self_ensemble_and_tiles_from_the_command_line(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(pts=(0, 512, 1024)))
    options = ["--scale", "2", "-m", "espcn", "--preset", "ultrafast", "--json", "--threads", "1"]
    ran = vsr("upscale", source, tmp_path / "a.mp4", *options, "--self-ensemble", "--tile", "16")
    assert ran.code == 0, ran.err
    assert ran.events[-1]["frames_out"] == 3
    for wrong in ("-1", "x", "1.5"):
        ran = vsr("upscale", source, tmp_path / "b.mp4", *options, "--tile", wrong)
        assert ran.code == 2
        assert f"{wrong!r} is not a tile: write auto, 0 or a number of pixels" in ran.err
        assert not (tmp_path / "b.mp4").exists()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["bicubic", "vespcn"])
def test_a_long_clip_takes_no_more_memory(tmp_path: Path, model: str) -> None:
    peaks = []
    for frames in (60, 600):
        pts = range(0, frames * 512, 512)
        clip = Clip(160, 120, pts=pts, audio=("eng",), options={"preset": "ultrafast"})
        source = make(tmp_path / f"{frames}.mp4", clip)
        target = tmp_path / f"{frames}-large.mkv"
        options = ["--scale", "2", "--model", model, "--preset", "ultrafast", "--quiet"]
        ran = vsr("upscale", source, target, *options, patience=180)
        assert ran.code == 0, ran.err
        peaks.append(ran.peak)
    assert peaks[1] <= peaks[0] * 1.1
