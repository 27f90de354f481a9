"""Networks that see several frames, on real clips: cuts, spans, and pictures that stand still."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from subprocess import run
from typing import Any

import av
import cv2
import numpy as np
import pytest
import torch
from support.clips import Clip, held, make, picture, planes
from support.context_network import Blend, blend
from support.paths import TESTS
from torch import Tensor

from vsr import Result, upscale
from vsr.core.frame import Frame
from vsr.core.span import Span
from vsr.images.images import open_images
from vsr.inference import passes
from vsr.inference.engine import Engine, restore
from vsr.networks.catalogue import ModelCard
from vsr.networks.model import Model
from vsr.networks.registry import load_model
from vsr.video.reader import open_video
from vsr.video.shots import mark_shots

ENGINE = Engine((torch.device("cpu"),), "fp32", 2)
WHOLE = Span()
# Whole groups of five with three B-frames between references; qp 0 loses nothing.
LOSSLESS = {"preset": "ultrafast", "qp": "0", "bf": "3"}
GROUPS = {**LOSSLESS, "x264-params": "keyint=5:min-keyint=5:scenecut=0:b-adapt=0"}
OPEN_GROUPS = {**GROUPS, "x264-params": GROUPS["x264-params"] + ":open-gop=1"}
ONE_GROUP = {**LOSSLESS, "x264-params": "keyint=250:scenecut=0:b-adapt=0"}
EVEN = tuple(range(0, 20 * 512, 512))
UNEVEN = (0, 40, 41, 90, 130, 142, 200, 260, 301, 333, 400, 410, 480, 520, 561, 600, 640, 700, 711)
# Pictures that stand still, two shots, and a shot of a single picture.
STILLS = (0, 0, 0, 1, 2, 2, 2, 2, 3, 4, -5, -5, -6, -7, 8, -9, -9, -10, -11, -12)


def no_warning(message: str) -> None:
    raise AssertionError(f"warned: {message}")


def restored(
    path: Path, context: int, span: Span = WHOLE, model: Model | None = None
) -> list[Frame]:
    """What the line of the pipeline gives, before it is written."""
    with open_video(path, span, no_warning) as video:
        shots = mark_shots(video.frames(context), video.info.format.peak)
        chosen = model or blend(context)
        return list(restore(shots, video.info, chosen, ENGINE))


def assert_pictures(found: Sequence[Frame], expected: Sequence[Frame]) -> None:
    assert len(found) == len(expected)
    for frame, other in zip(found, expected, strict=True):
        assert frame.shows_same(other)


def enlarge(source: Path, target: Path, **options: Any) -> Result:
    return upscale(source, target, scale=2, device="cpu", precision="fp32", **options)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has `upscale` take a model that is in no catalogue."""

    def take(model: Model) -> None:
        monkeypatch.setattr(passes, "first_model", lambda name, factor: model)

    return take


# Shots


@pytest.mark.parametrize("context", [1, 2])
@pytest.mark.parametrize("lengths", [(7, 7), (1, 13), (13, 1), (3, 2)])
def test_a_cut_is_the_end_of_one_clip_and_the_beginning_of_another(
    tmp_path: Path, lengths: tuple[int, int], context: int
) -> None:
    first, last = lengths
    shots = [range(1, first + 1), range(-first - 1, -first - last - 1, -1)]
    parts = []
    for number, shot in enumerate(shots):
        clip = Clip(pts=EVEN[: len(shot)], numbers=shot, options=LOSSLESS)
        parts += restored(make(tmp_path / f"{number}.mp4", clip), context)
    clip = Clip(pts=EVEN[: first + last], numbers=[*shots[0], *shots[1]], options=LOSSLESS)
    joined = restored(make(tmp_path / "joined.mp4", clip), context)
    assert [frame.pts for frame in joined] == list(clip.pts)
    assert_pictures(joined, parts)


@pytest.mark.parametrize("name", ["vespcn", "vespcn-wide"])
def test_the_bundled_models_keep_to_shots_and_spans(tmp_path: Path, name: str) -> None:
    model = load_model(name, 4)
    context = model.network.context
    shots = [range(1, 6), range(-6, -11, -1)]
    parts = []
    for number, shot in enumerate(shots):
        clip = Clip(pts=EVEN[: len(shot)], numbers=shot, options=LOSSLESS)
        path = make(tmp_path / f"{number}.mp4", clip)
        parts += restored(path, context, model=model)
    clip = Clip(pts=EVEN[:10], numbers=[*shots[0], *shots[1]], options=GROUPS)
    path = make(tmp_path / "joined.mp4", clip)
    joined = restored(path, context, model=model)
    assert_pictures(joined, parts)
    span = Span(Fraction(3, 25), Fraction(8, 25))
    assert_pictures(restored(path, context, span, model), joined[3:8])


