"""The `vsr` command: the one place where errors become exit codes."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from io import TextIOWrapper

import click

from vsr.core.errors import StoppedError, VsrError
from vsr.util.signals import (
    count_going_on,
    hear_of_children,
    heard,
    ignore_ending,
    interrupt,
    is_interrupted,
    undisturbed,
)
from vsr.util.text import one_line

from .exit_codes import EXIT_FAILED, EXIT_INTERRUPTED
from .output.messages import ReaderGoneError, plain_line


def main() -> None:
    """Run the command line and exit.

    0 done, 1 failed, 2 usage, 3 some of many files failed, 130 interrupted.
    """
    _open_streams()
    for number in heard():
        signal.signal(number, interrupt)
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:  # else a shell has it ignored
        signal.signal(signal.SIGINT, interrupt)
    count_going_on()
    hear_of_children()
    atexit.register(ignore_ending)
    try:
        _run()
    finally:
        undisturbed()


def _run() -> None:
    try:
        from .commands import vsr  # takes a second, in which one may interrupt it

        vsr.main(standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _end("interrupted", EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except StoppedError as error:
        _end(str(error), EXIT_INTERRUPTED)
    except VsrError as error:
        _end(f"error: {error}", EXIT_FAILED)
    except (BrokenPipeError, ReaderGoneError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except OSError as error:
        if "VSR_DEBUG" in os.environ:
            raise
        where = "" if error.filename is None else f"{error.filename}: "
        _end(f"error: {where}{error.strerror or error}", EXIT_FAILED)
    except Exception as error:
        if "VSR_DEBUG" in os.environ:
            raise
        if is_interrupted():
            _end("interrupted", EXIT_INTERRUPTED)
        what = f"{type(error).__name__}: {error}"
        _end(f"error: unexpected {what} (VSR_DEBUG=1 shows where)", EXIT_FAILED)


def _open_streams() -> None:
    """Lead the standard streams that a parent has closed to nowhere.

    Else the first file that is opened gets such a number, as an output may, and all that
    libraries say is written into it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number is free
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: names may hold any byte


def _end(message: str, code: int) -> None:
    click.echo(f"vsr: {plain_line(one_line(message))}", err=True)
    sys.exit(code)
