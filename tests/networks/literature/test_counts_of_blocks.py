"""Parameters and multiplications are the papers', as far as those tell them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from vsr.networks import Network
from vsr.networks.cost import cost
from vsr.networks.literature.carn import Carn
from vsr.networks.literature.dbpn import Dbpn, Ddbpn
from vsr.networks.literature.dilated import Dilated
from vsr.networks.literature.idn import Idn
from vsr.networks.literature.rcan import Rcan
from vsr.networks.literature.rdn import Rdn
from vsr.networks.literature.srdensenet import Srdensenet
from vsr.networks.literature.srresnet import Srresnet
from vsr.networks.literature.transposed import Transposed
from vsr.networks.literature.wavelet import Wavelet

SCALES = (2, 3, 4)


def parameters(make: Callable[[], Network]) -> int:
    with torch.device("meta"):
        network = make()
    return sum(parameter.numel() for parameter in network.parameters())


def weights(make: Callable[[], Network]) -> int:
    """Of convolutions alone: neither biases nor slopes nor normalisation."""
    with torch.device("meta"):
        network = make()
    return sum(parameter.numel() for parameter in network.parameters() if parameter.ndim == 4)


def gmacs(make: Callable[[], Network]) -> float:
    """For a frame of 1280x720, counted without computing it."""
    with torch.device("meta"):
        network = make().eval()
    return cost(network, 1280, 720).macs / 1e9


def test_srresnet() -> None:
    """Ahn et al. 2018 (CARN), table of results: 1,543K for x4, of weights alone, and 127.8G."""
    assert weights(lambda: Srresnet(4)) == 1_542_528
    normalisation, slopes, biases = 33 * 2 * 64, (1 + 16 + 2) * 64, 64 + 2 * 256 + 3
    assert parameters(lambda: Srresnet(4)) == 1_542_528 + normalisation + slopes + biases
    assert gmacs(lambda: Srresnet(4)) == pytest.approx(127.8, abs=0.05)


@pytest.mark.parametrize(
    ("stages", "features", "projected", "published"),
    [(2, 64, 18, 188), (2, 128, 32, 595), (4, 128, 32, 1381), (6, 128, 32, 2168)],
    ids=["DBPN-SS", "DBPN-S", "DBPN-M", "DBPN-L"],
)
def test_dbpn(stages: int, features: int, projected: int, published: int) -> None:
    """Section 4.2: in thousands for x4, of weights without biases, cut off."""
    found = weights(lambda: Dbpn(4, stages, features, projected))
    units = 3 * (2 * stages - 1) * projected**2 * 8 * 8
    ends = 9 * features + features * projected + stages * projected
    assert found == units + ends
    assert found // 1000 == published
    layers = 3 * (2 * stages - 1)
    slopes_and_biases = (layers + 2) + layers * projected + features + projected + 1
    assert parameters(lambda: Dbpn(4, stages, features, projected)) == found + slopes_and_biases


def test_d_dbpn() -> None:
    """Section 4: 10,426K for x4, biases and slopes included."""
    assert parameters(lambda: Ddbpn(4)) == 10_426_358
    units, joins = 13 * 3 * 64**2 * 8 * 8, 2 * sum(range(2, 7)) * 64**2
    assert weights(lambda: Ddbpn(4)) == units + joins + 9 * 3 * 256 + 256 * 64 + 9 * 7 * 64 * 3


@pytest.mark.parametrize(("scale", "published"), [(2, 15.44), (3, 15.63), (4, 15.59)])
def test_rcan(scale: int, published: float) -> None:
    """The paper says 16M; its author, in yulunzhang/RCAN issue 56, for each scale."""
    found = parameters(lambda: Rcan(scale))
    assert round(found / 1e6, 2) == published
    block = 2 * (9 * 64 * 64 + 64) + (64 * 4 + 4) + (4 * 64 + 64)
    hidden = 9 * 64 * 64 + 64
    phases = {2: (4,), 3: (9,), 4: (4, 4)}[scale]
    tail = sum(n * hidden for n in phases) + 9 * 64 * 3 + 3
    assert found == (9 * 3 * 64 + 64) + 10 * (20 * block + hidden) + hidden + tail


def test_a_window_costs_rcan_nothing() -> None:
    assert parameters(lambda: Rcan(4, window=5)) == parameters(lambda: Rcan(4))


@pytest.mark.parametrize("scale", SCALES)
def test_rdn(scale: int) -> None:
    """Figures 2 and 3 with D = 16, C = 8, G = G0 = 64: 22 million."""
    found = parameters(lambda: Rdn(scale))
    assert round(found / 1e6) == 22
    hidden = 9 * 64 * 64 + 64
    block = sum(9 * 64 * n * 64 + 64 for n in range(1, 9)) + (64 + 8 * 64) * 64 + 64
    phases = {2: (4,), 3: (9,), 4: (4, 4)}[scale]
    tail = sum(n * hidden for n in phases) + 9 * 64 * 3 + 3
    ends = (9 * 3 * 64 + 64) + hidden + (16 * 64 * 64 + 64) + hidden
    assert found == ends + 16 * block + tail


def test_srdensenet() -> None:
    """Section 3: the paper tells no count, but 69 layers with weights, and their widths."""
    with torch.device("meta"):
        network = Srdensenet(4)
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d | Transposed)]
    assert len(layers) == 69
    first = sum(9 * n * 16 for n in (16, *range(16, 128, 16)))
    block = sum(9 * n * 16 for n in (128, *range(16, 128, 16)))
    ends = 9 * 16 + (16 + 8 * 128) * 256 + 2 * 9 * 256 * 256 + 9 * 256
    assert weights(lambda: Srdensenet(4)) == first + 7 * block + ends
    biases = 16 + 64 * 16 + 3 * 256 + 1
    assert parameters(lambda: Srdensenet(4)) == first + 7 * block + ends + biases


@pytest.mark.parametrize("scale", SCALES)
def test_idn(scale: int) -> None:
    """Hui et al. 2019 (IMDN, arXiv 1909.11856), in the table of results: 553K for each scale."""
    short = 9 * (64 * 48 + 48 * 32 // 4 + 32 * 64)
    long = 9 * (48 * 64 + 64 * 48 // 4 + 48 * 80)
    biases = 48 + 32 + 64 + 64 + 48 + 80 + 64
    block = short + long + 80 * 64 + biases
    ends = (9 * 64 + 64) + (9 * 64 * 64 + 64) + 64 * 17 * 17 + 1
    found = parameters(lambda: Idn(scale))
    assert found == ends + 4 * block
    assert round(found / 1000) == 553


def tails(groups: int) -> int:
    """Parameters of a tail's stages, for all three scales: the paper's network has them all."""
    stage = (9 * 64 * 64 // groups + 64) * 4
    return stage + stage * 9 // 4 + 2 * stage


def test_carn() -> None:
    """The table of results: 1,592K with the tails of all scales; 90.9G for x4 at 1280x720."""
    own = {2: 147_712, 3: 332_352, 4: 295_424}
    assert sum(own.values()) == tails(1)
    body = parameters(lambda: Carn(4)) - own[4]
    for scale in SCALES:
        assert parameters(lambda scale=scale: Carn(scale)) == body + own[scale]  # type: ignore[misc]
    assert round((body + tails(1)) / 1000) == 1592
    assert gmacs(lambda: Carn(4)) == pytest.approx(90.9, abs=0.05)


def test_carn_m() -> None:
    """The table of results: 412K likewise, which are the weights without biases, and 32.5G."""
    found = weights(lambda: Carn(4, 64, 4, mobile=True))
    stages = {2: 4, 3: 9, 4: 8}
    stage = 9 * 64 * 64 // 4
    others = (stages[2] + stages[3]) * stage
    assert (found + others) // 1000 == 412
    assert gmacs(lambda: Carn(4, 64, 4, mobile=True)) == pytest.approx(32.5, abs=0.05)


@pytest.mark.parametrize("scale", SCALES)
def test_dilated(scale: int) -> None:
    """IRCNN's seven layers of 64 features, between luma and the phases, with biases."""
    hidden = 9 * 64 * 64 + 64
    expected = (9 * 64 + 64) + 5 * hidden + (9 * 64 + 1) * scale**2
    assert parameters(lambda: Dilated(scale)) == expected


def test_wavelet() -> None:
    """Four bands of each channel go in and out at each level."""
    at = {
        2: 9 * (4 * 32 * 64 + 64 * 64) + 2 * 64 + 9 * (64 * 64 + 64 * 4 * 32) + 64 + 4 * 32,
        4: 9 * (4 * 64 * 128 + 128 * 128) + 2 * 128 + 9 * (128**2 + 128 * 4 * 64) + 128 + 4 * 64,
    }
    ends = (9 * 32 + 32) + (9 * 32 + 1) * 16
    assert parameters(lambda: Wavelet(4, 32, (64, 128), 2)) == sum(at.values()) + ends
