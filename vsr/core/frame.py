"""The values that flow through the pipeline: a frame, and what holds for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vsr.core.color_codes import ColorRange, Matrix, Primaries, Transfer
from vsr.core.hdr import LightLevel, Mastering
from vsr.core.orientation import Orientation

Plane = NDArray[np.uint8] | NDArray[np.uint16]
Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float16]
"""(H, W) grey, (H, W, 3) blue, green, red, or (H, W, 4) with alpha, which is not premultiplied.
uint8 in 0..255 or uint16 in 0..65535. float16 is scene-linear light, which is premultiplied."""


@dataclass(frozen=True)
class PixelFormat:
    """How the planes of a frame are laid out. Sample values fill 0 .. 2**depth - 1.

    Attributes:
        name: libav's name, such as "yuv420p10le".
        depth: bits per sample, 8 to 16.
        chroma_width: luma columns per chroma column, 1, 2 or 4.
        chroma_height: luma rows per chroma row, 1, 2 or 4.
        planes: 1 (grey), 3 (Y, U, V) or 4 (with alpha).
        rgb: whether the first three planes are green, blue and red instead, as libav has them.
        half: whether these are light, as in `vsr.core.half`; alpha is in 0 .. 2**depth - 1, and
            multiplied into them.
        grey: whether the three planes of light are one and the same: a grey picture.
    """

    name: str
    depth: int
    chroma_width: int
    chroma_height: int
    planes: int
    rgb: bool = False
    half: bool = False
    grey: bool = False

    @property
    def peak(self) -> int:
        """The largest sample value."""
        return (1 << self.depth) - 1

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        return np.uint8 if self.depth == 8 else np.uint16

    @property
    def has_alpha(self) -> bool:
        """Whether the last plane says how opaque the picture is: 0 not at all, `peak` wholly."""
        return self.planes == 4

    @property
    def opaque(self) -> PixelFormat:
        """The same without alpha."""
        if self.half:
            return HALF_FORMATS[3] if self.has_alpha else self
        layout = self.chroma_width, self.chroma_height
        return find_format(self.depth, *layout, 3, self.rgb) if self.has_alpha else self

    def steps(self, plane: int) -> tuple[int, int]:
        """Luma (rows, columns) for each row and column of a plane: alpha has luma's size."""
        return (self.chroma_height, self.chroma_width) if plane in (1, 2) else (1, 1)

    def plane_size(self, plane: int, width: int, height: int) -> tuple[int, int]:
        """(rows, columns) of a plane of a picture: libav rounds odd chroma sides up."""
        rows, columns = self.steps(plane)
        return -(-height // rows), -(-width // columns)

    def blank(self, plane: int, width: int, height: int) -> Plane:
        """A plane of zeros for a picture of this size."""
        size = self.plane_size(plane, width, height)
        return np.zeros(size, np.uint8) if self.depth == 8 else np.zeros(size, np.uint16)


_LAYOUTS = {
    "420": (2, 2),
    "422": (2, 1),
    "444": (1, 1),
    "440": (1, 2),
    "411": (4, 1),
    "410": (4, 4),
}
"""Luma columns and rows for each of chroma, the usual layouts first."""

_ALL = (8, 9, 10, 12, 14, 16)
_DEPTHS = {
    "gray": _ALL,
    **dict.fromkeys(("yuv420p", "yuv422p", "yuv444p"), _ALL),
    "yuv440p": (8, 10, 12),
    **dict.fromkeys(("yuv411p", "yuv410p"), (8,)),
    "yuva420p": (8, 9, 10, 16),
    **dict.fromkeys(("yuva422p", "yuva444p"), (8, 9, 10, 12, 16)),
    "gbrp": _ALL,
    "gbrap": (8, 10, 12, 14, 16),
}
"""The depths that libav has of each kind: a table, so that networks run where libav is not."""


def _formats() -> dict[str, PixelFormat]:
    """Grey, YUV, YUV with alpha, RGB, RGB with alpha: what of them libav has."""
    found = _of_kind("gray", 1, 1, 1)
    for planes, kind in ((3, "yuv"), (4, "yuva")):
        for name, layout in _LAYOUTS.items():
            found += _of_kind(f"{kind}{name}p", *layout, planes)
    for planes, name in ((3, "gbrp"), (4, "gbrap")):
        found += _of_kind(name, 1, 1, planes, rgb=True)
    return {format_.name: format_ for format_ in found}


def _of_kind(
    kind: str, chroma_width: int, chroma_height: int, planes: int, rgb: bool = False
) -> list[PixelFormat]:
    """Its formats, the least deep first."""
    layout = (chroma_width, chroma_height, planes, rgb)
    depths = _DEPTHS.get(kind, ())
    return [PixelFormat(kind if d == 8 else f"{kind}{d}le", d, *layout) for d in depths]


PIXEL_FORMATS = _formats()
"""The formats that flow through as they are. All others are converted to one of these."""

HALF_FORMATS = {
    1: PixelFormat("gbrpf16le", 16, 1, 1, 3, rgb=True, half=True, grey=True),
    3: PixelFormat("gbrpf16le", 16, 1, 1, 3, rgb=True, half=True),
    4: PixelFormat("gbrapf16le", 16, 1, 1, 4, rgb=True, half=True),
}
"""Those of images in half floats, by their channels; what goes to encoders is `displayed`."""


def find_format(
    depth: int, chroma_width: int, chroma_height: int, planes: int, rgb: bool = False
) -> PixelFormat:
    """The least deep format of at least `depth` bits that is otherwise just so.

    Raises LookupError where libav has none.
    """
    layout = (chroma_width, chroma_height, planes, rgb)
    found = [
        f
        for f in PIXEL_FORMATS.values()
        if (f.chroma_width, f.chroma_height, f.planes, f.rgb) == layout and f.depth >= depth
    ]
    if not found:
        raise LookupError(f"no pixel format of {depth} bits: {layout}")
    return min(found, key=lambda f: f.depth)


@dataclass(frozen=True)
class ColorTags:
    """What the numbers in the planes mean: see `vsr.core.color_codes`, though any may come.

    Attributes:
        range: a ColorRange.
        matrix: a Matrix.
        primaries: one of Primaries.
        transfer: a Transfer.
        siting: where 4:2:0 and 4:2:2 chroma lies: "left", "center", "topleft", ... or ""
            where the stream does not say.
    """

    range: int = ColorRange.UNSPECIFIED
    matrix: int = Matrix.UNSPECIFIED
    primaries: int = Primaries.UNSPECIFIED
    transfer: int = Transfer.UNSPECIFIED
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
        mastering, light: HDR's static metadata, where there is some.
        stereo: how two views share it, see `vsr.core.stereo`; "" for one.
        dropped: what else the first frame says that no output keeps, named for people.
        user_data: what it says that encoders with room for user data keep, likewise.
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
    mastering: Mastering | None = None
    light: LightLevel | None = None
    stereo: str = ""
    dropped: tuple[str, ...] = ()
    user_data: tuple[str, ...] = ()

    @property
    def orientation(self) -> Orientation:
        """How players show the frames; another angle counts as the nearest quarter turn."""
        return Orientation.nearest(self.display_matrix)

    def enlarged(self, scale: int) -> VideoInfo:
        """The same video with both sides `scale` times as long."""
        return replace(self, width=self.width * scale, height=self.height * scale)


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes:
        planes: Y, U, V or Y alone or G, B, R, and alpha where there is some: (rows, columns) of
            uint8, or of uint16 where depth > 8.
        pts: presentation time in ticks of the video's time base.
        duration: how long it is shown, in ticks; 0 where the stream does not say.
        starts_shot: whether it has nothing to do with the frame before it, after a cut or as
            the first of all.
        is_context: whether it lies outside the wanted span: a neighbour to look at, not to show.
        user_data: names and payloads of what it says beside its samples, see `user_data_of`.
        quantiser: how coarsely it was coded, on H.264's scale of 0 to 51; None where its decoder
            does not tell.
        stood_still: of an enlarged one, the share of its pixels, 0..1, that stood still and were
            not computed again; None where each is always computed.
        is_overdue: whether it repeats a picture, and has waited long enough for another one.
    """

    planes: tuple[Plane, ...]
    pts: int
    duration: int = 0
    starts_shot: bool = False
    is_context: bool = False
    user_data: tuple[tuple[str, bytes], ...] = ()
    quantiser: float | None = None
    stood_still: float | None = None
    is_overdue: bool = False

    def shows_same(self, other: Frame) -> bool:
        """Whether both show the same picture, sample by sample."""
        pairs = zip(self.planes, other.planes, strict=True)
        return all(np.array_equal(mine, its) for mine, its in pairs)


def as_pixels(array: Any) -> Pixels:
    """State what OpenCV, which types all arrays alike, has returned."""
    assert array.dtype in (np.uint8, np.uint16, np.float16)
    pixels: Pixels = array
    return pixels
