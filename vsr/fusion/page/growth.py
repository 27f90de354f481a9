"""How a still grows with the number of frames that take part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from vsr.fusion.by_hand import without
from vsr.fusion.certainty import Knowledge
from vsr.fusion.options import FuseOptions
from vsr.fusion.still import Fused, inside, merit, one_thread, solution

COUNTS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True)
class Grown:
    """A still of some of the frames.

    Attributes:
        frames: their numbers, ascending.
        still: (C, H, W) float32, as `Fused` has it.
        knowledge: what they add to one.
    """

    frames: tuple[int, ...]
    still: Tensor
    knowledge: Knowledge


def growing(fused: Fused, options: FuseOptions) -> Iterator[Grown]:
    """The stills of the best 1, 2, 5, ... frames that take part, and last that of all.

    Each is, to the bit, the one that fusing the same source gives with all others in `drop`.
    """
    order = sorted(fused.used, key=merit, reverse=True)
    for count in COUNTS:
        if count >= len(order):
            break
        rest = [verdict.window.number for verdict in order[count:]]
        with one_thread():
            made = solution(fused.track, without(fused.verdicts, rest), options)
        frames = sorted(verdict.window.number for verdict in order[:count])
        yield Grown(tuple(frames), inside(made.still, options.scale)[0], made.knowledge)
    everyone = tuple(verdict.window.number for verdict in fused.used)
    yield Grown(everyone, fused.still, fused.knowledge)
