"""Self-ensemble: whatever position a picture comes in, it comes out the same in that position."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch
from support.noise_frames import described, noise
from support.random_weights import drawn
from support.rgb_networks import RgbBicubic
from torch import Tensor
from torch.nn import functional as F

from vsr.inference.ensemble import POSITIONS, SelfEnsemble
from vsr.networks import Network
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.vespcn import Vespcn

SCALES = (2, 3, 4)
MAKE: dict[str, Callable[[int], Network]] = {
    "espcn": lambda scale: drawn(Espcn(scale, (5, 3), (6,)), last=0.2),
    "edsr": lambda scale: drawn(Edsr(scale, 1, 4), last=0.2),
    "light edsr": lambda scale: drawn(Edsr(scale, 1, 4, light=True), last=0.2),
    "vespcn": lambda scale: drawn(Vespcn(scale, 4, 2, flow_features=4), last=0.2),
    "rgb of 3": lambda scale: RgbBicubic(scale, 1, 0),
}


def pictures(network: Network, height: int, width: int) -> Tensor:
    channels = (2 * network.context + 1) * (3 if network.color == "rgb" else 1)
    frames = noise(2 * channels, described("gray16le", width, height))
    planes = [torch.from_numpy(frame.planes[0].astype("float32")) / 65535 for frame in frames]
    return torch.stack(planes).view(2, channels, height, width)


def turned(x: Tensor) -> Tensor:
    return x.transpose(-1, -2)


def test_the_eight_positions_are_all_there_are() -> None:
    x = torch.arange(12.0).view(3, 4)
    found = {str((turned(x) if turn else x).flip(flips).tolist()) for turn, flips in POSITIONS}
    each = {str(torch.rot90(y, n).tolist()) for y, n in product((x, x.flip(0)), range(4))}
    assert len(found) == 8
    assert found == each


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [(9, 14), (16, 8), (1, 5)])
def test_a_network_that_is_symmetric_is_not_changed(scale: int, size: tuple[int, int]) -> None:
    for kernel in ("cubic", "linear"):
        network = Interpolation(scale, kernel)
        x = pictures(network, *size)
        torch.testing.assert_close(SelfEnsemble(network)(x), network(x), atol=1e-6, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [(12, 20), (24, 8)])
def test_a_picture_moved_gives_the_result_moved(
    name: str, scale: int, size: tuple[int, int]
) -> None:
    network = MAKE[name](scale)
    ensemble = SelfEnsemble(network)
    x = pictures(network, *size)
    alone, moved = [], []
    with torch.inference_mode():
        for flips in ((), (-1,), (-2,), (-2, -1)):
            for turn in (turned, lambda y: y):
                seen = turn(x).flip(flips)
                expected = turn(ensemble(x)).flip(flips)
                torch.testing.assert_close(ensemble(seen), expected, atol=1e-5, rtol=0)
                alone.append((network(seen) - turn(network(x)).flip(flips)).abs().max())
                moved.append((ensemble(seen) - expected).abs().max())
    if name != "rgb of 3":  # the network by itself depends on the position
        assert max(alone) > 1e-3


@pytest.mark.parametrize("name", ["espcn", "edsr", "light edsr"])
def test_odd_sides_too(name: str) -> None:
    network = MAKE[name](2)
    ensemble = SelfEnsemble(network)
    x = pictures(network, 7, 13)
    for seen, expected in (
        (x.flip(-1), ensemble(x).flip(-1)),
        (turned(x), turned(ensemble(x))),
    ):
        torch.testing.assert_close(ensemble(seen), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", MAKE)
def test_it_is_the_mean_of_eight(name: str) -> None:
    network = MAKE[name](2)
    x = pictures(network, 8, 12)
    total = torch.zeros(())
    for turn in (False, True):
        for flips in ((), (-1,), (-2,), (-2, -1)):
            seen = turned(x) if turn else x
            large = network(seen.flip(flips)).flip(flips)
            total = total + (turned(large) if turn else large)
    torch.testing.assert_close(SelfEnsemble(network)(x), total / 8, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(5, 7), (9, 4), (6, 11), (1, 2)])
def test_with_neighbours_sides_are_filled_up_to_blocks(size: tuple[int, int]) -> None:
    """Motion is found in blocks of 4 x 4: their place must not depend on the position."""
    network = MAKE["vespcn"](2)
    ensemble = SelfEnsemble(network)
    x = pictures(network, *size)
    filled = F.pad(x, (0, -size[1] % 4, 0, -size[0] % 4), mode="replicate")
    with torch.inference_mode():
        found = ensemble(x)
        assert found.shape == (2, 1, 2 * size[0], 2 * size[1])
        assert torch.equal(found, ensemble(filled)[..., : 2 * size[0], : 2 * size[1]])


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("scale", SCALES)
def test_it_states_what_its_network_states(name: str, scale: int) -> None:
    network = MAKE[name](scale)
    ensemble = SelfEnsemble(network)
    for fact in ("scale", "context", "color", "receptive_field"):
        assert getattr(ensemble, fact) == getattr(network, fact)


@pytest.mark.parametrize("name", ["espcn", "vespcn"])
@pytest.mark.parametrize("scale", SCALES)
def test_phases_are_the_output_before_its_shuffle(name: str, scale: int) -> None:
    network = MAKE[name](scale)
    ensemble = SelfEnsemble(network)
    x = pictures(network, 6, 9)
    with torch.inference_mode():
        phases = ensemble.subpixel(x)
        assert phases.shape == (2, scale**2, 6, 9)
        assert torch.equal(F.pixel_shuffle(phases, scale), ensemble(x))
