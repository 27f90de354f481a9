"""PNG's chunks mDCV and cLLI: the display on which HDR was graded, and how bright it is.

Portable Network Graphics (PNG) Specification, third edition, 11.3.2.7 and 11.3.2.8.
"""

from __future__ import annotations

import struct
from fractions import Fraction

from vsr.core.hdr import LightLevel, Mastering, is_sane

_MASTERING = struct.Struct(">8H2I")  # x and y of red, green, blue and white; most and least light
_LIGHT = struct.Struct(">2I")
_CHROMATICITY, _CANDELA = Fraction(1, 50000), Fraction(1, 10000)  # the units


def mdcv_of(mastering: Mastering | None) -> bytes:
    """The chunk's body; b"" for None."""
    if mastering is None:
        return b""
    points = (mastering.red, mastering.green, mastering.blue, mastering.white)
    steps = [round(value / _CHROMATICITY) for point in points for value in point]
    return _MASTERING.pack(
        *steps, *(round(n / _CANDELA) for n in (mastering.most, mastering.least))
    )


def clli_of(light: LightLevel | None) -> bytes:
    """The same of the light level."""
    if light is None:
        return b""
    return _LIGHT.pack(*(round(n / _CANDELA) for n in (light.most, light.average)))


def mastering_in(block: bytes) -> Mastering | None:
    """What such a chunk tells; None where it is none, or makes no sense."""
    if len(block) != _MASTERING.size:
        return None
    *steps, most, least = _MASTERING.unpack(block)
    values = [step * _CHROMATICITY for step in steps]
    red, green, blue, white = zip(values[::2], values[1::2], strict=True)
    found = Mastering(red, green, blue, white, most * _CANDELA, least * _CANDELA)
    return found if is_sane(found) else None


def light_in(block: bytes) -> LightLevel | None:
    """The same of the light level."""
    if len(block) != _LIGHT.size:
        return None
    found = LightLevel(*(round(n * _CANDELA) for n in _LIGHT.unpack(block)))
    return found if is_sane(found) else None
