"""A region is followed to parts of a pixel, both ways in time."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from support.moving_sign import BOX, Scene, drawn

from vsr.core.crop import Box
from vsr.core.frame import PIXEL_FORMATS, Frame
from vsr.fusion.follow import Track, follow
from vsr.fusion.placement import moved, shift
from vsr.fusion.sights import colours_of
from vsr.images.info import image_info
from vsr.images.metadata import Shape


def corners(track: Track, scene: Scene) -> np.ndarray:
    """(N, 4, 2): where the region's corners are in each frame."""
    height, width = track.region.shape
    found = []
    for window in track.windows:
        assert window.found is not None
        place = shift(window.found.box.x, window.found.box.y) @ window.found.placement.matrix
        ends = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], float)
        found.append(moved(place, ends))
    return np.array(found)


def expected(scene: Scene, reference: int = 0) -> np.ndarray:
    height, width = BOX.height, BOX.width
    ends = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], float)
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    way, size = scene.moved[:, None, :2], scene.moved[:, None, 2:]
    sizes = size / scene.moved[reference, 2]
    return (ends - middle) * sizes + middle + way + [BOX.x, BOX.y]


@pytest.mark.parametrize("noise", [0, 4])
def test_shifts_by_parts_of_a_pixel(noise: float) -> None:
    scene = drawn(9, noise)
    track = follow(scene.sights(), BOX, scene.info)
    assert np.abs(corners(track, scene) - expected(scene)).max() < 0.07


def test_something_that_comes_nearer() -> None:
    scene = drawn(12, 2, grows=0.015)
    track = follow(scene.sights(), BOX, scene.info)
    assert track.motion in ("affine", "homography")
    assert np.abs(corners(track, scene) - expected(scene)).max() < 0.2


def test_backwards_in_time_as_forwards() -> None:
    scene = drawn(9, 2)
    place = replace(BOX, x=BOX.x + 1, y=BOX.y + 1)  # where it is in the fourth, nearly
    track = follow(scene.sights(reference=4), place, scene.info)
    assert [window.number for window in track.windows] == list(range(9))
    found = corners(track, scene)
    steps = np.diff(found, axis=0).mean(1)
    assert np.abs(steps - [0.37, 0.21]).max() < 0.1
    assert np.abs(found[4, 0] - [place.x, place.y]).max() < 1e-6


def test_the_reference_stays_where_it_was_named() -> None:
    scene = drawn(6, 6)
    track = follow(scene.sights(), BOX, scene.info)
    assert np.abs(corners(track, scene)[0, 0] - [BOX.x, BOX.y]).max() < 1e-6


def test_what_leaves_the_picture_is_said_to() -> None:
    scene = drawn(12, 1, step=(3.1, 0.0))
    track = follow(scene.sights(), BOX, scene.info)
    seen = [window.found is not None for window in track.windows]
    assert seen[:7] == [True] * 7
    assert not seen[-1]
    assert {window.lost for window in track.windows if not window.found} <= {
        "leaves the picture",
        "not found",
    }


def test_what_goes_is_lost_and_found_again() -> None:
    scene = drawn(9, 1)
    away = cv2.GaussianBlur(scene.frames[0], (0, 0), 30)
    frames = tuple(away if n in (4, 5) else one for n, one in enumerate(scene.frames))
    track = follow(replace(scene, frames=frames).sights(), BOX, scene.info)
    lost = [window.number for window in track.windows if not window.found]
    assert lost == [4, 5]
    others = [n for n in range(9) if n not in lost]
    kept = replace(track, windows=tuple(track.windows[n] for n in others))
    assert np.abs(corners(kept, scene) - expected(scene)[others]).max() < 0.08


@pytest.mark.parametrize(("name", "rows"), [("yuv422p", 24), ("yuv420p", 12)])
def test_colours_are_cut_where_chroma_lies(name: str, rows: int) -> None:
    """A box shows what the whole picture does there, away from its borders."""
    info = replace(image_info(Shape(32, 24, 3, 8)), format=PIXEL_FORMATS[name])
    random = np.random.default_rng(1)
    planes = [random.integers(60, 190, (24, 32)).astype(np.uint8)]
    for _ in range(2):
        smooth = cv2.resize(random.random((3, 4)).astype(np.float32), (16, rows))
        planes.append((100 + 60 * smooth).astype(np.uint8))
    frame = Frame(tuple(planes), 0, 1)
    whole = colours_of(frame, info, Box(0, 0, 32, 24))
    part = colours_of(frame, info, Box(8, 4, 16, 16))
    np.testing.assert_allclose(part[:, 4:-4, 4:-4], whole[:, 8:16, 12:20], atol=0.02)
