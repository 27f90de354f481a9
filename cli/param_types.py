"""click's types for the values that only vsr has."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from vsr.core.crop import CropRegion, parse_crop
from vsr.core.errors import InputError

_HOUR = 3600  # seconds


class FilePath(click.Path):
    """A path; no text at all is none, though Python takes it for the current folder."""

    def __init__(self, **settings: bool) -> None:
        super().__init__(path_type=Path, **settings)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("an empty text names no file", param, ctx)
        return super().convert(value, param, ctx)


class ScaleType(click.ParamType[int]):
    """2, 3 or 4."""

    name = "scale"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "[2|3|4]"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if str(value) not in ("2", "3", "4"):
            self.fail(f"{value!r} is not one of '2', '3', '4'.", param, ctx)
        return int(value)


class Tile(click.ParamType[int | None]):
    """ "auto", or a side in pixels."""

    name = "tile"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        if value == "auto":
            return None
        try:
            pixels = int(value)
        except ValueError:
            pixels = -1
        if pixels < 0:
            self.fail(f"{value!r} is not a tile: write auto, 0 or a number of pixels", param, ctx)
        return pixels


class Percent(click.ParamType[float]):
    """A number of 0 to 100."""

    name = "percent"

    def __init__(self, allowed: str = "a number of 0 to 100") -> None:
        self.allowed = allowed

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            percent = float(value)
        except ValueError:
            percent = -1.0
        if not 0 <= percent <= 100:
            self.fail(f"{value!r}: write {self.allowed}", param, ctx)
        return percent


class AutoPercent(click.ParamType[float | None]):
    """ "auto", or a number of 0 to 100."""

    name = "percent"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        if value == "auto":
            return None
        return Percent("auto or a number of 0 to 100").convert(value, param, ctx)


class Time(click.ParamType[Fraction]):
    """Seconds ("12.5" or "1001/30000") or [HH:]MM:SS[.mmm], kept exact."""

    name = "time"

    def convert(
        self, value: str | Fraction, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fraction:
        if isinstance(value, Fraction):
            return value
        text = value.strip()
        if re.fullmatch(r"\d+/[1-9]\d*", text):
            return Fraction(text)
        match = re.fullmatch(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d+)?)", text)
        if match is None:
            self.fail(f"{value!r} is not a time: write seconds (12.5) or HH:MM:SS.mmm", param, ctx)
        hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
        if (match[2] is not None and seconds >= 60) or (match[1] is not None and minutes >= 60):
            self.fail(f"{value!r}: what follows a colon must be under 60", param, ctx)
        return hours * _HOUR + minutes * 60 + seconds


class Rate(click.ParamType[Fraction]):
    """Frames per second: "25", "29.97" or exactly "30000/1001"."""

    name = "rate"

    def convert(
        self, value: str | Fraction, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fraction:
        try:
            rate = Fraction(value)
        except (ValueError, ZeroDivisionError):
            rate = Fraction(0)
        if not 0 < rate <= 1000:
            self.fail(f"{value!r} is not a rate: write 25 or 30000/1001", param, ctx)
        return rate


class Pixels(click.ParamType[int]):
    """A number of pixels, or of millions of them with an M behind."""

    name = "pixels"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        match = re.fullmatch(r"(\d{1,15})([Mm]?)", str(value).strip())
        pixels = int(match[1]) * (10**6 if match[2] else 1) if match else 0
        if pixels < 1:
            self.fail(f"{value!r} is no number of pixels: write 100000000 or 100M", param, ctx)
        return pixels


class Hours(click.ParamType[int]):
    """Hours, as whole seconds: "720", "1.5" or "3/2"."""

    name = "hours"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value).strip()
        plain = re.fullmatch(r"\d{1,9}(?:\.\d{1,9}|/[1-9]\d{0,8})?", text)
        seconds = Fraction(text) * _HOUR if plain else Fraction(0)
        if seconds < 1:
            self.fail(f"{value!r} is no number of hours: write 24 or 1.5", param, ctx)
        return int(seconds)


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
