"""The values that flow through the pipeline: a frame, and what holds for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class PixelFormat:
    """How the planes of a frame are laid out. Sample values fill 0 .. 2**depth - 1.

    Attributes:
        name: libav's name, such as "yuv420p10le".
        depth: bits per sample, 8 to 16.
        chroma_width: luma columns per chroma column, 1 or 2.
        chroma_height: luma rows per chroma row, 1 or 2.
        planes: 1 (grey), 3 (Y, U, V) or, in images alone, 4 (with alpha).
    """

    name: str
    depth: int
    chroma_width: int
    chroma_height: int
    planes: int

    @property
    def peak(self) -> int:
        """The largest sample value."""
        return (1 << self.depth) - 1

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        return np.uint8 if self.depth == 8 else np.uint16

    def plane_size(self, plane: int, width: int, height: int) -> tuple[int, int]:
        """(rows, columns) of a plane of a picture: libav rounds odd chroma sides up."""
        if plane == 0:
            return height, width
        return -(-height // self.chroma_height), -(-width // self.chroma_width)

    def blank(self, plane: int, width: int, height: int) -> Plane:
        """A plane of zeros for a picture of this size."""
        size = self.plane_size(plane, width, height)
        return np.zeros(size, np.uint8) if self.depth == 8 else np.zeros(size, np.uint16)


def _formats() -> dict[str, PixelFormat]:
    found = [
        PixelFormat("gray" if depth == 8 else f"gray{depth}le", depth, 1, 1, 1)
        for depth in (8, 10, 12, 16)
    ]
    for name, columns, rows in (("420", 2, 2), ("422", 2, 1), ("444", 1, 1)):
        for depth in (8, 10, 12, 16):
            suffix = "p" if depth == 8 else f"p{depth}le"
            found.append(PixelFormat(f"yuv{name}{suffix}", depth, columns, rows, 3))
    return {format_.name: format_ for format_ in found}


PIXEL_FORMATS = _formats()
"""The formats that flow through as they are. All others are converted to one of these."""


@dataclass(frozen=True)
class ColorTags:
    """What the numbers in the planes mean, as libav's integer codes (ITU-T H.273); 2 is unknown.

    Attributes:
        range: 1 limited (16..235 in 8 bits), 2 full, 0 unsaid.
        matrix: 1 BT.709, 5 and 6 BT.601, 9 BT.2020, ...
        primaries, transfer: as in H.273.
        siting: where 4:2:0 and 4:2:2 chroma lies: "left", "center", "topleft", ... or ""
            where the stream does not say.
    """

    range: int = 0
    matrix: int = 2
    primaries: int = 2
    transfer: int = 2
    siting: str = ""


@dataclass(frozen=True)
class VideoInfo:
    """What holds for every frame of a video.

    Attributes:
        width, height: coded size in pixels, before any display rotation.
        time_base: seconds per tick of every pts.
        format: layout of the planes.
        color: what their numbers mean.
        pixel_aspect: width of a pixel over its height; None where the stream does not say.
        display_matrix: the nine integers of libav's display matrix (rotation, mirroring).
        frame_rate: nominal frames per second. A hint: timestamps rule.
        expected_frames: what the header promises. A hint for progress, nothing else.
    """

    width: int
    height: int
    time_base: Fraction
    format: PixelFormat
    color: ColorTags = ColorTags()
    pixel_aspect: Fraction | None = None
    display_matrix: tuple[int, ...] | None = None
    frame_rate: Fraction | None = None
    expected_frames: int | None = None

    def enlarged(self, scale: int) -> VideoInfo:
        """The same video with both sides `scale` times as long."""
        return replace(self, width=self.width * scale, height=self.height * scale)


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes:
        planes: Y, U, V or Y alone, in images alpha too: (rows, columns) of uint8, or of uint16
            where depth > 8.
        pts: presentation time in ticks of the video's time base.
        duration: how long it is shown, in ticks; 0 where the stream does not say.
        starts_shot: whether it has nothing to do with the frame before it, after a cut or as
            the first of all.
        outside: whether it lies outside the wanted span: a neighbour to look at, not to show.
    """

    planes: tuple[Plane, ...]
    pts: int
    duration: int = 0
    starts_shot: bool = False
    outside: bool = False

    def shows_same(self, other: Frame) -> bool:
        """Whether both show the same picture, sample by sample."""
        pairs = zip(self.planes, other.planes, strict=True)
        return all(np.array_equal(mine, its) for mine, its in pairs)
