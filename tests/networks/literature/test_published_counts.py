"""The papers' numbers: parameters and multiplications, from the layers that each paper lists."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from vsr.networks import Network
from vsr.networks.cost import cost
from vsr.networks.interpolation import Interpolation
from vsr.networks.literature.drrn import Drrn
from vsr.networks.literature.fsrcnn import Fsrcnn
from vsr.networks.literature.lapsrn import Lapsrn
from vsr.networks.literature.mdsr import Mdsr
from vsr.networks.literature.srcnn import Srcnn
from vsr.networks.literature.vdsr import Vdsr

LARGE = 1280 * 720
"""Pixels of the output that Ahn et al. 2018 (CARN, arXiv 1803.08664, table 2) count for."""


def weights(network: nn.Module) -> int:
    """Without biases and the slopes of PReLU: what most of the papers count."""
    return sum(p.numel() for p in network.parameters() if p.ndim == 4)


def others(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.ndim != 4)


def macs(network: Network) -> float:
    """Of the network's own layers for 1280x720, without the bicubic upscale that it begins with."""
    own = cost(network, 1280, 720).macs
    scale = network.scale
    return own - cost(Interpolation(scale), 1280, 720).macs if network.color == "y" else own


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("kernels", "published"), [((9, 1, 5), 8032), ((9, 5, 5), 57184)], ids=["915", "955"]
)
def test_srcnn(scale: int, kernels: tuple[int, ...], published: int) -> None:
    """Dong et al. 2016, section 4.3.3: 8,032 and 57,184 weights; CARN counts 57K and 52.7G."""
    network = Srcnn(scale, kernels)
    assert weights(network) == published
    assert others(network) == 64 + 32 + 1
    assert macs(network) == published * LARGE
    if kernels == (9, 5, 5):
        assert round(macs(network) / 1e9, 1) == 52.7


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("options", "published"),
    [({}, 12464), ({"features": 32, "shrunk": 5, "layers": 1}, 3937)],
    ids=["56-12-4", "32-5-1"],
)
def test_fsrcnn(scale: int, options: dict[str, int], published: int) -> None:
    """Dong et al. 2016, table 1 and section 3.3: weights without biases and PReLU."""
    network = Fsrcnn(scale, **options)
    d, s, m = (
        options.get(name, n) for name, n in (("features", 56), ("shrunk", 12), ("layers", 4))
    )
    assert weights(network) == published
    hidden = d + (m + 1) * s + d
    assert others(network) == hidden + 1 + hidden  # biases, and slopes
    # Equation 9 has all layers at the small size. The 9x9 kernel is exactly that at x3, where
    # each phase has 3x3 taps; at x2 and x4 ours are rounded up to 5x5 and 3x3 taps a phase.
    taps = {2: 4 * 25, 3: 81, 4: 16 * 9}[scale]
    small = published - 81 * d
    assert macs(network) == pytest.approx((small + taps * d) * LARGE / scale**2, abs=1)


@pytest.mark.parametrize(("scale", "published"), [(2, 6.0), (3, 5.0), (4, 4.6)])
def test_how_others_count_fsrcnn(scale: int, published: float) -> None:
    """CARN's table 2 has the transposed kernel applied at each pixel of the output."""
    network = Fsrcnn(scale)
    large = network.enlarge.weight.numel()
    found = ((weights(network) - large) / scale**2 + large) * LARGE
    assert round(found / 1e9, 1) == published


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_vdsr(scale: int) -> None:
    """Kim et al. 2016; 665K and 612.6G by CARN's table 2, without biases."""
    network = Vdsr(scale)
    expected = 9 * (64 + 18 * 64 * 64 + 64)
    assert weights(network) == expected
    assert round(expected / 1e3) == 665
    assert others(network) == 19 * 64 + 1
    assert macs(network) == expected * LARGE
    assert round(macs(network) / 1e9, 1) == 612.6


@pytest.mark.parametrize(("units", "published"), [(9, None), (25, 6796.9)])
def test_drrn(units: int, published: float | None) -> None:
    """Tai et al. 2017: 297K parameters whatever the recursions; 6,796.9G of B1U25 in CARN."""
    network = Drrn(4, units=units)
    once, again = 9 * 128, 9 * 128 * 128
    assert weights(network) == 2 * once + 2 * again
    assert round(weights(network) / 1e3) == 297
    assert macs(network) == (2 * once + 2 * units * again) * LARGE
    if published:
        assert round(macs(network) / 1e9, 1) == published


