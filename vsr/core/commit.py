"""A finished output gets its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from vsr.core.errors import OutputError, writing
from vsr.util.atomic import followed, give_name, new_part, put_aside


@contextmanager
def part_for(target: Path, folder: bool = False) -> Iterator[Path]:
    """As `new_part`. Raises OutputError where it cannot be made."""
    parts = new_part(target, folder)
    with writing(target):
        part = parts.__enter__()
    try:
        yield part
    finally:
        parts.__exit__(None, None, None)


def commit(
    part: Path, target: Path, overwrite: bool, before: Callable[[], None] = lambda: None
) -> None:
    """Give a finished `part` its name, once `before` has been called.

    What has appeared there meanwhile is replaced with `overwrite` alone; else it stays, and the
    part is kept beside it. Raises OutputError, which names that.
    """
    if not overwrite and os.path.lexists(target):  # before a record is written of it
        raise kept_aside(part, target)
    before()
    try:
        with writing(target):
            _named(part, target, overwrite)
    except _AppearedError:
        raise kept_aside(part, target) from None


def commit_bytes(target: Path, data: bytes, overwrite: bool) -> None:
    """Write a whole file, under the rule of `commit`. A link stands for what it leads to."""
    place = followed(target)
    with part_for(place) as part:
        with writing(place):
            part.write_bytes(data)
        commit(part, place, overwrite)


def commit_all(contents: Mapping[Path, bytes], overwrite: bool) -> None:
    """Write several whole files: all, or none. The first gets its name last: with it, all is there.

    They get their names once all are written. What has appeared under one of these meanwhile is
    replaced with `overwrite` alone; else it stays, and OutputError is raised. Where one cannot be
    named, what was new of the others is taken away again. Links stand for what they lead to.
    """
    with ExitStack() as stack:
        parts: dict[Path, Path] = {}
        for target, data in contents.items():
            place = followed(target)
            parts[place] = stack.enter_context(part_for(place))
            with writing(place):
                parts[place].write_bytes(data)
        new = [place for place in parts if not os.path.lexists(place)]
        try:
            for place, part in reversed(parts.items()):
                _named_alone(part, place, overwrite)
        except BaseException:
            for place in new:
                if not parts[place].exists():  # it has got its name, and is ours
                    place.unlink(missing_ok=True)
            raise


def _named_alone(part: Path, target: Path, overwrite: bool) -> None:
    try:
        with writing(target):
            _named(part, target, overwrite)
    except _AppearedError:
        raise OutputError(
            f"{target}: has been made by somebody else meanwhile, and stays; nothing is written"
        ) from None


class _AppearedError(Exception):
    """Something has appeared under the target's name."""


def _named(part: Path, target: Path, overwrite: bool) -> None:
    try:
        give_name(part, target, overwrite)
    except FileExistsError:
        raise _AppearedError from None


def kept_aside(part: Path, target: Path, appeared: Path | None = None) -> OutputError:
    """Keep a finished `part` beside `target`, where something `appeared` under one of its names.

    Returns the error that says so; raises OutputError where it cannot be kept.
    """
    with writing(target):
        aside = put_aside(part, target)
    return OutputError(
        f"{appeared or target}: has been made by somebody else meanwhile, and stays; the finished "
        f"output is kept as {aside}"
    )
