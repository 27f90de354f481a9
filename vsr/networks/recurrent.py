"""A recurrent network: what earlier frames knew is carried along and moved with the picture.

A small cell in the manner of Fuoli et al. 2019, "Efficient Video Super-Resolution through
Recurrent Latent Space Propagation" (RLSP, arXiv 1909.08080): the trunk's own output and the last
detail are fed back. Unlike there, both are aligned first, by the motion net of VESPCN (Caballero
et al. 2017, table 1), as a narrow trunk learns to look back one frame only without. Two further
planes tell how the source was coded and how noisy it is (after FFDNet, Zhang et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vsr.core.resample import Upsample
from vsr.networks.convolve import convolve
from vsr.networks.network import Network
from vsr.networks.vespcn import Motion, warp

QUALITY_PLANES = 2
_LIMIT = 16.0  # of the hidden state: idle in practice, it bounds what feedback can do


@dataclass(frozen=True)
class State:
    """What one frame hands to the next, at the small size.

    Attributes:
        previous: (N, 1, H, W) float32 in [0, 1], the frame itself.
        hidden: (N, C, H, W), the trunk's output.
        detail: (N, scale**2, H, W), the residual over bicubic before its pixel shuffle.
    """

    previous: Tensor
    hidden: Tensor
    detail: Tensor


class Recurrent(Network):
    """Luma in, luma out, a frame at a time: see `step`.

    Args:
        scale: 2, 3 or 4.
        features: channels of the trunk and of the hidden state.
        pairs: residual pairs of 3x3 convolutions.
        future: coming frames that are shown as they are.
        flow_features: channels in the motion net.
        flow_range: pixels that its coarse flow and its fine one can reach.
    """

    def __init__(
        self,
        scale: int,
        features: int = 32,
        pairs: int = 3,
        future: int = 2,
        flow_features: int = 24,
        flow_range: tuple[float, float] = (12.0, 3.0),
    ) -> None:
        super().__init__()
        if min(scale, features, pairs, flow_features) < 1 or future < 0:
            raise ValueError(
                f"scale {scale}, features {features}, pairs {pairs}, flow_features "
                f"{flow_features}, future {future}: must be positive, future not negative"
            )
        self.scale, self.features, self.future = scale, features, future
        self.state_channels = 1 + features + scale**2
        self.base = Upsample(scale)
        self.motion = Motion(flow_features, flow_range)
        # the frame, what it changed since the aligned previous one, what coming ones will change,
        # how far between pixels the alignment fell, and the quality planes
        shown = 2 + future + 2 + QUALITY_PLANES
        self.inward = nn.Conv2d(shown + features + scale**2, features, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(features, features, 3, padding=1) for _ in range(2))
            for _ in range(pairs)
        )
        self.outward = nn.Conv2d(features, scale**2, 3, padding=1)
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
        self.motion.reset_parameters()

    def start(self, frame: Tensor) -> State:
        """The empty state before a first frame (N, 1, H, W): nothing known, nothing moved."""
        count, _, height, width = frame.shape
        channels = (self.features, self.scale**2)
        hidden, detail = (
            torch.zeros(count, n, height, width, device=frame.device).to(
                memory_format=torch.channels_last
            )
            for n in channels
        )
        return State(frame, hidden, detail)

    def step(
        self, frames: Tensor, state: State, quality: Tensor, flow: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Restore one frame.

        Args:
            frames: (N, 1 + future, H, W) float32 in [0, 1]: the frame and those to come.
            state: of the frame before, or `start`'s.
            quality: (N, 2, H or 1, W or 1) in 0..1: how coarsely the source was coded
                (quantiser / 51), and its noise (deviation / 25 of 255).
            flow: (N, 2, H, W) in pixels, from the frame to the one before, if it is known.

        Returns (N, scale**2, H, W) float32, the picture before its pixel shuffle, and the state
        for the next frame.
        """
        frame = frames[:, :1]
        if flow is None:
            with torch.no_grad():
                flow = self.motion(frame, state.previous)[:, 0]
        inputs = self.gathered(frames, state, quality, flow)
        detail, hidden = self.cell(inputs)
        detail = detail.float()
        return self.base.subpixel(frame) + detail, State(frame, hidden, detail)

    def gathered(self, frames: Tensor, state: State, quality: Tensor, flow: Tensor) -> Tensor:
        """All that the cell sees, side by side: (N, inputs, H, W), the past moved by `flow`.

        The hidden state comes from the nearest whole pixel, detail from the nearest large one:
        picked, not interpolated, which is thirty times faster on a CPU and blurs nothing. What the
        rounding left is shown beside them. The frame before, one plane, is warped bicubically.
        """
        frame = frames[:, :1]
        past = warp(state.previous, flow, "bicubic")
        whole = flow.round()
        height, width = frames.shape[-2:]
        planes = [
            pick(state.hidden, whole),
            pick_detail(state.detail, flow, self.scale),
            frame,
            past - frame,
            frames[:, 1:] - frame,
            flow - whole,
            quality.expand(len(frames), -1, height, width),
        ]
        dtype = torch.bfloat16 if torch.is_autocast_enabled("cpu") else self.inward.weight.dtype
        return torch.cat([plane.to(dtype) for plane in planes], 1)

    def cell(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(N, inputs, H, W) -> detail (N, scale**2, H, W) and hidden state (N, C, H, W)."""
        z = convolve(self.inward, inputs.contiguous(memory_format=torch.channels_last), relu=True)
        for block in self.blocks:
            assert isinstance(block, nn.ModuleList)
            first, second = block
            z = z + convolve(second, convolve(first, z, relu=True))
        hidden = z.clamp(0, _LIMIT)
        return convolve(self.outward, hidden), hidden


def pick(planes: Tensor, shift: Tensor) -> Tensor:
    """Fetch each pixel from `shift` whole pixels away: out(p) = planes(p + shift(p)).

    (N, C, H, W) and (N, 2, H, W), x and y -> (N, C, H, W) in channels-last order. Beyond the
    border its pixels repeat.
    """
    count, channels, height, width = planes.shape
    rows = planes.permute(0, 2, 3, 1).reshape(-1, channels)
    x, y = _targets(shift, 1)
    lanes = torch.arange(count, device=planes.device)[:, None, None] * (height * width)
    picked = rows.index_select(0, (lanes + y * width + x).flatten())
    return picked.view(count, height, width, channels).permute(0, 3, 1, 2)


def pick_detail(detail: Tensor, flow: Tensor, scale: int) -> Tensor:
    """The same for sub-pixel phases (N, scale**2, H, W), by the nearest large pixel.

    As if they were shuffled to the large size, moved there by scale * flow, rounded, and shuffled
    back.
    """
    count, channels, height, width = detail.shape
    samples = detail.permute(0, 2, 3, 1).reshape(-1)
    x, y = _targets(flow * scale, scale)  # (N, scale, H, W), of phase 0, 1, ... of the axis
    columns = x.div(scale, rounding_mode="floor") * channels + x.remainder(scale)
    rows = y.div(scale, rounding_mode="floor") * (width * channels) + y.remainder(scale) * scale
    lanes = torch.arange(count, device=detail.device)[:, None, None, None] * (
        height * width * channels
    )
    rows = (rows + lanes).permute(0, 2, 3, 1)[..., :, None]
    columns = columns.permute(0, 2, 3, 1)[..., None, :]
    picked = samples.index_select(0, (rows + columns).flatten())
    return picked.view(count, height, width, channels).permute(0, 3, 1, 2)


def _targets(shift: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """Where each pixel's phases are fetched from, in pixels of `scale` times the size.

    (N, 2, H, W) -> x and y, (N, scale, H, W) int64, or (N, H, W) for scale 1; within the picture.
    """
    height, width = shift.shape[-2:]
    steps = shift.round().long()
    x = steps[:, 0] + torch.arange(width, device=shift.device) * scale
    y = steps[:, 1] + torch.arange(height, device=shift.device)[:, None] * scale
    if scale > 1:
        phases = torch.arange(scale, device=shift.device)[:, None, None]
        x, y = x[:, None] + phases, y[:, None] + phases
    return x.clamp(0, width * scale - 1), y.clamp(0, height * scale - 1)
