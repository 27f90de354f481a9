"""VESPCN: the neighbouring frames, moved onto the centre one, join its enlargement.

Caballero et al. 2017, "Real-Time Video Super-Resolution with Spatio-Temporal Networks and
Motion Compensation", arXiv 1611.05250: the motion net of table 1, early fusion (figure 3a)
and slow fusion (3c), nine layers of 24 features (section 3.4).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.kernels import shuffle
from vsr.core.resample import Upsample
from vsr.networks.convolve import convolve, convolve_rows
from vsr.networks.network import Network

_STRIDE = 4  # the coarse flow is computed at a quarter of the size
_CONTRAST_REACH = 4  # in blocks of _STRIDE pixels
_BORDER = 4  # repeated pixels around a picture, as far as bicubic interpolation can see
_STEPS = 256
_LEAST_CONTRAST = 2 / 255  # below it there is mostly noise, which must not grow


class Vespcn(Network):
    """Luma in, luma out: (N, T, H, W) in [0, 1] -> (N, 1, scale*H, scale*W), float32.

    It leaves the paper in these places. The output is a residual over the bicubic upscale of
    the centre frame, as in our ESPCN. The motion net sees both frames with their local
    contrast made equal, and states its flow in pixels: from plain frames it learns nothing.
    The neighbours are warped bicubically: bilinear interpolation blurs away the very detail
    that they are wanted for.

    Args:
        scale: 2, 3 or 4.
        features: channels of each layer.
        layers: 3x3 convolutions, the fusion and the last one included.
        context: frames on each side: 1 for windows of three, 2 for five.
        fusion: "early", where the first layer sees all frames, or "slow", where each of the
            first 2*context layers joins neighbours in pairs, all pairs by the same weights.
        flow_features: channels in the motion net.
        flow_range: pixels that the coarse flow and the fine one can reach.
    """

    block = _STRIDE

    def __init__(
        self,
        scale: int,
        features: int = 24,
        layers: int = 9,
        context: int = 1,
        fusion: str = "early",
        flow_features: int = 24,
        flow_range: tuple[float, float] = (12.0, 3.0),
    ) -> None:
        super().__init__()
        if min(scale, features, context, flow_features) < 1:
            raise ValueError(
                f"scale {scale}, features {features}, context {context}, flow_features "
                f"{flow_features}: all must be positive"
            )
        if fusion not in ("early", "slow"):
            raise ValueError(f"fusion {fusion!r}: must be early or slow")
        if len(flow_range) != 2 or not all(0 < pixels < math.inf for pixels in flow_range):
            raise ValueError(f"flow_range {flow_range}: must be two numbers above 0")
        joining = 1 if fusion == "early" else 2 * context
        if layers <= joining:
            raise ValueError(f"layers {layers}: {fusion} fusion needs more than {joining}")
        self.scale, self.context, self.fusion = scale, context, fusion
        self.base = Upsample(scale)
        self.motion = Motion(flow_features, flow_range)
        inputs = [2 * context + 1] if fusion == "early" else [2] + [2 * features] * (joining - 1)
        inputs += [features] * (layers - joining)
        outputs = [features] * (layers - 1) + [scale**2]
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1) for i, o in zip(inputs, outputs, strict=True)
        )
        self.reset_parameters()
        reach = layers + self.motion.reach
        self.receptive_field = 2 * max(reach, self.base.reach) + 1

    def reset_parameters(self) -> None:
        """Start as the bicubic upscale itself, with the frames taken as they lie."""
        layers = _convolutions(self.convs)
        _start(layers)
        nn.init.zeros_(layers[-1].weight)
        self.motion.reset_parameters()

    def subpixel(self, x: Tensor) -> Tensor:
        return self.restored(x, self.aligned(x)[0])

    def aligned(self, x: Tensor, flow: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The window with its neighbours moved onto the centre, and the flows that did it.

        (N, T, H, W) -> (N, T, H, W) and (N, T-1, 2, H, W) float32, as `warp` takes them. Where
        the flow is known from elsewhere it can be given; the motion net then has nothing to do.
        """
        centre = self.context
        neighbours = torch.cat([x[:, :centre], x[:, centre + 1 :]], 1)  # (N, T-1, H, W)
        if flow is None:
            flow = self.motion(x[:, centre : centre + 1], neighbours)
        moved = warp(neighbours.flatten(0, 1)[:, None], flow.flatten(0, 1), "bicubic")
        planes = [*moved.view_as(neighbours).unbind(1)]
        planes.insert(centre, x[:, centre])
        return torch.stack(planes, 1), flow

    def restored(self, x: Tensor, aligned: Tensor) -> Tensor:
        """The phases (N, scale**2, H, W) from the window and its aligned copy."""
        layers = [*self.convs]
        aligned = aligned.to(_convolutions(self.convs)[0].weight.dtype)
        if self.fusion == "early":
            features = convolve_rows(layers.pop(0), aligned, relu=True)
        else:
            maps = [plane[:, None] for plane in aligned.unbind(1)]
            while len(maps) > 1:
                join = layers.pop(0)
                maps = [convolve(join, torch.cat(pair, 1), relu=True) for pair in pairwise(maps)]
            features = maps[0]
        *hidden, last = layers
        for conv in hidden:
            features = convolve(conv, features, relu=True)
        features = convolve(last, features)
        return self.base.subpixel(x[:, self.context : self.context + 1]).add_(features)


