"""A recurrent network: what earlier frames knew is carried along and moved with the picture.

A small cell in the manner of Fuoli et al. 2019, "Efficient Video Super-Resolution through
Recurrent Latent Space Propagation" (RLSP, arXiv 1909.08080): the trunk's own output and the last
detail are fed back. Unlike there, both are aligned first, by the motion net of VESPCN (Caballero
et al. 2017, table 1), as a narrow trunk learns to look back one frame only without. Two further
planes tell how the source was coded and how noisy it is (after FFDNet, Zhang et al. 2018).
"""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.kernels import chosen, is_traced
from vsr.core.quality import FLAWLESS
from vsr.core.resample import Upsample
from vsr.networks.graded import Graded, graded, mixture
from vsr.networks.network import Network
from vsr.networks.pick import pick, pick_detail
from vsr.networks.recurrent_state import (
    NOISE_SCALE,
    QUALITY_PLANES,
    QUANTISER_SCALE,
    Area,
    Observation,
    State,
    quality_planes,
)
from vsr.networks.vespcn import Motion, warp

PATIENCE = 8
"""Frames that stand still before nothing is computed any more."""
_STILL = 2  # pixels around one that stands still that must do so, too
_FINE, _COARSE = 12.0, 36.0  # quantisers: up to one the source is flawless, from the other ruined
_NOISY = 8.0  # deviation of noise from which on it is so
_LIMIT = 16.0  # of the hidden state: idle in practice, it bounds what feedback can do


