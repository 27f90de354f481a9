"""A recurrent network on real files: spans, segments, tiles and cores agree with the whole run."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from support.clips import Clip, make, planes
from support.natural_picture import natural
from support.noise_frames import assert_equal, described, model
from support.noise_frames import noise as uneven_noise
from support.random_weights import drawn
from torch import Tensor
from torch.nn import functional as F

import vsr
from vsr.adaptation.adapt import adapt
from vsr.core import lifetime
from vsr.core.crop import CropRegion
from vsr.core.errors import InputError
from vsr.core.events import ignore
from vsr.core.frame import Frame, VideoInfo
from vsr.core.quality import FLAWLESS, Quality
from vsr.core.span import Span
from vsr.inference import passes
from vsr.inference.engine import Engine, restore
from vsr.inference.recurrent_tiles import RecurrentTiler
from vsr.model_selection.quality import told_quality
from vsr.networks.recurrent import Recurrent
from vsr.networks.recurrent_state import quality_planes
from vsr.video.reader import open_video
from vsr.video.shots import mark_shots

CPU = torch.device("cpu")
LOSSLESS = {"preset": "ultrafast", "qp": "0", "bf": "3", "x264-params": "keyint=7:min-keyint=7"}
# Pictures that stand still, cuts (to a negative number), a long shot.
NUMBERS = (0, 0, 0, 1, 2, 2, 2, 3, -5, -5, -6, -7, 8, 9, 10, 10, *range(11, 60))
CLIP = Clip(pts=tuple(range(0, len(NUMBERS) * 512, 512)), numbers=NUMBERS, options=LOSSLESS)


def network(flow: float, coming_aligned: bool = True, future: int = 2) -> Recurrent:
    """With weights drawn at random; those of the motion net's last layers are scaled by `flow`."""
    options = {"features": 8, "pairs": 1, "flow_features": 4, "hidden": 6, "grades": 2}
    made = drawn(Recurrent(2, coming_aligned=coming_aligned, future=future, **options))
    with torch.no_grad():
        made.outward.weight.mul_(0.2)
        for layers in (made.motion.coarse, made.motion.fine):
            for parameter in layers[-1].parameters():
                parameter.mul_(flow)
    return made


NETWORK = network(1.0)
CALM = network(0.02)  # small errors stay small
WHOLE = Span()


