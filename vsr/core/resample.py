"""Bicubic, Lanczos, bilinear and nearest resampling on a grid whose alignment is known exactly.

Three tools. `resize` is MATLAB's `imresize`, the degradation super-resolution papers use.
`Upsample` enlarges by an integer factor as one convolution and a pixel shuffle, and can
shift its grid, which chroma siting needs. `resampled` takes any factor and any place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.kernels import convolution

_RUN_TYPES = {2: torch.int16, 4: torch.int32}  # as wide as so many bytes
_FADED = 1e-3  # weights below it are left out
_REACH = {"cubic": 2, "lanczos": 3, "linear": 1}  # where a kernel ends, in input samples
KERNELS = (*_REACH, "nearest")


def cubic(x: Tensor) -> Tensor:
    """Value of the cubic kernel at distances x (any shape, float64): 0 from 2 on."""
    x = x.abs()  # Keys 1981 with a = -0.5, as in MATLAB
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, torch.where(x <= 2, far, torch.zeros_like(x)))


def lanczos(x: Tensor) -> Tensor:
    """Value of the Lanczos kernel of three lobes at distances x (any shape, float64): 0 from 3 on.

    Duchon 1979, "Lanczos Filtering in One and Two Dimensions". Its values at whole distances from
    any place do not add up to 1: weights made of it must be divided by their sum.
    """
    lobes = _REACH["lanczos"]
    value = torch.sinc(x) * torch.sinc(x / lobes)
    return torch.where(x.abs() < lobes, value, torch.zeros_like(x))


def _kernel(name: str, x: Tensor) -> Tensor:
    """Value of an interpolation kernel at distances x (any shape, float64)."""
    if name == "cubic":
        return cubic(x)
    if name == "lanczos":
        return lanczos(x)
    return (1 - x.abs()).clamp(min=0)


def symmetric_index(index: Tensor, length: int) -> Tensor:
    """Map any integer positions into 0..length-1 by mirroring with the edge repeated."""
    index = index.remainder(2 * length)
    return torch.where(index < length, index, 2 * length - 1 - index)


@lru_cache(maxsize=32)
def _resize_matrix(source: int, target: int) -> Tensor:
    """(target, source) float32 weights of MATLAB's antialiased bicubic along one axis."""
    scale = target / source
    stretch = min(scale, 1.0)
    centre = (torch.arange(target, dtype=torch.float64) + 0.5) / scale - 0.5
    taps = math.ceil(4 / stretch) + 2
    first = torch.floor(centre - 2 / stretch)
    position = first[:, None] + torch.arange(taps, dtype=torch.float64)
    weight = _kernel("cubic", (centre[:, None] - position) * stretch)
    weight = weight / weight.sum(1, keepdim=True)
    matrix = torch.zeros(target, source, dtype=torch.float64)
    matrix.scatter_add_(1, symmetric_index(position.long(), source), weight)
    return matrix.float()


def resize(image: Tensor, height: int, width: int) -> Tensor:
    """Resize (..., H, W) float planes to (..., height, width) as MATLAB's `imresize` does.

    Cubic kernel with a = -0.5, stretched for antialiasing when shrinking, borders mirrored.
    The range is the input's, with a little overshoot; round and clamp for 8-bit protocols.
    """
    rows = _resize_matrix(image.shape[-2], height).to(image.device)
    columns = _resize_matrix(image.shape[-1], width).to(image.device)
    return rows @ image @ columns.T


def _phases(scale: int, kernel: str, shift: float) -> tuple[Tensor, int]:
    """Weights (scale, taps) of each output phase along one axis, and the first tap's offset."""
    with torch.device("cpu"):  # they are read here, wherever a network is being made
        return _weights(scale, kernel, shift)


def _weights(scale: int, kernel: str, shift: float) -> tuple[Tensor, int]:
    position = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5 + shift
    if kernel == "nearest":
        taps = torch.floor(position + 0.5)
        first = int(taps.min())
        offsets = torch.arange(first, int(taps.max()) + 1, dtype=torch.float64)
        return (taps[:, None] == offsets).double(), first
    if kernel not in _REACH:
        raise ValueError(f"unknown kernel {kernel!r}; known: {', '.join(KERNELS)}")
    reach = _REACH[kernel]
    first = math.floor(float(position.min())) - reach + 1
    last = math.floor(float(position.max())) + reach
    offsets = torch.arange(first, last + 1, dtype=torch.float64)
    weights = _kernel(kernel, position[:, None] - offsets)
    if kernel == "lanczos":
        weights = weights / weights.sum(1, keepdim=True)
    return weights, first


