"""What a step of training shows a network, and what it asks of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vsr.networks import Network
from vsr.networks.vespcn import Vespcn
from vsr.training.data import StillPairs
from vsr.training.losses import MARGIN, known_flow, motion, restoration
from vsr.training.window_pairs import WindowPairs


class Lesson(Protocol):
    """Examples, and the loss on some of them."""

    @property
    def beginnings(self) -> tuple[float, ...]:
        """The parts of the run (0..1) at which layers begin to learn that did not before."""

    def loss(self, network: Network, random: np.random.Generator, done: float) -> Tensor:
        """The loss on examples drawn by `random`, `done` (0..1) of the way through the run."""


@dataclass(frozen=True)
class StillLesson:
    """For networks that see one frame: restore patches of pictures.

    Attributes:
        pairs: where the patches come from.
        batch, patch: how many, and their side in small pixels.
        mse_part: the last part of the run, on squared error.
        error: "charbonnier" or "l1", before it: see `losses.restoration`.
        device: where the network is.
    """

    pairs: StillPairs
    batch: int
    patch: int
    mse_part: float
    error: str
    device: torch.device

    @property
    def beginnings(self) -> tuple[float, ...]:
        return (0.0,)

    def loss(self, network: Network, random: np.random.Generator, done: float) -> Tensor:
        sample = self.pairs.sample(self.batch, self.patch, random)
        small, large = (x.to(self.device) for x in sample)
        with torch.autocast(self.device.type, torch.bfloat16):
            guess = network(small.to(memory_format=torch.channels_last))
        return restoration(guess, large, "l2" if done > 1 - self.mse_part else self.error)


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
        mse_part: the last part of the run, on squared error.
        error: before it, as in StillLesson.
        motion_part: the first part, for the motion net.
        guided_part: the part after it, on known flow.
        device: where the network is.
    """

    pairs: WindowPairs
    batch: int
    patch: int
    mse_part: float
    error: str
    motion_part: float
    guided_part: float
    device: torch.device

    @property
    def beginnings(self) -> tuple[float, ...]:
        return (0.0, self.motion_part, self.motion_part + self.guided_part)

    def loss(self, network: Network, random: np.random.Generator, done: float) -> Tensor:
        assert isinstance(network, Vespcn)
        alone = done < self.motion_part
        guided = not alone and done < self.motion_part + self.guided_part
        sample = self.pairs.sample(self.batch, self.patch, random, known_flow=alone or guided)
        small, large = sample.small.to(self.device), sample.large.to(self.device)
        known = sample.flow.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            aligned, flow = network.aligned(small, known if guided else None)
            if alone:
                return known_flow(flow, known)
            phases = network.restored(small, aligned)
        guess = F.pixel_shuffle(phases, network.scale)
        error = "l2" if done > 1 - self.mse_part else self.error
        restored = restoration(guess, large, error, MARGIN * network.scale)
        return restored if guided else restored + motion(small, aligned, flow, known)
