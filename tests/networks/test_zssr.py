"""ZSSR by its paper: eight layers of 64, over the bicubic enlargement."""

from __future__ import annotations

import pytest
import torch

from vsr.core.resample import Upsample
from vsr.networks.zssr import Zssr


def test_the_papers_shape_by_its_parameters() -> None:
    first, middle, last = (27 + 1) * 64, 6 * (9 * 64 + 1) * 64, (9 * 64 + 1) * 3
    assert sum(p.numel() for p in Zssr(2).parameters()) == first + middle + last == 225_091


def test_the_layers_serve_all_scales() -> None:
    small = Zssr(2, 3, 5)
    Zssr(4, 3, 5).load_state_dict(small.state_dict())


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_it_begins_as_bicubic(scale: int) -> None:
    x = torch.rand(2, 3, 7, 9)
    expected = Upsample(scale)(x.flatten(0, 1)[:, None]).unflatten(0, (2, 3))[:, :, 0]
    torch.testing.assert_close(Zssr(scale, 3, 5)(x), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("options", [{"layers": 1}, {"features": 0}])
def test_shapes_that_there_are_not(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="all must be positive"):
        Zssr(2, **options)
