"""HDR's static metadata: read from decoded frames, and given to the encoders that can hold it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from vsr.core.color_codes import Transfer

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Point = tuple[Fraction, Fraction]

TRANSFERS = (Transfer.PQ, Transfer.HLG)
"""Those of HDR."""

# AVMasteringDisplayMetadata: x and y of red, green, blue and white, the least and the most light,
# each a numerator and a denominator; then whether there are primaries, and whether light.
_MASTERING = struct.Struct("=20i2i")
_LIGHT = struct.Struct("=2I")  # AVContentLightMetadata
_DYNAMIC = {
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DYNAMIC_HDR_VIVID": "HDR Vivid",
    "DOVI_RPU_BUFFER": "Dolby Vision",
    "DOVI_METADATA": "Dolby Vision",
}
_WITH_DYNAMIC = {"hevc", "h264", "vp9", "libvpx-vp9", "av1", "libdav1d", "libaom-av1"}
# The units of HEVC and H.264, and of AV1: steps of a coordinate, of the most and the least light.
_HEVC_UNITS = (Fraction(1, 50000), Fraction(1, 10000), Fraction(1, 10000))
_AV1_UNITS = (Fraction(1, 65536), Fraction(1, 256), Fraction(1, 16384))
_BRIGHTEST = 100_000  # cd/m2; what says more is damaged, and encoders refuse it
_LARGEST_LEVEL = 2**16 - 1  # as many bits as the codecs have
# The option, the names in it, and the units of what is written, by encoder.
_NAMES = {
    "libx264": ("x264-params", "mastering-display", "cll", _HEVC_UNITS),
    "libx265": ("x265-params", "master-display", "max-cll", _HEVC_UNITS),
    "libsvtav1": ("svtav1-params", "mastering-display", "content-light", _AV1_UNITS),
}


@dataclass(frozen=True)
class Mastering:
    """The display on which a video was graded (SMPTE ST 2086).

    Attributes:
        red, green, blue, white: CIE 1931 (x, y), each in [0, 1].
        most, least: light in cd/m2.
    """

    red: Point
    green: Point
    blue: Point
    white: Point
    most: Fraction
    least: Fraction


@dataclass(frozen=True)
class LightLevel:
    """How bright a video is (CTA-861.3), in cd/m2; 0 is unknown.

    Attributes:
        most: of the brightest pixel of all frames (MaxCLL).
        average: of the brightest frame (MaxFALL).
    """

    most: int
    average: int


def mastering_of(frame: VideoFrame) -> Mastering | None:
    """What a decoded frame says about its mastering display; None unless it says all of it."""
    data = _side_data(frame, "MASTERING_DISPLAY_METADATA")
    if len(data) < _MASTERING.size:
        return None
    *numbers, has_primaries, has_light = _MASTERING.unpack_from(data)
    if not (has_primaries and has_light) or 0 in numbers[1::2]:
        return None
    values = [Fraction(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
    points, (least, most) = values[:8], values[8:]
    red, green, blue, white = zip(points[::2], points[1::2], strict=True)
    found = Mastering(red, green, blue, white, most, least)
    return found if is_sane(found) else None


def light_of(frame: VideoFrame) -> LightLevel | None:
    """What a decoded frame says about how bright its video is; None where that is nothing."""
    data = _side_data(frame, "CONTENT_LIGHT_LEVEL")
    if len(data) < _LIGHT.size:
        return None
    level = LightLevel(*_LIGHT.unpack_from(data))
    return level if is_sane(level) else None


def is_sane(told: Mastering | LightLevel) -> bool:
    """Whether something can be as a file tells it; what is damaged cannot be."""
    if isinstance(told, LightLevel):
        return 0 < max(told.most, told.average) <= _LARGEST_LEVEL
    points = (told.red, told.green, told.blue, told.white)
    inside = all(0 <= value <= 1 for point in points for value in point)
    return inside and 0 <= told.least < told.most <= _BRIGHTEST


def _side_data(frame: VideoFrame, kind: str) -> bytes:
    try:
        data: Any = frame.side_data.get(kind)
    except ValueError:  # PyAV's, of a kind that it does not know
        return b""
    return b"" if data is None else bytes(data)


def dynamic_note(codec: str, frame: VideoFrame) -> str:
    """A warning of metadata that hold for single frames, which are lost; "" without any.

    `codec` is the decoder's name: others than these have none, and PyAV breaks on the side data
    of some.
    """
    kinds = _DYNAMIC if codec in _WITH_DYNAMIC else {}
    found = {name for kind, name in kinds.items() if _side_data(frame, kind)}
    if not found:
        return ""
    return f"{' and '.join(sorted(found))} metadata are left out: no encoder here can write them"


def encoder_parameters(
    encoder: str, mastering: Mastering | None, light: LightLevel | None
) -> tuple[str, str]:
    """The encoder's option for parameters of its own, and those that make it write these.

    Two empty strings where there is nothing to write, or no way to tell the encoder.
    """
    if encoder not in _NAMES:
        return "", ""
    option, display, level, units = _NAMES[encoder]
    parameters = []
    if mastering:
        parameters.append(f"{display}={_written(mastering, *units)}")
    if light:
        parameters.append(f"{level}={light.most},{light.average}")
    return (option, ":".join(parameters)) if parameters else ("", "")


def _written(mastering: Mastering, step: Fraction, most: Fraction, least: Fraction) -> str:
    """A display as encoders read it: in whole steps, or in decimals that lie on AV1's."""

    def number(value: Fraction, unit: Fraction) -> str:
        steps = round(value / unit)
        return f"{float(steps * unit):.10f}" if step == _AV1_UNITS[0] else str(steps)

    named = {"G": mastering.green, "B": mastering.blue, "R": mastering.red, "WP": mastering.white}
    points = [f"{name}({number(x, step)},{number(y, step)})" for name, (x, y) in named.items()]
    light = f"L({number(mastering.most, most)},{number(mastering.least, least)})"
    return "".join([*points, light])
