"""click's types for the values that only vsr has."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from vsr.core.bounds import (
    LONGEST,
    PART,
    PIXELS,
    RATE,
    SCALE,
    STRENGTH,
    THREADS,
    TILE,
    Bounds,
)
from vsr.core.crop import CropRegion, parse_crop
from vsr.core.errors import InputError, OutputError
from vsr.core.hours import Hours as DayHours
from vsr.core.hours import parse_hours
from vsr.core.picture import Size, parse_size
from vsr.util.text import shown

_HOUR = 3600  # seconds
_INTEGER = r"[+-]?\d{1,20}"
_DECIMAL = r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?"
# what takes long to read is no number
_EXACT = r"(?:\d{1,60}(?:\.\d{1,60}|/[1-9]\d{0,59})?|\.\d{1,60})"


class Number(click.ParamType[float]):
    """A number within bounds, which the help leaves out and the message names."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.name = "integer" if bounds.whole else "float"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = _read(value, self.bounds) if isinstance(value, str) else value
        if number is None or number not in self.bounds:
            self.fail(f"{shown(value)}: must be {self.bounds}", param, ctx)
        return number


def _read(text: str, bounds: Bounds) -> float | None:
    """The number that a text is, of few enough digits; None for none."""
    pattern, kind = (_INTEGER, int) if bounds.whole else (_DECIMAL, float)
    text = text.strip()
    return kind(text) if re.fullmatch(pattern, text, re.ASCII) else None


class FilePath(click.Path):
    """A path; no text at all is none, though Python takes it for the current folder."""

    def __init__(self, path_type: type[Path] | type[str] = Path, **settings: bool) -> None:
        super().__init__(path_type=path_type, **settings)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("an empty text names no file", param, ctx)
        return super().convert(value, param, ctx)


