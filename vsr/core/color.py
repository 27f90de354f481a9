"""Colour: chroma at a larger size, and the way to RGB and back.

Luma networks read Y alone. U and V are then resampled bicubically by the same factor on the
stream's own siting, so matrix, range, primaries and transfer pass through untouched; alpha is
resampled with luma. Between RGB and YUV frames are converted here, and only here, by the
stream's own matrix and range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsr.core.color_codes import ColorRange, Matrix
from vsr.core.frame import PixelFormat, Plane, VideoInfo
from vsr.core.half import BLACK, samples_of_shown, shown_of_samples
from vsr.core.resample import Upsample, cubic, enlarge_axis, reduce_axis, sample_type, to_samples

# Chroma's offset from the centre of its block of two luma samples along each axis (x, y), in luma
# samples, by siting. In a block of four it is three times as much.
SITINGS = {
    "left": (-0.5, 0.0),
    "center": (0.0, 0.0),
    "topleft": (-0.5, -0.5),
    "top": (0.0, -0.5),
    "bottomleft": (-0.5, 0.5),
    "bottom": (0.0, 0.5),
}

# The weights of red and blue in luma, by matrix: ITU-T H.273, table 4.
_WEIGHTS: Mapping[int, tuple[float, float]] = {
    Matrix.BT709: (0.2126, 0.0722),
    Matrix.FCC: (0.30, 0.11),
    Matrix.BT470BG: (0.299, 0.114),
    Matrix.SMPTE170M: (0.299, 0.114),
    Matrix.SMPTE240M: (0.212, 0.087),
    Matrix.BT2020_NCL: (0.2627, 0.0593),
    Matrix.BT2020_CL: (0.2627, 0.0593),
}
_HD_ROWS = 720  # from here on players take an untagged matrix for BT.709

CHROMA_REACH = 8
RGB_REACH = 16
"""How many small luma samples around a large sample can change it through `enlarge_chroma`, and
through the conversion to RGB and, of the large picture, back; see `reach` for 4:1:1 and 4:1:0."""


def reach(format_: PixelFormat, rgb: bool) -> int:
    """CHROMA_REACH, or with `rgb` RGB_REACH, for frames of a format."""
    step = max(format_.chroma_width, format_.chroma_height)
    return (RGB_REACH if rgb else CHROMA_REACH) * max(1, step // 2)


@lru_cache(maxsize=16)
def chroma_upsampler(
    scale: int,
    chroma_width: int,
    chroma_height: int,
    siting: str,
    device: torch.device,
    kernel: str = "cubic",
) -> Upsample:
    """The resampler that keeps chroma where it belongs over the larger luma.

    A chroma sample that lies d luma samples off the centre of its block must do so again
    in the output, where luma samples are 1/scale as large: the grid moves by
    d * (1/scale - 1) luma samples. "nearest" only repeats samples, block by block.
    """
    if kernel == "nearest":
        return Upsample(scale, kernel).to(device)
    offset_x, offset_y = SITINGS.get(siting, SITINGS["left"])
    move = 1 / scale - 1
    shift_x = offset_x * (chroma_width - 1) * move / chroma_width
    shift_y = offset_y * (chroma_height - 1) * move / chroma_height
    return Upsample(scale, kernel, shift_x, shift_y).to(device)


def enlarge_chroma(
    planes: Sequence[Tensor], info: VideoInfo, scale: int, kernel: str = "cubic"
) -> list[Tensor]:
    """U and V of frames of `info` -> U and V of the `scale` times larger frames.

    (N, h, w) samples each, uint8 or uint16 -> (N, H, W), same dtype. `kernel` is "cubic" or
    "nearest", which repeats samples.
    """
    layout = info.format.chroma_width, info.format.chroma_height
    rows, columns = info.format.plane_size(1, info.width * scale, info.height * scale)
    large = _enlarged(planes, layout, info, scale, kernel)
    return [plane[:, :rows, :columns] for plane in large]


def enlarge_alpha(
    planes: Sequence[Tensor], info: VideoInfo, scale: int, kernel: str = "cubic"
) -> list[Tensor]:
    """As `enlarge_chroma`, of alpha planes, which lie on luma's grid."""
    return _enlarged(planes, (1, 1), info, scale, kernel)


def _enlarged(
    planes: Sequence[Tensor], layout: tuple[int, int], info: VideoInfo, scale: int, kernel: str
) -> list[Tensor]:
    if not planes:
        return []
    upsampler = chroma_upsampler(scale, *layout, info.color.siting, planes[0].device, kernel)
    all_ = torch.cat(list(planes))[:, None].to(torch.float32)
    large = to_samples(upsampler.subpixel(all_), scale, info.format.peak)
    return list(large.chunk(len(planes)))


