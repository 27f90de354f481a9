"""Blur and prior are chosen on the part of a still that tells most."""

from __future__ import annotations

import torch

from vsr.fusion.samples import Samples
from vsr.fusion.tune import _SIDE, _telling_part, is_rippled, largest


def all_pixels(height: int, width: int) -> Samples:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([columns, rows], -1).reshape(-1, 2).float()
    count = len(places)
    return Samples(
        places=places,
        values=(places[:, 0] + 1000 * places[:, 1])[None],
        weights=torch.ones(count),
        frames=torch.zeros(count, dtype=torch.int64),
        kinds=torch.zeros(count, dtype=torch.int64),
        widths=(1.0,),
        size=(height, width),
        scale=1,
    )


def test_a_small_still_is_taken_whole() -> None:
    samples, begin = all_pixels(40, 60), torch.zeros(1, 1, 40, 60)
    assert _telling_part(samples, begin) == (samples, begin)


def test_of_a_large_one_the_part_with_most_to_see() -> None:
    samples, begin = all_pixels(300, 500), torch.zeros(1, 1, 300, 500)
    begin[..., 180:280, 400:490] = torch.rand(100, 90)
    part, cut = _telling_part(samples, begin)
    assert part.size == (_SIDE, _SIDE) == tuple(cut.shape[-2:])
    assert cut.max() > 0
    # each sample is of the pixel that it was of
    x, y = part.places.long().unbind(1)
    corner = part.values[0, 0].long()
    row, column = corner // 1000, corner % 1000
    assert torch.equal(part.values[0].long(), (x + column) + 1000 * (y + row))
    assert torch.equal(cut, begin[..., row : row + _SIDE, column : column + _SIDE])
    assert row <= 180 < 280 <= row + _SIDE


def test_of_priors_that_do_as_well_the_strongest() -> None:
    assert largest({1.0: 1.0, 3.0: 1.01, 10.0: 1.2}, 1.02) == 3.0


def test_of_blurs_that_foretell_as_well_the_largest_but_no_larger() -> None:
    assert largest({0.2: 2.754, 0.4: 2.750, 0.5: 2.757, 0.6: 2.79}, 1.003) == 0.5


def test_ripples_and_noise_are_told_from_pictures() -> None:
    """Also from the sharpest edges that there are, whatever the scale."""
    edges = torch.zeros(1, 1, 96, 96)
    edges[..., 20:70, 31:64] = 1.0
    along = torch.arange(96)
    for scale in (1, 2, 3, 4, 8):
        assert not is_rippled(edges, scale)
        for wide in (2, max(scale, 2)):
            ripple = 0.5 * torch.cos(2 * torch.pi * along / wide)
            assert is_rippled(edges + ripple, scale)
            assert is_rippled(edges + ripple[:, None], scale)
        torch.manual_seed(scale)
        assert is_rippled(edges + 0.3 * torch.randn(1, 1, 96, 96), scale)
