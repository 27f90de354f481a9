"""How a run stands, as it is reported and logged."""

from __future__ import annotations

from dataclasses import dataclass

from vsr.training.recurrent_validation import Gains


@dataclass(frozen=True)
class Progress:
    """How a run stands after a step.

    Attributes:
        step: steps taken.
        done: the part of the run that is over, in 0..1.
        loss: mean since the last save.
        rate: the learning rate of this step.
        psnr: on the validation images in dB at the last save, None before the first.
        best: the highest so far, likewise.
        saved: whether the files in the folder were written after this step.
    """

    step: int
    done: float
    loss: float
    rate: float
    psnr: float | None
    best: float | None
    saved: bool


@dataclass(frozen=True)
class StreamProgress(Progress):
    """How the run of a recurrent network stands; `psnr` is its score.

    Attributes:
        pixels: small pixels restored so far.
        loss_clean, loss_recorded: means up to the last save, as LaneLosses has them.
        gain_clean, gain_recorded: the score's two halves in dB at the last save, None before.
        gains: of each validation clip, likewise.
    """

    pixels: int
    loss_clean: float | None
    loss_recorded: float | None
    gain_clean: float | None
    gain_recorded: float | None
    gains: Gains | None
