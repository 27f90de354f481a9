"""Clips shrunk and enlarged again: what a network that looks at neighbours gets to see."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from support.clips import picture
from support.restored_pictures import reconstruct, reconstruct_clip
from support.rgb_networks import RgbBicubic, colours
from torch import Tensor

from vsr.datasets.ground_truth import Picture, image_picture, luma_picture
from vsr.degradation.compression import Compression
from vsr.evaluation.clip import restore_clip, restore_image
from vsr.evaluation.degrade import Recording
from vsr.evaluation.degrade import seen as small_of
from vsr.evaluation.protocol import crop_to_multiple, degrade
from vsr.networks import Network
from vsr.networks.registry import load_model

CPU = torch.device("cpu")


class OneOfThree(Network):
    """The frame before (0), the frame itself (1) or the one after it (2), by nearest neighbour."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self.scale, self.context, self.place = 2, 1, place

    def subpixel(self, x: Tensor) -> Tensor:
        assert x.shape[1] == 3
        return x[:, self.place : self.place + 1].repeat(1, 4, 1, 1)


def pictures(frames: list[np.ndarray]) -> list[Picture]:
    return [luma_picture(frame) for frame in frames]


def seen(place: int, frames: list[np.ndarray]) -> list[np.ndarray]:
    """The degraded frame that stands at `place` of each window."""
    pairs = reconstruct_clip(OneOfThree(place), pictures(frames), CPU)
    return [made[::2, ::2] for made, _ in pairs]


