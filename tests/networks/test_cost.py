"""What a network costs, counted: it must be the numbers that one finds on paper."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vsr.inference.ensemble import SelfEnsemble
from vsr.networks import Network
from vsr.networks.cost import cost
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.recurrent import Recurrent
from vsr.networks.vespcn import Vespcn


class Rgb(Network):
    """One 1x1 convolution over windows of colour."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.context, self.color, self.receptive_field = 2, 1, "rgb", 1
        self.mix = nn.Conv2d(9, 12, 1)

    def subpixel(self, x: Tensor) -> Tensor:
        return self.mix(x)  # type: ignore[no-any-return]


def bicubic(scale: int, pixels: int) -> int:
    """The upscale's: each phase sees all taps."""
    taps = Interpolation(scale).base.weight[0].numel()
    return scale**2 * taps * pixels


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_papers_espcn(scale: int) -> None:
    """5x5x64, 3x3x32, 3x3xr^2 on the small frame, and the upscale that the residual is added to."""
    pixels = 1920 * 1080 // scale**2
    found = cost(Espcn(scale))
    layers = 64 * 25 + 32 * 64 * 9 + scale**2 * 32 * 9
    assert found.macs == layers * pixels + bicubic(scale, pixels)
    assert found.parameters == layers + 64 + 32 + scale**2


def test_nothing_learnt_is_no_parameter() -> None:
    found = cost(Interpolation(4), 400, 200)
    assert found.parameters == 0
    assert found.macs == bicubic(4, 100 * 50)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("light", [False, True])
def test_the_cost_of_edsr(scale: int, light: bool) -> None:
    """Two blocks of 8 features on the small frame, then layers that grow with the picture."""
    pixels = 1200 * 600 // scale**2
    layers = 9 * (3 * 8 + 5 * 8 * 8) * pixels
    if light:
        layers += 9 * 8 * 3 * scale**2 * pixels + 3 * bicubic(scale, pixels)
    else:
        large = 1
        for factor in (2, 2) if scale == 4 else (scale,):
            layers += 9 * 8 * 8 * factor**2 * large * pixels
            large *= factor**2
        layers += 9 * 8 * 3 * large * pixels
    assert cost(Edsr(scale, 2, 8, light=light), 1200, 600).macs == layers


def test_self_ensemble_takes_eight_times_as_much() -> None:
    for network in (Espcn(2), Vespcn(2, 4, 3), Edsr(2, 1, 4)):
        once, often = cost(network), cost(SelfEnsemble(network))
        assert (often.macs, often.parameters) == (8 * once.macs, once.parameters)


@pytest.mark.parametrize(
    "network",
    [Espcn(3), Vespcn(3, 4, 3), Vespcn(2, 4, 5, fusion="slow"), Edsr(4, 1, 4), Edsr(2, light=True)],
)
def test_it_is_the_same_for_each_pixel(network: Network) -> None:
    whole = cost(network, 1920, 1080)
    assert cost(network, 960, 540).macs == pytest.approx(whole.macs / 4, abs=1)
    assert cost(network, 960, 540).parameters == whole.parameters


def test_each_further_frame_costs() -> None:
    three, five = (cost(Vespcn(4, context=n), 400, 400) for n in (1, 2))
    pixels = 100 * 100
    levelling = 2 * 2 * 9  # means and squares of two more frames, enlarged by 3x3 taps
    flows = 2 * motion_macs() + levelling
    assert five.macs - three.macs == (2 * 24 * 9 + flows) * pixels
    assert five.parameters - three.parameters == 2 * 24 * 9


def motion_macs() -> int:
    """For a pixel of one neighbour, by table 1: half the size from the first layer on."""
    quarter = 24 * 2 * 25 + 24 * 24 * 9  # at half the size: a quarter of the pixels
    sixteenth = 24 * 24 * 25 + 24 * 24 * 9 + 32 * 24 * 9
    fine = 24 * 5 * 25 + 3 * 24 * 24 * 9 + 8 * 24 * 9
    assert (quarter + fine) % 4 == sixteenth % 16 == 0
    return (quarter + fine) // 4 + sixteenth // 16


def test_coming_frames_take_no_further_flow() -> None:
    """Those between them are found once, whatever is done with them."""
    options: dict[str, Any] = {"features": 8, "pairs": 1, "flow_features": 4}
    plain, aligned = (cost(Recurrent(2, coming_aligned=a, **options)) for a in (False, True))
    assert aligned == plain


def test_the_cost_of_windows_of_colour() -> None:
    found = cost(Rgb(), 100, 100)
    assert (found.parameters, found.macs) == (9 * 12 + 12, 9 * 12 * 50 * 50)


def test_it_leaves_the_network_as_it_was() -> None:
    network = Vespcn(2, 4, 3).bfloat16()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    cost(network)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert network.training
