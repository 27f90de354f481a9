"""--nice of the commands that compute for long."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from vsr.core.bounds import Bounds

from .param_types import Number

Command = TypeVar("Command", bound=Callable[..., Any])

_THREADS = Path("/proc/self/task")  # Linux's
_NICE = Bounds(0, 19, whole=True)


def nice_option(command: Command) -> Command:
    """--nice, which is done with before the command itself begins.

    What the command starts, such as a batch's workers, inherits it.
    """
    return click.option(
        "--nice",
        type=Number(_NICE),
        metavar="0..19",
        expose_value=False,
        callback=_lower,
        help="Let other programs go first, as `nice -n N` does; 19: as far as that goes.",
    )(command)


def _lower(_ctx: click.Context, _param: click.Parameter, steps: int | None) -> None:
    """Lower the priority of this process. Raises UsageError where the system knows none."""
    if steps is None:
        return
    if not hasattr(os, "nice"):
        raise click.UsageError("--nice: this system knows no such priorities; leave it out")
    os.nice(steps)
    _lower_libraries()


def _lower_libraries() -> None:
    """Linux gives each thread its own priority: libraries have started some by now."""
    if not _THREADS.is_dir():
        return
    priority = os.getpriority(os.PRIO_PROCESS, 0)
    for entry in _THREADS.iterdir():
        with suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, int(entry.name), priority)
