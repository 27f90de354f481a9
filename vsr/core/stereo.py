"""Stereoscopic layouts: how two views share a video, in Matroska's words for it."""

from __future__ import annotations

import struct

STEREO = "stereoscopic layout"

_LAYOUT = struct.Struct("=iI")  # AVStereo3D begins with its type and flags
_INVERTED = 1
# By libav's type: the left view first, and the right one first.
_NAMES = {
    1: ("left_right", "right_left"),
    2: ("top_bottom", "bottom_top"),
    3: ("block_lr", "block_rl"),
    4: ("checkerboard_lr", "checkerboard_rl"),
    6: ("row_interleaved_lr", "row_interleaved_rl"),
    7: ("col_interleaved_lr", "col_interleaved_rl"),
}
_SIDE_BY_SIDE = {"left_right", "right_left", "top_bottom", "bottom_top"}
_ANYHOW = {"block_lr", "block_rl", "anaglyph_cyan_red", "anaglyph_green_magenta"}
# What each container can say of what stays true of a larger picture: not of views that share rows,
# columns or squares, which an enlargement mixes.
_HELD = {
    "matroska": _SIDE_BY_SIDE | _ANYHOW,
    "webm": _SIDE_BY_SIDE,  # libav writes no others
}
_UNKNOWN = "unknown"


def stereo_of(tag: str, side_data: bytes) -> str:
    """The layout of a stream by Matroska's tag, or by libav's side data; "" without any."""
    if tag and tag != "mono":
        return tag
    if len(side_data) < _LAYOUT.size:
        return ""
    kind, flags = _LAYOUT.unpack_from(side_data)
    if not kind:  # one view
        return ""
    return _NAMES[kind][flags & _INVERTED] if kind in _NAMES else _UNKNOWN


def stereo_for(layout: str, container: str) -> str:
    """The layout as a container's tag; "" where it cannot say it, or it is not true any more."""
    return layout if layout in _HELD.get(container, ()) else ""


def cut(layout: str) -> str:
    """The layout of a part of the picture: one view may be missing."""
    return _UNKNOWN if layout in _SIDE_BY_SIDE else layout
