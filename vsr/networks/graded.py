"""Convolutions whose weights follow the quality of what they see.

A few sets of weights stand for grades of quality, from flawless to ruined; what lies between two
is seen through a mixture of theirs. A frame has one quality, so that its weights are mixed once and
the convolution itself costs what a plain one does, as with those of Yang et al. 2019, "CondConv:
Conditionally Parameterized Convolutions for Efficient Inference" (arXiv 1904.04971).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from vsr.core.kernels import convolution

_SIZE = 3

Mixed = tuple[Tensor, Tensor]
"""Kernels (N, features, C, 3, 3) and biases (N, features) of N mixtures."""


class Graded(nn.Conv2d):
    """A 3x3 convolution, zero padded, with `grades` sets of weights.

    As a module it holds those of all grades one after the other, as features; see `graded`.

    Attributes:
        held: how many of the sets, from the first on, do not learn.
        mixed: its weights and biases mixed beforehand, see `mixed_once`; or None.
    """

    def __init__(self, channels: int, features: int, grades: int) -> None:
        super().__init__(channels, grades * features, _SIZE, padding=_SIZE // 2)
        self.grades, self.held = grades, 0
        self.mixed: Mixed | None = None

    @torch.no_grad()
    def begin_alike(self) -> None:
        """Make all sets as the first: a mixture of sets that have nothing in common is none."""
        for numbers in (self.weight, self.bias):
            assert numbers is not None
            sets = numbers.view(self.grades, -1)
            sets[1:] = sets[:1].clone()


def graded(
    conv: Graded, x: Tensor, mix: Tensor, relu: bool = False, onto: Tensor | None = None
) -> Tensor:
    """(N, C, H, W) -> (N, features, H, W), with ReLU if wanted, or added to `onto`.

    `mix`, (N or 1, grades), is how much of each set of weights each of the N sees. `onto` may be
    overwritten.
    """
    if conv.grades == 1:
        assert conv.bias is not None
        return _convolved(x, conv.weight, conv.bias, relu, onto)
    weight, bias = conv.mixed or _mixed(conv, mix)
    if len(mix) == 1:
        return _convolved(x, weight[0], bias[0], relu, onto)
    lanes = zip(x[:, None], weight, bias, strict=True)
    features = torch.cat([_convolved(*lane, relu) for lane in lanes])
    return features if onto is None else onto + features


def _mixed(conv: Graded, mix: Tensor) -> Mixed:
    assert conv.bias is not None
    lying = conv.weight.permute(0, 2, 3, 1)  # channels last, as kernels want weights
    shape = (-1, len(lying) // conv.grades, *lying.shape[1:])
    sets = _learning(lying.reshape(conv.grades, -1).float(), conv.held)
    weight = (mix @ sets).view(shape).permute(0, 1, 4, 2, 3)
    return weight, mix @ _learning(conv.bias.view(conv.grades, -1).float(), conv.held)


@contextmanager
def mixed_once(network: nn.Module, mix: Tensor) -> Iterator[None]:
    """Mix the weights of all layers for several passes of the same `mix`, instead of in each."""
    layers = [m for m in network.modules() if isinstance(m, Graded) and m.grades > 1]
    try:
        for layer in layers:
            layer.mixed = _mixed(layer, mix)
        yield
    finally:
        for layer in layers:
            layer.mixed = None


def _learning(sets: Tensor, held: int) -> Tensor:
    """The sets of weights (grades, ...), of which the first ones have no gradient."""
    return torch.cat([sets[:held].detach(), sets[held:]]) if held else sets


def _convolved(
    x: Tensor, weight: Tensor, bias: Tensor, relu: bool, onto: Tensor | None = None
) -> Tensor:
    padding = (_SIZE // 2, _SIZE // 2)
    numbers = (weight.to(x.dtype), bias.to(x.dtype))
    return convolution(x, *numbers, padding=padding, relu=relu, onto=onto)


def mixture(ruin: Tensor, grades: int) -> Tensor:
    """How much of each grade's weights what is ruined so far, (N,) in 0..1, sees: (N, grades).

    Grades lie evenly from 0 to 1; between two their weights are mixed linearly.
    """
    if grades == 1:
        return torch.ones_like(ruin)[:, None]
    place = ruin[:, None] * (grades - 1)
    return (1 - (place - torch.arange(grades, device=ruin.device)).abs()).clamp(min=0)
