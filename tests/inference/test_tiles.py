"""Tiles: together they are the whole, sample by sample, and they shrink when memory runs out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from support.context_network import Blend
from support.noise_frames import assert_equal, described, model, noise
from support.random_weights import drawn
from support.rgb_networks import RgbBicubic
from torch import Tensor

from vsr.core.color import SITINGS
from vsr.core.crop import Box
from vsr.core.errors import DeviceError
from vsr.core.frame import Frame, VideoInfo
from vsr.inference import tiles as tiles_module
from vsr.inference.engine import Engine, restore
from vsr.inference.ensemble import SelfEnsemble
from vsr.inference.tiles import GRID, LEAST_TILE, Tiler, largest_tile, tiles
from vsr.inference.upscaler import Enlarger
from vsr.networks import Network
from vsr.networks.catalogue import catalogue
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.registry import load_model
from vsr.networks.vespcn import Vespcn

CPU = torch.device("cpu")
TINY: dict[str, Any] = {"features": 4, "flow_features": 4}
MAKE: dict[str, Callable[[int], Network]] = {
    "cubic": Interpolation,
    "linear": lambda scale: Interpolation(scale, "linear"),
    "nearest": lambda scale: Interpolation(scale, "nearest"),
    "espcn": lambda scale: drawn(Espcn(scale, (5, 3, 3), (6, 4)), last=0.2),
    "early": lambda scale: drawn(Vespcn(scale, layers=2, **TINY), last=0.2),
    "early of 5": lambda scale: drawn(Vespcn(scale, layers=3, context=2, **TINY), last=0.2),
    "slow": lambda scale: drawn(Vespcn(scale, layers=3, fusion="slow", **TINY), last=0.2),
    "slow of 5": lambda scale: drawn(
        Vespcn(scale, layers=5, context=2, fusion="slow", **TINY), last=0.1
    ),
    "edsr": lambda scale: drawn(Edsr(scale, 1, 6), last=0.2),
    "light edsr": lambda scale: drawn(Edsr(scale, 1, 6, 0.5, light=True), last=0.2),
    "rgb of 3": lambda scale: RgbBicubic(scale, context=1, place=0),
    "espcn ensemble": lambda scale: SelfEnsemble(MAKE["espcn"](scale)),
    "early ensemble": lambda scale: SelfEnsemble(MAKE["early"](scale)),
    "edsr ensemble": lambda scale: SelfEnsemble(MAKE["light edsr"](scale)),
}

# Eight times the work needs no three scales.
CASES = [(name, scale) for name in MAKE for scale in ((3,) if "ensemble" in name else (2, 3, 4))]


@pytest.fixture(params=[2, 3, 4])
def scale(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def restored(
    network: Network, info: VideoInfo, size: int, frames: list[Frame] | None = None
) -> list[Frame]:
    """Frames by tiles of a size."""
    source = noise(2 * network.context + 1, info) if frames is None else frames
    engine = Engine((CPU,), "fp32", 2, size)
    seen = iter(source)
    return list(restore(seen, info, model(network), engine, pytest.fail))


# How a frame is cut


@pytest.mark.parametrize(("height", "width"), [(1, 1), (37, 50), (64, 16), (3, 90)])
@pytest.mark.parametrize("size", [0, 1, 4, 13, 16, 30, 64, 500])
@pytest.mark.parametrize("halo", [0, 1, 8, 19, 60])
def test_tiles_make_up_the_frame(height: int, width: int, size: int, halo: int) -> None:
    times = np.zeros((height, width), int)
    for tile in tiles(height, width, size, halo):
        times[tile.rows, tile.columns] += 1
        for core, seen, length in (
            (tile.rows, tile.seen_rows, height),
            (tile.columns, tile.seen_columns, width),
        ):
            assert core.stop - core.start <= -(-(size or length) // GRID) * GRID
            assert 0 <= seen.start <= max(core.start - halo, 0)
            assert min(core.stop + halo, length) <= seen.stop <= length
            assert core.start % GRID == seen.start % GRID == 0
            assert all(end % GRID == 0 or end == length for end in (core.stop, seen.stop))
    assert (times == 1).all()


@pytest.mark.parametrize("box", [Box(0, 0, 50, 37), Box(6, 10, 1, 2), Box(2, 5, 48, 32)], ids=str)
@pytest.mark.parametrize("size", [0, 1, 13, 16, 500])
@pytest.mark.parametrize("halo", [0, 1, 8, 60])
def test_tiles_make_up_a_part_of_the_frame(box: Box, size: int, halo: int) -> None:
    times = np.zeros((37, 50), int)
    for tile in tiles(37, 50, size, halo, box):
        times[tile.rows, tile.columns] += 1
        for core, seen, length in (
            (tile.rows, tile.seen_rows, 37),
            (tile.columns, tile.seen_columns, 50),
        ):
            assert 0 <= seen.start <= max(core.start - halo, 0)
            assert min(core.stop + halo, length) <= seen.stop <= length
            assert seen.stop - seen.start <= core.stop - core.start + 2 * (halo + 2 * GRID - 1)
            assert seen.start % GRID == 0
            assert seen.stop % GRID == 0 or seen.stop == length
    assert times.sum() == box.width * box.height
    assert (times[box.y : box.y + box.height, box.x : box.x + box.width] == 1).all()


def test_one_tile_is_the_frame() -> None:
    (tile,) = tiles(37, 50, 0, 12)
    assert (tile.rows, tile.columns) == (slice(0, 37), slice(0, 50))
    assert (tile.seen_rows, tile.seen_columns) == (tile.rows, tile.columns)


# Together they are the whole


def in_tiles(network: Network, x: Tensor, size: int, halo: int) -> Tensor:
    """What the network makes of tiles, put together."""
    scale, (height, width) = network.scale, x.shape[-2:]
    large = torch.full((len(x), 3, height * scale, width * scale), math.nan)
    for tile in tiles(height, width, size, halo):
        part = network(x[..., tile.seen_rows, tile.seen_columns])
        large = large[:, : part.shape[1]]
        place, inside = [], []
        for core, seen in ((tile.rows, tile.seen_rows), (tile.columns, tile.seen_columns)):
            place.append(slice(core.start * scale, core.stop * scale))
            first = (core.start - seen.start) * scale
            inside.append(slice(first, first + (core.stop - core.start) * scale))
        large[..., place[0], place[1]] = part[..., inside[0], inside[1]]
    return large


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scale"), CASES)
def test_the_output_in_tiles_is_that_of_the_whole(name: str, scale: int) -> None:
    network = MAKE[name](scale)
    channels = (2 * network.context + 1) * (3 if network.color == "rgb" else 1)
    reach = network.receptive_field // 2
    x = noise_tensor(channels, *sides(network, reach, scale))
    with torch.inference_mode():
        whole = network(x)
        for size in (4, 14, 30, 64) if reach < 20 else (14, 32):
            difference = (in_tiles(network, x, size, reach) - whole).abs().max()
            assert difference == 0


def sides(network: Network, halo: int, scale: int) -> tuple[int, int]:
    """(height, width) of a frame that is longer than a tile and all around it."""
    long = 2 * halo + 35
    short = 66 if network.context else 18  # torch has another kernel for tiny flows
    return (long, short) if scale == 3 else (short, long)


def noise_tensor(channels: int, height: int, width: int) -> Tensor:
    info = described("gray16le", width, height)
    planes = [frame.planes[0] / np.float32(65535) for frame in noise(channels, info)]
    return torch.from_numpy(np.stack(planes))[None]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scale"), CASES)
def test_frames_in_tiles_are_whole_frames(name: str, scale: int) -> None:
    network = MAKE[name](scale)
    height, width = sides(network, Enlarger(network, described(), CPU).halo, scale)
    depth = {2: "", 3: "10le", 4: ""}[scale]
    info = described(f"yuv420p{depth}", width, height, "left")
    whole = restored(network, info, 0)
    assert all(0.01 < (frame.planes[0] / info.format.peak).std() < 0.4 for frame in whole)
    for size in (22,) if network.context else (14, 64):
        assert_equal(restored(network, info, size), whole)


LAYOUTS = [
    ("gray", ""),
    ("gray10le", ""),
    *(("yuv420p", siting) for siting in ("", *SITINGS)),
    ("yuv420p10le", "topleft"),
    ("yuv422p", "left"),
    ("yuv422p10le", "center"),
    ("yuv444p", ""),
    ("yuv444p10le", ""),
    ("yuva444p16le", ""),
    ("yuva420p", "left"),
    ("yuva422p10le", "topleft"),
    ("yuv440p", "center"),
    ("yuv411p", "left"),
    ("yuv410p", "topleft"),
    ("gbrp", ""),
    ("gbrap12le", ""),
]


@pytest.mark.parametrize("network", [Interpolation, RgbBicubic])
@pytest.mark.parametrize(("layout", "siting"), LAYOUTS)
def test_every_layout_in_tiles(
    layout: str, siting: str, network: Callable[[int], Network], scale: int
) -> None:
    width, height = (57, 11) if scale == 2 else (14, 49)
    info = described(layout, width, height, siting)
    whole = restored(network(scale), info, 0)
    for size in {2: (9, 50, 64), 3: (4, 18), 4: (9, 50)}[scale]:
        assert_equal(restored(network(scale), info, size), whole)


@pytest.mark.parametrize("layout", ["yuv411p", "yuv410p", "yuva420p", "gbrap"])
@pytest.mark.parametrize(
    "network",
    [drawn(Espcn(2, (5, 3), (4,))), RgbBicubic(2), Blend(2, 1), Interpolation(2, "nearest")],
)
def test_layouts_in_tiles_far_from_the_borders(layout: str, network: Network) -> None:
    info = described(layout, 106, 90, "left")
    assert_equal(restored(network, info, 16), restored(network, info, 0))


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 9])
@pytest.mark.parametrize("color", ["y", "rgb"])
def test_small_frames_in_tiles(width: int, color: str) -> None:
    for layout in ("yuv420p", "yuv422p10le", "yuva420p", "yuv410p"):
        network = Interpolation(3) if color == "y" else RgbBicubic(3)
        info = described(layout, width, 7, "left")
        assert_equal(restored(network, info, 4), restored(network, info, 0))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scale"), [(weights.name, weights.scale) for weights in catalogue()]
)
def test_bundled_models_in_tiles(name: str, scale: int) -> None:
    network = load_model(name, scale).network
    height, width = sides(network, Enlarger(network, described(), CPU).halo, scale)
    info = described("yuv420p", width, height, "left")
    source = noise(2, info)
    whole = restored(network, info, 0, source)
    for size in (36,) if network.context else (16, 60):
        assert_equal(restored(network, info, size, source), whole)


@pytest.mark.parametrize(
    ("network", "plane", "steps"),
    [
        (drawn(Espcn(2, (5,) * 6, (6,) * 5)), 0, 1),  # it sees 12 pixels far
        (Interpolation(2), 1, 2),  # 8 are taken for chroma, it sees 4
        (RgbBicubic(2), 1, 3),
    ],
)
def test_less_around_a_tile_would_show(
    network: Network, plane: int, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With so many steps of the grid fewer."""
    info = described("yuv420p16le", 64, 48, "left")
    whole = restored(network, info, 0)[0].planes[plane]
    assert np.array_equal(restored(network, info, 16)[0].planes[plane], whole)
    enough = -(-Enlarger(network, info, CPU).halo // GRID) * GRID
    monkeypatch.setattr(Enlarger, "halo", property(lambda enlarger: enough - steps * GRID))
    assert not np.array_equal(restored(network, info, 16)[0].planes[plane], whole)


# When memory runs out

REFUSALS = [
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate "
        "memory: you tried to allocate 4000000000 bytes. Error code 12 (Cannot allocate memory)"
    ),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    MemoryError("Unable to allocate 1.01 GiB"),
]
LARGE = described("yuv420p", 100, 64, "left")


