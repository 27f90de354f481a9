"""The virtual camera: what it sees, and that the flow it states is the motion in its pictures.

The scenes are ramps: each sample is its own place in the plane, so a window tells by itself
where the camera stood. Mirrored beyond the borders, a ramp is still one scene.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vsr.core.resample import symmetric_index
from vsr.training import camera
from vsr.training.camera import Shot, shoot

Plane = NDArray[np.uint8]
AXES = (0, 1)  # of y, of x


def ramp(axis: int, side: int, first: int = 0) -> Plane:
    samples = (np.arange(side) + first).astype(np.uint8)
    return np.broadcast_to(samples if axis else samples[:, None], (side, side)).copy()


def shots(axis: int, seeds: int, patch: int, scale: int, context: int) -> list[Shot]:
    """The same ways over ramps of either axis; what moves on its own is 130 or more."""
    scenes = ramp(axis, 120), ramp(axis, 120, 130)
    return [shoot(*scenes, patch, scale, context, np.random.default_rng(n)) for n in range(seeds)]


def taps(frame: Plane, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The four samples around each place, (4, ...); NaN where it is not inside."""
    high = len(frame) - 1
    inside = (x >= 0) & (x <= high) & (y >= 0) & (y <= high)
    left, top = (np.clip(np.floor(v).astype(int), 0, high - 1) for v in (x, y))
    found = np.stack([frame[top + j, left + i].astype(float) for j in (0, 1) for i in (0, 1)])
    return np.where(inside, found, np.nan)


