"""Training windows: what is kept of pictures and clips, and that windows are what they say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.clips import Clip, make, picture

from vsr.core.errors import InputError
from vsr.evaluation.protocol import degrade, shrink
from vsr.networks.vespcn import warp
from vsr.training import camera
from vsr.training.losses import MARGIN
from vsr.training.window_pairs import WindowPairs

Plane = NDArray[np.uint8]


def random(seed: int = 2) -> np.random.Generator:
    return np.random.default_rng(seed)


def counting(frames: int, side: int = 24) -> list[Plane]:
    """A clip whose every sample is ten times its frame's number."""
    return [np.full((side, side), 10 * n, np.uint8) for n in range(frames)]


def numbers(pairs: WindowPairs, count: int = 200) -> set[tuple[int, ...]]:
    """The frames that windows from a counting clip are made of."""
    batch = pairs.sample(count, 4, random())
    middle = batch.large[:, 0, 0, 0] * 25.5
    found = (batch.small[..., 0, 0] * 25.5).round().int()
    assert torch.equal(found[:, pairs.context], middle.round().int())
    return {tuple(window) for window in found.tolist()}


def steps_of(length: int, context: int, steps: Sequence[int]) -> set[tuple[int, ...]]:
    """All windows of a clip of `length` frames, forwards and backwards."""
    forwards = [
        tuple(range(first, first + 2 * context * step + 1, step))
        for step in steps
        for first in range(length - 2 * context * step)
    ]
    return {*forwards, *(window[::-1] for window in forwards)}


# What is read


def test_lossless_pictures_are_kept_at_three_sizes(tmp_path: Path) -> None:
    plane = picture(0, 80, 60)
    cv2.imwrite(str(tmp_path / "a.png"), plane)
    pairs = WindowPairs.load([tmp_path], 2, 1, shortest=10)
    assert not pairs.clips
    whole, *smaller = pairs.stills
    assert np.array_equal(whole, plane)
    for found, (height, width) in zip(smaller, [(45, 60), (30, 40)], strict=True):
        assert np.array_equal(found, shrink(plane, height, width))


@pytest.mark.parametrize(
    ("name", "flags", "shapes"),
    [
        ("a.bmp", [], [(60, 80), (45, 60), (30, 40)]),
        ("a.tif", [], [(60, 80), (45, 60), (30, 40)]),
        ("a.jpg", [], [(36, 48), (24, 32)]),
        ("a.webp", [cv2.IMWRITE_WEBP_QUALITY, 80], [(36, 48), (24, 32)]),
        ("a.webp", [cv2.IMWRITE_WEBP_QUALITY, 101], [(60, 80), (45, 60), (30, 40)]),
    ],
)
def test_compressed_pictures_are_only_kept_reduced(
    tmp_path: Path, name: str, flags: list[int], shapes: list[tuple[int, int]]
) -> None:
    assert cv2.imwrite(str(tmp_path / name), picture(0, 80, 60), flags)
    pairs = WindowPairs.load([tmp_path], 2, 1, shortest=10)
    assert [plane.shape for plane in pairs.stills] == shapes


def test_clips_are_kept_reduced_with_all_their_frames(tmp_path: Path) -> None:
    clip = Clip(80, 60, codec="ffv1", options={}, pts=tuple(range(5)))
    make(tmp_path / "clip.mkv", clip)
    pairs = WindowPairs.load([tmp_path], 2, 1, shortest=10)
    assert not pairs.stills
    for frames, (height, width) in zip(pairs.clips, [(36, 48), (24, 32)], strict=True):
        assert len(frames) == 5
        for number, frame in enumerate(frames):
            assert np.array_equal(frame, shrink(picture(number, 80, 60), height, width))


@pytest.mark.parametrize(
    ("context", "frames", "kept"), [(1, 2, 0), (1, 3, 2), (2, 4, 0), (2, 5, 2)]
)
def test_clips_shorter_than_a_window_are_left_out(
    tmp_path: Path, context: int, frames: int, kept: int
) -> None:
    make(tmp_path / "c.mkv", Clip(80, 60, codec="ffv1", options={}, pts=tuple(range(frames))))
    assert len(WindowPairs.load([tmp_path], 2, context, shortest=10).clips) == kept


def test_long_videos_give_bursts(tmp_path: Path) -> None:
    """Seventeen frames in a row of each hundred and two, and what is left at the end."""
    frames = 6 * 17 + 4
    make(tmp_path / "c.mkv", Clip(80, 60, codec="ffv1", options={}, pts=tuple(range(frames))))
    clips = WindowPairs.load([tmp_path], 2, 1, shortest=10).clips
    assert [len(clip) for clip in clips] == [17, 17, 4, 4]
    for clip, first in zip(clips[::2], (0, 6 * 17), strict=True):
        for number, frame in enumerate(clip, first):
            assert np.array_equal(frame, shrink(picture(number, 80, 60), 36, 48))


