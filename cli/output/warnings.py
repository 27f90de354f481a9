"""Warnings, for people."""

from __future__ import annotations

import click


def warn(message: str) -> None:
    """Show a warning on stderr."""
    click.echo(f"vsr: warning: {message}", err=True)
