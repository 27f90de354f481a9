"""Files that are whole at any moment: written beside their place, then renamed."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from glob import escape
from itertools import count
from pathlib import Path
from typing import BinaryIO

from vsr.util.file_lock import is_taken

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LONGEST, _OWN = 255, 32  # bytes of a file's name; of these, for what tells processes apart
_HERE, _NO_REPLACE = -100, 1  # Linux's AT_FDCWD and RENAME_NOREPLACE


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

    The file there, empty at first, gets its own name if the block ends well, else it is removed.
    """
    place = followed(path)
    with new_part(place) as part:
        yield part
        if durable:
            _settle(part)
        part.replace(place)
        if durable:
            _settle(place.parent)


@contextmanager
def new_part(target: Path, folder: bool = False) -> Iterator[Path]:
    """The file or `folder` beside `target` that is to become it: new, empty and nobody else's.

    What killed processes have left of the target is removed first, and this at the block's end,
    unless it has got its name.
    """
    remove_abandoned(target)
    part = part_of(target)
    part.mkdir() if folder else part.touch(exist_ok=False)
    try:
        with _held(part):
            yield part
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def give_name(part: Path, target: Path, overwrite: bool) -> None:
    """Rename what is complete. Raises FileExistsError where something is there, unless `overwrite`.

    Nothing that appears meanwhile is replaced: the system looks and renames at once.
    """
    if overwrite:
        part.replace(target)
    elif not _renamed(part, target):
        _claim(part, target)


def put_aside(part: Path, target: Path) -> Path:
    """Give what is complete the next free name beside `target`, and tell it."""
    for number in count(1):
        aside = target.with_name(f"{target.stem}.{number}{target.suffix}")
        with suppress(FileExistsError):
            give_name(part, aside, overwrite=False)
            return aside
    raise AssertionError("there is always a number more")


def _renamed(part: Path, place: Path) -> bool:
    """Rename to a new name by Linux's own call; False where there is none, or not on this disk."""
    rename = getattr(_c_library(), "renameat2", None)
    if rename is None:
        return False
    if not rename(_HERE, os.fsencode(part), _HERE, os.fsencode(place), _NO_REPLACE):
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(place))


def _claim(part: Path, place: Path) -> None:
    """Rename to a new name by way of an empty file or folder there, which is made or refused."""
    if os.name == "nt":  # where to rename never replaces
        part.rename(place)
        return
    place.mkdir() if part.is_dir() else place.touch(exist_ok=False)
    part.replace(place)


@cache
def _c_library() -> object:
    try:
        return ctypes.CDLL(None, use_errno=True)
    except (OSError, TypeError):  # TypeError: on Windows, it has to be named
        return None


@contextmanager
def _held(part: Path) -> Iterator[None]:
    """Lock a part as long as it is written, so that other machines see that it is not abandoned.

    They cannot look up this process; containers may even share a host's name with it.
    """
    number = _locked(part)
    try:
        yield
    finally:
        if number is not None:
            os.close(number)


def _locked(part: Path) -> int | None:
    """An open descriptor with the part's lock; None where it is another's, or none are given."""
    if fcntl is None:
        return None
    number = os.open(part, os.O_RDONLY if part.is_dir() else os.O_RDWR)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        return None
    return number


def followed(path: Path) -> Path:
    """What is written where `path` is named: a link stands for what it leads to."""
    linked = os.path.islink(path)  # noqa: PTH114 (which does not raise)
    return Path(os.path.realpath(path)) if linked else path


def part_of(target: Path) -> Path:
    """Where this process writes `target` until it is complete: beside it, with its suffix.

    The name is random: on a shared folder, a host's name and a process's number may be another's
    too.
    """
    own = f"{os.getpid()}-{_token(os.getpid())}"
    return target.with_name(f"{_beginning(target)}{own}{target.suffix}")


def remove_abandoned(target: Path) -> None:
    """Remove what processes of this machine that were killed have left of `target`."""
    beginning = _beginning(target)
    for part in target.parent.glob(f"{escape(beginning)}*{escape(target.suffix)}"):
        named = part.name.removeprefix(beginning).removesuffix(target.suffix)
        pid = re.fullmatch(r"(\d+)(?:-[0-9a-f]+)?", named, re.ASCII)
        if pid and not _runs(int(pid[1])) and not _is_held(part):
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)


def _is_held(part: Path) -> bool:
    """Whether another machine's process, or another container's, is writing a part."""
    if fcntl is None:
        return False
    try:
        number = os.open(part, os.O_RDONLY if part.is_dir() else os.O_RDWR)
    except OSError:  # it has gone, or is another user's
        return True
    try:
        return is_taken(number)
    finally:
        os.close(number)


@cache
def _token(pid: int) -> str:
    """Random, for each process: a fork gets its own."""
    return secrets.token_hex(8)


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
    """The machine is named: the processes of another one cannot be looked up here.

    A name that is nearly as long as one may be gives its first bytes: with them and what follows,
    the part's is no longer.
    """
    mark = f".part-{platform.node()}-"
    room = _LONGEST - len(os.fsencode(f".{mark}{target.suffix}")) - _OWN
    stem = target.stem
    if len(os.fsencode(stem)) > room:
        stem = os.fsencode(stem)[: max(room, 0)].decode(errors="ignore")
    return f".{stem}{mark}"


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