def test_no_window_crosses_a_cut(tmp_path: Path) -> None:
    """And a shot that is shorter than a window gives none."""
    numbers = (1, 2, 3, 4, -5, -6, 7, 8, 9)
    clip = Clip(80, 60, codec="ffv1", options={}, pts=tuple(range(9)), numbers=numbers)
    make(tmp_path / "c.mkv", clip)
    pairs = WindowPairs.load([tmp_path], 2, 1, shortest=10)
    shots = [numbers[:4], numbers[6:]]
    assert [len(frames) for frames in pairs.clips] == [4, 3, 4, 3]
    for frames, shot in zip(pairs.clips[:2], shots, strict=True):
        for frame, number in zip(frames, shot, strict=True):
            assert np.array_equal(frame, shrink(picture(number, 80, 60), 36, 48))


@pytest.mark.parametrize("moving", [True, False])
def test_a_folder_of_images_is_a_clip_where_they_follow_each_other(
    tmp_path: Path, moving: bool
) -> None:
    signs = (1, 1, 1, 1) if moving else (1, -1, 1, -1)
    for number, sign in enumerate(signs):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture(sign * (number + 4), 80, 60))
    pairs = WindowPairs.load([tmp_path], 2, 1, shortest=10)
    shapes = [(60, 80), (45, 60), (30, 40)]
    if moving:
        assert not pairs.stills
        assert [frames[0].shape for frames in pairs.clips] == shapes
        for number, frame in enumerate(pairs.clips[0]):
            assert np.array_equal(frame, picture(number + 4, 80, 60))
    else:
        assert not pairs.clips
        assert sorted(plane.shape for plane in pairs.stills) == sorted(shapes * 4)


def scene(number: int, frame: int) -> Plane:
    """One of many scenes that have nothing in common, `frame` pixels further on."""
    grain = np.random.default_rng(number).uniform(0, 255, (8, 14))
    wide = cv2.resize(grain, (96, 60), interpolation=cv2.INTER_CUBIC)
    return wide[:, frame : frame + 80].clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("context", [1, 2])
def test_a_folder_where_few_images_follow_each_other_holds_stills(
    tmp_path: Path, context: int
) -> None:
    planes = [scene(n, 0) for n in range(8)] + [scene(8, n) for n in range(2 * context + 1)]
    for number, plane in enumerate(planes):
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), plane)
    pairs = WindowPairs.load([tmp_path], 2, context, shortest=10)
    assert not pairs.clips
    for found, plane in zip(pairs.stills[: len(planes)], planes, strict=True):
        assert np.array_equal(found, plane)


def test_one_compressed_frame_makes_a_compressed_clip(tmp_path: Path) -> None:
    for number, suffix in enumerate((".png", ".png", ".jpg")):
        cv2.imwrite(str(tmp_path / f"{number}{suffix}"), scene(1, number))
    pairs = WindowPairs.load([tmp_path], 2, 1, shortest=10)
    assert [frames[0].shape for frames in pairs.clips] == [(36, 48), (24, 32)]


def test_what_would_be_too_small_is_left_out(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), picture(0, 80, 60))
    make(tmp_path / "c.mkv", Clip(80, 60, codec="ffv1", options={}, pts=tuple(range(3))))
    pairs = WindowPairs.load([tmp_path], 2, 1, shortest=17)
    assert [plane.shape for plane in pairs.stills] == [(60, 80), (45, 60)]
    assert [frames[0].shape for frames in pairs.clips] == [(36, 48)]
    for shortest, kept in ((30, 1), (31, 0)):
        assert len(WindowPairs.load([tmp_path], 2, 1, shortest).stills) == kept


def test_unreadable_data_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"?")
    with pytest.raises(InputError, match=r"broken\.jpg"):
        WindowPairs.load([tmp_path], 2, 1, 8)


# Windows from clips


@pytest.mark.parametrize(
    ("context", "length", "steps"),
    [(1, 3, (1,)), (1, 4, (1,)), (1, 7, (1, 2)), (2, 5, (1,)), (2, 9, (1, 2))],
)
def test_windows_of_a_clip(context: int, length: int, steps: tuple[int, ...]) -> None:
    """Every place, each step that fits, forwards and backwards, and nothing else."""
    pairs = WindowPairs([], [counting(length)], 2, context)
    assert numbers(pairs) == steps_of(length, context, steps)


def test_every_place_of_a_frame_can_come() -> None:
    plane = np.arange(36, dtype=np.uint8).reshape(6, 6) * 7
    batch = WindowPairs([], [[plane] * 3], 2, 1).sample(300, 2, random())
    assert len({float(patch.min()) for patch in batch.large}) == 9


