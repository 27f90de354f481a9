"""The verdict: what is better is told from what only seems so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.clips import picture
from torch import Tensor

from vsr.adaptation.holdout import MARGIN, Verdict, judge
from vsr.degradation.degradations import Degradation, Resize
from vsr.networks import Network
from vsr.networks.registry import load_model
from vsr.training.footage import Recording

CPU = torch.device("cpu")
BICUBIC = load_model("bicubic", 2).network


class Off(Network):
    """Bicubic, wrong by a little everywhere, or on the right side alone."""

    scale, receptive_field = 2, 9

    def __init__(self, by: float, right_alone: bool = False) -> None:
        super().__init__()
        self.by, self.right_alone = by, right_alone

    def subpixel(self, x: Tensor) -> Tensor:
        error = torch.full_like(x, self.by / 255)
        if self.right_alone:
            error[..., : x.shape[-1] // 2] = 0
        return BICUBIC.subpixel(x) + error


def made(color: str = "y") -> list[Recording]:
    found = []
    degradation = Degradation((Resize("bicubic"),))
    for shot in range(3):
        large = np.stack([picture(50 * shot + n, 96, 80) for n in range(4)])
        large = large if color == "y" else np.stack([large] * 3, -1)
        small = degradation.apply(large, 2, np.random.default_rng(0))
        found.append(Recording(large, small, degradation))
    return found


def test_what_is_nearer_to_the_truth_is_better() -> None:
    verdict = judge(made(), BICUBIC, Off(12), Off(4), CPU)
    assert verdict.bicubic > verdict.after > verdict.before
    assert verdict.gain == pytest.approx(verdict.after - verdict.before)
    assert verdict.wins == verdict.parts == 12
    assert verdict.is_better
    worse = judge(made(), BICUBIC, Off(4), Off(12), CPU)
    assert worse.gain == pytest.approx(-verdict.gain)
    assert worse.wins == 0
    assert not worse.is_better


def test_the_same_is_not_better() -> None:
    verdict = judge(made(), BICUBIC, BICUBIC, BICUBIC, CPU)
    assert (verdict.gain, verdict.error, verdict.wins) == (0, 0, 0)
    assert verdict.bicubic == verdict.before
    assert not verdict.is_better


def test_parts_are_judged_apart() -> None:
    verdict = judge(made(), BICUBIC, Off(12, right_alone=True), BICUBIC, CPU)
    assert (verdict.wins, verdict.parts) == (6, 12)
    assert verdict.error > 0


def test_a_gain_must_be_worth_it_and_sure() -> None:
    sure = Verdict(30, 31, 31.5, 0.5, 0.1, 12, 12)
    assert sure.is_better
    assert not replace(sure, error=0.3).is_better
    assert not replace(sure, gain=MARGIN / 2, error=0.0).is_better


def test_colours_are_judged_by_their_luma() -> None:
    edsr = load_model("edsr-8x32", 2).network
    verdict = judge(made("rgb"), BICUBIC, edsr, edsr, CPU)
    assert verdict.gain == 0
    assert verdict.before > verdict.bicubic
