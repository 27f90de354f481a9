"""Clips shrunk and enlarged again: what a network that looks at neighbours gets to see."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from clips import picture
from torch import Tensor

from vsr.evaluation.clip import reconstruct_clip, restore_clip
from vsr.evaluation.protocol import crop_to_multiple, degrade, reconstruct
from vsr.networks import Network
from vsr.networks.catalogue import load_model

CPU = torch.device("cpu")


class OneOfThree(Network):
    """The frame before (0), the frame itself (1) or the one after it (2), by nearest neighbour."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self.scale, self.context, self.place = 2, 1, place

    def phases(self, x: Tensor) -> Tensor:
        assert x.shape[1] == 3
        return x[:, self.place : self.place + 1].repeat(1, 4, 1, 1)


def seen(place: int, frames: list[np.ndarray]) -> list[np.ndarray]:
    """The degraded frame that stands at `place` of each window."""
    return [made[::2, ::2] for made, _ in reconstruct_clip(OneOfThree(place), frames, CPU)]


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
    starts = [f.starts_shot for f in restore_clip(OneOfThree(1), frames + other, CPU)]
    assert starts == [n in (0, 5) for n in range(10)]


def test_a_repeated_picture_is_scored_each_time(frames: list[np.ndarray]) -> None:
    frames[3] = frames[2].copy()
    small = [degrade(frame, 2) for frame in frames]
    assert_same(seen(1, frames), small)
    # its neighbours are the nearest pictures that differ
    assert_same(seen(0, frames), [small[0], small[0], small[1], small[1], small[2]])
    for network in (OneOfThree(1), load_model("bicubic", 2).network):
        restored = list(restore_clip(network, [frames[0]] * 3, CPU))
        assert [frame.starts_shot for frame in restored] == [True, False, False]


def test_truths_that_differ_only_in_what_is_lost(frames: list[np.ndarray]) -> None:
    """Frames that look alike once shrunk are one picture to the network, each with its truth."""
    flat = np.full((40, 48), 100, np.uint8)
    fine = flat.copy()
    fine[20, 20] += 1
    assert np.array_equal(degrade(flat, 2), degrade(fine, 2))
    truths = [flat, fine, flat]
    assert_same([truth for _, truth in reconstruct_clip(OneOfThree(1), truths, CPU)], truths)


def test_without_context_each_frame_is_a_picture_by_itself(frames: list[np.ndarray]) -> None:
    network = load_model("bicubic", 4).network
    odd = [frame[:39, :47] for frame in frames]
    truths = [crop_to_multiple(frame, 4) for frame in odd]
    pairs = list(reconstruct_clip(network, odd, CPU))
    assert_same([truth for _, truth in pairs], truths)
    assert_same([made for made, _ in pairs], [reconstruct(network, t, CPU) for t in truths])


def test_an_image_stands_in_for_its_own_neighbours(frames: list[np.ndarray]) -> None:
    for place in range(3):
        made = reconstruct(OneOfThree(place), frames[0], CPU)
        assert np.array_equal(made[::2, ::2], degrade(frames[0], 2))


@pytest.mark.parametrize("network", [OneOfThree(1), load_model("bicubic", 2).network])
def test_a_clip_is_never_held_whole(network: Network) -> None:
    drawn = 0

    def truths() -> Iterator[np.ndarray]:
        nonlocal drawn
        for number in range(20):
            drawn += 1
            yield picture(number, 48, 40)

    for given, _ in enumerate(reconstruct_clip(network, truths(), CPU), 1):
        assert drawn - given <= 2
    assert given == drawn == 20
