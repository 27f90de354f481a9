"""`vsr ui`: a page in the browser for all that needs no shell."""

from __future__ import annotations

import hashlib
import os
import webbrowser
from pathlib import Path

import click

from vsr.core.bounds import THREADS, Bounds
from vsr.core.errors import OutputError
from vsr.util.places import state_folder
from vsr.util.text import counted, one_line

from .output.messages import event, warn
from .param_types import Bytes, FilePath, Number

_PORT = Bounds(0, 65535, whole=True)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SHORTEST = 16  # characters of a token that a person chooses


@click.command("ui")
@click.argument("folder", metavar="[FOLDER]", default=".", type=FilePath(file_okay=False))
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen here; with --token.")
@click.option(
    "--port",
    type=Number(_PORT),
    default=8765,
    show_default=True,
    metavar="N",
    help="Listen at this port; 0: any that is free.",
)
@click.option(
    "--token",
    metavar="TEXT",
    help="What the address must hold.  [default: random, kept with the jobs]",
)
@click.option(
    "--jobs",
    type=Number(Bounds(1, THREADS.most, whole=True)),
    default=1,
    show_default=True,
    help="Jobs at the same time; one takes all cores.",
)
@click.option(
    "--state",
    type=FilePath(file_okay=False),
    metavar="DIR",
    help="Keep the jobs here.  [default: a place of the user's for each FOLDER]",
)
@click.option(
    "--max-upload",
    type=Bytes(),
    default="50G",
    show_default=True,
    metavar="N[M|G]",
    help="Take files of at most so many bytes.",
)
@click.option("--open", "opened", is_flag=True, help="Show the page in the browser at once.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout.")
def ui_command(
    folder: Path,
    host: str,
    port: int,
    token: str | None,
    jobs: int,
    state: Path | None,
    max_upload: int,
    opened: bool,
    as_json: bool,
) -> None:
    """Serve a page that shows the videos of FOLDER, and enlarges them, on this machine.

    Jobs go on when the page is closed, and when this command ends; it finds them again.
    """
    _check_token(host, token)
    try:
        from vsr.ui.serve import serve
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in ("starlette", "uvicorn", "anyio", "fcntl"):
            raise
        raise OutputError(_missing(name)) from None
    from vsr.ui.settings import Settings

    from .ui_shell import ClickShell

    def ready(address: str) -> None:
        if as_json:
            event("ready", {"address": address, "process": os.getpid()})
        else:
            click.echo(f"vsr: {address}\nvsr: Ctrl-C ends it; jobs at work go on", err=True)
        if opened:
            webbrowser.open(address)

    settings = Settings(
        folder, state or _state_of(folder), host, port, token or "", jobs, max_upload
    )
    left = serve(settings, ClickShell(), ready, warn)
    for job in left:
        click.echo(f"vsr: goes on by itself: {one_line(job.line)}", err=True)
    if left:
        many = counted(len(left), "job")
        click.echo(f"vsr: {many} at work; the same command shows them again", err=True)


def _check_token(host: str, token: str | None) -> None:
    if host not in _LOOPBACK and token is None:
        raise click.UsageError(f"--host {host}: others can reach it there, so --token is needed")
    if token is not None and len(token) < _SHORTEST:
        raise click.UsageError(f"--token: must have at least {_SHORTEST} characters")
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise click.UsageError("--token: must be of ASCII characters without spaces")


def _missing(name: str) -> str:
    if name == "fcntl":
        return "vsr ui runs on Linux and macOS alone"
    return f"vsr ui needs the package {name}: pip install 'vsr-video[ui]'"


def _state_of(folder: Path) -> Path:
    """A place for each served folder, told apart by its path."""
    whole = folder.resolve()
    mark = hashlib.sha256(os.fsencode(whole)).hexdigest()[:16]
    return state_folder() / "ui" / mark
