"""Values that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from .option_table import ROWS
from .param_types import NetworkScale

Command = TypeVar("Command", bound=Callable[..., Any])


LEARNS_ON = "auto, cpu, cuda, cuda:N, mps, xpu or xpu:N."
"""What learns takes one device, and not igpu."""


def upscale_option(field: str, default: Any = None, text: str = "") -> Callable[[Command], Command]:
    """An option of `vsr upscale`, by its field in `UpscaleOptions`, for another command.

    Click hands its value over by the last word of the field; `default` and the help's `text` are
    the command's own.
    """
    row = next(row for row in ROWS if row.field == field)
    names = [row.flag, field.rpartition(".")[2], *([row.short] if row.short else [])]
    if row.type is None:
        return click.option(*names, is_flag=True, help=row.help)
    return click.option(
        *names,
        type=row.type,
        default=row.default if default is None else default,
        show_default=row.shows_default,
        metavar=row.metavar,
        help=text or row.help,
    )


def network_scale(command: Command) -> Command:
    """--scale of commands that are for one network."""
    return click.option(
        "-s", "--scale", type=NetworkScale(), default=4, show_default=True, help="Factor."
    )(command)


def listed(words: str, option: str = "models", what: str = "names") -> list[str]:
    """What an option such as --models holds. Raises UsageError where a part is empty."""
    found = [word.strip() for word in words.split(",")]
    if not all(found):
        what = "names or files" if option == "models" else what
        raise click.UsageError(f"--{option} {words!r}: write {what} with commas between")
    return found
