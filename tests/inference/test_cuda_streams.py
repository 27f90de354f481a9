"""Batches of windows: the frames that side by side gives, on any device and with any memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from support.context_network import Blend
from support.noise_frames import assert_equal, described, noise
from support.random_weights import drawn
from support.rgb_networks import RgbBicubic
from torch import Tensor

from vsr.core.errors import DeviceError
from vsr.core.frame import Frame, VideoInfo
from vsr.inference.cpu_workers import side_by_side
from vsr.inference.cuda_streams import in_batches
from vsr.inference.tiles import Tiler
from vsr.inference.upscaler import Enlarger
from vsr.inference.windows import windows
from vsr.networks import Network
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.vespcn import Vespcn

CPU = torch.device("cpu")
INFO = described("yuv420p", 42, 27, "left")
REPEATS = (0, 0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4, 4, 5, 0, 0)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")


def clip(numbers: Sequence[int] = range(11), info: VideoInfo = INFO) -> list[Frame]:
    """Frames that show the pictures of these numbers."""
    pictures = noise(max(numbers) + 1, info)
    return [replace(pictures[n], pts=7 * k, duration=k + 1) for k, n in enumerate(numbers)]


def tiler(
    network: Network,
    said: list[str] | None = None,
    size: int = 0,
    info: VideoInfo = INFO,
    device: torch.device = CPU,
) -> Tiler:
    warn = pytest.fail if said is None else said.append
    return Tiler(Enlarger(network, info, device), size, warn)


def batched(frames: Sequence[Frame], tilers: Sequence[Tiler], size: int) -> Iterator[Frame]:
    context = tilers[0].enlarger.network.context
    return in_batches(windows(iter(frames), context), tilers, size)


def expected(frames: Sequence[Frame], network: Network, info: VideoInfo = INFO) -> list[Frame]:
    seen = windows(iter(frames), network.context)
    return list(side_by_side(seen, tiler(network, info=info), 1))


class Counting(Blend):
    """Remembers how many windows came together."""

    def __init__(self, context: int = 0) -> None:
        super().__init__(2, context)
        self.counts: list[int] = []

    def subpixel(self, x: Tensor) -> Tensor:
        self.counts.append(len(x))
        return super().subpixel(x)


@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("devices", [1, 2, 3])
@pytest.mark.parametrize("numbers", [range(11), REPEATS, (4,), (4,) * 9, ()], ids=str)
@pytest.mark.parametrize("context", [0, 1, 2])
def test_the_frames_are_those_of_side_by_side(
    size: int, devices: int, numbers: Sequence[int], context: int
) -> None:
    frames = clip(numbers) if numbers else []
    network = Blend(2, context)
    found = list(batched(frames, [tiler(network) for _ in range(devices)], size))
    assert_equal(found, expected(frames, network))


@pytest.mark.parametrize("name", ["yuv420p10le", "yuv444p", "gray", "yuva420p", "gbrap12le"])
@pytest.mark.parametrize(
    "network",
    [drawn(Espcn(3, (3, 3), (4,))), drawn(Vespcn(2, 4, 2, flow_features=4)), RgbBicubic(2)],
)
@pytest.mark.parametrize("tile", [0, 16])
def test_networks_and_layouts(name: str, network: Network, tile: int) -> None:
    info = described(name, 42, 27, "left")
    frames = clip(range(4), info)
    found = list(batched(frames, [tiler(network, size=tile, info=info)], 3))
    assert_equal(found, expected(frames, network, info))


def test_batches_are_full_and_devices_take_turns() -> None:
    networks = [Counting(), Counting()]
    list(batched(clip(range(11)), [tiler(network) for network in networks], 2))
    assert [network.counts for network in networks] == [[2, 2, 2], [2, 2, 1]]


@pytest.mark.parametrize("context", [0, 1])
def test_a_picture_that_stands_still_is_seldom_computed_again(context: int) -> None:
    network = Counting(context)
    frames = clip((0, *(1,) * 400, 2))
    found = list(batched(frames, [tiler(network)], 3))
    assert_equal(found, expected(frames, Blend(2, context)))
    # 400 windows of one picture come in batches of 12; with context they are one window
    assert sum(network.counts) <= (3 if context else 2 + 400 // 12 + 1)


@pytest.mark.parametrize("size", [1, 2, 8])
@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("numbers", [range(60), (*range(3), *(2,) * 200)], ids=["all", "still"])
def test_few_windows_are_held(size: int, devices: int, numbers: Sequence[int]) -> None:
    drawn_frames = 0
    frames = clip(numbers)

    def source() -> Iterator[Frame]:
        nonlocal drawn_frames
        for frame in frames:
            drawn_frames += 1
            yield frame

    tilers = [tiler(Interpolation(2)) for _ in range(devices)]
    held = 0
    for given, _ in enumerate(in_batches(windows(source(), 0), tilers, size)):
        held = max(held, drawn_frames - given)
    assert drawn_frames == len(frames)
    repeats = 4 if len(set(numbers)) < len(numbers) else 1
    assert held <= 2 * devices * size * repeats + 1


# Errors


class Limited(Interpolation):
    """Enlarges up to `limit` pixels of pictures at once; more is refused."""

    def __init__(self, limit: float, error: type[Exception] = torch.OutOfMemoryError) -> None:
        super().__init__(2)
        self.limit, self.error = limit, error
        self.refused: list[tuple[int, int]] = []

    def subpixel(self, x: Tensor) -> Tensor:
        pixels = x.shape[-2] * x.shape[-1]
        if len(x) * pixels > self.limit:
            self.refused.append((len(x), pixels))
            raise self.error("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return super().subpixel(x)


WHOLE = INFO.width * INFO.height


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError, MemoryError])
@pytest.mark.parametrize(
    ("limit", "refused", "sizes"),
    [
        (8 * WHOLE, [], []),
        (7.9 * WHOLE, [8], []),
        (2 * WHOLE, [8, 4], []),
        (1.9 * WHOLE, [8, 4, 2], []),
        (0.95 * WHOLE, [8, 4, 2, 1], [21]),  # tiles of 21 see up to 32 x 27
        (0.7 * WHOLE, [8, 4, 2, 1, 1], [21, 16]),
    ],
)
def test_batches_halve_then_tiles(
    error: type[Exception], limit: float, refused: list[int], sizes: list[int]
) -> None:
    frames = clip((*range(19), 18, 18, 3))
    said: list[str] = []
    network = Limited(limit, error)
    found = list(batched(frames, [tiler(network, said)], 8))
    assert [count for count, _ in network.refused] == refused  # and none of them again
    assert said == [f"out of memory on cpu: from here on in tiles of {size}" for size in sizes]
    assert_equal(found, expected(frames, Interpolation(2)))


def test_each_device_has_its_own_memory() -> None:
    frames = clip(range(19))
    said: list[str] = []
    networks = [Limited(8 * WHOLE), Limited(0.95 * WHOLE)]
    found = list(batched(frames, [tiler(network, said) for network in networks], 4))
    assert [len(network.refused) for network in networks] == [0, 3]
    assert len(said) == 1
    assert_equal(found, expected(frames, Interpolation(2)))


def test_streams_without_any_memory() -> None:
    said: list[str] = []
    with pytest.raises(DeviceError, match="out of memory on cpu even with tiles of 16 pixels; "):
        list(batched(clip(), [tiler(Limited(0), said)], 8))
    assert len(said) == 2


class Failing(Interpolation):
    def subpixel(self, x: Tensor) -> Tensor:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


@pytest.mark.parametrize("size", [0, 16])
def test_other_errors_come_out(size: int) -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        list(batched(clip(), [tiler(Failing(2), size=size)], 3))


def test_an_error_in_the_source_comes_out() -> None:
    def source() -> Iterator[Frame]:
        yield from clip(range(5))
        raise LookupError("from the source")

    with pytest.raises(LookupError, match="from the source"):
        list(in_batches(windows(source(), 0), [tiler(Interpolation(2))], 2))


# A GPU


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("size", [1, 3, 8])
@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize("context", [0, 1])
def test_streams_on_a_gpu(size: int, lanes: int, context: int) -> None:
    """Two lanes on one GPU are as good as two GPUs."""
    device = torch.device("cuda:0")
    frames = clip(REPEATS * 3)
    kind = Vespcn(2, 8, 3, flow_features=8) if context else Espcn(2)
    network = drawn(kind, last=0.05)
    there = deepcopy(network).to(device)
    tilers = [tiler(there, device=device) for _ in range(lanes)]
    found = list(batched(frames, tilers, size))
    again = list(batched(frames, tilers, size))
    assert_equal(found, again)
    assert_equal(found, expected(frames, network), 2)


@pytest.mark.gpu
@needs_gpu
def test_a_batch_that_a_gpu_cannot_hold() -> None:
    device = torch.device("cuda:0")
    info = described("yuv420p", 400, 300)
    frames = clip((*range(30), *range(30)), info)
    network = drawn(Espcn(2), last=0.2)
    said: list[str] = []
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(150 * 2**20 / whole, 0)
    try:
        there = tiler(deepcopy(network).to(device), said, info=info, device=device)
        found = list(batched(frames, [there], 30))  # 64 features alone would take 900 MiB
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, 0)
    assert not said  # smaller batches suffice
    assert_equal(found, expected(frames, network, info), 1)