def test_neighbours_are_looked_at(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(options=LOSSLESS))
    alone, *more = (restored(path, context) for context in (0, 1, 2))
    for found in more:
        for frame, single in zip(found, alone, strict=True):
            assert not np.array_equal(frame.planes[0], single.planes[0])
            for chroma, same in zip(frame.planes[1:], single.planes[1:], strict=True):
                assert np.array_equal(chroma, same)


# Spans


def assert_spans(path: Path, starts: Sequence[int], context: int) -> None:
    """Whatever part is taken, its frames are those of the whole: times and every sample."""
    whole = restored(path, context)
    with open_video(path, WHOLE, no_warning) as video:
        base, origin = video.info.time_base, video.origin
    times = [frame.pts * base - origin for frame in whole]
    for first in starts:
        for last in sorted({first + 1, first + 4, len(whole)} & set(range(len(whole) + 1))):
            end = times[last] if last < len(whole) else None
            found = restored(path, context, Span(times[first], end))
            assert [frame.pts for frame in found] == [frame.pts for frame in whole[first:last]]
            durations = [frame.duration for frame in whole[first:last]]
            assert [frame.duration for frame in found] == durations
            assert_pictures(found, whole[first:last])


@pytest.mark.slow
@pytest.mark.parametrize("context", [1, 2])
@pytest.mark.parametrize(
    ("suffix", "options", "numbers"),
    [
        (".mp4", GROUPS, ()),
        (".mkv", OPEN_GROUPS, ()),
        (".mp4", ONE_GROUP, ()),
        (".mp4", GROUPS, STILLS),
        (".mkv", OPEN_GROUPS, STILLS),
        (".mp4", ONE_GROUP, STILLS),
        (".ts", GROUPS, STILLS),
    ],
)
def test_a_part_is_restored_as_in_the_whole(
    tmp_path: Path, suffix: str, options: dict[str, str], numbers: Sequence[int], context: int
) -> None:
    clip = Clip(pts=EVEN, numbers=numbers, options=options)
    assert_spans(make(tmp_path / f"clip{suffix}", clip), range(0, 20), context)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("offset", [0, 5000])
def test_a_part_of_a_clip_with_uneven_times(tmp_path: Path, suffix: str, offset: int) -> None:
    pts = tuple(offset + t for t in UNEVEN)
    numbers = STILLS[: len(pts)]
    clip = Clip(pts=pts, time_base=Fraction(1, 1000), numbers=numbers, options=OPEN_GROUPS)
    assert_spans(make(tmp_path / f"clip{suffix}", clip), range(0, 19, 3), 2)


@pytest.mark.parametrize(
    ("codec", "suffix", "options"),
    [
        ("libx264", ".flv", GROUPS),
        ("mpeg2video", ".mpg", {"g": "5", "bf": "2"}),
        ("mpeg4", ".avi", {"g": "5", "bf": "2"}),
        ("ffv1", ".mkv", {}),
        ("libvpx-vp9", ".webm", {"g": "5", "deadline": "realtime", "cpu-used": "8"}),
    ],
)
def test_a_part_in_other_codecs(
    tmp_path: Path, codec: str, suffix: str, options: dict[str, str]
) -> None:
    tick = Fraction(1, 25)
    clip = Clip(codec=codec, pts=tuple(range(20)), time_base=tick, options=options, numbers=STILLS)
    assert_spans(make(tmp_path / f"clip{suffix}", clip), (0, 1, 4, 7, 11, 13), 2)


def test_a_part_amid_a_picture_that_stands_still_for_long(tmp_path: Path) -> None:
    numbers = [1, 2, *[3] * 150, 4, 5]  # far more than a second on each side
    pts = range(0, len(numbers) * 512, 512)
    path = make(tmp_path / "clip.mp4", Clip(pts=pts, numbers=numbers, options=GROUPS))
    assert_spans(path, (60, 100), 2)