@pytest.fixture(autouse=True)
def short_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lifetimes of 15 of the clip's frames."""
    monkeypatch.setattr(lifetime, "LIFETIME", Fraction(15, 25))


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has `upscale` take the network above, whatever is asked for."""
    monkeypatch.setattr(passes, "first_model", lambda name, factor: model(NETWORK))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("recurrent") / "clip.mp4", CLIP)


def engine(workers: int = 2, tile: int | None = None) -> Engine:
    return Engine((CPU,), "fp32", workers, tile)


def of_file(
    path: Path, span: Span = WHOLE, quality: Quality = FLAWLESS, warn: Any = pytest.fail
) -> list[Frame]:
    with open_video(path, span, warn) as video:
        drawn_frames = video.frames(NETWORK.neighbours, NETWORK.warmup)
        shots = mark_shots(drawn_frames, video.info.format.peak)
        made = restore(shots, video.info, model(NETWORK), engine(), pytest.fail, quality=quality)
        return list(made)


def noise(count: int, info: VideoInfo, seed: int = 4) -> list[Frame]:
    """Frames of noise, a tick each."""
    frames = uneven_noise(count, info, seed)
    return [replace(frame, pts=n, duration=1) for n, frame in enumerate(frames)]


def shot(frames: Sequence[Frame]) -> Iterator[Frame]:
    """Frames as one shot."""
    return (replace(frame, starts_shot=n == 0) for n, frame in enumerate(frames))


def of_frames(
    frames: Sequence[Frame],
    info: VideoInfo,
    chosen: Engine | None = None,
    by: Recurrent = NETWORK,
    **more: Any,
) -> list[Frame]:
    made = restore(shot(frames), info, model(by), chosen or engine(), pytest.fail, **more)
    return list(made)


def by_hand(
    frames: Sequence[Frame], quality: Quality = FLAWLESS, by: Recurrent = NETWORK
) -> list[np.ndarray]:
    """The luma that steps over whole pictures give, the first ones backwards before them."""
    luma = [torch.from_numpy(frame.planes[0])[None, None].float() / 255 for frame in frames]
    back = by.warmup
    assert len(luma) > back
    way = [*luma[1 : back + 1][::-1], *luma]
    state, found = None, []
    with torch.inference_mode():
        for n, frame in enumerate(way):
            seen: Tensor = torch.cat([way[min(n + k, len(way) - 1)] for k in range(3)], 1)
            state = state or by.start(frame)
            phases, state = by.step(seen, state, quality_planes(quality))
            large = (F.pixel_shuffle(phases, 2) * 255).round().clamp(0, 255)
            found.append(large[0, 0].to(torch.uint8).numpy())
    return found[back:]


@pytest.mark.parametrize("coming_aligned", [False, True])
def test_every_picture_is_what_the_steps_give(coming_aligned: bool) -> None:
    info = described("gray", 38, 30)
    frames, by = noise(14, info), network(1.0, coming_aligned)
    found = of_frames(frames, info, by=by)
    for frame, expected in zip(found, by_hand(frames, by=by), strict=True):
        assert np.array_equal(frame.planes[0], expected)


def test_each_flow_is_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One a step, but where a lifetime begins with an empty state."""
    info = described("gray", 38, 30)
    flows, observed = [], []
    find, observe = NETWORK.motion.forward, NETWORK.observe
    monkeypatch.setattr(NETWORK.motion, "forward", lambda *x: flows.append(1) or find(*x))
    monkeypatch.setattr(NETWORK, "observe", lambda *x: observed.append(1) or observe(*x))
    of_frames(noise(40, info), info)
    lifetimes = 3
    assert len(observed) > 40
    assert len(flows) <= len(observed) + 3 * lifetimes


def test_the_quality_is_told() -> None:
    info = described("gray", 38, 30)
    frames, quality = noise(9, info), Quality(30, 5)
    found = of_frames(frames, info, quality=quality)
    for frame, expected in zip(found, by_hand(frames, quality), strict=True):
        assert np.array_equal(frame.planes[0], expected)
    assert not found[3].shows_same(of_frames(frames, info)[3])


def test_frames_are_told_of_themselves() -> None:
    info = described("gray", 38, 30)
    frames, source = noise(9, info), Quality(30, 5, beyond=-3)
    told = [replace(frame, quantiser=20) for frame in frames]
    for frame, expected in zip(
        of_frames(told, info, quality=source), by_hand(frames, Quality(17, 5)), strict=True
    ):
        assert np.array_equal(frame.planes[0], expected)
    silent = of_frames(frames, info, quality=source)
    for frame, expected in zip(silent, by_hand(frames, Quality(30, 5)), strict=True):
        assert np.array_equal(frame.planes[0], expected)


@pytest.mark.parametrize(
    "format_", ["yuv420p", "yuv420p10le", "yuva444p", "gbrp", "gbrap", "gray16le", "yuv411p"]
)
def test_tiles_and_cores_change_nothing(format_: str) -> None:
    info = described(format_, 70, 53, "left")
    frames = noise(5, info)
    whole = of_frames(frames, info, engine(1, 0))
    assert [frame.pts for frame in whole] == [frame.pts for frame in frames]
    for workers, tile in ((2, None), (3, 0), (9, None), (1, 16), (2, 28), (1, 4000)):
        assert_equal(of_frames(frames, info, engine(workers, tile)), whole)


