"""What commands say on the way: warnings for people, events for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from vsr.core.errors import OutputError
from vsr.util.text import printable


class ReaderGoneError(Exception):
    """Who read stdout has closed it. No OSError, as files being written have handlers for those."""


def plain_line(message: object) -> str:
    """A message without line breaks and what steers a terminal: names of files may hold any."""
    return printable(str(message))


def warn(message: str) -> None:
    """Show a warning on stderr."""
    click.echo(f"vsr: warning: {plain_line(message)}", err=True)


def event(name: str, facts: Mapping[str, Any]) -> None:
    """Write a JSON object on a line of stdout. What JSON has no type for, as paths, is text.

    Raises OutputError, and ReaderGoneError where nobody reads any more.
    """
    try:
        click.echo(json.dumps({"event": name, **facts}, default=str))
    except BrokenPipeError:
        raise ReaderGoneError from None
    except OSError as error:  # by itself, it would be told of the file that is being written
        raise OutputError(f"stdout: cannot be written ({error.strerror})") from None
