"""What a recurrent network is asked: to restore every frame of its streams' chunks.

Its motion net does not learn from that, as picking has no gradient: it may learn alone before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from vsr.networks import Network
from vsr.networks.graded import mixed_once
from vsr.networks.recurrent import PATIENCE, Recurrent
from vsr.networks.recurrent_state import State
from vsr.networks.vespcn import Motion
from vsr.training.lessons import Examples
from vsr.training.losses import restoration_of_each
from vsr.training.motion_error import motion_error
from vsr.training.streams import Streams

LENGTH = 8  # frames a step
_PRESSED = 0.25  # of the lanes have stronger feedback, of the steps heavier weights. The others are
# as the network runs: what all learn under, it is best under, and not as it is.
_GAIN = 1.12  # of their feedback, at most, for as long as a take: what bears that cannot grow
_HEAVIER = 0.03  # by which all weights of the cell grow, at most: they are to keep from the edge
_UPSET = 0.03  # of the lanes are handed another lane's state, as after a cut that nobody saw
_LOUDER = 3.0  # times as strong as it is, at most
_EDGE = 2  # small pixels at a patch's edge that are not judged: they lack their surroundings
_FLOOR = 3e-5  # of a take's error: what is nearly perfect is not to count for more and more
_AS_CHARBONNIER = 0.03  # what a relative error is multiplied by, so that all losses are of a size
_IDLE, _PULL = 8.0, 1e-4  # the hidden state is drawn back from twice its bound's half


@dataclass(frozen=True)
class LaneLosses:
    """Mean losses of restoration, None without such lanes.

    Attributes:
        clean: of lanes that play takes reduced by MATLAB's bicubic alone.
        recorded: of all others.
    """

    clean: float | None = None
    recorded: float | None = None


@dataclass
class StreamLesson:
    """Chunk after chunk of endless streams; the state is carried on.

    Attributes:
        streams: where the chunks come from.
        mse_fraction, loss_kind: as in StillLesson; "relative" is squared error in parts of
            bicubic's on the same take.
        motion_fraction: the first part of the run, in which the motion net alone learns.
        first_motion: what that was when the run began; None where it is not to learn.
    """

    streams: Streams
    mse_fraction: float
    loss_kind: str
    motion_fraction: float = 0.0
    first_motion: Motion | None = None
    _state: State | None = None
    _gain: Tensor | None = None  # of each lane's feedback
    _told: Tensor | None = None  # what LaneLosses are made of

    @property
    def pixels(self) -> int:
        """Small pixels that a step restores."""
        return self.streams.lanes * LENGTH * self.streams.patch**2

    @property
    def beginnings(self) -> tuple[float, ...]:
        return (0.0, self.motion_fraction) if self.motion_fraction else (0.0,)

    def draw(self, random: np.random.Generator, done: float) -> Examples:
        chunk = self.streams.next(LENGTH, random)
        count = len(chunk.fresh)
        self._gain = _gains(self._gain, chunk.fresh, random)
        louder = random.uniform(1, _LOUDER, count) * (random.random(count) < _UPSET)
        upset = torch.from_numpy(louder.astype(np.float32))  # 0 where the state is the lane's own
        heavier = torch.tensor(1 + random.uniform(0, _HEAVIER) * (random.random() < _PRESSED))
        lanes = (chunk.fresh, chunk.live, chunk.clean, chunk.bicubic, self._gain, upset, heavier)
        return chunk.small, chunk.large, chunk.quality, *lanes

    def loss(self, network: Network, examples: Examples, done: float) -> Tensor:
        assert isinstance(network, Recurrent)
        small, large, quality, fresh, live, clean, bicubic, gain, upset, heavier = examples
        frames = small.float() / 255  # (N, T + future, p, p)
        if self.first_motion is not None and done < self.motion_fraction:
            with torch.autocast(small.device.type, torch.bfloat16):
                shown = frames[:, : large.shape[1]]
                return motion_error(network.motion, self.first_motion, shown, large.float() / 255)
        truth = F.pixel_unshuffle(large.flatten(0, 1)[:, None].float() / 255, network.scale)
        truth = truth.view(*large.shape[:2], *truth.shape[1:])  # (N, T, s*s, p, p)
        state = self._carried(network, frames[:, :1], fresh, upset)
        kind = "l2" if done > 1 - self.mse_fraction else self.loss_kind
        planes = quality[..., None, None]
        losses, errors = [], []
        with (
            torch.autocast(small.device.type, torch.bfloat16),
            parametrize.cached(),
            _heavier(network, heavier),
            mixed_once(network, network.mix_for(planes)),
        ):
            flows = network.coming_flows(frames)
            for t in range(large.shape[1]):
                window = _seen(frames[:, t : t + 1 + network.future], live)
                coming = torch.where(
                    live[:, None, None, None, None], 0.0, flows[:, t : t + network.future]
                )
                flow = flows[:, t - 1] if t and network.coming_aligned else None
                guess, after = network.step(window, state, planes, flow, coming)
                state = _amplified(after, gain[:, None, None, None])
                errors.append(_errors(guess, truth[:, t], kind, bicubic))
                overflow = F.relu(state.hidden.float() - _IDLE).square().mean()
                losses.append(errors[-1].mean() + _PULL * overflow)
        self._state = State(
            state.previous, state.hidden.detach(), state.detail.detach(), state.still
        )
        self._note(torch.stack(errors).detach().mean(0), clean)
        return torch.stack(losses).mean()

    def lane_losses(self) -> LaneLosses:
        """The means since they were last asked for."""
        told, self._told = self._told, None
        if told is None:
            return LaneLosses()
        parts = [(total / count if count else None) for total, count in told.tolist()]
        return LaneLosses(*parts)

    def _note(self, errors: Tensor, clean: Tensor) -> None:
        """Add up the errors (N,) of clean lanes and of others, and count them: no need to wait."""
        kinds = torch.stack([clean, ~clean]).double()
        sums = torch.stack([kinds @ errors.double(), kinds.sum(1)], 1)
        self._told = sums if self._told is None else self._told + sums

    def _carried(self, network: Recurrent, first: Tensor, fresh: Tensor, upset: Tensor) -> State:
        """The state of the last chunk: empty in lanes that begin anew, another's in some."""
        empty = network.start(first)
        if self._state is None:
            return empty
        old, anew = _swapped(self._state, upset[:, None, None, None]), fresh[:, None, None, None]
        return State(
            torch.where(anew, empty.previous, old.previous),
            torch.where(anew, 0.0, old.hidden.float()),
            torch.where(anew, 0.0, old.detail),
            torch.where(anew, 0, old.still),
        )


