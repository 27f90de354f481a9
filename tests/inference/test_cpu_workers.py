"""Frames side by side: order, exactness, and a clean way out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.context_network import Blend
from support.noise_frames import assert_equal, described, noise
from support.random_weights import drawn
from torch import Tensor

from vsr.core.frame import Frame
from vsr.inference.cpu_workers import side_by_side
from vsr.inference.tiles import Tiler
from vsr.inference.upscaler import Enlarger
from vsr.inference.windows import windows
from vsr.networks import Network
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation

INFO = described("yuv420p", 22, 14)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Torch's thread count is put back, and no thread of the pool outlives its frames."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        yield
        assert torch.get_num_threads() == 2
        assert pool_threads() == []
    finally:
        torch.set_num_threads(before)


def pool_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("vsr-network")]


def enlarged(
    frames: Iterator[Frame], network: Network, workers: int, size: int = 0
) -> Iterator[Frame]:
    tiler = Tiler(Enlarger(network, INFO, torch.device("cpu")), size, pytest.fail)
    return side_by_side(windows(frames, network.context), tiler, workers)


class Slow(Interpolation):
    """Takes the longer, the darker the picture is."""

    def subpixel(self, x: Tensor) -> Tensor:
        time.sleep(0.03 * (1 - float(x.max())))
        return super().subpixel(x)


class Failing(Interpolation):
    """Fails at a picture whose first sample is 13."""

    def subpixel(self, x: Tensor) -> Tensor:
        if round(float(x[0, 0, 0, 0]) * 255) == 13:
            raise RuntimeError("frame 13")
        return super().subpixel(x)


def numbered(count: int) -> Iterator[Frame]:
    """Grey frames; frame n has samples of n, and pts n."""
    for n in range(count):
        sizes = [INFO.format.plane_size(plane, INFO.width, INFO.height) for plane in range(3)]
        yield Frame(tuple(np.full(size, n, np.uint8) for size in sizes), n)


@pytest.mark.parametrize("workers", [1, 2, 5, 50])
def test_workers_keep_the_order_of_frames(workers: int) -> None:
    bright_last = (replace(f, planes=tuple(p * 8 for p in f.planes)) for f in numbered(30))
    found = list(enlarged(bright_last, Slow(2), workers))
    assert [frame.pts for frame in found] == list(range(30))
    for frame in found:
        for plane in frame.planes:
            assert (plane == frame.pts * 8).all()


@pytest.mark.parametrize("workers", [2, 3, 8])
@pytest.mark.parametrize("size", [0, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_frame_does_not_depend_on_its_neighbours(
    workers: int, size: int, dtype: torch.dtype
) -> None:
    source = noise(9, INFO)
    network = drawn(Espcn(2, (5, 3, 3), (16, 8)), last=0.2)
    network.convs.to(dtype)
    alone = [frame for one in source for frame in enlarged(iter([one]), network, 1, size)]
    assert_equal(list(enlarged(iter(source), network, workers, size)), alone)


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("context", [0, 1, 2])
def test_a_picture_is_computed_once_and_shown_each_time(context: int, workers: int) -> None:
    runs: list[int] = []

    class Counting(Blend):
        def subpixel(self, x: Tensor) -> Tensor:
            runs.append(round(float(x[0, context, 0, 0]) * 255))
            return super().subpixel(x)

    values = [7, 7, 9, 3, 3, 3, 3, 3, 3, 7, 8, 8]
    source = [
        replace(frame, planes=tuple(np.full_like(plane, value) for plane in frame.planes))
        for frame, value in zip(noise(len(values), INFO), values, strict=True)
    ]
    found = list(enlarged(iter(source), Counting(2, context), workers))
    assert sorted(runs) == [3, 7, 7, 8, 9]
    assert [(f.pts, f.duration) for f in found] == [(f.pts, f.duration) for f in source]
    for frame, value in zip(found, values, strict=True):
        assert (frame.planes[1] == value).all()
    for n in range(1, len(values)):
        assert found[n].shows_same(found[n - 1]) == (values[n] == values[n - 1])


def test_workers_without_frames_give_none() -> None:
    assert list(enlarged(iter(()), Interpolation(2), 2)) == []


def test_no_more_frames_are_held_than_workers_and_one() -> None:
    drawn_frames = 0

    def source() -> Iterator[Frame]:
        nonlocal drawn_frames
        for frame in numbered(20):
            drawn_frames += 1
            yield frame

    for given, _ in enumerate(enlarged(source(), Interpolation(2), 3), 1):
        assert drawn_frames <= given + 3
    assert drawn_frames == 20


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_in_a_frame_comes_out_in_its_place(workers: int) -> None:
    found = []
    with pytest.raises(RuntimeError, match="frame 13"):
        for frame in enlarged(numbered(30), Failing(2), workers):
            found.append(frame.pts)
    assert found == list(range(13))
    assert pool_threads() == []


def test_an_error_in_the_source_comes_out() -> None:
    def source() -> Iterator[Frame]:
        yield from numbered(5)
        raise LookupError("from the source")

    with pytest.raises(LookupError, match="from the source"):
        list(enlarged(source(), Interpolation(2), 2))
    assert pool_threads() == []


def test_leaving_early_shuts_the_pool_down() -> None:
    running = enlarged(numbered(30), Interpolation(2), 2)
    assert next(running).pts == 0
    assert pool_threads() != []
    assert torch.get_num_threads() == 1
    running.close()  # type: ignore[attr-defined]


def test_one_thread_of_torch_for_each_frame() -> None:
    counts: list[int] = []

    class Counting(Interpolation):
        def subpixel(self, x: Tensor) -> Tensor:
            counts.append(torch.get_num_threads())
            return super().subpixel(x)

    list(enlarged(numbered(8), Counting(2), 3))
    assert counts == [1] * 8