class Limited(Interpolation):
    """Enlarges pictures of up to `limit` pixels, and fails at larger ones."""

    def __init__(self, limit: int, error: Exception = REFUSALS[0], scale: int = 2) -> None:
        super().__init__(scale)
        self.limit, self.error = limit, error
        self.refused: list[int] = []

    def __deepcopy__(self, memo: object) -> Limited:
        return self  # what is refused is to be seen from outside

    def subpixel(self, x: Tensor) -> Tensor:
        pixels = x.shape[0] * x.shape[-2] * x.shape[-1]
        if pixels > self.limit:
            self.refused.append(pixels)
            raise self.error
        return super().subpixel(x)


def run(
    network: Network, frames: list[Frame], workers: int = 1, tile: int | None = 0
) -> tuple[list[Frame], list[str]]:
    """The frames, and the warnings."""
    said: list[str] = []
    engine = Engine((CPU,), "fp32", workers, tile)
    seen = iter(frames)
    return list(restore(seen, LARGE, model(network), engine, said.append)), said


def smaller(*sizes: int) -> list[str]:
    return [f"out of memory on cpu: from here on in tiles of {size}" for size in sizes]


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("limit", "sizes"),
    [(6400, ()), (6399, (50,)), (4200, (50,)), (2500, (50, 25)), (1100, (50, 25, 16))],
)
def test_tiles_halve_until_they_fit(error: Exception, limit: int, sizes: tuple[int, ...]) -> None:
    frames = noise(5, LARGE)
    network = Limited(limit, error)
    found, said = run(network, frames)
    assert said == smaller(*sizes)
    assert len(network.refused) == len(sizes)  # what was too large is not tried again
    assert_equal(found, restored(Interpolation(2), LARGE, 0, frames))


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_share_what_one_has_learnt(workers: int) -> None:
    frames = noise(8, LARGE)
    expected = restored(Interpolation(2), LARGE, 0, frames)
    for _ in range(4):
        network = Limited(1100)
        found, said = run(network, frames, workers)
        assert said == smaller(50, 25, 16)
        assert max(Counter(network.refused).values()) <= workers
        assert_equal(found, expected)


