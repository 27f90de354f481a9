"""Colour: chroma at a larger size, and the way to RGB and back.

Luma networks read Y alone. U and V are then resampled bicubically by the same factor on the
stream's own siting, so matrix, range, primaries and transfer pass through untouched. For RGB
networks a frame is converted here, and only here, by the stream's own matrix and range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from vsr.resample import Upsample, enlarge_axis, reduce_axis, to_samples
from vsr.video.frame import VideoInfo

# Chroma's offset from the centre of its block of luma, in luma samples (x, y), by siting.
SITINGS = {
    "left": (-0.5, 0.0),
    "center": (0.0, 0.0),
    "topleft": (-0.5, -0.5),
    "top": (0.0, -0.5),
    "bottomleft": (-0.5, 0.5),
    "bottom": (0.0, 0.5),
}

# The weights of red and blue in luma, by matrix: ITU-T H.273, table 4.
_WEIGHTS = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601
    6: (0.299, 0.114),
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
    10: (0.2627, 0.0593),
}
_BT709, _BT601 = 1, 6
_HD_ROWS = 720  # from here on players take an untagged matrix for BT.709

CHROMA_REACH = 8
RGB_REACH = 16
"""How many small luma samples around a large sample can change it through `enlarge_chroma`, and
through the conversion to RGB and, of the large picture, back."""


@lru_cache(maxsize=16)
def chroma_upsampler(
    scale: int, chroma_width: int, chroma_height: int, siting: str, device: torch.device
) -> Upsample:
    """The resampler that keeps chroma where it belongs over the larger luma.

    A chroma sample that lies d luma samples off the centre of its block must do so again
    in the output, where luma samples are 1/scale as large: the grid moves by
    d * (1/scale - 1) luma samples.
    """
    offset_x, offset_y = SITINGS.get(siting, SITINGS["left"])
    move = 1 / scale - 1
    shift_x = offset_x * move / chroma_width if chroma_width == 2 else 0.0
    shift_y = offset_y * move / chroma_height if chroma_height == 2 else 0.0
    return Upsample(scale, "cubic", shift_x, shift_y).to(device)


def enlarge_chroma(planes: Sequence[Tensor], info: VideoInfo, scale: int) -> list[Tensor]:
    """U and V of frames of `info` -> U and V of the `scale` times larger frames.

    (N, h, w) samples each, uint8 or uint16 -> (N, H, W), same dtype. An alpha plane, as large
    as 4:4:4 chroma, can be among them.
    """
    if not planes:
        return []
    layout = info.format.chroma_width, info.format.chroma_height
    upsampler = chroma_upsampler(scale, *layout, info.color.siting, planes[0].device)
    all_ = torch.cat(list(planes))[:, None].to(torch.float32)
    large = to_samples(upsampler.phases(all_), scale, info.format.peak)
    rows, columns = info.format.plane_size(1, info.width * scale, info.height * scale)
    return list(large[:, :rows, :columns].chunk(len(planes)))


def to_rgb(planes: Sequence[Tensor], info: VideoInfo) -> Tensor:
    """Y, U, V (or Y alone) of frames of `info` -> (N, 3, H, W) float32, nominally in [0, 1].

    Samples are (N, h, w), uint8 or uint16. Chroma is enlarged bicubically on its siting. What
    lies outside the nominal range stays outside, so that it comes back by `from_rgb`.
    """
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
    """(N, 3, H, W) float32 -> Y, U, V (or Y alone) of frames of `info`: see `to_rgb`."""
    (black, white), (neutral, swing) = _levels(info)
    r, g, b = rgb.unbind(1)
    red, blue = _weights(info)
    luma = red * r + (1 - red - blue) * g + blue * b
    planes = [luma * white + black]
    if info.format.planes > 1:
        u = (b - luma) / (2 * (1 - blue))
        v = (r - luma) / (2 * (1 - red))
        planes += [plane * swing + neutral for plane in _at_chroma(torch.cat([u, v]), info)]
    dtype = torch.uint8 if info.format.depth == 8 else torch.uint16
    return [plane.round_().clamp_(0, info.format.peak).to(dtype) for plane in planes]


def known_matrix(info: VideoInfo) -> VideoInfo:
    """`info` with a matrix that `to_rgb` knows: if it has none, what players take it for."""
    if info.color.matrix in _WEIGHTS:
        return info
    guess = _BT709 if info.height >= _HD_ROWS else _BT601
    return replace(info, color=replace(info.color, matrix=guess))


def _weights(info: VideoInfo) -> tuple[float, float]:
    """The weights of red and blue in luma."""
    return _WEIGHTS.get(info.color.matrix, _WEIGHTS[_BT601])


def _levels(info: VideoInfo) -> tuple[tuple[int, int], tuple[int, int]]:
    """(black, white - black) of luma, (neutral, swing) of chroma, in sample values."""
    step = 2 ** (info.format.depth - 8)
    if info.color.range == 2:
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


def _axes(info: VideoInfo) -> list[tuple[int, int, float]]:
    """Each axis, luma samples per chroma sample there, and luma's shift on the chroma grid."""
    x, y = SITINGS.get(info.color.siting, SITINGS["left"])
    rows, columns = info.format.chroma_height, info.format.chroma_width
    return [(-2, rows, -y / rows), (-1, columns, -x / columns)]
