"""The options of `vsr batch` for what recorders store: when it was taken, and by which camera."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from vsr.batch.cameras import Cameras, read_cameras, read_globs
from vsr.batch.joining import GAP, HOURS, Joining
from vsr.batch.recorders import recording_of
from vsr.batch.sources import Found, Wanted, everything
from vsr.batch.taken import Taken, parse_since
from vsr.core.errors import InputError
from vsr.core.options import UpscaleOptions

from .output.messages import warn
from .param_types import FilePath, HoursOfDay, Number


@dataclass(frozen=True)
class Footage:
    """What is asked for of footage.

    Attributes:
        wanted: which files, by when they begin.
        exclude: globs of names that are left out.
        cameras: what single cameras have of their own.
        joining: which files become one output; None where each becomes one.
        lists: the files that this was read from.
    """

    wanted: Wanted
    exclude: tuple[str, ...]
    cameras: Cameras
    joining: Joining | None = None
    lists: tuple[Path, ...] = ()

    def own_of(self, found: Found) -> tuple[tuple[str, Any], ...]:
        """What a file's camera has of its own."""
        if not self.cameras.own:
            return ()
        return self.cameras.own_of(recording_of(found.path, found.relative).camera)

    def warn_of_unknown(self, found: Iterable[Found]) -> None:
        """Warn of cameras of the file that nothing was found of."""
        there = {recording_of(each.path, each.relative).camera for each in found}
        if missing := self.cameras.unknown(there):
            names, known = ", ".join(missing), ", ".join(sorted(there - {""})) or "none"
            warn(f"{self.cameras.path}: no file of {names}; there are files of: {known}")


class Since(click.ParamType[datetime]):
    """A moment: "2h" ago, or a local date and time."""

    name = "time"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return parse_since(value, datetime.now(UTC))
        except InputError as error:
            self.fail(str(error), param, ctx)


def with_footage_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the flags that `footage_of` takes."""
    for option in (
        click.option(
            "--join-hours",
            type=Number(HOURS),
            help=f"With --join: begin anew at each multiple.  [default: {Joining.hours}]",
        ),
        click.option(
            "--join-gap",
            type=Number(GAP),
            metavar="SECONDS",
            help=f"With --join: the longest pause within an output.  [default: {Joining.gap:g}]",
        ),
        click.option(
            "--join",
            type=click.Choice(["camera"]),
            is_flag=False,
            flag_value="camera",
            help="One output of a camera's consecutive files.",
        ),
        click.option(
            "--cameras",
            type=FilePath(dir_okay=False),
            metavar="FILE",
            help="A TOML file with a region, a model, ... for each camera.",
        ),
        click.option(
            "--taken",
            type=HoursOfDay(),
            metavar="HH:MM-HH:MM",
            help="Only footage that begins in these hours of the day.",
        ),
        click.option(
            "--taken-since",
            type=Since(),
            metavar="TIME",
            help="Only footage that begins from then on: 2h, 3d or 2026-11-28T22:00.",
        ),
        click.option(
            "--exclude-from",
            type=FilePath(dir_okay=False),
            multiple=True,
            metavar="FILE",
            help="No names like the globs in this file, one a line; repeatable.",
        ),
    ):
        command = option(command)
    return command


def footage_of(
    given: Mapping[str, Any], exclude: Iterable[str], options: UpscaleOptions
) -> Footage:
    """What is asked for. Raises InputError for a file that cannot be read so."""
    since, hours = given["taken_since"], given["taken"]
    wanted = everything if since is None and hours is None else Taken(since, hours)
    excluded = [*exclude]
    for path in given["exclude_from"]:
        excluded += read_globs(path)
    path = given["cameras"]
    cameras = read_cameras(path, options) if path else Cameras()
    lists = (*given["exclude_from"], *([path] if path else []))
    return Footage(wanted, tuple(excluded), cameras, _joining(given), lists)


def _joining(given: Mapping[str, Any]) -> Joining | None:
    """Raises UsageError for settings of --join without it."""
    chosen = {name: given[f"join_{name}"] for name in ("gap", "hours")}
    settings = {name: value for name, value in chosen.items() if value is not None}
    if given["join"] is None:
        if settings:
            flags = " and ".join(f"--join-{name}" for name in settings)
            raise click.UsageError(f"{flags}: for --join camera, which is missing")
        return None
    return Joining(**settings)
