"""A part of a video, in exact seconds from its start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from vsr.core.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Span:
    """From `start` up to, not including, `end`: seconds from the file's start; None is open."""

    start: Fraction | None = None
    end: Fraction | None = None

    def __post_init__(self) -> None:
        if self.start is not None and self.start < 0:
            raise InputError(f"start {float(self.start):g} s: must not be negative")
        if self.end is not None and self.end <= (self.start or 0):
            raise InputError(
                f"end {float(self.end):g} s: must come after the start "
                f"({float(self.start or 0):g} s)"
            )

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self.start is None and self.end is None

    def length(self, total: Fraction | None) -> Fraction | None:
        """Seconds covered of a video `total` seconds long; None where that is unknown."""
        ends = [t for t in (self.end, total) if t is not None]
        return max(Fraction(0), min(ends) - (self.start or 0)) if ends else None


class Inside(Generic[T]):
    """Items up to the first that lies behind a span, which is kept.

    Attributes:
        behind: that one, once it has been met.
    """

    def __init__(self, items: Iterator[T], is_behind: Callable[[T], bool]) -> None:
        self.behind: T | None = None
        self._items = items
        self._is_behind = is_behind

    def __iter__(self) -> Iterator[T]:
        for item in self._items:
            if self._is_behind(item):
                self.behind = item
                return
            yield item