class Motion(nn.Module):
    """The motion net of table 1, from the centre frame to each of its neighbours.

    (N, 1, H, W) and (N, K, H, W) -> flows (N, K, 2, H, W) in pixels, float32. For each pair a
    coarse flow from both frames at a quarter of the size, then a fine one at half the size
    from both, the coarse flow and the neighbour warped by it; their sum is the flow.

    Args:
        features: channels of the hidden layers, 24 in the paper.
        reach: pixels that the coarse and the fine flow can reach; tanh keeps them within.
    """

    def __init__(self, features: int, reach: tuple[float, float]) -> None:
        super().__init__()
        self.range = reach
        self.to_pixels = Upsample(_STRIDE, "linear")
        n = features
        self.coarse = nn.ModuleList(
            [
                nn.Conv2d(2, n, 5, 2, padding=2),
                nn.Conv2d(n, n, 3, padding=1),
                nn.Conv2d(n, n, 5, 2, padding=2),
                nn.Conv2d(n, n, 3, padding=1),
                nn.Conv2d(n, 32, 3, padding=1),
            ]
        )
        self.fine = nn.ModuleList(
            [
                nn.Conv2d(5, n, 5, 2, padding=2),
                nn.Conv2d(n, n, 3, padding=1),
                nn.Conv2d(n, n, 3, padding=1),
                nn.Conv2d(n, n, 3, padding=1),
                nn.Conv2d(n, 8, 3, padding=1),
            ]
        )

    @property
    def reach(self) -> int:
        """How far from its own place an input pixel can change a warped neighbour."""
        contrast = _STRIDE * (_CONTRAST_REACH + 2)
        coarse = 2 + 2 + 4 + 4 + 4 + _STRIDE  # of k5 s2, k3, k5 s2, k3, k3, and the shuffle
        fine = 2 + 2 + 2 + 2 + 2 + 2
        shift = [int(pixels) + 2 for pixels in self.range]
        return max(fine + max(coarse, shift[0]) + contrast, sum(shift))

    def reset_parameters(self) -> None:
        """Start almost without motion: the last layers give next to nothing."""
        for layers in (_convolutions(self.coarse), _convolutions(self.fine)):
            _start(layers)
            nn.init.normal_(layers[-1].weight, std=1e-3)

    def forward(self, centre: Tensor, neighbours: Tensor) -> Tensor:
        count, others, height, width = neighbours.shape
        missing = (0, -width % _STRIDE, 0, -height % _STRIDE)
        frames = torch.cat([centre, neighbours], 1).float()
        frames = level_contrast(F.pad(frames, missing, mode="replicate"), self.to_pixels)
        # (N*K, 2, H', W'): the centre beside each neighbour
        pairs = torch.stack([frames[:, :1].expand_as(frames[:, 1:]), frames[:, 1:]], 2).flatten(
            0, 1
        )
        coarse = self._flow(self.coarse, pairs, 0)
        moved = warp(pairs[:, 1:], coarse, "bilinear")
        fine = self._flow(self.fine, torch.cat([pairs, coarse, moved], 1), 1)
        return (coarse + fine)[..., :height, :width].reshape(count, others, 2, height, width)

    def _flow(self, layers: nn.ModuleList, x: Tensor, level: int) -> Tensor:
        *hidden, last = _convolutions(layers)
        x = x.to(last.weight.dtype).contiguous(memory_format=torch.channels_last)
        for conv in hidden:
            x = convolve(conv, x, relu=True)
        reach = self.range[level]
        # reach * tanh, by a kernel that is faster than torch's of tanh. That of sigmoid is faster
        # still, but the last few numbers of a tensor come out otherwise: tiles would differ.
        step = reach - 2 * reach / ((2 * convolve(last, x).float()).exp() + 1)
        return shuffle(step, _STRIDE // 2**level)


def _convolutions(layers: nn.ModuleList) -> list[nn.Conv2d]:
    return [layer for layer in layers if isinstance(layer, nn.Conv2d)]


def _start(layers: list[nn.Conv2d]) -> None:
    for conv in layers:
        assert conv.bias is not None
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        nn.init.zeros_(conv.bias)


def level_contrast(x: Tensor, to_pixels: Upsample) -> Tensor:
    """Each pixel less the mean of its neighbourhood, over the deviation there.

    (N, C, H, W) float32, sides multiples of 4, of any range -> about 0, of about unit deviation.
    Unlike statistics of the whole frame these are the same in every tile of it.
    """
    blocks = F.avg_pool2d(torch.cat([x, x * x], 1), _STRIDE)
    local = _sum_around(blocks) / _sum_around(torch.ones_like(blocks[:1, :1]))
    fine = to_pixels.subpixel(local.flatten(0, 1)[:, None])
    local = shuffle(fine, _STRIDE).view(x.shape[0], -1, *x.shape[-2:])
    mean, square = local.chunk(2, 1)
    variance = (square - mean * mean).clamp_(min=0)
    return (x - mean) / (variance + _LEAST_CONTRAST**2).sqrt()


def _sum_around(x: Tensor) -> Tensor:
    """The sum of the blocks up to _CONTRAST_REACH away: a row of slices is fast, a pool is not."""
    size = 2 * _CONTRAST_REACH + 1
    padded = F.pad(x, (_CONTRAST_REACH,) * 4)
    rows = padded[..., : x.shape[-2], :].clone()
    for n in range(1, size):
        rows += padded[..., n : n + x.shape[-2], :]
    total = rows[..., : x.shape[-1]].clone()
    for n in range(1, size):
        total += rows[..., n : n + x.shape[-1]]
    return total


def warp(x: Tensor, flow: Tensor, mode: str) -> Tensor:
    """Fetch each pixel from where the flow points: (N, C, H, W), (N, 2, H, W) -> (N, C, H, W).

    `flow` holds x and y in pixels: out(p) = x(p + flow(p)). Beyond the border its pixels
    repeat. `mode` is "bilinear" or "bicubic", as of torch's grid_sample.

    But in training, flows are rounded to 1/_STEPS of a pixel. With that, and sides that are
    powers of two, grid_sample's coordinates are exact: where in a picture a pixel lies, and
    whether a tile or the whole is given, changes nothing.
    """
    steps = flow * _STEPS
    if not flow.requires_grad:
        steps = steps.round_()
    sides: list[int] = []
    places: list[Tensor] = []
    for axis, length in enumerate((x.shape[-1], x.shape[-2])):
        index = torch.arange(length, device=x.device, dtype=torch.float32) * _STEPS
        place = steps[:, axis] + (index if axis == 0 else index[:, None])
        place.clamp_(-_BORDER / 2 * _STEPS, (length - 1 + _BORDER / 2) * _STEPS)
        sides.append(_side(length))
        unit = 2 / (sides[-1] - 1)  # of grid_sample, for a pixel
        places.append(place.mul_(unit / _STEPS).add_(_BORDER * unit - 1))
    framed = F.pad(x.float(), (_BORDER,) * 4, mode="replicate")
    beyond = [side - length for side, length in zip(sides, framed.shape[:1:-1], strict=True)]
    framed = F.pad(framed, (0, beyond[0], 0, beyond[1]))
    grid = torch.stack(places, 1).permute(0, 2, 3, 1)  # fast to make, and read as fast
    return F.grid_sample(framed, grid, mode, align_corners=True)


def _side(length: int) -> int:
    """The least power of two, and one, that holds `length` pixels and a border on both sides."""
    if isinstance(length, Tensor):  # while the network is traced
        power = (length + 2 * _BORDER - 1).float().log2().ceil()
        return (2**power).long() + 1
    return int(2 ** math.ceil(math.log2(length + 2 * _BORDER - 1))) + 1