def sampled(
    frame: Plane, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Bilinear samples, and where they are of one thing, not of an outline."""
    four = taps(frame, x, y)
    right, down = (v - np.clip(np.floor(v), 0, len(frame) - 2) for v in (x, y))
    upper = four[0] * (1 - right) + four[1] * right
    lower = four[2] * (1 - right) + four[3] * right
    pure = four.max(0) - four.min(0) <= 4  # NaN is not
    return upper * (1 - down) + lower * down, pure


def errors(shot: Shot, scale: int) -> NDArray[np.float64]:
    """(T, patch, patch): how far, in large pixels, the flow points beside the spot it follows.

    NaN where the spot is outside the frame, hidden behind something else, or at an outline.
    """
    frames, patch = len(shot.frames), shot.flow.shape[-1]
    places = (np.arange(patch) + 0.5) * scale - 0.5
    y, x = np.meshgrid(places, places, indexing="ij")
    true, pure = sampled(shot.frames[frames // 2], x, y)
    found = np.full(shot.flow[:, 0].shape, np.nan)
    for n, (right, down) in enumerate(shot.flow.astype(float) * scale):
        value, clear = sampled(shot.frames[n], x + right, y + down)
        hidden = (value >= 125) & (true < 125)  # objects are never behind anything
        found[n] = np.where(pure & clear & ~hidden, np.abs(value - true), np.nan)
    return found


def shifts(shot: Shot, scale: int) -> NDArray[np.float64] | None:
    """(T, 2) large pixels by which the whole picture moved; None where it turned or zoomed."""
    moved = shot.flow.reshape(len(shot.flow), 2, -1) * scale
    return moved[..., 0] if np.ptp(moved, axis=-1).max() < 1e-3 else None


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("context", [1, 2])
def test_a_shot_has_its_frames_and_flows(scale: int, context: int) -> None:
    frames = 2 * context + 1
    for shot in shots(0, 12, 10, scale, context):
        assert shot.frames.shape == (frames, 10 * scale, 10 * scale)
        assert shot.frames.dtype == np.uint8
        assert shot.flow.shape == (frames, 2, 10, 10)
        assert shot.flow.dtype == np.float32
        assert np.isfinite(shot.flow).all()
        assert np.abs(shot.flow[context]).max() < 1e-5


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize(("scale", "context"), [(2, 1), (3, 2), (4, 1)])
def test_the_flow_leads_to_the_same_spot(
    axis: int, scale: int, context: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera, "_OBJECTS", 0)
    straight = turning = 0
    for shot in shots(axis, 60, 12, scale, context):
        error = errors(shot, scale)
        if shifts(shot, scale) is not None:
            straight += 1
            assert np.nanmax(error) < 1e-3  # moved by whole pixels, all as they were
        else:
            turning += 1
            assert np.nanmax(error) < 1.6  # two roundings of the samples
            assert np.nanmean(error) < 0.5
    assert straight > 25
    assert turning > 5


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_flow_follows_objects_too(
    axis: int, scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera, "_OBJECTS", 1)
    crossing = 0
    for shot in shots(axis, 60, 12, scale, 1):
        error = errors(shot, scale)
        assert np.isfinite(error).mean() > 0.2
        assert np.nanmax(error) < 1.6
        centre = shot.frames[1] >= 125
        crossing += bool(centre.any() and not centre.all() and shifts(shot, scale) is None)
    assert crossing > 30


def test_turning_and_zooming_happen(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing else: what a step along x adds, turned by a right angle, one along y adds."""
    monkeypatch.setattr(camera, "_OBJECTS", 0)
    turns, zooms = [], []
    for shot in shots(0, 60, 12, 2, 1):
        along_x, along_y = (
            np.diff(shot.flow[2].astype(float), axis=axis).mean((1, 2)) for axis in (2, 1)
        )
        assert along_y == pytest.approx([-along_x[1], along_x[0]], abs=1e-5)
        zooms.append(abs(along_x[0]))
        turns.append(abs(along_x[1]))
    assert sum(turn > 1e-3 for turn in turns) > 5
    assert sum(zoom > 1e-3 for zoom in zooms) > 5
    assert max(turns + zooms) < 0.1


def test_flow_is_between_the_centres_of_small_pixels() -> None:
    centre, twice = np.eye(2, 3), 2 * np.eye(2, 3)  # around the middle of the first large pixel
    flow = camera._flow(centre, twice, 3, 4)
    places = np.array([1.5, 5.5, 9.5])  # of the small pixels on the large grid
    assert flow[0] == pytest.approx(np.broadcast_to(-places / 2 / 4, (3, 3)))
    assert flow[1] == pytest.approx(flow[0].T)


@pytest.mark.parametrize(("patch", "scale"), [(3, 4), (9, 4), (9, 2), (12, 3)])
@pytest.mark.parametrize("context", [1, 2])
def test_beyond_the_borders_the_plane_is_mirrored(
    patch: int, scale: int, context: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plane as small as the window, which the camera may leave altogether."""
    monkeypatch.setattr(camera, "_OBJECTS", 0)
    monkeypatch.setattr(camera, "_MEAN_SPEED", 5.0)
    side = patch * scale
    plane = np.random.default_rng(1).integers(0, 256, (side, side), np.uint8)
    far = 0.0
    for seed in range(40):
        shot = shoot(plane, plane, patch, scale, context, np.random.default_rng(seed))
        assert np.array_equal(shot.frames[context], plane)
        moved = shifts(shot, scale)
        if moved is None:
            continue
        for frame, (right, down) in zip(shot.frames, np.rint(moved).astype(int), strict=True):
            rows, columns = (
                symmetric_index(torch.arange(side) - int(v), side).numpy() for v in (down, right)
            )
            assert np.array_equal(frame, plane[np.ix_(rows, columns)])
        far = max(far, float(np.abs(moved).max()) / side)
    assert far > 0.5  # some were more outside than inside


def test_planes_need_not_be_square() -> None:
    wide, high = np.zeros((24, 90), np.uint8), np.full((70, 24), 200, np.uint8)
    for seed in range(30):
        shot = shoot(wide, high, 12, 2, 1, np.random.default_rng(seed))
        assert set(np.unique(shot.frames)) <= {0, 200}


def test_moves_are_of_all_sizes_and_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "_OBJECTS", 0)
    ways = np.array([shot.flow[2].mean((1, 2)) for shot in shots(0, 300, 4, 4, 1)])
    lengths = np.hypot(*ways.T)
    assert 5 <= (lengths == 0).sum() <= 60
    assert 1 < lengths.mean() < 2.5
    assert 5 < lengths.max() < 12
    quadrants = [
        ((ways[:, 0] > 0) == right) & ((ways[:, 1] > 0) == down)
        for right in (False, True)
        for down in (False, True)
    ]
    assert all(quadrant[lengths > 0].mean() > 0.15 for quadrant in quadrants)
    fractions = {round(float(way[0]) * 4) % 4 for way in ways}
    assert fractions == {0, 1, 2, 3}  # of a small pixel, at scale 4


def test_the_generator_decides() -> None:
    scenes = ramp(0, 60), ramp(1, 60)
    one, same, other = (shoot(*scenes, 12, 2, 1, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert np.array_equal(one.frames, same.frames)
    assert np.array_equal(one.flow, same.flow)
    assert not np.array_equal(one.frames, other.frames)