def test_sixteen_bits_are_as_eight_within_rounding() -> None:
    eight, sixteen = described("gray", 40, 36), described("gray16le", 40, 36)
    frames = noise(6, eight)
    fine = [replace(f, planes=(f.planes[0].astype(np.uint16) * 257,)) for f in frames]
    pairs = zip(of_frames(frames, eight, by=CALM), of_frames(fine, sixteen, by=CALM), strict=True)
    for coarse, precise in pairs:
        assert np.abs(coarse.planes[0] - precise.planes[0] / 257).max() < 0.6


def test_a_repeated_frame_is_no_step() -> None:
    info = described("gray", 30, 30)
    frames = noise(5, info)
    doubled = [replace(frame, pts=2 * frame.pts + n) for frame in frames for n in (0, 1)]
    once, twice = of_frames(frames, info), of_frames(doubled, info)
    for n in range(5):  # so few that all of them, backwards, come first both times
        assert twice[2 * n].shows_same(once[n])
        assert twice[2 * n + 1].shows_same(once[n])


def test_after_a_cut_all_is_as_in_the_clip_that_begins_there() -> None:
    info = described("gray", 40, 32)
    one, other = noise(4, info, 1), noise(5, info, 2)
    joined = [*shot(one), *shot(other)]
    joined = [replace(frame, pts=n) for n, frame in enumerate(joined)]
    found = list(restore(iter(joined), info, model(NETWORK), engine(), pytest.fail))
    for frame, expected in zip(found[4:], of_frames(other, info), strict=True):
        assert frame.shows_same(expected)


def test_a_part_of_the_picture_is_nearly_what_would_be_cut_out() -> None:
    info = described("yuv420p", 260, 240, "left")
    frames = noise(6, info)
    box = CropRegion(Fraction(100), Fraction(90), Fraction(41), Fraction(30)).inside(info)
    whole, part = of_frames(frames, info, by=CALM), of_frames(frames, info, by=CALM, box=box)
    for frame, cut in zip(whole, part, strict=True):
        luma = frame.planes[0][180:240, 200:284]
        assert cut.planes[0].shape == luma.shape
        assert np.abs(cut.planes[0].astype(int) - luma).max() <= 1
        assert np.array_equal(cut.planes[1], frame.planes[1][90:120, 100:142])


def test_any_span_is_what_the_whole_has_there(clip: Path) -> None:
    whole = of_file(clip)
    assert [frame.pts for frame in whole] == [frame.pts for frame in whole if frame.duration]
    chance = random.Random(5)
    for _ in range(12):
        first, last = sorted(chance.sample(range(len(NUMBERS) + 1), 2))
        span = Span(Fraction(first, 25), Fraction(last, 25))
        part = of_file(clip, span)
        assert_equal(
            [replace(f, duration=0) for f in part],
            [replace(f, duration=0) for f in whole[first:last]],
        )


