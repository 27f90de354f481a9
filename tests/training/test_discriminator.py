"""The discriminator: its layers are bounded, it sees detail alone, and faint detail too."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vsr.training.discriminator import Discriminator, told_apart, visible


def layers(discriminator: Discriminator) -> list[nn.Conv2d]:
    return [layer for layer in discriminator.modules() if isinstance(layer, nn.Conv2d)]


def largest(layer: nn.Conv2d) -> float:
    """The largest singular value of its weights, as a matrix."""
    return float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2))


def test_spectral_normalisation_bounds_every_layer() -> None:
    """Whatever the weights grow to."""
    torch.manual_seed(1)
    discriminator = Discriminator(1, features=4)
    x = torch.rand(2, 1, 16, 16)
    for layer in layers(discriminator):
        layer.parametrizations.weight.original.data.mul_(50)
    for _ in range(40):  # each pass brings the estimate nearer
        discriminator(x)
    discriminator.eval()
    assert len(layers(discriminator)) == 6
    for layer in layers(discriminator):
        assert layer.parametrizations.weight.original.norm() > 10
        assert largest(layer) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_judges_place_by_place(channels: int) -> None:
    verdicts = Discriminator(channels, features=4)(torch.rand(2, channels, 32, 48))
    assert verdicts.shape == (2, 1, 4, 6)
    assert verdicts.dtype == torch.float32


def test_light_is_not_seen() -> None:
    torch.manual_seed(2)
    x = 0.4 + 0.1 * torch.rand(1, 1, 24, 24)
    torch.testing.assert_close(visible(x + 0.2), visible(x), atol=1e-3, rtol=0)


def test_faint_detail_is_seen() -> None:
    """A difference of a few sample values makes one of the order of 1."""
    torch.manual_seed(2)
    noise = torch.randn(1, 1, 24, 24) * 3 / 255
    assert 0.7 < visible(0.5 + noise).std() < 2
    strong = visible(0.5 + 20 * noise)
    assert 1 < strong.std() / visible(0.5 + noise).std() < 5


def test_the_loss_of_one_who_tells_apart() -> None:
    ones = torch.ones(4)
    assert told_apart(ones, -ones) == 0
    assert told_apart(3 * ones, -2 * ones) == 0  # surer than it must be
    assert told_apart(0 * ones, 0 * ones) == 2  # it knows nothing
    assert told_apart(-ones, ones) == 4
