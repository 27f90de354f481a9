"""Limits on what a file may demand: hostile headers are refused before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from vsr.core.bounds import LONGEST, PIXELS, Bounds
from vsr.core.errors import InputError
from vsr.util.text import shown

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from vsr.core.url import Url

_HOUR = 3600  # seconds
_TICKS = 1_000_000  # a second, of libav's containers: AV_TIME_BASE
_MOST = {"pixels": PIXELS, "seconds": Bounds(1, LONGEST, whole=True)}  # libav bears no more


@dataclass(frozen=True)
class Limits:
    """The most that an input may ask for. Raises InputError for other than whole numbers from 1.

    Attributes:
        pixels: in one of its pictures, columns times rows.
        seconds: by which its header may say it lasts.
    """

    pixels: int = 64 * 2**20
    seconds: int = 720 * _HOUR

    def __post_init__(self) -> None:
        for name in ("pixels", "seconds"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise InputError(f"limit of {shown(value)} {name}: must be a whole number")
            if value < 1:
                raise InputError(f"limit of {shown(value)} {name}: must be 1 or more")
            if value not in _MOST[name]:
                raise InputError(f"limit of {shown(value)} {name}: must be {_MOST[name]}")


DEFAULTS = Limits()


def check_header(
    path: Path | Url, container: InputContainer, stream: VideoStream, limits: Limits
) -> None:
    """Refuse a video whose header asks for more than `limits`; call it before decoding.

    Its decoder is told of the limit too, so that a picture that is larger only later on is
    refused, as damage, and not allocated. Raises InputError.
    """
    context = stream.codec_context
    check_size(path, context.width, context.height, limits)
    check_length(path, Fraction(container.duration or 0, _TICKS), limits)
    check_length(path, (stream.duration or 0) * (stream.time_base or Fraction(0)), limits)
    if not context.is_open:
        context.options = {**context.options, "max_pixels": str(limits.pixels)}


def check_size(path: Path | Url, width: int, height: int, limits: Limits) -> None:
    """Refuse a picture that is larger than `limits`, by what a header says of it.

    Sizes of 0 or less are no news: the decoder knows better. Raises InputError.
    """
    if width > 0 and height > 0 and width * height > limits.pixels:
        raise InputError(
            f"{path}: a picture of {width}x{height} is {width * height} pixels, over the limit "
            f"of {limits.pixels}",
            hint="--max-pixels raises it",
            python="limits=vsr.Limits(pixels=...)",
        )


def check_length(path: Path | Url, seconds: Fraction, limits: Limits) -> None:
    """Refuse a video whose header says that it lasts longer than `limits`. Raises InputError."""
    if seconds > limits.seconds:
        raise InputError(
            f"{path}: its header says that it lasts {_hours(seconds)} hours, over the limit of "
            f"{_hours(Fraction(limits.seconds))}",
            hint="--max-hours raises it",
            python="limits=vsr.Limits(seconds=...)",
        )


def _hours(seconds: Fraction) -> str:
    return f"{float(seconds / _HOUR):.6g}"