def assert_same(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    assert len(found) == len(expected)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.fixture
def frames() -> list[np.ndarray]:
    return [picture(n, 48, 40) for n in range(5)]


def test_neighbours_are_the_degraded_ones_and_edges_repeat(frames: list[np.ndarray]) -> None:
    small = [degrade(frame, 2) for frame in frames]
    assert_same(seen(0, frames), [small[0], *small[:-1]])
    assert_same(seen(1, frames), small)
    assert_same(seen(2, frames), [*small[1:], small[-1]])


def test_windows_end_at_cuts(frames: list[np.ndarray]) -> None:
    other = [np.ascontiguousarray(255 - frame[:, ::-1]) for frame in frames]
    small, new = ([degrade(frame, 2) for frame in shot] for shot in (frames, other))
    assert_same(seen(0, frames + other), [small[0], *small[:-1], new[0], *new[:-1]])
    assert_same(seen(2, frames + other), [*small[1:], small[-1], *new[1:], new[-1]])
    starts = [
        f.starts_shot
        for f in restore_clip(OneOfThree(1), small_of(pictures(frames + other), 2), CPU)
    ]
    assert starts == [n in (0, 5) for n in range(10)]


def test_a_repeated_picture_is_scored_each_time(frames: list[np.ndarray]) -> None:
    frames[3] = frames[2].copy()
    small = [degrade(frame, 2) for frame in frames]
    assert_same(seen(1, frames), small)
    # its neighbours are the nearest pictures that differ
    assert_same(seen(0, frames), [small[0], small[0], small[1], small[1], small[2]])
    for network in (OneOfThree(1), load_model("bicubic", 2).network):
        restored = list(restore_clip(network, small_of(pictures([frames[0]] * 3), 2), CPU))
        assert [frame.starts_shot for frame in restored] == [True, False, False]


def test_truths_that_differ_only_in_what_is_lost(frames: list[np.ndarray]) -> None:
    """Frames that look alike once shrunk are one picture to the network, each with its truth."""
    flat = np.full((40, 48), 100, np.uint8)
    fine = flat.copy()
    fine[20, 20] += 1
    assert np.array_equal(degrade(flat, 2), degrade(fine, 2))
    truths = [flat, fine, flat]
    pairs = reconstruct_clip(OneOfThree(1), pictures(truths), CPU)
    assert_same([truth for _, truth in pairs], truths)


def test_without_context_each_frame_is_a_picture_by_itself(frames: list[np.ndarray]) -> None:
    network = load_model("bicubic", 4).network
    odd = [frame[:39, :47] for frame in frames]
    truths = [crop_to_multiple(frame, 4) for frame in odd]
    pairs = list(reconstruct_clip(network, pictures(odd), CPU))
    assert_same([truth for _, truth in pairs], truths)
    alone = [reconstruct(network, truth, CPU) for truth in pictures(truths)]
    assert_same([made for made, _ in pairs], alone)


def test_an_image_stands_in_for_its_own_neighbours(frames: list[np.ndarray]) -> None:
    for place in range(3):
        made = reconstruct(OneOfThree(place), luma_picture(frames[0]), CPU)
        assert np.array_equal(made[::2, ::2], degrade(frames[0], 2))


@pytest.mark.parametrize(
    "network",
    [OneOfThree(1), load_model("bicubic", 2).network, RgbBicubic(2), RgbBicubic(2, context=1)],
)
def test_a_clip_is_never_held_whole(network: Network) -> None:
    drawn = 0

    def truths() -> Iterator[Picture]:
        nonlocal drawn
        for number in range(20):
            drawn += 1
            yield image_picture(colours(number, 48, 40), network.color)

    for given, _ in enumerate(reconstruct_clip(network, truths(), CPU), 1):
        assert drawn - given <= 2
    assert given == drawn == 20


def test_a_recording_is_what_neighbours_see(frames: list[np.ndarray]) -> None:
    recording = Recording(4.0, Compression("mpeg4", 8))
    small = [one.small for one in small_of(pictures(frames), 2, recording)]
    for place, expected in ((0, [small[0], *small[:-1]]), (2, [*small[1:], small[-1]])):
        given = small_of(pictures(frames), 2, recording)
        restored = list(restore_clip(OneOfThree(place), given, CPU))
        assert_same([frame.picture[::2, ::2] for frame in restored], expected)
        assert_same([frame.truth for frame in restored], frames)


def test_truths_that_a_recording_makes_alike() -> None:
    """What the encoder does not see any more is one picture to the network."""
    flat = [np.full((64, 64), 100, np.uint8) for _ in range(3)]
    flat[1][20, 20] += 1
    given = small_of(pictures(flat), 2, Recording(0.0, Compression("mjpeg", 10)))
    restored = list(restore_clip(OneOfThree(1), given, CPU))
    assert_same([frame.truth for frame in restored], flat)


def test_a_recorded_image_is_its_own_neighbours(frames: list[np.ndarray]) -> None:
    recording = Recording(4.0)
    (image,) = small_of([luma_picture(frames[0])], 2, recording)
    for place in range(3):
        made = restore_image(OneOfThree(place), image, CPU)
        assert np.array_equal(made.picture[::2, ::2], image.small)
        assert np.array_equal(made.truth, frames[0])


# In RGB


def in_rgb(bgr: list[np.ndarray]) -> list[Picture]:
    return [image_picture(frame, "rgb") for frame in bgr]


def made_in_rgb(place: int, frames: list[Picture]) -> list[np.ndarray]:
    network = RgbBicubic(2, context=1, place=place)
    return [made for made, _ in reconstruct_clip(network, frames, CPU)]


def test_an_rgb_network_sees_the_colours_of_its_neighbours() -> None:
    frames = in_rgb([colours(n, 48, 40) for n in range(4)])
    frames += in_rgb([255 - colours(n, 48, 40)[:, ::-1] for n in (0, 1)])
    alone = [reconstruct(RgbBicubic(2), frame, CPU) for frame in frames]
    assert_same(made_in_rgb(1, frames), alone)
    assert_same(made_in_rgb(0, frames), [alone[n] for n in (0, 0, 1, 2, 4, 4)])
    assert_same(made_in_rgb(2, frames), [alone[n] for n in (1, 2, 3, 3, 5, 5)])
    network = RgbBicubic(2, context=1)
    starts = [frame.starts_shot for frame in restore_clip(network, small_of(frames, 2), CPU)]
    assert starts == [n in (0, 4) for n in range(6)]


@pytest.mark.parametrize("context", [0, 1])
def test_pictures_that_differ_in_colour_alone_are_two(context: int) -> None:
    """Equal ones are one, restored once; each frame has its own truth and way to luma."""
    red, blue = (np.full((40, 48, 3), value, np.uint8) for value in ((90, 60, 50), (50, 60, 90)))
    luma = picture(0, 48, 40)

    def blue_of(samples: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(samples[..., 2])

    frames = [Picture(samples, luma, blue_of) for samples in (red, red.copy(), blue, red)]
    calls = []

    class Counting(RgbBicubic):
        def forward(self, x: Tensor) -> Tensor:
            calls.append(x)
            return super().forward(x)

    found = list(restore_clip(Counting(2, context), small_of(frames, 2), CPU))
    assert [int(frame.picture[0, 0]) for frame in found] == [50, 50, 90, 50]
    assert all(np.array_equal(frame.truth, luma) for frame in found)
    assert len(calls) == 3
