"""Losses of cycle-in-cycle training.

Yuan et al. 2018, "Unsupervised Image Super-Resolution using Cycle-in-Cycle Generative Adversarial
Networks" (CVPR workshops), sections 3.2 and 3.3. There are recordings x, clean small pictures y and
sharp large ones z, no two of them of one scene but that y is z reduced. The inner cycle makes
recordings clean and recorded again, the outer one makes them large and recorded again.

Discriminators learn by squared errors (Mao et al. 2017, "Least Squares Generative Adversarial
Networks"): 1 is what is true, 0 what is made.

The paper gives its adversarial terms 1, and writes the distances beside them as norms over whole
pictures. They are means over samples here, a thousandth of that and less, so that an adversarial
term of 1 would outweigh all else.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class CycleWeights:
    """What the terms of a cycle weigh.

    Attributes:
        adversarial: of how far verdicts on what is made are from true.
        cycle: of the squared distance between a recording and what comes back.
        identity: of the distance between true pictures and what is made of those that need nothing.
        smoothness: of the squared gradients of what is made, total variation.
    """

    adversarial: float
    cycle: float
    identity: float
    smoothness: float


INNER = CycleWeights(0.1, 10.0, 5.0, 0.5)
"""The paper's w1, w2 and w3 beside a tenth of its adversarial term."""
OUTER = CycleWeights(0.1, 10.0, 150.0, 2.0)
"""The paper's lambda1 and lambda3; identity, a squared distance here, holds the super-resolver."""


def taken_for_true(judged: Tensor) -> Tensor:
    """The generator's adversarial loss: how far verdicts on what it makes are from 1."""
    return (judged - 1).square().mean()


def told_apart(true: Tensor, made: Tensor) -> Tensor:
    """The discriminator's loss, on verdicts of true and of made, detached pictures.

    0 where it tells all apart, 0.5 where it gives 0.5 to all.
    """
    return (true - 1).square().mean() + made.square().mean()


def total_variation(pictures: Tensor) -> Tensor:
    """Mean squared gradients of (N, C, H, W), down and across."""
    return pictures.diff(dim=-2).square().mean() + pictures.diff(dim=-1).square().mean()


def inner_loss(
    judged: Tensor, clean: Tensor, again: Tensor, recorded: Tensor, kept: Tensor, reduced: Tensor
) -> Tensor:
    """The inner cycle's loss: a scalar.

    Args:
        judged: verdicts on `clean`.
        clean: G1(x).
        again: G2(G1(x)), to be as `recorded`.
        recorded: x.
        kept: G1(y), to be as `reduced`.
        reduced: y.
    """
    return (
        INNER.adversarial * taken_for_true(judged)
        + INNER.cycle * (again - recorded).square().mean()
        + INNER.identity * (kept - reduced).abs().mean()
        + INNER.smoothness * total_variation(clean)
    )


def outer_loss(
    judged: Tensor, large: Tensor, again: Tensor, recorded: Tensor, enlarged: Tensor, sharp: Tensor
) -> Tensor:
    """The outer cycle's loss: a scalar.

    Args:
        judged: verdicts on `large`.
        large: SR(G1(x)).
        again: G3(SR(G1(x))), to be as `recorded`.
        recorded: x.
        enlarged: SR(y), to be as `sharp`.
        sharp: z.
    """
    return (
        OUTER.adversarial * taken_for_true(judged)
        + OUTER.cycle * (again - recorded).square().mean()
        + OUTER.identity * (enlarged - sharp).square().mean()
        + OUTER.smoothness * total_variation(large)
    )