class Upsample(nn.Module):
    """Enlarge (N, 1, H, W) planes to (N, 1, scale*H, scale*W) in float32.

    `shift_x` and `shift_y` move the sampling grid, in input samples: 0 keeps the centres of
    the two pictures aligned, as MATLAB and the papers do. Borders are mirrored. It always
    computes in float32, so that a network that adds a residual to it loses nothing to bf16.
    """

    def __init__(
        self, scale: int, kernel: str = "cubic", shift_x: float = 0.0, shift_y: float = 0.0
    ) -> None:
        super().__init__()
        self.scale = scale
        rows, top = _phases(scale, kernel, shift_y)
        columns, left = _phases(scale, kernel, shift_x)
        weight = torch.einsum("py,qx->pqyx", rows, columns).flatten(0, 1)[:, None].float()
        # Strides of channels-last, which PyTorch takes for ambiguous with one channel: phases
        # of a pixel then lie side by side, as those of the networks' last layers do.
        shape, channels = weight.shape, weight.shape[2] * weight.shape[3]
        side_by_side = torch.empty_strided(shape, (channels, 1, shape[3], 1), device=weight.device)
        self.register_buffer("weight", side_by_side.copy_(weight), persistent=False)
        self.weight: Tensor
        self.origin = (top, left)

    @property
    def reach(self) -> int:
        """How many input samples away from its own place an output sample can see."""
        ends = [o + n - 1 for o, n in zip(self.origin, self.weight.shape[2:], strict=True)]
        return max(*(abs(o) for o in self.origin), *(abs(e) for e in ends))

    def subpixel(self, x: Tensor) -> Tensor:
        """The output before the pixel shuffle: (N, 1, H, W) -> (N, scale**2, H, W) float32."""
        height, width = x.shape[-2:]
        padded = x.float()
        for axis, length, origin, taps in (
            (-2, height, self.origin[0], self.weight.shape[2]),
            (-1, width, self.origin[1], self.weight.shape[3]),
        ):
            index = torch.arange(origin, length + origin + taps - 1, device=x.device)
            padded = padded.index_select(axis, symmetric_index(index, length))
        with torch.autocast(x.device.type, enabled=False):
            return convolution(padded, self.weight.float(), None)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.subpixel(x), self.scale)


def enlarge_axis(x: Tensor, axis: int, factor: int, shift: float) -> Tensor:
    """Enlarge float32 planes (N, H, W) along one axis, bicubically, borders mirrored.

    `axis` is -1 or -2, `shift` moves the sampling grid, in input samples, as in `Upsample`.
    """
    weight, origin = _phases(factor, "cubic", shift)
    taps, length = weight.shape[1], x.shape[axis]
    index = torch.arange(origin, origin + length - 1 + taps, device=x.device)
    padded = x.index_select(axis, symmetric_index(index, length))[:, None]
    kernel = weight.float().to(x.device)[:, None]  # (factor, 1, taps)
    kernel = kernel.unsqueeze(3 if axis == -2 else 2)
    phases = convolution(padded, kernel, None)  # (N, factor, H, W)
    if axis == -2:
        return phases.transpose(1, 2).flatten(1, 2)
    return phases.permute(0, 2, 3, 1).flatten(2, 3)