@pytest.mark.parametrize("scale", [2, 4])
def test_lapsrn(scale: int) -> None:
    """Lai et al. 2017, section 3.1: 4x4 transposed kernels.

    The 813K and 149.4G of CARN's table 2 are these layers with transposed kernels of 3x3, applied
    at each pixel of the larger size; with kernels of 4x4 x4 has 870K.
    """
    network = Lapsrn(scale)
    levels = {2: 1, 4: 2}[scale]
    hidden, ends, picture = 10 * 9 * 64 * 64, 9 * 64, 16
    level = hidden + 16 * 64 * 64 + ends + picture
    assert weights(network) == ends + levels * level
    assert others(network) == 64 + levels * (11 * 64 + 1)
    small = LARGE / scale**2
    # Features are enlarged between their pixels: one more in a row, in the piece of 32 that counts.
    features = 16 * 64 * 64 * sum((2**n + 1 / 32) ** 2 for n in range(levels))
    phases = 4 * 9  # of the picture: 3x3 taps a phase, of which 2x2 are not zero
    ours = [4**n * (hidden + phases + 4 * ends) for n in range(levels)]
    expected = small * (ends + sum(ours) + features)
    assert cost(network, 1280, 720).macs == pytest.approx(expected, abs=1)
    if scale == 4:
        as_published = weights(network) - levels * (16 - 9) * 64 * 64
        assert round(as_published / 1e3) == 813
        enlarging = 4 * (9 * 64 * 64 + 16)  # of features and picture
        theirs = [4**n * (hidden + enlarging + 4 * ends) for n in range(levels)]
        assert round(small * (ends + sum(theirs)) / 1e9, 1) == 149.4


@pytest.mark.parametrize(("blocks", "published"), [(16, 3.2), (80, 8.0)])
def test_mdsr(blocks: int, published: float) -> None:
    """Lim et al. 2017, table 1: 3.2M and 8.0M for the three scales together, with biases."""
    with torch.device("meta"):
        network = Mdsr(4, blocks=blocks)
    found = sum(parameter.numel() for parameter in network.parameters())

    def layer(inputs: int, outputs: int, kernel: int = 3) -> int:
        return outputs * inputs * kernel**2 + outputs

    own = 4 * layer(64, 64, 5)
    large = [layer(64, 256), layer(64, 576), 2 * layer(64, 256)]
    expected = layer(3, 64) + 2 * blocks * layer(64, 64) + layer(64, 64)
    expected += 3 * (own + layer(64, 3)) + sum(large)
    assert found == expected
    assert round(found / 1e6, 1) == published


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_multiplications_of_mdsr(scale: int) -> None:
    """One scale's way through: others' layers rest. The paper states none."""
    pixels = LARGE / scale**2
    hidden = 9 * 8 * 8
    layers: dict[int, float] = {
        2: 4 * hidden + 4 * 9 * 8 * 3,
        3: 9 * hidden + 9 * 9 * 8 * 3,
        4: 4 * hidden + 4 * 4 * hidden + 16 * 9 * 8 * 3,
    }
    body = 9 * 3 * 8 + 4 * 25 * 8 * 8 + (2 * 2 + 1) * hidden
    found = cost(Mdsr(scale, blocks=2, features=8), 1280, 720)
    assert found.macs == pytest.approx((body + layers[scale]) * pixels, abs=1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Srcnn(4, (9, 4, 5)), "kernels odd"),
        (lambda: Srcnn(4, (9, 5, 5), (64,)), "3 kernels need 2 feature counts"),
        (lambda: Fsrcnn(4, 0), "all must be positive"),
        (lambda: Vdsr(4, layers=1), "layers 1, features 64: must be at least 2"),
        (lambda: Vdsr(4, (2, 3)), "scale 4: must be one of 2, 3"),
        (lambda: Vdsr(4, (4, 8)), r"scales \[4, 8\]: must be some of 2, 3, 4"),
        (lambda: Mdsr(4, (4, 4)), r"scales \[4, 4\]: must be some of 2, 3, 4"),
        (lambda: Mdsr(4, ()), r"scales \[\]: must be some of 2, 3, 4"),
        (lambda: Mdsr(4, blocks=0), "blocks 0, features 64: all must be positive"),
        (lambda: Drrn(4, units=0), "units 0, .*: all must be positive"),
        (lambda: Lapsrn(3), "scale 3: must be 2 or 4, as each level doubles"),
        (lambda: Lapsrn(2, 0), "layers 0, features 64: all must be positive"),
    ],
)
def test_wrong_options_are_refused(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()
