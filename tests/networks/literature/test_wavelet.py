"""Haar's bands, and the network between their analysis and synthesis."""

from __future__ import annotations

import pytest
import torch

from vsr.networks.literature.dilated import Dilated
from vsr.networks.literature.wavelet import Wavelet, analyzed, synthesized


def test_synthesis_undoes_analysis() -> None:
    x = torch.rand(2, 3, 8, 12)
    bands = analyzed(x)
    assert bands.shape == (2, 12, 4, 6)
    torch.testing.assert_close(synthesized(bands), x, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(bands.square().sum(), x.square().sum())  # orthonormal


@pytest.mark.parametrize(
    ("picture", "band"),
    [
        ([[1, 1], [1, 1]], 0),
        ([[1, -1], [1, -1]], 1),
        ([[1, 1], [-1, -1]], 2),
        ([[1, -1], [-1, 1]], 3),
    ],
    ids=["mean", "across", "down", "diagonal"],
)
def test_each_band_has_its_pattern(picture: list[list[int]], band: int) -> None:
    bands = analyzed(torch.tensor(picture, dtype=torch.float32)[None, None])
    expected = torch.zeros(1, 4, 1, 1)
    expected[0, band] = 2
    assert torch.equal(bands, expected)


@pytest.mark.parametrize("network", [Wavelet(2, 4, (8, 8), 1), Dilated(3, 4)], ids=type)
def test_it_begins_as_bicubic(network: Wavelet | Dilated) -> None:
    x = torch.rand(1, 1, 9, 7)
    with torch.no_grad():
        assert torch.equal(network(x), network.tail.base(x))


def test_dilation_sees_further_for_no_weight_more() -> None:
    """IRCNN's seven layers see 33 pixels, as many plain ones 15."""
    wide, plain = Dilated(4, 8), Dilated(4, 8, (1,) * 5)
    assert (wide.receptive_field, plain.receptive_field) == (33, 15)
    counts = [sum(p.numel() for p in network.parameters()) for network in (wide, plain)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Wavelet(4, 4, ()), r"widths \(\): must be one or 2 numbers above 0"),
        (lambda: Wavelet(4, 4, (8, 8, 8)), "must be one or 2 numbers above 0"),
        (lambda: Wavelet(4, 4, (8, 0)), "must be one or 2 numbers above 0"),
        (lambda: Wavelet(4, 0), "features 0, layers 2: all must be positive"),
        (lambda: Dilated(4, 4, (2, 100)), "dilations .*: must be numbers of 1 to 64"),
        (lambda: Dilated(1, 4), "scale 1: must be 2, 3 or 4"),
    ],
)
def test_wrong_options(make: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()  # type: ignore[operator]
