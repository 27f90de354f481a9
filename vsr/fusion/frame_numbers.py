"""Several frames, named by their numbers: 3,7,10-14."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vsr.core.errors import InputError
from vsr.core.option_checks import whole
from vsr.util.text import shown

_MOST = 1000  # frames that can take part
_RANGE = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", re.ASCII)


def frame_numbers(name: str, value: object) -> tuple[int, ...]:
    """Numbers of frames, ascending, each once: of text such as "3,7,10-14", or several numbers.

    Raises InputError, which names the option `name`.
    """
    found = _parsed(name, value) if isinstance(value, str) else _several(name, value)
    if len(found) > _MOST:
        raise InputError(f"{name}: names {len(found)} frames; at most {_MOST} take part")
    return tuple(sorted(found))


def _parsed(name: str, text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split(",") if text.strip() else ():
        match = _RANGE.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise InputError(
                f"{name} {shown(text)}: write numbers of frames, and ranges of them: 3,7,10-14"
            )
        if last - first >= _MOST:
            raise InputError(f"{name} {shown(part)}: at most {_MOST} frames take part")
        found |= set(range(first, last + 1))
    return found


def _several(name: str, value: object) -> set[int]:
    if not isinstance(value, Iterable):
        raise InputError(f"{name} {shown(value)}: must be numbers of frames, such as (3, 7)")
    found = {whole(InputError, name, one) for one in value}
    if found and min(found) < 0:
        raise InputError(f"{name} {min(found)}: frames are counted from 0")
    return found


def numbers_text(numbers: Iterable[int]) -> str:
    """As `frame_numbers` reads it, in few words: 3,7,10-14."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)