class Recurrent(Network):
    """Luma in, luma out, a frame at a time: see `step`.

    `warmup`, `future` and `state_channels` are as `Network` has them; `receptive_field` is that of
    one step whose flow is given. A state has `hidden` and `details` channels of each, a flow has
    `flow_planes`; a step holds `planes_at_once` of the small picture's size in memory.

    Args:
        scale: 2, 3 or 4.
        features: channels of the trunk.
        pairs: residual pairs of 3x3 convolutions.
        hidden: how many of the trunk's channels are the hidden state; None for all.
        grades: sets of weights, from those for flawless sources to those for ruined ones.
        future: coming frames that are shown.
        coming_aligned: whether they are moved onto the frame, and not shown as they lie.
        flow_features: channels in the motion net.
        flow_range: pixels that its coarse flow and its fine one can reach.
    """

    warmup = 8
    flow_planes = 2

    def __init__(
        self,
        scale: int,
        features: int = 32,
        pairs: int = 3,
        future: int = 2,
        flow_features: int = 24,
        flow_range: tuple[float, float] = (12.0, 3.0),
        hidden: int | None = None,
        grades: int = 1,
        coming_aligned: bool = False,
    ) -> None:
        super().__init__()
        hidden = features if hidden is None else hidden
        if min(scale, features, pairs, flow_features, hidden, grades) < 1 or future < 0:
            raise ValueError(
                f"scale {scale}, features {features}, pairs {pairs}, flow_features "
                f"{flow_features}, hidden {hidden}, grades {grades}, future {future}: must be "
                "positive, future not negative"
            )
        if hidden > features:
            raise ValueError(f"hidden {hidden}: must be at most features, {features}")
        self.scale, self.features, self.hidden, self.future = scale, features, hidden, future
        self.coming_aligned = coming_aligned
        self.details = scale**2
        self.state_channels = 1 + hidden + self.details
        self.base = Upsample(scale)
        self.motion = Motion(flow_features, flow_range)
        # the frame, what it changed since the aligned previous one, what coming ones will change,
        # how far between pixels the alignment fell, and the quality planes
        shown = 4 + future + QUALITY_PLANES
        self.grades = grades
        self.inward = Graded(shown + hidden + scale**2, features, grades)
        self.planes_at_once = self.inward.in_channels + 4 * features + 4 * scale**2
        self.blocks = nn.ModuleList(
            nn.ModuleList(Graded(features, features, grades) for _ in range(2))
            for _ in range(pairs)
        )
        self.outward = Graded(features, scale**2, grades)
        self.reset_parameters()
        reach = 2 * pairs + 2
        self.receptive_field = 2 * max(reach, self.base.reach) + 1

    def reset_parameters(self) -> None:
        """Start as the bicubic upscale itself, nearly without motion."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        for block in self.blocks:
            assert isinstance(block, nn.ModuleList)
            last = block[1]
            assert isinstance(last, nn.Conv2d)
            nn.init.normal_(last.weight, std=0.1 * (2 / last.weight[0].numel()) ** 0.5)
        nn.init.zeros_(self.outward.weight)
        for module in self.modules():
            if isinstance(module, Graded):
                module.begin_alike()
        self.motion.reset_parameters()

    def subpixel(self, x: Tensor) -> Tensor:
        """A shot's first frame, of a flawless source, (N, 1 + future, H, W), before its shuffle."""
        frame = x[:, :1].float()
        return self.step(x.float(), self.start(frame), quality_planes(FLAWLESS).to(x.device))[0]

    def start(self, frame: Tensor) -> State:
        """The empty state before a first frame (N, 1, H, W): nothing known, nothing moved."""
        hidden, detail = (
            torch.zeros(
                (len(frame), channels, *frame.shape[-2:]), dtype=self._dtype, device=frame.device
            ).to(memory_format=torch.channels_last)
            for channels in (self.hidden, self.details)
        )
        return State(frame, hidden, detail, torch.zeros_like(frame, dtype=torch.uint8))

    def step(
        self,
        frames: Tensor,
        state: State,
        quality: Tensor,
        flow: Tensor | None = None,
        coming: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Restore one frame: `observe`, then `advance`, of all of the picture.

        Returns (N, scale**2, H, W) float32, the picture before its pixel shuffle, and the state
        for the next frame.
        """
        observation = self.observe(frames, state.previous, state.still, quality, flow, coming)
        phases, hidden, detail = self.advance(observation, state)
        return phases, State(observation.frame, hidden, detail, observation.still)

    def observe(
        self,
        frames: Tensor,
        previous: Tensor,
        still: Tensor,
        quality: Tensor,
        flow: Tensor | None = None,
        coming: Tensor | None = None,
    ) -> Observation:
        """All that a frame shows for which no state is needed.

        Args:
            frames: (N, 1 + future, H, W) float32 in [0, 1]: the frame and those to come.
            previous, still: (N, 1, H, W), of the state before, or `start`'s.
            quality: (N, 2, H or 1, W or 1) in 0..1, as `quality_planes` gives it: how coarsely
                the source was coded, and how noisy it is.
            flow: (N, 2, H, W) in pixels, from the frame to the one before, if it is known.
            coming: what `coming_flows` gives for these frames, if it is known.
        """
        frame, later = frames[:, :1], frames[:, 1:]
        rests = _rests(frame, previous)
        still = torch.where(rests, (still + 1).clamp(max=PATIENCE), 0)
        flow = self._flow(frame, previous) if flow is None else flow.masked_fill(rests, 0)
        past = warp(previous, flow, "bicubic")
        if coming is None:
            coming = self.coming_flows(frames)
        if coming.shape[1]:
            later = followed(later, coming)
        planes = [
            frame,
            past - frame,
            later - frame,
            flow - flow.round(),  # what `pick` leaves out
            quality.expand(len(frames), -1, *frames.shape[-2:]),
        ]
        shown = torch.cat([plane.to(self._dtype) for plane in planes], 1)
        shown = shown.contiguous(memory_format=torch.channels_last)
        return Observation(frame, shown, flow, coming, still, self.mix_for(quality))

    def mix_for(self, quality: Tensor) -> Tensor:
        """How much of each grade's weights quality planes (N, 2, h, w) call for: (N, grades)."""
        return mixture(_ruin(quality), self.grades)

    def coming_flows(self, frames: Tensor, known: Tensor | None = None) -> Tensor:
        """From each of the frames (N, 1 + K, H, W) but the first to the one before it.

        (N, K, 2, H, W) float32 in pixels, 0 where nothing moves; K is 0 in a network that takes
        coming frames as they lie. `known` are the first of them: of those of the step before all
        but the first, which is this step's flow, so that one is new in each step.
        """
        count, _, height, width = frames.shape
        if not (self.coming_aligned and self.future):
            return torch.zeros(count, 0, 2, height, width, device=frames.device)
        found = [] if known is None else [*known.unbind(1)]
        each = (frames[:, n : n + 1] for n in range(len(found), frames.shape[1]))
        found += [self._flow(frame, before) for before, frame in pairwise(each)]
        return torch.stack(found, 1)

    def _flow(self, frame: Tensor, before: Tensor) -> Tensor:
        """(N, 2, H, W) float32 in pixels, from a frame to the one before; 0 where nothing moves."""
        with torch.no_grad():
            flow: Tensor = self.motion(frame, before)[:, 0]
        return flow.masked_fill(_rests(frame, before), 0)

    def advance(
        self, observation: Observation, state: State, area: Area | None = None, share: float = 1.0
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One frame further: of all of the picture, or of what `area` holds of it.

        The past is moved by the flow before the cell sees it: the hidden state comes from the
        nearest whole pixel, detail from the nearest large one. Picked, not interpolated: that is
        thirty times faster on a CPU, blurs nothing, and is the same in every tile.

        Where the picture has stood still for PATIENCE frames, as long as a state takes to build
        up, state and output stay what they are, to the bit.

        Args:
            observation: of the whole picture.
            state: of the whole picture, from the frame before, or `start`'s.
            area: what is restored. At its borders, those of the picture apart, the result is not
                what it would be in the whole.
            share: of the detail, that goes into the picture; the state has all of it.

        Returns (N, scale**2, h, w) float32, the picture before its pixel shuffle, hidden state and
        detail (N, ..., h, w).
        """
        seen = observation if area is None else observation.part(area)
        origin = (0, 0) if area is None else (area[0].start, area[1].start)
        past = pick(state.hidden, seen.flow, origin)
        shown = pick_detail(state.detail, seen.flow, self.scale, origin)
        detail, hidden = self.cell(torch.cat([past, shown, seen.planes], 1), seen.mix)
        kept = seen.still >= PATIENCE
        if is_traced() or kept.any():
            hidden, detail = chosen(kept, past, hidden), chosen(kept, shown, detail)
        return self.base.subpixel(seen.frame).add_(detail.float(), alpha=share), hidden, detail

    @property
    def _dtype(self) -> torch.dtype:
        weight = self.inward.weight
        autocast = torch.is_autocast_enabled(weight.device.type)
        return torch.bfloat16 if autocast else weight.dtype

    def cell(self, inputs: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        """(N, inputs, H, W) -> detail (N, scale**2, H, W) and hidden state (N, hidden, H, W).

        `mix`, (N or 1, grades), is how much of each set of weights sees each of the N.
        """
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        z = graded(self.inward, inputs, mix, relu=True)
        for block in self.blocks:
            assert isinstance(block, nn.ModuleList)
            first, second = block
            assert isinstance(first, Graded)
            assert isinstance(second, Graded)
            z = graded(second, graded(first, z, mix, relu=True), mix, onto=z)
        z = z.clamp(0, _LIMIT) if torch.is_grad_enabled() else z.clamp_(0, _LIMIT)
        return graded(self.outward, z, mix), z[:, : self.hidden]


def followed(later: Tensor, coming: Tensor) -> Tensor:
    """Coming frames (N, K, H, W) moved onto the one before them all, by flows (N, K, 2, H, W).

    A flow leads from a frame to the one before it. The way there is taken for the way back of
    what is at the same place: within a tenth to a half of a decibel of a flow of its own on
    kept-out scenes, and the motion net has one flow a frame to find.
    """
    back = -coming.cumsum(1)
    moved = [warp(later[:, n : n + 1], back[:, n], "bicubic") for n in range(later.shape[1])]
    return torch.cat(moved, 1)


def _ruin(quality: Tensor) -> Tensor:
    """How bad quality planes (N, 2, ...) in 0..1 are, as one number: (N,) in 0..1."""
    quantiser, noise = quality.float().flatten(2).mean(2).unbind(1)
    coarse = (quantiser * QUANTISER_SCALE - _FINE) / (_COARSE - _FINE)
    return torch.maximum(coarse, noise * NOISE_SCALE / _NOISY).clamp(0, 1)


def _rests(frame: Tensor, previous: Tensor) -> Tensor:
    """(N, 1, H, W) twice -> bool: where all up to _STILL pixels away is as it was, to the bit."""
    changed = F.pad(frame != previous, (_STILL,) * 4)
    for axis in (2, 3):
        length = changed.shape[axis] - 2 * _STILL
        near = (changed.narrow(axis, n, length) for n in range(2 * _STILL + 1))
        changed = reduce(torch.logical_or, near)
    return ~changed
