"""A video of takes: beside each other, or each with a share of the same picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vsr.core.color_codes import ColorRange, Transfer
from vsr.core.crop import Box, cropped
from vsr.core.errors import OutputError
from vsr.core.events import Warn
from vsr.core.frame import Frame, PixelFormat, Plane, VideoInfo
from vsr.core.options import READ_DEFAULTS, ReadOptions, StreamOptions
from vsr.core.span import Span
from vsr.core.url import Url
from vsr.encoding.codecs import Encoding
from vsr.figures.text import lettered
from vsr.output.sink import Output
from vsr.output.video import VideoSpec, create_video
from vsr.previews.synced_reader import in_step, open_takes
from vsr.previews.variant import Take
from vsr.video.reader import open_video

HOW = ("beside", "split")
"""Beside each other, whole, or each with its share of the picture, from left to right."""

_STEP = 4  # luma samples for each of the coarsest chroma: gaps and patches are multiples
_IN_A_ROW = 3  # more takes than that stand in two columns
_LABEL = 28  # how many capitals are as high as the picture
_LEAST_LABEL = 8  # pixels
_DARK, _LIGHT = 0.1, 0.95  # of what is under a label, and of its words, from black to white
# Of the samples' range, the white of a page: reference white of PQ and HLG.
_WHITE: Mapping[int, float] = {Transfer.PQ: 0.58, Transfer.HLG: 0.75}
_USUAL = Encoding()


def write_beside(
    target: Path,
    takes: Sequence[Take],
    source: Path | Url,
    span: Span,
    how: str,
    warn: Warn,
    encoding: Encoding = _USUAL,
    reading: ReadOptions = READ_DEFAULTS,
    overwrite: bool = False,
) -> Output:
    """Write takes of a span of `source`, each with its label, and its sound to one video.

    Up to three stand in a row, more in two columns; with `how` "split" each shows its share of
    one picture, with a thin line between. All frames come at their times, in the takes' own
    pixel format, and all else that the source holds, but subtitles and videos, is copied as
    by `create_video`; `reading` says how it is read, `overwrite` whether what is there under the
    name by then is replaced. One frame of each take is held at a time.
    Raises VsrError in one line: OutputError where the takes differ in size, format, number of
    frames or times.
    """
    if how not in HOW:
        raise OutputError(f"{target}: takes cannot be shown {how!r}; allowed: {', '.join(HOW)}")
    if not takes:
        raise OutputError(f"{target}: there is nothing to show")
    left_as_is = replace(reading, deinterlace="off")  # of the source, only sound is wanted
    with (
        open_takes(takes) as videos,
        open_video(source, span, warn, left_as_is) as sound,
    ):
        info = videos[0].info
        layout = (_split if how == "split" else _beside)([take.label for take in takes], info)
        shift = round(sound.output_start / info.time_base)  # takes begin at 0, as the span does
        only_sound = StreamOptions(subtitles=False, other_videos=False)
        spec = VideoSpec(
            target=target,
            info=layout.info,
            encoding=encoding,
            warn=warn,
            others_of=sound,
            streams=only_sound,
            overwrite=overwrite,
        )
        with create_video(spec) as output:
            for frames in in_step(takes, videos):
                planes = layout.composed(frames)
                output.write(Frame(planes, frames[0].pts + shift, frames[0].duration))
    return output


@dataclass(frozen=True)
class _Part:
    """What is shown of a take, and where; in luma samples, upright, on chroma's grid.

    Attributes:
        first, last: the take's columns.
        left, top: where the first of them begins.
    """

    first: int
    last: int
    left: int
    top: int


@dataclass(frozen=True)
class _Patch:
    """Something drawn over the frames.

    Attributes:
        left, top: where, as in _Part.
        light: from black, 0, to white, 1: (rows, columns) of float32, multiples of _STEP.
    """

    left: int
    top: int
    light: NDArray[np.float32]


@dataclass(frozen=True)
class _Layout:
    """How frames of takes become one.

    Attributes:
        info: of the frames that come of it.
        parts: of each take.
        patches: labels and lines.
    """

    info: VideoInfo
    parts: tuple[_Part, ...]
    patches: tuple[_Patch, ...]

    def composed(self, frames: Sequence[Frame]) -> tuple[Plane, ...]:
        """The planes of a frame of `info`."""
        return tuple(self._plane(index, frames) for index in range(self.info.format.planes))

    def _plane(self, index: int, frames: Sequence[Frame]) -> Plane:
        """Drawn through views that are upright; in memory planes lie as the takes' do."""
        info = self.info
        plane = info.format.blank(index, info.width, info.height)
        plane[:] = _level(info, index, 0.0)
        whole = info.orientation.shown(plane)
        rows, columns = info.orientation.pair(*info.format.steps(index))
        for frame, part in zip(frames, self.parts, strict=True):
            taken = info.orientation.shown(_on_grid(frame.planes[index], info.format, index))
            taken = taken[:, part.first // columns : part.last // columns]
            top, left = part.top // rows, part.left // columns
            whole[top : top + taken.shape[0], left : left + taken.shape[1]] = taken
        for patch in self.patches:
            light = _level(info, index, patch.light[::rows, ::columns])
            top, left = patch.top // rows, patch.left // columns
            under = whole[top : top + light.shape[0], left : left + light.shape[1]]
            under[:] = light[: under.shape[0], : under.shape[1]]
        return plane


def _beside(labels: Sequence[str], info: VideoInfo) -> _Layout:
    """Whole pictures in a row, or in two columns."""
    width, height = _cell(info)
    columns = len(labels) if len(labels) <= _IN_A_ROW else 2
    gap = _STEP * math.ceil(height / 1080)
    places = [divmod(number, columns) for number in range(len(labels))]
    parts = tuple(
        _Part(0, width, column * (width + gap), row * (height + gap)) for row, column in places
    )
    size = max(part.left for part in parts) + width, max(part.top for part in parts) + height
    return _Layout(_sized(info, *size), parts, _labels(labels, parts, height))


def _split(labels: Sequence[str], info: VideoInfo) -> _Layout:
    """One picture, of which each take shows its share of the columns."""
    width, height = _cell(info)
    edges = [width * n // len(labels) // _STEP * _STEP for n in range(len(labels))] + [width]
    parts = tuple(_Part(a, b, a, 0) for a, b in pairwise(edges))
    thick = _STEP * math.ceil(width / 3840)
    line = np.full((height, thick), _LIGHT, np.float32)
    lines = [_Patch(edge - thick // 2 // _STEP * _STEP, 0, line) for edge in edges[1:-1]]
    labelled = _labels(labels, parts, height)
    return _Layout(_sized(info, width, height), parts, (*lines, *labelled))


def _labels(labels: Sequence[str], parts: Sequence[_Part], height: int) -> tuple[_Patch, ...]:
    """A label in the upper left corner of each part, light on dark."""
    capitals = max(_LEAST_LABEL, height // _LABEL)
    return tuple(_label(text, part, capitals) for text, part in zip(labels, parts, strict=True))


def _label(text: str, part: _Part, capitals: int) -> _Patch:
    beside = _up(capitals // 2)
    words = lettered(text, capitals, part.last - part.first - 4 * beside)
    size = _up(words.shape[0]), _up(words.shape[1] + 2 * beside)
    light = np.full(size, _DARK, np.float32)
    top, left = ((room - side) // 2 for room, side in zip(size, words.shape, strict=True))
    under = light[top : top + words.shape[0], left : left + words.shape[1]]
    under += words * np.float32(_LIGHT - _DARK)
    inside = light[:, : max(0, part.last - part.first - beside)]
    return _Patch(part.left + beside, part.top + beside, inside)


def _cell(info: VideoInfo) -> tuple[int, int]:
    """Luma samples, upright, that a take covers: sides become multiples of chroma's step."""
    height, width = _on_grid(info.format.blank(0, info.width, info.height), info.format, 0).shape
    return info.orientation.pair(width, height)


def _on_grid(plane: Plane, format_: PixelFormat, index: int) -> Plane:
    """A plane of a picture whose sides are multiples of chroma's step: edges are repeated."""
    if index in (1, 2):  # libav rounds up already
        return plane
    more = -plane.shape[0] % format_.chroma_height, -plane.shape[1] % format_.chroma_width
    if not any(more):
        return plane
    grown: Any = np.pad(plane, [(0, n) for n in more], "edge")
    whole: Plane = grown
    return whole


def _sized(info: VideoInfo, width: int, height: int) -> VideoInfo:
    """What holds for composed frames of a size, upright."""
    size = info.orientation.pair(width, height)
    return replace(cropped(info, Box(0, 0, *size)), expected_frames=None)


def _level(info: VideoInfo, index: int, light: NDArray[np.float32] | float) -> Plane:
    """Samples of a plane for grey of 0 to 1: neutral chroma, opaque alpha."""
    layout, shown = info.format, np.asarray(light, np.float64)
    if index == 3:
        level = np.full_like(shown, layout.peak)
    elif index and not layout.rgb:
        level = np.full_like(shown, 1 << (layout.depth - 1))
    else:
        full = layout.rgb or info.color.range == ColorRange.FULL
        black, white = (0, 255) if full else (16, 235)
        step = layout.peak / 255 if full else 1 << (layout.depth - 8)
        level = (black + (white - black) * shown * _WHITE.get(info.color.transfer, 1.0)) * step
    rounded = np.rint(level)
    return rounded.astype(np.uint8) if layout.depth == 8 else rounded.astype(np.uint16)


def _up(side: int) -> int:
    return -(-side // _STEP) * _STEP
