"""Frames that a person keeps or drops, whatever judging says of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from vsr.core.errors import InputError
from vsr.fusion.frame_numbers import numbers_text
from vsr.fusion.judge import Verdict

DROPPED = "dropped by hand"
"""The reason of frames that a person drops."""


def decided(
    verdicts: Sequence[Verdict], keep: Sequence[int], drop: Sequence[int]
) -> tuple[Verdict, ...]:
    """The verdicts, with what a person says of some frames.

    A frame that is kept counts by its own noise, as any other. Raises InputError for a frame that
    is none of these, and for one to keep in which the region was not found.
    """
    known = {verdict.window.number: verdict for verdict in verdicts}
    for name, numbers in (("keep", keep), ("drop", drop)):
        for number in numbers:
            if number not in known:
                raise InputError(
                    f"{name} {number}: the region is looked for in frames "
                    f"{numbers_text(known)} alone"
                )
    for number in keep:
        window = known[number].window
        if window.found is None:
            raise InputError(f"keep {number}: nothing of this frame can be taken: {window.lost}")
    return tuple(_with(verdict, keep, drop) for verdict in verdicts)


def without(verdicts: Sequence[Verdict], drop: Iterable[int]) -> tuple[Verdict, ...]:
    """The verdicts with these frames dropped."""
    return tuple(_with(verdict, (), tuple(drop)) for verdict in verdicts)


def _with(verdict: Verdict, keep: Sequence[int], drop: Sequence[int]) -> Verdict:
    if verdict.window.number in drop:
        return replace(verdict, reason=DROPPED, judged=verdict.reason)
    if verdict.window.number in keep:
        return replace(verdict, reason="", judged=verdict.reason)
    return verdict