@pytest.mark.parametrize("tile", [400, 100])
def test_tiles_beyond_the_frame_are_the_frame(tile: int) -> None:
    network = Limited(6399)
    _, said = run(network, noise(2, LARGE), tile=tile)
    assert said == smaller(50)
    assert network.refused == [6400]


def test_a_size_that_was_given_shrinks_too() -> None:
    network = Limited(1100)
    frames = noise(2, LARGE)
    found, said = run(network, frames, tile=32)
    assert said == smaller(16)
    assert_equal(found, restored(Interpolation(2), LARGE, 0, frames))


@pytest.mark.parametrize(("tile", "smallest"), [(0, 16), (40, 16), (16, 16), (8, 8)])
@pytest.mark.parametrize("workers", [1, 3])
def test_tiles_without_any_memory(tile: int, smallest: int, workers: int) -> None:
    with pytest.raises(DeviceError) as caught:
        run(Limited(0), noise(4, LARGE), workers, tile)
    assert str(caught.value) == (
        f"out of memory on cpu even with tiles of {smallest} pixels; free some, or take a "
        "smaller model"
    )


def test_other_errors_are_not_taken_for_it() -> None:
    network = Limited(0, RuntimeError("weights of size 3 do not fit"))
    with pytest.raises(RuntimeError) as caught:
        run(network, noise(2, LARGE))
    assert caught.value is network.error
    assert set(network.refused) == {6400}


