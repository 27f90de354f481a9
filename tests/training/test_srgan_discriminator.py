"""SRGAN's discriminator: the paper's layers, any size for the light one, and the two losses."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from vsr.training.srgan_discriminator import SrganDiscriminator, taken_in, told_apart


def test_layers_of_the_paper_s_figure() -> None:
    layers = [m for m in SrganDiscriminator().modules() if isinstance(m, nn.Conv2d)]
    kernels = [(one.out_channels, one.kernel_size[0], one.stride[0]) for one in layers]
    assert kernels == [
        *((64, 3, 1), (64, 3, 2), (128, 3, 1), (128, 3, 2)),
        *((256, 3, 1), (256, 3, 2), (512, 3, 1), (512, 3, 2)),
    ]


def test_parameters_of_the_paper_s_layout() -> None:
    """For crops of 96x96 pixels, of which four strides leave 6x6 places."""
    widths = [3, 64, 64, 128, 128, 256, 256, 512, 512]
    convolutions = sum(a * b * 9 + b for a, b in pairwise(widths))
    normalisations = 2 * sum(widths[2:])
    dense = 512 * 6 * 6 * 1024 + 1024 + 1024 + 1
    assert convolutions + normalisations + dense == 23_565_505
    found = sum(one.numel() for one in SrganDiscriminator().parameters())
    assert found == 23_565_505


def test_the_light_one_judges_any_size() -> None:
    discriminator = SrganDiscriminator(4, side=None)
    for height, width in ((16, 16), (33, 50), (96, 64)):
        assert discriminator(torch.rand(2, 3, height, width)).shape == (2,)
    assert SrganDiscriminator(4, side=32)(torch.rand(3, 3, 32, 32)).shape == (3,)


def test_judging_changes_nothing() -> None:
    discriminator = SrganDiscriminator(4, side=None)
    before = {name: value.clone() for name, value in discriminator.state_dict().items()}
    discriminator(torch.rand(2, 3, 32, 32))
    after = discriminator.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_losses_are_cross_entropies() -> None:
    real, restored = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    p, q = real.double().sigmoid(), restored.double().sigmoid()
    expected = -p.log().mean() - (1 - q).log().mean()
    assert told_apart(real, restored).item() == pytest.approx(expected.item())
    assert taken_in(restored).item() == pytest.approx(-q.log().mean().item())
    nothing = torch.zeros(4)
    assert told_apart(nothing, nothing).item() == pytest.approx(2 * math.log(2))


def test_the_adversarial_loss_keeps_its_slope_where_the_discriminator_is_sure() -> None:
    """log(1 - D), the saturating form, has none there."""
    logit = torch.tensor([-20.0], requires_grad=True)
    taken_in(logit).backward()
    assert logit.grad is not None
    assert logit.grad.item() == pytest.approx(-1, abs=1e-6)
    saturating = torch.tensor([-20.0], requires_grad=True)
    (1 - saturating.sigmoid()).log().sum().backward()
    assert saturating.grad is not None
    assert abs(saturating.grad.item()) < 1e-6