class ScaleType(click.ParamType[Fraction]):
    """A factor: "4", "2.25" or exactly "7/3"."""

    name = "scale"

    def convert(
        self, value: str | Fraction, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fraction:
        plain = re.fullmatch(_EXACT, str(value).strip(), re.ASCII)
        scale = Fraction(plain[0]) if plain else Fraction(0)
        if scale not in SCALE:
            self.fail(f"{shown(value)} is not a scale: write 4, 2.25 or 7/3, {SCALE}", param, ctx)
        return scale


class SizeType(click.ParamType[Size]):
    """Columns and rows: "1920x1080"."""

    name = "size"

    def convert(
        self, value: str | Size, param: click.Parameter | None, ctx: click.Context | None
    ) -> Size:
        try:
            return parse_size(value) if isinstance(value, str) else value
        except OutputError as error:
            self.fail(str(error), param, ctx)


class NetworkScale(click.ParamType[int]):
    """2, 3 or 4: what networks are made for."""

    name = "scale"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "[2|3|4]"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if str(value) not in ("2", "3", "4"):
            self.fail(f"{shown(value)} is not one of '2', '3', '4'.", param, ctx)
        return int(value)


class NetworkScales(click.ParamType[tuple[int, ...]]):
    """2, 3 or 4, or several of them with commas between, each once."""

    name = "scales"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "[2|3|4|2,3,4]"

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        words = [word.strip() for word in value.split(",")]
        if len(set(words)) < len(words) or any(word not in ("2", "3", "4") for word in words):
            self.fail(f"{shown(value)}: must be 2, 3 or 4, or several with commas", param, ctx)
        return tuple(sorted(map(int, words)))


class Tile(click.ParamType[int | None]):
    """ "auto", or a side in pixels."""

    name = "tile"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        if value == "auto":
            return None
        pixels = _read(value, TILE) if isinstance(value, str) else value
        if pixels not in TILE:
            allowed = f"write auto, 0 or a number of pixels up to {TILE.most}"
            self.fail(f"{shown(value)} is not a tile: {allowed}", param, ctx)
        return int(pixels or 0)


class Threads(click.ParamType[float]):
    """A number of cores, or a part of them: "0.5" or "50%"."""

    name = "threads"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        threads = _threads(value.strip()) if isinstance(value, str) else value
        if threads is None or not (threads in THREADS or threads in PART):
            allowed = f"{THREADS}, or a part of them such as 0.5 or 50%"
            self.fail(f"{shown(value)}: must be {allowed}", param, ctx)
        return threads


def _threads(text: str) -> float | None:
    """The cores that a text names; all of them are 0."""
    if not text.endswith("%"):
        whole = _read(text, THREADS)
        return _read(text, PART) if whole is None else whole
    percent = _read(text.removesuffix("%"), STRENGTH)
    return 0 if percent == 100 else None if percent is None else percent / 100


class Strength(click.ParamType[float | None]):
    """ "auto", or a number of 0 to 100."""

    name = "percent"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        if value == "auto":
            return None
        strength = _read(value, STRENGTH) if isinstance(value, str) else value
        if strength is None or strength not in STRENGTH:
            self.fail(f"{shown(value)}: write auto or {STRENGTH}", param, ctx)
        return strength


class Time(click.ParamType[Fraction]):
    """Seconds ("12.5" or "1001/30000") or [HH:]MM:SS[.mmm], kept exact."""

    name = "time"

    def convert(
        self, value: str | Fraction, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fraction:
        if isinstance(value, Fraction):
            return value
        match = re.fullmatch(
            rf"(?:(?:(\d{{1,9}}):)?(\d{{1,2}}):)?({_EXACT})", value.strip(), re.ASCII
        )
        if match is None or ("/" in match[3] and match[2] is not None):
            wanted = "write seconds (12.5) or HH:MM:SS.mmm"
            self.fail(f"{shown(value)} is not a time: {wanted}", param, ctx)
        hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
        if (match[2] is not None and seconds >= 60) or (match[1] is not None and minutes >= 60):
            self.fail(f"{shown(value)}: what follows a colon must be under 60", param, ctx)
        time = hours * _HOUR + minutes * 60 + seconds
        if time > LONGEST:
            self.fail(f"{shown(value)}: must be at most {LONGEST} seconds", param, ctx)
        return time


class Rate(click.ParamType[Fraction]):
    """Frames per second: "25", "29.97" or exactly "30000/1001"."""

    name = "rate"

    def convert(
        self, value: str | Fraction, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fraction:
        plain = re.fullmatch(_EXACT, str(value).strip(), re.ASCII)
        rate = Fraction(plain[0]) if plain else Fraction(0)
        if rate not in RATE:
            wanted = f"write 25 or 30000/1001, {RATE}"
            self.fail(f"{shown(value)} is not a rate: {wanted}", param, ctx)
        return rate


class Pixels(click.ParamType[int]):
    """A number of pixels, or of millions of them with an M behind."""

    name = "pixels"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        match = re.fullmatch(r"(\d{1,15})([Mm]?)", str(value).strip(), re.ASCII)
        pixels = int(match[1]) * (10**6 if match[2] else 1) if match else 0
        if pixels not in PIXELS:
            wanted = f"write 100000000 or 100M, up to {PIXELS.most}"
            self.fail(f"{shown(value)} is no number of pixels: {wanted}", param, ctx)
        return pixels


class Bytes(click.ParamType[int]):
    """A number of bytes, or of millions or billions of them with an M or G behind."""

    name = "bytes"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        match = re.fullmatch(r"(\d{1,15})([MmGg]?)", str(value).strip(), re.ASCII)
        unit = {"": 1, "m": 10**6, "g": 10**9}
        number = int(match[1]) * unit[match[2].lower()] if match else 0
        if not 1 <= number <= 10**15:
            wanted = "write 500000000, 500M or 50G, up to a million G"
            self.fail(f"{shown(value)} is no number of bytes: {wanted}", param, ctx)
        return number


class Hours(click.ParamType[int]):
    """Hours, as whole seconds: "720", "1.5" or "3/2"."""

    name = "hours"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value).strip()
        plain = re.fullmatch(r"\d{1,9}(?:\.\d{1,9}|/[1-9]\d{0,8})?", text, re.ASCII)
        seconds = Fraction(text) * _HOUR if plain else Fraction(0)
        if not 1 <= seconds <= LONGEST:
            wanted = f"write 24 or 1.5, up to {LONGEST // _HOUR}"
            self.fail(f"{shown(value)} is no number of hours: {wanted}", param, ctx)
        return int(seconds)


class HoursOfDay(click.ParamType[DayHours]):
    """A part of the day: "22:00-06:00"."""

    name = "hours"

    def convert(
        self, value: str | DayHours, param: click.Parameter | None, ctx: click.Context | None
    ) -> DayHours:
        if isinstance(value, DayHours):
            return value
        try:
            return parse_hours(value)
        except InputError as error:
            self.fail(str(error).removeprefix("between "), param, ctx)


class CropType(click.ParamType[CropRegion]):
    """ "X,Y,W,H", in pixels or all four in percent."""

    name = "region"

    def convert(
        self, value: str | CropRegion, param: click.Parameter | None, ctx: click.Context | None
    ) -> CropRegion:
        if isinstance(value, CropRegion):
            return value
        try:
            return parse_crop(value)
        except InputError as error:
            self.fail(str(error), param, ctx)
