"""What people give as the path of a file or folder, checked in one place."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable
from os import PathLike, fspath
from pathlib import Path

from vsr.core.errors import InputError, OutputError, VsrError
from vsr.util.atomic import followed
from vsr.util.text import one_line

_LONGEST = 80  # characters of a wrong value that a message shows


def as_path(value: object, name: str, error: type[VsrError] = InputError) -> Path:
    """The path that was given as the argument `name`.

    Raises TypeError for what is no path at all, and `error` for text that names nothing.
    """
    if not isinstance(value, str | PathLike):
        raise TypeError(f"{name} {quoted(value)}: must be a path: text or a pathlib.Path")
    text = fspath(value)
    if not isinstance(text, str):
        raise TypeError(f"{name} {quoted(value)}: must be a path as text, not as bytes")
    if not text:
        raise error(f"{name} '': is empty; name a file or folder")
    if "\0" in text:
        raise error(f"{name} {quoted(text)}: no file's name holds a zero character")
    return value if isinstance(value, Path) else Path(text)


def quoted(value: object) -> str:
    """A wrong value as a message shows it: in one line, and not at any length."""
    text = one_line(repr(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


_KINDS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


_PIPE = re.compile(r"-|(pipe|fd):\d*")
NO_PIPE_IN = "a pipe is not read here, as a file is gone through more than once; name a file"


def check_input(path: Path) -> None:
    """Raise InputError, in one line, unless `path` is a file or folder that may be read.

    What is no regular file is not opened: a FIFO would wait for ever, and /dev/zero has no end.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            path.open("rb").close()
    except FileNotFoundError:
        why = NO_PIPE_IN if _PIPE.fullmatch(str(path)) else _leads_nowhere(path)
        raise InputError(f"{path}: {why or 'no such file'}") from None
    except NotADirectoryError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: {_why(error, 'read')}") from None
    if special := _special(mode):
        raise InputError(f"{path}: is {special}, not a regular file")


def check_output(
    path: Path, overwrite: bool, inputs: Iterable[Path] = (), folder: bool = False
) -> None:
    """Raise OutputError, in one line, where a run of `inputs` may not write `path`.

    That is so for its inputs, always; for a file that is there, unless `overwrite`; for what is
    no regular file; for a folder, unless `folder`. A link stands for what it leads to.
    """
    if _PIPE.fullmatch(str(path)):
        raise OutputError(
            f"{path}: nothing is written to a pipe, as a finished file is read again and checked; "
            "name a file"
        )
    facts = _facts_of_output(path)
    if facts and any(is_same(facts, source) for source in inputs):
        raise OutputError(f"{path}: is the input itself; choose another name")
    place = Path(os.path.realpath(path)).parent
    if not os.path.isdir(place):  # noqa: PTH112 (which does not raise)
        raise OutputError(f"{path}: the folder {place} does not exist")
    _check_link(path, facts)
    if facts and (special := _special(facts.st_mode)):
        raise OutputError(f"{path}: is {special}, not a file; choose another name")
    if facts and stat.S_ISDIR(facts.st_mode):
        if not folder:
            raise OutputError(f"{path}: is a folder; name a file")
    elif facts and not overwrite:
        raise OutputError(f"{path}: exists already; -y or overwrite=True replaces it")
    if not os.access(place, os.W_OK):
        raise OutputError(f"{path}: the folder {place} is not writable")


def place_of(target: Path) -> Path:
    """What is written where a run's output is named: a link stands for what it leads to.

    Raises OutputError, in one line, for a link that leads to nothing, or back to itself.
    """
    _check_link(target, _facts_of_output(target))
    return followed(target)


def _facts_of_output(path: Path) -> os.stat_result | None:
    try:
        return _facts(path)
    except OSError as error:
        raise OutputError(f"{path}: {_why(error, 'written')}") from None


def _check_link(path: Path, facts: os.stat_result | None) -> None:
    if facts is None and os.path.islink(path):  # noqa: PTH114 (which does not raise)
        raise OutputError(f"{path}: {_leads_nowhere(path)}; choose another name")


def check_apart(targets: Iterable[Path]) -> None:
    """Raise OutputError, in one line, where links make two of a run's outputs one file."""
    seen: dict[str, Path] = {}
    for target in targets:
        first = seen.setdefault(os.path.realpath(target), target)
        if first is not target:
            raise OutputError(f"{target}: is the same file as {first}; choose another name")


def check_output_folder(folder: Path, inputs: Iterable[Path]) -> None:
    """Raise OutputError, in one line, where a folder to be written into holds an input itself.

    An input that lies in a folder further down is not in the way. A link stands for itself and for
    what it leads to.
    """
    try:
        facts = _facts(folder)
    except OSError as error:
        raise OutputError(f"{folder}: {_why(error, 'written')}") from None
    places = (place for source in inputs for place in (source, Path(os.path.realpath(source))))
    if facts and any(is_same(facts, place.parent) for place in places):
        raise OutputError(f"{folder}: holds the input itself; choose another folder")


def is_same(facts: os.stat_result, source: Path) -> bool:
    """Whether a path leads to the file of which these are the facts."""
    try:
        return os.path.samestat(facts, source.stat())
    except OSError:  # what cannot be read is told where it is read
        return False


def _facts(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _special(mode: int) -> str:
    """What stands at a path that is neither file nor folder; "" for these."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "")


def _leads_nowhere(path: Path) -> str:
    """What is wrong with a link to nothing; "" for what is no link."""
    if not os.path.islink(path):  # noqa: PTH114 (which does not raise)
        return ""
    return f"is a link to {os.path.realpath(path)}, which does not exist"


def _why(error: OSError, done: str) -> str:
    if error.errno == errno.ELOOP:
        return "is a link that leads back to itself"
    return f"cannot be {done} ({error.strerror or error})"