@pytest.mark.parametrize("context", [0, 1, 2])
@pytest.mark.parametrize("damaged", ["before", "behind"])
def test_damage_outside_a_part_is_none_of_its_business(
    tmp_path: Path, damaged: str, context: int
) -> None:
    numbers = [min(n, 14) for n in range(40)]  # the last picture's neighbour is looked for in vain
    pts = range(0, 40 * 512, 512)
    path = make(tmp_path / "clip.mp4", Clip(pts=pts, numbers=numbers, options=GROUPS))
    span = Span(Fraction(10, 25), Fraction(15, 25))
    whole = restored(path, context, span)
    with av.open(str(path)) as container:
        packets = [(p.pts or 0, p.pos or 0, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    for time, pos, size in packets:
        if time < 10 * 512 if damaged == "before" else time >= 30 * 512:
            data[pos : pos + size] = bytes(size)
    path.write_bytes(data)
    found = restored(path, context, span)
    assert [frame.pts for frame in found] == [512 * n for n in range(10, 15)]
    near = context if damaged == "before" else 0  # frames that now miss a neighbour
    assert_pictures(found[near:], whole[near:])


# Files


@pytest.mark.parametrize("context", [1, 2])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_part_from_file_to_file(tmp_path: Path, use: Any, suffix: str, context: int) -> None:
    use(blend(context))
    clip = Clip(pts=UNEVEN, time_base=Fraction(1, 1000), numbers=STILLS[:19], options=GROUPS)
    source = make(tmp_path / f"in{suffix}", clip)
    whole, part = tmp_path / "whole.mkv", tmp_path / "part.mkv"
    result = enlarge(source, whole, codec="ffv1")
    assert result.frames_in == result.frames_out == 19
    assert held(whole).pts == held(source).pts
    result = enlarge(source, part, codec="ffv1", start=Fraction(13, 100), end=Fraction(48, 100))
    assert result.frames_in == result.frames_out == 8
    assert not result.warnings
    times = [Fraction(t - 130, 1000) for t in UNEVEN]
    inside = [n for n, t in enumerate(times) if 0 <= t < Fraction(35, 100)]
    assert held(part).pts == [times[n] for n in inside]
    for n, found in zip(inside, planes(part), strict=True):
        for plane, expected in zip(found, planes(whole)[n], strict=True):
            assert np.array_equal(plane, expected)


@pytest.mark.parametrize("context", [0, 1, 2])
@pytest.mark.parametrize("numbers", [STILLS, (4,) * 20, (4,)])
def test_a_picture_that_stands_still_is_enlarged_once(
    tmp_path: Path, use: Any, numbers: tuple[int, ...], context: int
) -> None:
    runs: list[int] = []

    class Counting(Blend):
        def subpixel(self, x: Tensor) -> Tensor:
            runs.append(x.shape[1])
            return super().subpixel(x)

    use(Model(ModelCard("counting", 2, "test", gmacs=1), Counting(2, context)))  # known: not tried
    pts = tuple(n * n for n in range(len(numbers)))
    clip = Clip(pts=pts, time_base=Fraction(1, 1000), numbers=numbers, options=LOSSLESS)
    source, target = make(tmp_path / "in.mkv", clip), tmp_path / "out.mkv"
    result = enlarge(source, target, codec="ffv1", tile=0)  # or a piece is tried for its size
    assert result.frames_in == result.frames_out == len(numbers)
    assert held(target).pts == held(source).pts
    assert runs == [2 * context + 1] * len(set(numbers))
    found = planes(target)
    for n, number in enumerate(numbers):
        same = found[numbers.index(number)]
        assert all(np.array_equal(a, b) for a, b in zip(found[n], same, strict=True))


@pytest.mark.parametrize("context", [1, 2])
def test_a_folder_of_images_is_a_clip(tmp_path: Path, use: Any, context: int) -> None:
    use(blend(context))
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for n, number in enumerate(STILLS):
        cv2.imwrite(str(source / f"{n}.png"), picture(number, 64, 48))
    result = enlarge(source, target)
    assert result.frames_in == result.frames_out == 20
    with open_images(source, no_warning) as images:
        shots = mark_shots(images.frames(context), 255)
        expected = list(restore(shots, images.info, blend(context), ENGINE))
    video = make(tmp_path / "clip.mkv", Clip(pts=EVEN, numbers=STILLS, options=LOSSLESS))
    as_video = restored(video, context)
    for n in range(20):
        found = cv2.imread(str(target / f"{n}.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(found, expected[n].planes[0])
        assert np.array_equal(found, as_video[n].planes[0])


def test_images_by_themselves_are_no_neighbours(tmp_path: Path, use: Any) -> None:
    use(blend(1))
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for n in range(4):
        cv2.imwrite(str(source / f"{n}.png"), picture(n, 24, 16))
    enlarge(source, target, stills=True)
    for n in range(4):
        found = cv2.imread(str(target / f"{n}.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(found, picture(n, 24, 16).repeat(2, 0).repeat(2, 1))


MEASURED = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from support.context_network import blend
from vsr import upscale
from vsr.inference import passes
passes.first_model = lambda name, factor: blend(1)
upscale(sys.argv[2], sys.argv[3], scale=2, device="cpu", preset="ultrafast")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_long_clip_takes_no_more_memory(tmp_path: Path) -> None:
    peaks = []
    for frames in (60, 1200):
        numbers = [n if n % 100 < 50 else 50 for n in range(1, frames + 1)]  # half stands still
        pts = range(0, frames * 512, 512)
        clip = Clip(160, 120, pts=pts, numbers=numbers, options=LOSSLESS)
        source, target = make(tmp_path / f"{frames}.mp4", clip), tmp_path / f"{frames}-large.mkv"
        command = [sys.executable, "-c", MEASURED, str(TESTS), source, target]
        peaks.append(int(run(command, check=True, capture_output=True).stdout))
    assert peaks[1] <= peaks[0] * 1.1