def luma_of(rgb: Tensor, info: VideoInfo) -> Tensor:
    """(N, 3, H, W) red, green and blue -> (N, 1, H, W) luma in the same range."""
    red, blue = _weights(info)
    r, g, b = rgb.unbind(1)
    return (red * r + (1 - red - blue) * g + blue * b)[:, None]


def seen_of(rgb: Tensor, info: VideoInfo) -> Tensor:
    """What networks see of red, green and blue: of light, which may lie anywhere, 0 to 1 alone.

    What lies beyond goes past them, enlarged as chroma is.
    """
    return rgb.clamp(0, 1) if info.format.half else rgb


def to_rgb(planes: Sequence[Tensor], info: VideoInfo) -> Tensor:
    """Y, U, V (or Y alone) of frames of `info` -> (N, 3, H, W) float32, nominally in [0, 1].

    Samples are (N, h, w), uint8 or uint16. Chroma is enlarged bicubically on its siting. What
    lies outside the nominal range stays outside, so that it comes back by `from_rgb`. Frames
    of RGB are only brought in order; light becomes what is shown of it.
    """
    if info.format.half:
        g, b, r = (shown_of_samples(plane) for plane in planes[:3])
        return torch.stack([r, g, b], 1)
    if info.format.rgb:
        g, b, r = (plane.to(torch.float32) for plane in planes[:3])
        return torch.stack([r, g, b], 1) / info.format.peak
    (black, white), (neutral, swing) = _levels(info)
    luma = (planes[0].to(torch.float32) - black) / white
    if len(planes) == 1:
        return luma[:, None].repeat(1, 3, 1, 1)
    chroma = torch.cat(list(planes[1:3])).to(torch.float32)
    u, v = ((_at_luma(chroma, info) - neutral) / swing).chunk(2)
    red, blue = _weights(info)
    r = luma + 2 * (1 - red) * v
    b = luma + 2 * (1 - blue) * u
    g = (luma - red * r - blue * b) / (1 - red - blue)
    return torch.stack([r, g, b], 1)


def from_rgb(rgb: Tensor, info: VideoInfo) -> list[Tensor]:
    """(N, 3, H, W) float32 -> planes of frames of `info` without alpha: see `to_rgb`."""
    r, g, b = rgb.unbind(1)
    if info.format.grey:
        return [samples_of_shown(luma_of(rgb, info)[:, 0])] * 3
    if info.format.half:
        return [samples_of_shown(plane) for plane in (g, b, r)]
    if info.format.rgb:
        return _rounded([plane * info.format.peak for plane in (g, b, r)], info)
    (black, white), (neutral, swing) = _levels(info)
    red, blue = _weights(info)
    luma = luma_of(rgb, info)[:, 0]
    planes = [luma * white + black]
    if info.format.planes > 1:
        u = (b - luma) / (2 * (1 - blue))
        v = (r - luma) / (2 * (1 - red))
        planes += [plane * swing + neutral for plane in _at_chroma(torch.cat([u, v]), info)]
    return _rounded(planes, info)


def _rounded(planes: Sequence[Tensor], info: VideoInfo) -> list[Tensor]:
    """float32 samples, which are written to, as those of `info`."""
    peak = info.format.peak
    return [p.round_().clamp_(0, peak).to(sample_type(peak, p.device)) for p in planes]


def rgb_matrix(info: VideoInfo) -> NDArray[np.float64]:
    """(3, 4): green, blue and red in [0, 1], and 1, to samples Y, U, V of frames of `info`."""
    (black, white), (neutral, swing) = _levels(info)
    red, blue = _weights(info)
    luma = np.array([1 - red - blue, blue, red])
    u = (np.array([0, 1, 0]) - luma) / (2 * (1 - blue))
    v = (np.array([0, 0, 1]) - luma) / (2 * (1 - red))
    shares = np.stack([luma * white, u * swing, v * swing])
    return np.column_stack([shares, [black, neutral, neutral]])


def relaid_chroma(planes: Sequence[Plane], info: VideoInfo, made: VideoInfo) -> list[Plane]:
    """U and V (h, w) of a frame of `info` in the layout of `made`, on the siting of both."""
    pairs = [
        (info.format.chroma_width, made.format.chroma_width),
        (info.format.chroma_height, made.format.chroma_height),
    ]
    if all(mine in (1, its) for mine, its in pairs):
        return [_thinned(plane, pairs, made) for plane in planes]
    samples = torch.stack([torch.from_numpy(plane) for plane in planes]).to(torch.float32)
    chroma = _at_chroma(_at_luma(samples, info), made)
    return [plane[0].numpy() for plane in _rounded(chroma, made)]


