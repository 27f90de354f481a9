"""Stream report: what became of each stream besides the video."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Others:
    """A video's other streams, or an image's metadata, named for people.

    Attributes:
        copied: as they are.
        converted: into what the output can hold, with what they became.
        dropped: left out, with the reason where there is one to tell.
    """

    copied: tuple[str, ...] = ()
    converted: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def together(all_: Iterable[Others]) -> Others:
    """Those of several files as one, each name once."""
    found = list(all_)
    return Others(
        copied=tuple(dict.fromkeys(name for each in found for name in each.copied)),
        converted=tuple(dict.fromkeys(name for each in found for name in each.converted)),
        dropped=tuple(dict.fromkeys(name for each in found for name in each.dropped)),
    )
