"""Where an output is written until it is complete."""

from __future__ import annotations

import os
import platform
import shutil
from glob import escape
from pathlib import Path


def part_of(target: Path) -> Path:
    """Where this process writes `target` until it is complete: beside it, with its suffix."""
    return target.with_name(f"{_beginning(target)}{os.getpid()}{target.suffix}")


def remove_abandoned(target: Path) -> None:
    """Remove what processes of this machine that were killed have left of `target`."""
    beginning = _beginning(target)
    for part in target.parent.glob(f"{escape(beginning)}*{escape(target.suffix)}"):
        pid = part.name.removeprefix(beginning).removesuffix(target.suffix)
        if pid.isdecimal() and not _runs(int(pid)):
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)


def _beginning(target: Path) -> str:
    """The machine is named: the processes of another one cannot be looked up here."""
    return f".{target.stem}.part-{platform.node()}-"


def _runs(pid: int) -> bool:
    if os.name == "nt":  # there, asking would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        pass
    return True