def _gains(old: Tensor | None, fresh: Tensor, random: np.random.Generator) -> Tensor:
    """How strong each lane's feedback is, (N,) float32: drawn anew where a take begins."""
    pressed = random.random(len(fresh)) < _PRESSED
    drawn = np.where(pressed, random.uniform(1, _GAIN, len(fresh)), 1).astype(np.float32)
    anew = torch.from_numpy(drawn)
    return anew if old is None else torch.where(fresh, anew, old)


def _errors(guess: Tensor, truth: Tensor, kind: str, bicubic: Tensor) -> Tensor:
    """Of each lane, (N,). A relative one is what a clip's PSNR rises by, nearly."""
    if kind != "relative":
        return restoration_of_each(guess, truth, kind, _EDGE)
    squared = restoration_of_each(guess, truth, "l2", _EDGE)
    return _AS_CHARBONNIER * squared / (bicubic + _FLOOR)


@contextmanager
def _heavier(network: Recurrent, factor: Tensor) -> Iterator[None]:
    """The weights of the cell so much larger, for one pass; gradients are those of the weights."""
    cell = (network.inward, *network.blocks.modules(), network.outward)
    convs = [module for module in cell if isinstance(module, nn.Conv2d)]
    plain = [conv for conv in convs if not parametrize.is_parametrized(conv)]
    own = [conv.weight for conv in plain]
    held: list[dict[str, Any]] = [conv._parameters for conv in plain]
    for parameters, weight in zip(held, own, strict=True):
        parameters["weight"] = weight * factor
    try:
        yield
    finally:
        for parameters, weight in zip(held, own, strict=True):
            parameters["weight"] = weight


def _seen(window: Tensor, live: Tensor) -> Tensor:
    """Windows (N, 1 + future, p, p), with no frame to come in lanes that are live."""
    return torch.where(live[:, None, None, None], window[:, :1], window)


def _swapped(state: State, louder: Tensor) -> State:
    """The state, but for lanes that are to get over the one of another lane, so much stronger."""
    others = louder > 0
    hidden = torch.where(others, state.hidden.roll(1, 0) * louder, state.hidden)
    detail = torch.where(others, state.detail.roll(1, 0), state.detail)
    return replace(
        state,
        hidden=hidden.to(state.hidden.dtype),
        detail=detail.to(state.detail.dtype),
        still=torch.where(others, 0, state.still),
    )


def _amplified(state: State, gain: Tensor) -> State:
    """The state with its feedback that much stronger, but for what is kept as it is for good."""
    gain = torch.where(state.still < PATIENCE, gain, 1.0)
    hidden = (state.hidden * gain).to(state.hidden.dtype)
    return replace(state, hidden=hidden, detail=(state.detail * gain).to(state.detail.dtype))
