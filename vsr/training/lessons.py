"""Training objectives: the examples of a step, and the loss on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vsr.core.resample import resize
from vsr.networks import Network
from vsr.networks.multi_scale import MultiScale
from vsr.networks.vespcn import Vespcn
from vsr.training.data import Patches
from vsr.training.losses import MARGIN, known_flow, motion, restoration
from vsr.training.window_pairs import Batch

Examples = tuple[Tensor, ...]
"""What a step shows; float32, the first dimension counts."""


class Lesson(Protocol):
    """Examples, and the loss on some of them."""

    @property
    def beginnings(self) -> tuple[float, ...]:
        """The parts of the run (0..1) at which layers begin to learn that did not before."""

    def draw(self, random: np.random.Generator, done: float) -> Examples:
        """Examples by `random`, on the CPU, for `done` (0..1) of the way through the run.

        They serve later on as well, so that they can be drawn some steps ahead.
        """

    def loss(self, network: Network, examples: Examples, done: float) -> Tensor:
        """The loss on examples, which are where the network is."""


class Windows(Protocol):
    """Where a WindowLesson's come from."""

    def sample(
        self, batch: int, patch: int, random: np.random.Generator, known_flow: bool = False
    ) -> Batch:
        """Windows of `patch` small pixels; with `known_flow` only such whose flow is known."""


@dataclass(frozen=True)
class StillLesson:
    """For networks that see one frame: restore patches of pictures.

    Where several outputs are judged, see `Network.supervised`, the loss is the mean of theirs.

    Attributes:
        pairs: where the patches come from.
        batch, patch: how many, and their side in small pixels.
        mse_fraction: the last part of the run, on squared error.
        loss_kind: what counts before it, a kind of `losses.restoration`.
    """

    pairs: Patches
    batch: int
    patch: int
    mse_fraction: float
    loss_kind: str

    @property
    def beginnings(self) -> tuple[float, ...]:
        return (0.0,)

    def draw(self, random: np.random.Generator, done: float) -> Examples:
        return self.pairs.sample(self.batch, self.patch, random)

    def loss(self, network: Network, examples: Examples, done: float) -> Tensor:
        small, large = examples
        kind = "l2" if done > 1 - self.mse_fraction else self.loss_kind
        if isinstance(network, MultiScale):
            network.use(large.shape[-1] // small.shape[-1])
        with torch.autocast(small.device.type, torch.bfloat16):
            guesses = network.supervised(small.to(memory_format=torch.channels_last))
        errors = [restoration(guess, _of_size(large, guess), kind) for guess in guesses]
        return torch.stack(errors).mean()


def _of_size(truth: Tensor, guess: Tensor) -> Tensor:
    """The truth as large as a guess: reduced bicubically for a level of a pyramid."""
    height, width = guess.shape[-2:]
    return truth if truth.shape[-2:] == guess.shape[-2:] else resize(truth, height, width)


@dataclass(frozen=True)
class WindowLesson:
    """For VESPCN: first the motion net alone, then the rest alone, then everything together.

    The first two learn on known flow, each without the other's mistakes. Restoration does not
    learn to use neighbours that are moved even slightly wrongly (on flow of 0.05 pixels median
    error it gained 0.07 dB by them where exact flow gave 0.3), but once it does it bears
    such errors, and tells the motion net by its gradient what they cost.

    Attributes:
        pairs: where the windows come from.
        batch, patch: how many, and their side in small pixels.
        mse_fraction: the last part of the run, on squared error.
        loss_kind: before it, as in StillLesson.
        motion_fraction: the first part, for the motion net.
        guided_fraction: the part after it, on known flow.
    """

    pairs: Windows
    batch: int
    patch: int
    mse_fraction: float
    loss_kind: str
    motion_fraction: float
    guided_fraction: float

    @property
    def beginnings(self) -> tuple[float, ...]:
        return (0.0, self.motion_fraction, self.motion_fraction + self.guided_fraction)

    def draw(self, random: np.random.Generator, done: float) -> Examples:
        known_flow = done < self.motion_fraction + self.guided_fraction
        batch = self.pairs.sample(self.batch, self.patch, random, known_flow)
        return batch.small, batch.large, batch.flow

    def loss(self, network: Network, examples: Examples, done: float) -> Tensor:
        assert isinstance(network, Vespcn)
        alone = done < self.motion_fraction
        guided = not alone and done < self.motion_fraction + self.guided_fraction
        small, large, known = examples
        with torch.autocast(small.device.type, torch.bfloat16):
            aligned, flow = network.aligned(small, known if guided else None)
            if alone:
                return known_flow(flow, known)
            phases = network.restored(small, aligned)
        guess = F.pixel_shuffle(phases, network.scale)
        kind = "l2" if done > 1 - self.mse_fraction else self.loss_kind
        restored = restoration(guess, large, kind, MARGIN * network.scale)
        return restored if guided else restored + motion(small, aligned, flow, known)
