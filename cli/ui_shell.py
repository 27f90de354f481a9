"""The command line as `vsr ui` sees it: its options as facts, and its own parsing as the check."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import click

from vsr.batch.sources import Found, target_of
from vsr.core.errors import VsrError
from vsr.core.options import UpscaleOptions
from vsr.ui.shell import Kind, OptionFacts
from vsr.util.text import one_line

from .commands import command
from .option_table import ROWS, Row, options_of, text_of
from .param_types import FilePath, Number

# What the server gives itself, what is about a terminal, and what reaches beyond the folder.
_KEPT = {"--json", "--quiet", "--open", "--progress-preview", "--pause-file", "--report"}
_KEPT |= {"--source", "--status", "--cluster", "--nice", "--dry-run", "--output-format"}
_KEPT |= {"--no-audio", "--cameras"}  # cameras: its file names further ones, of anywhere
_NAMES = {"preview": "{stem}_preview.html", "batch": "enlarged", "fuse": "{stem}_fused.png"}
_LIVE = "recorded_{size}.mkv"


class ClickShell:
    """`vsr.ui.shell.Shell` by click's commands."""

    def options(self, command: str) -> Sequence[OptionFacts]:
        return _options(command)

    def complaint(self, command: str, words: Sequence[str]) -> str:
        try:
            given = _parsed(command, words)
            if command in ("upscale", "batch", "preview"):
                options_of(given)
        except click.ClickException as error:
            return one_line(error.format_message())
        except VsrError as error:
            return one_line(error)
        return ""

    def usual_name(self, command: str, source: Path | None, words: Sequence[str]) -> str:
        if command in _NAMES:
            return _NAMES[command].format(stem="" if source is None else source.stem)
        picture = _picture_of(words)
        if source is None:
            return _LIVE.format(size=picture.picture.label)
        if source.is_dir():
            return f"{source.name}_{picture.picture.label}.mkv"
        found = Found(source, Path(source.name))
        return target_of(found, Path(), "{stem}_{size}{suffix}", picture.picture).name

    def program(self) -> list[str]:
        return [sys.executable, "-P", "-c", "from vsr.cli.main import main; main()"]


def _picture_of(words: Sequence[str]) -> UpscaleOptions:
    """The options that words give; the usual ones where they are wrong, which is told later."""
    try:
        return options_of(_parsed("upscale", ["in", "out", *words]))
    except (click.ClickException, VsrError):
        return UpscaleOptions()


def _parsed(name: str, words: Sequence[str]) -> dict[str, Any]:
    """What click makes of words, without doing anything. Raises click's UsageError."""
    return _harmless(name).make_context(f"vsr {name}", list(words)).params


@cache
def _harmless(name: str) -> click.Command:
    """A command whose options do nothing while they are read, as --nice and --help would."""
    known = copy.copy(command(name))
    known.params = [_silent(param) for param in known.params]
    known.add_help_option = False
    return known


def _silent(param: click.Parameter) -> click.Parameter:
    changed = copy.copy(param)
    changed.callback = None
    return changed


@cache
def _options(name: str) -> tuple[OptionFacts, ...]:
    found = [param for param in command(name).params if isinstance(param, click.Option)]
    return tuple(_facts(param) for param in found if not _KEPT & set(param.opts))


def _facts(option: click.Option) -> OptionFacts:
    number = option.type if isinstance(option.type, Number) else None
    choices = option.type.choices if isinstance(option.type, click.Choice) else ()
    row = _row(option)
    bounds = number.bounds if number else None
    flags = tuple(sorted(option.opts, key=len, reverse=True))
    return OptionFacts(
        name=flags[0].removeprefix("--"),
        flags=flags,
        off=next(iter(option.secondary_opts), ""),
        kind=_kind(option),
        choices=tuple(map(str, choices)),
        least=None if bounds is None else float(bounds.least),
        most=None if bounds is None else float(bounds.most),
        whole=bounds is not None and bounds.whole,
        default=_default(option),
        hint=option.metavar or "",
        help=" ".join((option.help or "").split()),
        multiple=option.multiple,
        group=row.field.partition(".")[0] if row and "." in row.field else "command",
    )


def _kind(option: click.Option) -> Kind:
    tests: list[tuple[Kind, Callable[[], bool]]] = [
        ("flag", lambda: option.is_flag),
        ("choice", lambda: isinstance(option.type, click.Choice)),
        ("number", lambda: isinstance(option.type, Number)),
        ("path", lambda: isinstance(option.type, FilePath)),
    ]
    return next((kind for kind, holds in tests if holds()), "text")


def _default(option: click.Option) -> Any:
    """What JSON can hold of a default."""
    row = _row(option)
    if option.is_flag:
        return option.default is True
    if row is not None and row.name == option.name:
        return text_of(row, row.default) if row.shows_default or row.default is not None else None
    value = option.default
    return value if isinstance(value, int | float | str) else None


def _row(option: click.Option) -> Row | None:
    """The row of an option of upscaling, in whichever command."""
    return next((row for row in ROWS if row.flag in option.opts), None)