# All windows


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("context", [1, 2])
def test_shapes_and_ranges(scale: int, context: int) -> None:
    frames = 2 * context + 1
    still = picture(0, 60, 50)
    clip = [picture(n, 60, 50) for n in range(frames)]
    batch = WindowPairs([still], [clip], scale, context).sample(12, 12, random())
    assert batch.small.shape == (12, frames, 12, 12)
    assert batch.large.shape == (12, 1, 12 * scale, 12 * scale)
    assert batch.flow.shape == (12, frames - 1, 2, 12, 12)
    for tensor in (batch.small, batch.large):
        assert tensor.dtype == torch.float32
        assert 0 <= tensor.min() < tensor.max() <= 1
        assert (tensor * 255 - (tensor * 255).round()).abs().max() < 1e-4  # whole samples
    assert batch.flow.dtype == torch.float32


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_small_centre_is_the_reduction_of_the_large_one(scale: int) -> None:
    clip = [picture(n, 70, 60) for n in range(3)]
    batch = WindowPairs([picture(9, 60, 70)], [clip], scale, 1).sample(16, 12, random())
    for small, large in zip(batch.small[:, 1], batch.large[:, 0], strict=True):
        again = degrade((large * 255).round().byte().numpy(), scale)
        difference = np.abs(again - (small * 255).numpy())
        assert difference.max() < 1.5  # sums in another order: a half may round either way
        assert (difference > 0.5).mean() < 0.02


@pytest.mark.parametrize(
    ("with_stills", "with_clips"), [(True, True), (True, False), (False, True)]
)
def test_flow_is_known_where_the_camera_moved(with_stills: bool, with_clips: bool) -> None:
    stills = [picture(0, 40, 40)] if with_stills else []
    clips = [[picture(n, 40, 40) for n in range(3)]] if with_clips else []
    pairs = WindowPairs(stills, clips, 2, 1)
    batch = pairs.sample(200, 4, random())
    unknown = batch.flow.isnan().flatten(1)
    assert torch.equal(unknown.any(1), unknown.all(1))
    part = float(unknown.all(1).float().mean())
    if with_stills and with_clips:
        assert 0.2 < part < 0.5
    else:
        assert part == (0 if with_stills else 1)
    assert pairs.sample(200, 4, random(), known_flow=True).flow.isfinite().all()


def ramp(axis: int, side: int = 240) -> Plane:
    samples = np.arange(side, dtype=np.uint8)
    return np.broadcast_to(samples if axis else samples[:, None], (side, side)).copy()


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("context", [1, 2])
def test_flows_turn_with_their_pictures(
    axis: int, context: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However a batch is flipped and turned, its neighbours warped by the flow are its centre."""
    monkeypatch.setattr(camera, "_OBJECTS", 0)
    patch, inside = 24, (..., slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
    pairs = WindowPairs([ramp(axis)], [], 3, context)  # its small samples are whole ones
    places = torch.arange(patch)
    y, x = torch.meshgrid(places, places, indexing="ij")
    error, plain = [], []
    for seed in range(24):
        batch = pairs.sample(6, patch, random(seed))
        centre = batch.small[:, context]
        neighbours = batch.small[:, [n for n in range(2 * context + 1) if n != context]]
        for n in range(2 * context):
            flow, neighbour = batch.flow[:, n], neighbours[:, n : n + 1]
            there = torch.stack([x + flow[:, 0], y + flow[:, 1]])
            seen = ((there > MARGIN) & (there < patch - 1 - MARGIN)).all(0)[inside]
            moved = warp(neighbour, flow, "bilinear")[:, 0]
            error.append((moved - centre)[inside][seen].abs())
            plain.append((neighbour[:, 0] - centre)[inside][seen].abs())
    assert float(torch.cat(plain).mean()) * 255 > 2
    assert float(torch.cat(error).mean()) * 255 < 0.4
    assert float(torch.cat(error).quantile(0.999)) * 255 < 2.5  # at the mirrored borders


def test_every_orientation_can_come(monkeypatch: pytest.MonkeyPatch) -> None:
    plane = np.arange(16, dtype=np.uint8).reshape(4, 4) * 16
    pairs = WindowPairs([], [[plane] * 3], 2, 1)
    batches = [pairs.sample(3, 2, random(seed)).large for seed in range(80)]
    assert all(torch.equal(batch[0], patch) for batch in batches for patch in batch)  # one way all
    assert len({batch.numpy().tobytes() for batch in batches}) == 8


def test_a_seed_and_a_step_name_a_batch() -> None:
    clip = [picture(n, 40, 40) for n in range(3)]
    pairs = WindowPairs([picture(0, 50, 40)], [clip], 2, 1)
    one, same, other = (pairs.sample(4, 8, np.random.default_rng((7, n))) for n in (3, 3, 4))
    for name in ("small", "large"):
        assert torch.equal(getattr(one, name), getattr(same, name))
    assert torch.equal(one.flow.nan_to_num(99), same.flow.nan_to_num(99))
    assert not torch.equal(one.small, other.small)