def reduce_axis(x: Tensor, axis: int, factor: int, shift: float) -> Tensor:
    """The samples that `enlarge_axis`, with the same arguments, would turn into `x` best.

    Least squares: what has been enlarged comes back, but for small errors at the borders, which
    are mirrored. Where `factor` does not divide the length, the last output sample has fewer.
    """
    if axis == -1:
        rows = x.transpose(1, 2).contiguous()
        return reduce_axis(rows, -2, factor, shift).transpose(1, 2)
    weight, origin = _inverse(factor, shift)
    length, taps = x.shape[1], weight.shape[1]
    last = origin + (-(-length // factor) - 1) * factor + taps
    index = symmetric_index(torch.arange(origin, last, device=x.device), length)
    # Columns as channels, each for itself: in memory they lie side by side, which is fast.
    columns = x.index_select(1, index).transpose(1, 2)[..., None]  # (N, W, H', 1)
    kernel = weight.float().to(x.device).expand(x.shape[2], -1)[:, None, :, None]
    kernel = kernel.contiguous()
    reduced = convolution(columns, kernel, None, (factor, 1), groups=x.shape[2])
    return reduced[..., 0].transpose(1, 2)


@lru_cache(maxsize=16)
def _inverse(factor: int, shift: float) -> tuple[Tensor, int]:
    """Weights (1, taps) of an output sample over the input, and the first tap's offset."""
    weight, origin = _phases(factor, "cubic", shift)
    count = 32  # samples, in a circle; the weights fade long before
    enlarge = torch.zeros(count, factor, count, dtype=torch.float64)
    for tap in range(weight.shape[1]):
        for n in range(count):
            enlarge[n, :, (n + origin + tap) % count] = weight[:, tap]
    middle = count // 2
    row = torch.linalg.pinv(enlarge.flatten(0, 1))[middle]
    seen = torch.nonzero(row.abs() > _FADED).flatten()
    first, last = int(seen[0]), int(seen[-1])
    kept = row[first : last + 1]
    return (kept / kept.sum())[None], first - middle * factor


@dataclass(frozen=True)
class Taps:
    """Along one axis, the input samples that each output sample is made of.

    Attributes:
        index: (length, taps) int64, places of input samples.
        weight: (length, taps) float32, adding up to 1.
        first: where the output begins in the input, if it is just a cut out of it; else None.
    """

    index: Tensor
    weight: Tensor
    first: int | None = None

    def to(self, device: torch.device) -> Taps:
        """The same on a device."""
        return Taps(self.index.to(device), self.weight.to(device), self.first)


@lru_cache(maxsize=64)
def taps(place: Fraction, step: Fraction, length: int, source: int, kernel: str) -> Taps:
    """The taps of `length` samples over `source` ones, whose borders are mirrored.

    Args:
        place: of the first output sample, in input samples; 0 is the first one's centre.
        step: from one output sample to the next.
        kernel: "cubic", which is stretched against aliasing where `step` is above 1, or "nearest".

    What a sample is made of depends on its place alone: exact numbers tell it.
    """
    if place.denominator == 1 and step == 1 and 0 <= place <= source - length:
        index = torch.arange(length)[:, None] + int(place)
        return Taps(index, torch.ones(length, 1), int(place))
    unit = math.lcm(place.denominator, step.denominator)
    first, stride = int(place * unit), int(step * unit)
    bases, rests = zip(*(divmod(first + n * stride, unit) for n in range(length)), strict=True)
    base = torch.tensor(bases)
    rest = torch.tensor([r / unit for r in rests], dtype=torch.float64)
    if kernel == "nearest":
        index = base + (rest >= 0.5)
        return Taps(symmetric_index(index, source)[:, None], torch.ones(length, 1))
    stretch = max(1.0, float(step))
    reach = math.ceil(_REACH[kernel] * stretch)
    offsets = torch.arange(1 - reach, reach + 1)
    weight = _kernel(kernel, (rest[:, None] - offsets) / stretch)
    weight = weight / weight.sum(1, keepdim=True)
    return Taps(symmetric_index(base[:, None] + offsets, source), weight.float())


def resampled(planes: Tensor, rows: Taps, columns: Taps) -> Tensor:
    """float32 planes (N, H, W) at other places: (N, h, w)."""
    return _along(_along(planes, rows).transpose(1, 2), columns).transpose(1, 2)


def _along(planes: Tensor, taps: Taps) -> Tensor:
    """(N, H, W) -> (N, h, W)."""
    count, _, width = planes.shape
    length = len(taps.index)
    if taps.first is not None:
        return planes[:, taps.first : taps.first + length]
    table = planes.transpose(0, 1).reshape(planes.shape[1], count * width)
    made = F.embedding_bag(taps.index, table, mode="sum", per_sample_weights=taps.weight)
    return made.view(length, count, width).transpose(0, 1)


_WITHOUT_UINT16 = {"mps"}  # types of device, whose samples are int32 until they reach the host


def sample_type(peak: int, device: torch.device) -> torch.dtype:
    """What samples in 0..peak are on a device: uint8 up to 255, uint16 above where there is one."""
    if peak <= 255:
        return torch.uint8
    return torch.int32 if device.type in _WITHOUT_UINT16 else torch.uint16


def to_samples(phases: Tensor, scale: int, peak: int) -> Tensor:
    """Round (N, scale**2, H, W) float32 phases to samples (N, scale*H, scale*W) in 0..peak.

    They are of `sample_type`. `phases` is overwritten.
    """
    phases = phases.round_().clamp_(0, peak)
    samples = phases.to(torch.uint8 if peak <= 255 else torch.int32)
    count, _, height, width = samples.shape
    # The pixel shuffle, as a move of whole runs of `scale` samples: far faster than one by one.
    runs = samples.permute(0, 2, 3, 1).contiguous().view(count, height, width, scale, scale)
    if samples.element_size() == 1 and scale in _RUN_TYPES:
        runs = runs.view(_RUN_TYPES[scale])
    rows = runs.transpose(2, 3).contiguous().view(samples.dtype)
    large = rows.view(count, height * scale, width * scale)
    return large.to(sample_type(peak, large.device))