def test_who_comes_late_changes_nothing() -> None:
    """Two workers fail at one size, the second when the first has long gone on."""
    said: list[str] = []
    tiler = Tiler(Enlarger(Interpolation(2), LARGE, CPU), 0, said.append)
    for size, becomes in ((0, 50), (0, 50), (50, 25), (0, 25), (50, 25), (25, 16), (25, 16)):
        tiler.shrink(size)
        assert tiler.size == becomes
    assert said == smaller(50, 25, 16)


# What is taken to begin with


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int | None], None]]:
    """Has the system say how many bytes are free."""

    def say(count: int | None) -> None:
        monkeypatch.setattr(tiles_module, "free_memory", lambda device: count)

    return say  # type: ignore[return-value]


@pytest.mark.parametrize("network", [Espcn(4), Edsr(2, 2, 8), Vespcn(2, layers=2, **TINY)])
def test_the_size_fits_the_memory(free: Callable[[int | None], None], network: Network) -> None:
    info = described("yuv420p", 1920, 1080)
    enlarger = Enlarger(network, info, CPU)
    free(None)  # nothing is known: the frame is tried
    assert largest_tile(enlarger, 1) == 0
    free(2**50)
    assert largest_tile(enlarger, 8) == 0
    sizes = []
    for power in range(37, 19, -1):
        free(2**power)
        sizes.append(largest_tile(enlarger, 1))
        if power < 30:  # half as many bytes, or twice as many at once
            free(2 ** (power + 1))
            assert largest_tile(enlarger, 2) == sizes[-1]
    assert sizes[0] == 0
    assert sizes[-1] == LEAST_TILE
    cut = sizes[sizes.count(0) :]
    assert 0 not in cut  # once the frame does not fit, it never does with less
    assert all(size % GRID == 0 and LEAST_TILE <= size < 1920 for size in cut)
    assert all(more >= less for more, less in pairwise(cut))
    free(0)
    assert largest_tile(enlarger, 1) == LEAST_TILE


def test_a_tile_takes_no_more_than_was_reckoned(free: Callable[[int | None], None]) -> None:
    """Counted again at the size that was chosen, tiles at once stay within half of what is free."""
    info = described("yuv420p", 1920, 1080)
    enlarger = Enlarger(Espcn(2), info, CPU)
    budget = 2**28
    free(budget)
    size = largest_tile(enlarger, 2)
    side = size + 2 * enlarger.halo
    planes = [
        torch.zeros(1, 1, *info.format.plane_size(n, side, side), dtype=torch.uint8)
        for n in range(3)
    ]
    taken = tiles_module.peak_bytes(lambda: enlarger(planes))
    assert 0.5 < 2 * taken * tiles_module._WORKSPACE / (budget / 2) <= 1


def test_little_memory_is_no_matter(free: Callable[[int | None], None]) -> None:
    free(2**20)
    frames = noise(2, LARGE)
    found, said = run(Interpolation(2), frames, tile=None)
    assert not said
    assert_equal(found, restored(Interpolation(2), LARGE, 0, frames))