def test_a_span_that_ends_soon_after_a_cut_needs_no_network_that_looks_ahead(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shot's own first frames warm the state up, those behind the span among them."""
    monkeypatch.setattr(sys.modules[__name__], "NETWORK", network(1.0, future=0))
    whole, cut = of_file(clip), NUMBERS.index(-5)
    for last in (cut + 1, cut + 3):
        part = of_file(clip, Span(Fraction(cut - 4, 25), Fraction(last, 25)))
        assert len(part) == last - cut + 4
        assert all(map(Frame.shows_same, part, whole[cut - 4 : last]))


def test_segments_are_what_one_go_gives(clip: Path, tmp_path: Path, use: None) -> None:
    options: dict[str, Any] = {"scale": 2, "device": "cpu", "precision": "fp32", "crf": 0}
    options |= {"preset": "ultrafast", "model": "stands in"}
    whole, parts = tmp_path / "whole.mkv", tmp_path / "parts.mkv"
    at_once = vsr.upscale(clip, whole, resume="never", **options)
    result = vsr.upscale(clip, parts, resume="always", **options)
    assert result.run.frames_out == len(NUMBERS)
    again = sum(a == b for a, b in pairwise(NUMBERS)) / len(NUMBERS)
    for told in (at_once, result):  # repeated frames count as standing still
        assert again - 2 / len(NUMBERS) <= told.facts()["stood_still"] <= again + 0.0001
    pairs = zip(planes(whole), planes(parts), strict=True)
    assert all(
        np.array_equal(a, b) for one, other in pairs for a, b in zip(one, other, strict=True)
    )


def test_a_span_of_a_raw_stream(tmp_path: Path) -> None:
    """It has no times of its own, and cannot be sought in."""
    clip = make(tmp_path / "raw.h264", replace(CLIP, pts=CLIP.pts[:40], numbers=NUMBERS[:40]))
    whole = of_file(clip, warn=ignore)
    for first, last in ((4, 30), (17, 19), (30, 40)):
        part = of_file(clip, Span(Fraction(first, 25), Fraction(last, 25)), warn=ignore)
        assert len(part) == last - first
        assert all(map(Frame.shows_same, part, whole[first:last]))


def test_memory_that_runs_out_means_smaller_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    info = described("yuv420p", 70, 53)
    frames = noise(4, info)
    expected = of_frames(frames, info)
    plain = Recurrent.cell

    def greedy(self: Recurrent, inputs: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        if inputs.shape[-1] * inputs.shape[-2] > 1700:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return plain(self, inputs, mix)

    monkeypatch.setattr(Recurrent, "cell", greedy)
    said: list[str] = []
    found = list(restore(shot(frames), info, model(NETWORK), engine(), said.append))
    assert_equal(found, expected)
    assert said == ["out of memory on cpu: from here on in tiles of 35"]


def photographs(info: VideoInfo, seed: int) -> list[np.ndarray]:
    """Planes that look like one."""
    sizes = [info.format.plane_size(n, info.width, info.height) for n in range(info.format.planes)]
    return [natural(10 * seed + n, width, height) for n, (height, width) in enumerate(sizes)]


def still_camera(info: VideoInfo, count: int) -> list[Frame]:
    """A picture that stands still but for a square that crosses it, and then one that blinks."""
    scene, other = photographs(info, 1), photographs(info, 2)
    frames = []
    for n in range(count):
        planes_ = [plane.copy() for plane in scene]
        x = 6 * n if n < count // 2 else 20 + 40 * (n % 2)
        for index, plane in enumerate(planes_):
            down, across = info.format.steps(index)
            rows, columns = slice(40 // down, 56 // down), slice(x // across, (x + 16) // across)
            plane[rows, columns] = other[index][rows, columns]
        frames.append(Frame(tuple(planes_), n, 1))
    return frames


@pytest.mark.parametrize("format_", ["yuv420p", "gbrp"])
@pytest.mark.parametrize(("workers", "tile"), [(1, 0), (2, None), (2, 40)])
def test_what_stands_still_is_not_computed_again_and_the_bits_are_the_same(
    monkeypatch: pytest.MonkeyPatch, format_: str, workers: int, tile: int | None
) -> None:
    monkeypatch.setattr(lifetime, "LIFETIME", Fraction(100))
    info = described(format_, 200, 150)
    frames = still_camera(info, 60)
    computed = 0
    plain_cell, plain_tiles = Recurrent.cell, RecurrentTiler.tiles

    def counting(self: Recurrent, inputs: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal computed
        computed += inputs.shape[-1] * inputs.shape[-2]
        return plain_cell(self, inputs, mix)

    monkeypatch.setattr(Recurrent, "cell", counting)
    found = of_frames(frames, info, engine(workers, tile))
    few, computed = computed, 0
    monkeypatch.setattr(
        RecurrentTiler, "tiles", lambda self, active: plain_tiles(self, np.ones_like(active))
    )
    expected = of_frames(frames, info, engine(workers, tile))
    assert_equal(found, expected)
    assert few < 0.5 * computed
    shares = [frame.stood_still or 0.0 for frame in found]
    assert 0.3 < sum(shares) / len(shares) < 1
    assert all(frame.stood_still == 0 for frame in expected)


def test_an_error_in_a_step_is_raised_and_no_thread_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Recurrent, inputs: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        raise RuntimeError("broken")

    monkeypatch.setattr(Recurrent, "cell", broken)
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="broken"):
        of_frames(noise(4, described()), described())
    assert torch.get_num_threads() == before


def test_how_much_to_remove_can_be_said(clip: Path, tmp_path: Path, use: None) -> None:
    options: dict[str, Any] = {"scale": 2, "device": "cpu", "precision": "fp32", "end": 0.2}
    seen = []
    for n, denoise in enumerate((None, 0, 100)):
        target = tmp_path / f"{n}.mkv"
        vsr.upscale(clip, target, denoise=denoise, record=True, model="stands in", **options)
        record = json.loads((tmp_path / f"{n}.mkv.record.json").read_text())
        seen.append((planes(target)[2][0], record["settings"]))
    assert not np.array_equal(seen[1][0], seen[2][0])
    told = [(settings["quantiser"], settings["noise"]) for _, settings in seen]
    assert told[1:] == [(0, 0), (40, 12)]
    assert 0 <= told[0][0] < 5  # x264 at qp 0


def test_other_models_cannot_be_told(clip: Path, tmp_path: Path) -> None:
    said = "denoise 40: only recurrent models can be told how much to remove"
    with pytest.raises(vsr.ModelError, match=said):
        vsr.upscale(clip, tmp_path / "out.mp4", model="vespcn", denoise=40)
    assert list(tmp_path.iterdir()) == []


def test_the_python_interface(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "first_model", lambda name, factor: model(NETWORK))
    up = vsr.Upscaler("stands in", scale=2, device="cpu", precision="fp32")
    with vsr.open_video(clip) as video:
        found = [frame.planes for frame in up.frames(video)]
    for planes_, frame in zip(
        found, of_file(clip, quality=told_quality(clip, NETWORK, None)), strict=True
    ):
        assert all(map(np.array_equal, planes_, frame.planes))
    image = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    large = up(image)
    assert large.shape == (80, 100, 3)
    told = vsr.Upscaler("stands in", scale=2, denoise=0, device="cpu", precision="fp32")
    assert not np.array_equal(told(image), large)  # its noise is seen
    with pytest.raises(InputError, match="denoise: set when the Upscaler is made"):
        up.file(clip, "out.mp4", denoise=3)


def test_python_gets_the_pictures_that_the_command_writes(
    clip: Path, tmp_path: Path, use: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "first_model", lambda name, factor: model(NETWORK))
    up = vsr.Upscaler("stands in", scale=2, device="cpu", precision="fp32")
    coarse = make(tmp_path / "coarse.mp4", replace(CLIP, options={"crf": "35"}))
    up.file(coarse, tmp_path / "out.mkv", crf=0, preset="ultrafast")
    pairs = zip(up.frames(coarse), planes(tmp_path / "out.mkv"), strict=True)
    for frame, written in pairs:
        assert all(map(np.array_equal, frame.planes, written))
    image = np.random.default_rng(2).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "in.png"), image)
    vsr.upscale(tmp_path / "in.png", tmp_path / "out.png", scale=2, device="cpu", precision="fp32")
    assert np.array_equal(cv2.imread(str(tmp_path / "out.png")), up(image[..., ::-1])[..., ::-1])


def test_a_preview_tells_only_those_that_can_be_told(tmp_path: Path) -> None:
    clip = make(tmp_path / "in.mp4", Clip(pts=tuple(range(0, 30 * 512, 512))))
    options: dict[str, Any] = {"duration": 0.4, "start": 0.2, "denoise": 50, "threads": 1}
    shown = vsr.preview(clip, tmp_path / "out.png", models=["recurrent"], **options)
    assert [made.model for made in shown.made] == ["bicubic", "recurrent"]
    assert "denoise" not in shown.commands[0]
    assert "denoise=50" in shown.commands[1]


def test_it_is_not_adapted(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(vsr.ModelError, match="recurrent: recurrent models are told how"):
        adapt([clip], tmp_path / "out.safetensors", scale=4, model="recurrent")
