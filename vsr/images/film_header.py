"""What an EXR or a DPX says in its header, and the block of Metadata that carries it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from vsr.core.color_codes import Primaries

# Red, green, blue and white (x, y) of what a picture's three colours may be.
_CHROMATICITIES = {
    (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.329): Primaries.BT709,
    (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.329): Primaries.BT2020,
    (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329): Primaries.DISPLAY_P3,
}
_NEAR = 0.002
_ASPECT = "PixelAspectRatio"
_STRANGEST, _FINEST = 100, 1000
_ON_DISPLAYS = ("Undefined", "User defined", "ITU-R 709-4", "ITU-R 601-5 system B or G")


@dataclass(frozen=True)
class Attribute:
    """An entry of the header.

    Attributes:
        name, type: as OpenImageIO calls them, such as "chromaticities" and "float[8]".
        value: a number or a text, or several.
    """

    name: str
    type: str
    value: Any


@dataclass(frozen=True)
class Window:
    """A part of an EXR's plane, in pixels."""

    x: int
    y: int
    width: int
    height: int


_NOWHERE = Window(0, 0, 0, 0)


@dataclass(frozen=True)
class FilmHeader:
    """The header of an EXR or a DPX.

    Attributes:
        kind: which of them, by OpenImageIO's name.
        attributes: what it says.
        canvas: what is read of an EXR: the window of its data and that to be shown together.
        window: what is to be shown.
    """

    kind: str
    attributes: tuple[Attribute, ...]
    canvas: Window
    window: Window

    @property
    def primaries(self) -> int:
        """Those of an EXR's colours: BT.709 where it says nothing, UNSPECIFIED if unknown."""
        found = self._value("chromaticities")
        if found is None:
            return Primaries.BT709
        for points, primaries in _CHROMATICITIES.items():
            if len(found) == len(points) and np.allclose(found, points, rtol=0, atol=_NEAR):
                return primaries
        return Primaries.UNSPECIFIED

    @property
    def is_for_displays(self) -> bool:
        """Whether a DPX's samples are what displays show, and no logarithm of density, or light."""
        return (self._value("dpx:Transfer") or "Undefined") in _ON_DISPLAYS

    @property
    def pixel_aspect(self) -> Fraction | None:
        """Width of a pixel over its height; None where that is 1, or nothing one could show."""
        told = self._value(_ASPECT)
        if not isinstance(told, float) or not 1 / _STRANGEST <= told <= _STRANGEST:
            return None
        aspect = Fraction(told).limit_denominator(_FINEST)
        return None if aspect == 1 else aspect

    def with_pixel_aspect(self, aspect: Fraction | None) -> FilmHeader:
        """The header of a picture whose pixels have another shape."""
        others = tuple(entry for entry in self.attributes if entry.name != _ASPECT)
        told = Attribute(_ASPECT, "float", float(aspect or 1))
        return replace(self, attributes=(*others, told))

    def _value(self, name: str) -> Any:
        return next((entry.value for entry in self.attributes if entry.name == name), None)


def telling_primaries(primaries: int) -> bytes:
    """The block for an EXR whose colours have these primaries; b"" where they are not known."""
    points = next((points for points, code in _CHROMATICITIES.items() if code == primaries), None)
    if points is None:
        return b""
    told = Attribute("chromaticities", "float[8]", points)
    return packed(FilmHeader("openexr", (told,), _NOWHERE, _NOWHERE))


def packed(header: FilmHeader) -> bytes:
    """A header as a block of Metadata."""
    return json.dumps(asdict(header)).encode()


def unpacked(block: bytes) -> FilmHeader:
    """The header of a block that `packed` has made."""
    found = json.loads(block)
    attributes = tuple(Attribute(**entry) for entry in found["attributes"])
    canvas, window = Window(**found["canvas"]), Window(**found["window"])
    return FilmHeader(found["kind"], attributes, canvas, window)