def _thinned(plane: Plane, pairs: Sequence[tuple[int, int]], made: VideoInfo) -> Plane:
    """A plane with fewer samples, by a cubic kernel as wide as what each stands for."""
    offsets = SITINGS.get(made.color.siting, SITINGS["left"])
    steps = [its // mine for mine, its in pairs]
    (across, left), (down, top) = (
        _thinning(step, offset) for step, offset in zip(steps, offsets, strict=True)
    )
    depth, border = cv2.CV_32F, cv2.BORDER_REFLECT
    smooth = cv2.sepFilter2D(plane, depth, across, down, anchor=(left, top), borderType=border)
    few: Any = np.rint(smooth[:: steps[1], :: steps[0]]).clip(0, made.format.peak)
    thin: Plane = few.astype(plane.dtype)
    return thin


def _thinning(step: int, offset: float) -> tuple[NDArray[np.float32], int]:
    """Weights of the luma places around the first chroma sample, and which of them is the first."""
    if step == 1:
        return np.ones(1, np.float32), 0
    place = (step - 1) / 2 + offset * (step - 1)
    taps = np.arange(math.floor(place) - 2 * step + 1, math.ceil(place) + 2 * step)
    weight = cubic((torch.from_numpy(taps) - place) / step)
    return (weight / weight.sum()).numpy().astype(np.float32), -int(taps[0])


def known_matrix(info: VideoInfo) -> VideoInfo:
    """`info` with a matrix that `to_rgb` knows: if it has none, what players take it for."""
    if info.color.matrix in _WEIGHTS:
        return info
    return replace(info, color=replace(info.color, matrix=guessed_matrix(info.height)))


def guessed_matrix(rows: int) -> Matrix:
    """What players take the matrix of an untagged video of so many rows for."""
    return Matrix.BT709 if rows >= _HD_ROWS else Matrix.SMPTE170M


def _weights(info: VideoInfo) -> tuple[float, float]:
    """The weights of red and blue in luma."""
    return _WEIGHTS.get(info.color.matrix, _WEIGHTS[Matrix.SMPTE170M])


def _levels(info: VideoInfo) -> tuple[tuple[int, int], tuple[int, int]]:
    """(black, white - black) of luma, (neutral, swing) of chroma, in sample values."""
    step = 2 ** (info.format.depth - 8)
    if info.color.range == ColorRange.FULL:
        return (0, info.format.peak), (128 * step, info.format.peak)
    return (16 * step, 219 * step), (128 * step, 224 * step)


def _at_luma(chroma: Tensor, info: VideoInfo) -> Tensor:
    """(N, h, w) chroma at the size of luma, (N, H, W)."""
    for axis, factor, shift in _axes(info):
        if factor > 1:
            chroma = enlarge_axis(chroma, axis, factor, shift)
    return chroma[:, : info.height, : info.width]


def _at_chroma(chroma: Tensor, info: VideoInfo) -> tuple[Tensor, ...]:
    """U and V, one after the other in (2*N, H, W), at the size of chroma."""
    for axis, factor, shift in _axes(info):
        if factor > 1:
            chroma = reduce_axis(chroma, axis, factor, shift)
    return chroma.chunk(2)


def black(info: VideoInfo) -> list[int]:
    """What samples of each plane of black frames of `info` are; where there is alpha, they are
    transparent."""
    if info.format.half:
        return [BLACK, BLACK, BLACK, 0][: info.format.planes]
    if info.format.rgb:
        return [0] * info.format.planes
    (luma, _), (neutral, _) = _levels(info)
    return [luma, neutral, neutral, 0][: info.format.planes]


def offset(info: VideoInfo, axis: int) -> float:
    """How far chroma lies from the centre of its block along -2 or -1, in luma samples."""
    x, y = SITINGS.get(info.color.siting, SITINGS["left"])
    steps = {-2: info.format.chroma_height, -1: info.format.chroma_width}[axis]
    return (y if axis == -2 else x) * (steps - 1)


def _axes(info: VideoInfo) -> list[tuple[int, int, float]]:
    """Each axis, luma samples per chroma sample there, and luma's shift on the chroma grid."""
    rows, columns = info.format.chroma_height, info.format.chroma_width
    return [(-2, rows, -offset(info, -2) / rows), (-1, columns, -offset(info, -1) / columns)]
