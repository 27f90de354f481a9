"""What commands say on the way: warnings for people, events for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from vsr.core.errors import OutputError


def warn(message: str) -> None:
    """Show a warning on stderr."""
    click.echo(f"vsr: warning: {message}", err=True)


def event(name: str, facts: Mapping[str, Any]) -> None:
    """Write a JSON object on a line of stdout. What JSON has no type for, as paths, is text."""
    try:
        click.echo(json.dumps({"event": name, **facts}, default=str))
    except BrokenPipeError:
        raise
    except OSError as error:  # by itself, it would be told of the file that is being written
        raise OutputError(f"stdout: cannot be written ({error.strerror})") from None
