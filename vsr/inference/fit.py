"""From what a network gives to the size that was asked for: one reduction, before any rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import torch
from torch import Tensor

from vsr.core.color import RGB_REACH, black, from_rgb, known_matrix, offset
from vsr.core.crop import Box
from vsr.core.frame import VideoInfo
from vsr.core.geometry import Axis, Geometry
from vsr.core.resample import Taps, resampled, sample_type, taps
from vsr.inference.area import GRID, Area
from vsr.networks import Network

_CUBIC = 2  # samples that a cubic kernel reaches
_HALF = Fraction(1, 2)


def needed(geometry: Geometry, info: VideoInfo, network: Network) -> Box:
    """The part of frames of `info` of which the network must tell luma, or RGB: on GRID."""
    margin = _chroma_margin(info, network)
    columns = _needed(geometry.columns, info.width, network.scale, margin, info.format.chroma_width)
    rows = _needed(geometry.rows, info.height, network.scale, margin, info.format.chroma_height)
    return Box(columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0])


def _needed(axis: Axis, length: int, scale: int, margin: int, step: int) -> tuple[int, int]:
    luma = _CUBIC / min(axis.scale, Fraction(scale)) + 1
    chroma = (_CUBIC / min(axis.scale, Fraction(1)) + 1) * step
    more = max(luma, chroma) + margin / axis.scale
    first = math.floor((axis.place(0) - more) / GRID) * GRID
    last = math.ceil((axis.place(axis.length) + more) / GRID) * GRID
    return max(0, first), min(last, length)


def _chroma_margin(info: VideoInfo, network: Network) -> int:
    """Large pixels around the picture that its chroma depends on, where that is made of RGB."""
    layout = info.format
    subsampled = max(layout.chroma_width, layout.chroma_height) > 1
    through_rgb = network.color == "rgb" and layout.planes > 1 and not layout.rgb
    return RGB_REACH * max(1, layout.chroma_width // 2) if subsampled and through_rgb else 0


class Fitter:
    """Makes the planes of the large frame. It may be called by several threads; it keeps nothing.

    Args:
        geometry: the large picture over frames of `info`.
        info: what holds for the whole frames that the network is given.
        network: what enlarges them.
        large: the part of them, in their pixels, that `luma` and `rgb` are given, enlarged.
        small: the part that `chroma` and `alpha` are given, as it is.
        device: where everything is computed.
    """

    def __init__(
        self,
        geometry: Geometry,
        info: VideoInfo,
        network: Network,
        large: Area,
        small: Area,
        device: torch.device,
    ) -> None:
        self._geometry, self._device = geometry, device
        self._info = geometry.large(known_matrix(info))
        self._scale, self._kernel = network.scale, network.chroma_kernel
        self._large, self._small = large, small
        self._margins = self._around(info, _chroma_margin(info, network))
        self._axes = geometry.rows, geometry.columns
        steps = info.format.chroma_height, info.format.chroma_width
        self._luma = self._luma_taps(0), self._luma_taps(1)
        self._alpha = self._small_taps(0, 1, 0.0), self._small_taps(1, 1, 0.0)
        self._chroma = (
            self._small_taps(0, steps[0], offset(info, -2)),
            self._small_taps(1, steps[1], offset(info, -1)),
        )

    @torch.inference_mode()
    def luma(self, large: Tensor) -> Tensor:
        """(N, 1, H, W) float32 in [0, 1], about, unrounded -> samples (N, h, w)."""
        made = resampled(large[:, 0], *self._luma) * self._info.format.peak
        return self._padded(0, self._rounded(made))

    @torch.inference_mode()
    def rgb(self, large: Tensor) -> list[Tensor]:
        """(N, 3, H, W) float32 -> planes without alpha, of samples (N, h, w)."""
        made = resampled(large.flatten(0, 1), *self._luma)
        made = made.view(-1, 3, *made.shape[1:])
        (top, _), (left, _) = self._margins
        info = replace(self._info, width=made.shape[-1], height=made.shape[-2])
        planes = from_rgb(made, info)
        cut = []
        for number, plane in enumerate(planes):
            down, across = info.format.steps(number)
            rows, columns = self._plane_shape(number)
            y, x = top // down, left // across
            cut.append(self._padded(number, plane[:, y : y + rows, x : x + columns]))
        return cut

    @torch.inference_mode()
    def chroma(self, small: Sequence[Tensor]) -> list[Tensor]:
        """U and V (N, h, w), or none, at the size of the large frame."""
        return [self._resampled(n, plane, self._chroma) for n, plane in enumerate(small, 1)]

    @torch.inference_mode()
    def alpha(self, small: Sequence[Tensor]) -> list[Tensor]:
        """The same of alpha, if there is some."""
        return [self._resampled(3, plane, self._alpha) for plane in small]

    def _resampled(self, number: int, small: Tensor, both: tuple[Taps, Taps]) -> Tensor:
        return self._padded(number, self._rounded(resampled(small.to(torch.float32), *both)))

    def _rounded(self, planes: Tensor) -> Tensor:
        peak = self._info.format.peak
        made = planes.round().clamp(0, peak).to(torch.uint8 if peak <= 255 else torch.int32)
        return made.to(sample_type(peak, made.device))

    def _padded(self, number: int, plane: Tensor) -> Tensor:
        """A plane of the picture, with black borders where they are asked for."""
        columns, rows = self._geometry.columns, self._geometry.rows
        if (columns.whole, rows.whole) == (columns.length, rows.length):
            return plane.contiguous()
        down, across = self._info.format.steps(number)
        y, x = rows.before // down, columns.before // across
        height, width = self._info.format.plane_size(number, columns.whole, rows.whole)
        room = torch.full(
            (len(plane), height, width),
            black(self._info)[number],
            dtype=torch.int32,
            device=plane.device,
        ).to(plane.dtype)
        room[:, y : y + plane.shape[1], x : x + plane.shape[2]] = plane
        return room

    def _plane_shape(self, number: int) -> tuple[int, int]:
        rows, columns = self._axes
        return self._info.format.plane_size(number, columns.length, rows.length)

    def _around(self, info: VideoInfo, margin: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Large rows and columns to make beyond each border, where the source has some there."""
        rows, columns = self._geometry.rows, self._geometry.columns
        return (
            _beyond(rows, info.height, margin, info.format.chroma_height),
            _beyond(columns, info.width, margin, info.format.chroma_width),
        )

    def _luma_taps(self, which: int) -> Taps:
        """Of the rows, 0, or the columns, 1."""
        axis, given, scale = self._axes[which], self._large[which], self._scale
        before, after = self._margins[which]
        place = (axis.place(_HALF - before) - given.start) * scale - _HALF
        length = before + axis.length + after
        source = (given.stop - given.start) * scale
        made = taps(place, scale / axis.scale, length, source, "cubic")
        return made.to(self._device)

    def _small_taps(self, which: int, step: int, aside: float) -> Taps:
        """Of a plane with a sample for each `step` pixels, that lie so far beside the centre."""
        axis, given, off = self._axes[which], self._small[which], Fraction(aside)
        in_source = axis.place(Fraction(step, 2) + off) - given.start  # of the first sample
        place = (in_source - off) / step - _HALF
        length, source = -(-axis.length // step), -(-(given.stop - given.start) // step)
        return taps(place, 1 / axis.scale, length, source, self._kernel).to(self._device)


def _beyond(axis: Axis, length: int, margin: int, step: int) -> tuple[int, int]:
    """`margin` on each side, or as much of it, in whole steps, as the source tells of."""
    before = max(0, math.floor(axis.start * axis.scale)) // step * step
    after = max(0, math.floor((length - axis.place(axis.length)) * axis.scale)) // step * step
    return min(margin, before), min(margin, after)
