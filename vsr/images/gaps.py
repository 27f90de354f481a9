"""Numbered images of which some are missing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise

from vsr.util.text import counted

_MOST_SHOWN = 5  # gaps that are named
_MOST_MISSING = 10  # for each image that is there; beyond, the numbers are dates and the like


def gap_note(names: Sequence[str]) -> str:
    """What to tell people of gaps in the last number of names such as f_1.png; "" for none.

    Names in the order of their numbers; those that differ in more than that number are no
    sequence. Where all numbers are steps apart, as 10, 20, 40, so are the missing ones.
    """
    return gap_note_of(_numbers(names))


def gap_note_of(numbers: Sequence[int]) -> str:
    """The same for the numbers themselves."""
    if len(numbers) < 3:
        return ""
    gaps = [later - earlier for earlier, later in pairwise(numbers)]
    if min(gaps) <= 0:
        return ""
    step = math.gcd(*gaps)
    missing = [
        (before + step, before + gap - step)
        for before, gap in zip(numbers, gaps, strict=False)
        if gap > step
    ]
    if not missing:
        return ""
    count = sum((last - first) // step + 1 for first, last in missing)
    if count > _MOST_MISSING * len(numbers):
        return ""
    shown = [f"{first}" if first == last else f"{first} to {last}" for first, last in missing]
    more = ["..."] if len(shown) > _MOST_SHOWN else []
    where = ", ".join([*shown[:_MOST_SHOWN], *more])
    return (
        f"{counted(count, 'image')} missing between {numbers[0]} and {numbers[-1]} ({where}): "
        "the next ones follow at once, so that a video is that much shorter"
    )


def _numbers(names: Sequence[str]) -> list[int]:
    """The last number of each name; empty where the names differ in anything else."""
    found = [re.fullmatch(r"(.*?)(\d+)(\D*)", name) for name in names]
    parts = [match.groups() for match in found if match]
    if len(parts) < len(names) or len({(before, after) for before, _, after in parts}) != 1:
        return []
    return [int(digits) for _, digits, _ in parts]
