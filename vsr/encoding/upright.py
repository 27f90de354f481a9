"""Frames turned upright, for containers that cannot say how a picture is to be turned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vsr.core.color import SITINGS, relaid_chroma
from vsr.core.frame import PIXEL_FORMATS, PixelFormat, Plane, VideoInfo, find_format
from vsr.core.orientation import Orientation
from vsr.remux.containers import holds_display_matrix


@dataclass(frozen=True)
class Upright:
    """Turns planes of `source` as players show them, sample by sample.

    Attributes:
        source: what holds for the frames as they are stored.
        before: the same with chroma of luma's size where no format has it turned, as 4:1:1.
        made: what holds for the upright frames.
    """

    source: VideoInfo
    before: VideoInfo
    made: VideoInfo

    def __call__(self, planes: Sequence[Plane]) -> tuple[Plane, ...]:
        """The upright planes of a frame."""
        if self.before is not self.source:
            chroma = relaid_chroma(planes[1:3], self.source, self.before)
            planes = [planes[0], *chroma, *planes[3:]]
        shown = (self.source.orientation.shown(plane) for plane in planes)
        return tuple(np.ascontiguousarray(plane) for plane in shown)

    def note(self, format_name: str) -> str:
        """What to tell people where a container, by libav's name, holds no display matrix."""
        exact = Orientation.exact(self.source.display_matrix) is not None
        how = "upright" if exact else "upright, to the nearest quarter"
        return f"{format_name} files cannot say how to turn the picture: frames are turned {how}"


def turned_for(info: VideoInfo, format_name: str) -> Upright | None:
    """How frames of `info` are turned for a container; None where they stay as they are."""
    if holds_display_matrix(format_name) or info.orientation == Orientation():
        return None
    return upright(info)


def upright(info: VideoInfo) -> Upright:
    """How frames of `info` become upright."""
    orientation, before = info.orientation, info
    layout = _turned(info.format, orientation)
    if layout is None:
        full = find_format(info.format.depth, 1, 1, info.format.planes)
        layout, before = full, replace(info, format=full)
    width, height = orientation.pair(info.width, info.height)
    aspect = info.pixel_aspect
    made = replace(
        info,
        width=width,
        height=height,
        format=layout,
        color=replace(info.color, siting=_siting(info.color.siting, orientation)),
        pixel_aspect=1 / aspect if aspect and orientation.transposed else aspect,
        display_matrix=None,
    )
    return Upright(info, before, made)


def _turned(format_: PixelFormat, orientation: Orientation) -> PixelFormat | None:
    """The format whose chroma lies as that of turned planes; None where libav has none."""
    columns, rows = orientation.pair(format_.chroma_width, format_.chroma_height)
    if (columns, rows) == (format_.chroma_width, format_.chroma_height):
        return format_
    return next(
        (
            found
            for found in PIXEL_FORMATS.values()
            if (found.chroma_width, found.chroma_height) == (columns, rows)
            and (found.depth, found.planes, found.rgb)
            == (format_.depth, format_.planes, format_.rgb)
        ),
        None,
    )


def _siting(siting: str, orientation: Orientation) -> str:
    """Where chroma lies once it is turned.

    At the right it cannot be said to lie: half a luma sample to the left is nearest. What is not
    said is the left.
    """
    x, y = orientation.pair(*SITINGS.get(siting, SITINGS["left"]))
    place = (-x if orientation.flip_x else x, -y if orientation.flip_y else y)
    names = {offsets: name for name, offsets in SITINGS.items()}
    return names[min(place[0], 0.0), place[1]]
