"""Networks whose layers work at the output's size: in tiles, without eight times the memory."""

from __future__ import annotations

import math

import pytest
import torch
from support.noise_frames import assert_equal, described, noise
from support.random_weights import drawn

from vsr.core.frame import Frame, VideoInfo
from vsr.inference import tiles as tiles_module
from vsr.inference.ensemble import SelfEnsemble
from vsr.inference.memory import peak_bytes
from vsr.inference.strength import PartialDetail
from vsr.inference.tiles import LEAST_PIXELS, Tiler, largest_tile, tiles
from vsr.inference.upscaler import Enlarger
from vsr.inference.windows import Window
from vsr.networks import Network
from vsr.networks.espcn import Espcn
from vsr.networks.literature.drrn import Drrn
from vsr.networks.literature.srcnn import Srcnn
from vsr.networks.literature.vdsr import Vdsr

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory for anything."""
    monkeypatch.setattr(tiles_module, "free_memory", lambda device: 2**50)


def chosen(network: Network, info: VideoInfo) -> int:
    return largest_tile(Enlarger(network, info, CPU), 1)


def peak(network: Network, info: VideoInfo, size: int) -> int:
    tiler = Tiler(Enlarger(network, info, CPU), size, pytest.fail)
    planes = tiler.gathered(Window((noise(1, info)[0],), ((0, 1),)))
    return peak_bytes(lambda: tiler(planes))


@pytest.mark.slow
@pytest.mark.parametrize("scale", [3, 4])
def test_an_output_of_1080p_does_not_take_eight_times_the_memory(scale: int) -> None:
    """Of what a network of equal width takes whose layers work at the small size."""
    info = described("yuv420p", 1920 // scale, 1080 // scale)
    late = Espcn(scale, (3,) * 4, (24,) * 3).eval()
    early = Vdsr(scale, (scale,), 4, 24).eval()
    assert chosen(late, info) == 0
    size = chosen(early, info)
    assert size > 0
    of_late = peak(late, info, 0)
    assert peak(early, info, size) < 8 * of_late
    assert peak(early, info, 0) > 8 * of_late  # which is why


@pytest.mark.parametrize("make", [Srcnn, Vdsr, Drrn])
def test_tiles_see_little_and_their_halos_are_not_most_of_it(make: type[Network]) -> None:
    with torch.device("meta"):
        network = make(4)  # type: ignore[call-arg]
    info = described("yuv420p", 960, 540)
    enlarger = Enlarger(network, info, CPU)
    size = chosen(network, info)
    whole = info.width * info.height
    made = list(tiles(info.height, info.width, size, enlarger.halo))
    assert len(made) > 1
    assert all(tile.seen_pixels <= max(whole / 4, LEAST_PIXELS) for tile in made)
    assert sum(tile.seen_pixels for tile in made) < 1.5 * whole


def test_small_pictures_are_left_whole() -> None:
    assert chosen(Vdsr(4), described("yuv420p", 96, 96)) == 0
    assert math.isinf(tiles_module._most_pixels(Espcn(4), 10**9))


def test_what_wraps_a_network_is_tiled_like_it() -> None:
    network = Vdsr(4, layers=3, features=4)
    for wrapped in (SelfEnsemble(network), PartialDetail(network, 0.5)):
        assert wrapped.large_layers
    assert not SelfEnsemble(Espcn(4)).large_layers


@pytest.mark.slow
@pytest.mark.parametrize("make", [Srcnn, Vdsr, Drrn])
def test_published_networks_in_tiles_are_the_whole(make: type[Network]) -> None:
    """At their full depth, to the bit."""
    network = drawn(make(2), last=0.02)  # type: ignore[call-arg]
    info = described("yuv420p", 2 * 32 + 10, 40)
    frame = noise(1, info)[0]
    window = Window((frame,), ((0, 1),))
    found = []
    for size in (0, 32):
        tiler = Tiler(Enlarger(network, info, CPU), size, pytest.fail)
        found.append(Frame(tiler(tiler.gathered(window)), 0, 1))
    assert_equal(found[:1], found[1:])
