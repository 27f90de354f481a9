"""What an image file says beside its pixels: its shape, its orientation, its metadata."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Metadata:
    """Blocks that travel from an image file to the one made from it; b"" where there is none.

    Attributes:
        icc: the colour profile.
        exif: the camera's facts, a TIFF block without any prefix, its orientation upright.
        xmp: an XML packet.
        cicp: four bytes, the colour space as code points of ITU-T H.273 (PNG only).
        mdcv, clli: the mastering display and the light level of HDR (PNG only).
        film: the header of an EXR or a DPX, as `vsr.images.film_header` writes it.
    """

    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    cicp: bytes = b""
    mdcv: bytes = b""
    clli: bytes = b""
    film: bytes = b""

    @property
    def names(self) -> tuple[str, ...]:
        """What people call the blocks that are there."""
        return tuple(NAMES[name] for name in NAMES if getattr(self, name))


LARGEST_BLOCK = 1 << 24
"""Bytes of a block, at most: a few kB may unpack to any number; profiles have a few MB."""

NAMES = {
    "icc": "ICC profile",
    "exif": "EXIF",
    "xmp": "XMP",
    "cicp": "cICP",
    "mdcv": "mastering display",
    "clli": "light level",
    "film": "header",
}
"""What people call the blocks of Metadata."""


@dataclass(frozen=True)
class Shape:
    """What must be the same in all images of a clip.

    Attributes:
        width, height: in pixels.
        channels: 1 grey, 3 colour, 4 colour and alpha.
        depth: bits per sample once decoded, 8 or 16.
        half: whether these are half floats of light, and not whole numbers.
    """

    width: int
    height: int
    channels: int
    depth: int
    half: bool = False

    def turned(self, orientation: int) -> Shape:
        """The shape of the upright picture; EXIF orientations from 5 on lie on their side."""
        if orientation < 5:
            return self
        return replace(self, width=self.height, height=self.width)

    def __str__(self) -> str:
        kind = {1: "grey", 3: "colour", 4: "colour with alpha"}[self.channels]
        bits = "16-bit floats" if self.half else f"{self.depth} bits"
        return f"{self.width}x{self.height} {kind}, {bits}"


@dataclass(frozen=True)
class Header:
    """What an image file says beside its pixels.

    Attributes:
        encoded: the file as the decoder should see it.
        metadata: what can be carried over.
        shape: of the upright picture; None where only decoding tells.
        size: columns and rows, before it is turned, where the header tells these alone.
        orientation: EXIF's number, 1 (upright) to 8: how the decoded picture is to be turned.
        premultiplied: whether colours are stored times alpha.
        several: whether the file holds more pictures than its first.
        lost: what the file holds and is not carried over, named for people.
        kind: the format, where another library than OpenCV decodes it; else "".
    """

    encoded: bytes
    metadata: Metadata = Metadata()
    shape: Shape | None = None
    size: tuple[int, int] | None = None
    orientation: int = 1
    premultiplied: bool = False
    several: bool = False
    lost: tuple[str, ...] = ()
    kind: str = ""

    def bounded(self) -> Header:
        """The same without blocks over LARGEST_BLOCK, which are named as lost."""
        large = [name for name in NAMES if len(getattr(self.metadata, name)) > LARGEST_BLOCK]
        if not large:
            return self
        told = tuple(f"{NAMES[name]} of over {LARGEST_BLOCK >> 20} MiB" for name in large)
        metadata = replace(self.metadata, **dict.fromkeys(large, b""))
        return replace(self, metadata=metadata, lost=(*self.lost, *told))
