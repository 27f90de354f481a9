"""How far the fusion of a still is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from vsr.core.events import ignore


@dataclass(frozen=True)
class Fusing:
    """How far it is.

    Attributes:
        done: of all work, about, in 0..1.
        work: what is done now: one of WORKS.
    """

    done: float
    work: str


Tell: TypeAlias = Callable[[Fusing], None]
"""Takes how far it is."""

WORKS = {"following": 0.4, "registering": 0.25, "tuning": 0.2, "solving": 0.05, "certainty": 0.1}
"""What is done, in order, and about how much of all work each is."""


@dataclass(frozen=True)
class Work:
    """One of WORKS, which tells how far it is with itself."""

    name: str
    tell: Tell = ignore

    def __call__(self, share: float) -> None:
        """`share` of it is done, in 0..1."""
        names = list(WORKS)
        before = sum(WORKS[name] for name in names[: names.index(self.name)])
        done = before + WORKS[self.name] * min(max(share, 0.0), 1.0)
        self.tell(Fusing(round(done, 4), self.name))
