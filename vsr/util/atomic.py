"""Files that are whole at any moment: written beside their place, then renamed."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import BinaryIO


def atomic_write(
    path: Path, data: bytes | Callable[[BinaryIO], object], durable: bool = False
) -> None:
    """Write a file so that its name always stands for the whole old one or the whole new one.

    Args:
        path: gets its name once it is complete; a file that is there is replaced.
        data: what it holds, or what writes that to the open file.
        durable: whether it must outlast a power cut once this has returned.

    Raises OSError, and what `data` raises; nothing is left then but the old file.
    """
    with atomic_path(path, durable) as part, part.open("wb") as file:
        if isinstance(data, bytes):
            file.write(data)
        else:
            data(file)


@contextmanager
def atomic_path(path: Path, durable: bool = False) -> Iterator[Path]:
    """As `atomic_write`, for what must open its file itself: gives the name to write to.

    The file there gets its own name if the block ends well, else it is removed.
    """
    remove_abandoned(path)
    part = part_of(path)
    try:
        yield part
        if durable:
            _settle(part)
        part.replace(path)
        if durable:
            _settle(path.parent)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def followed(path: Path) -> Path:
    """What is written where `path` is named: a link stands for what it leads to."""
    linked = os.path.islink(path)  # noqa: PTH114 (which does not raise)
    return Path(os.path.realpath(path)) if linked else path


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


def _settle(path: Path) -> None:
    """See to it that a file, or the names in a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():  # where folders cannot be opened
        return
    # Windows brings to the disk only what it could write.
    number = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


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
