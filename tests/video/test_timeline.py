"""Times that are missing or wrong: known ones stay, and all increase."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from vsr.core.damage import Damage, Tally
from vsr.core.errors import InputError
from vsr.core.frame import Frame
from vsr.video.timeline import finer, steady

STEP = 4


def mended(*pts: int | None, strict: bool = False) -> tuple[list[Frame], Damage]:
    """Frames of these times after `steady`; each holds its number, to be known by."""
    tally = Tally(Path("clip"), strict)
    frames = (
        (Frame((np.full((1, 1), number, np.uint8),), t or 0), t is not None)
        for number, t in enumerate(pts)
    )
    return list(steady(frames, STEP, tally)), tally.damage


@pytest.mark.parametrize(
    ("pts", "found", "untimed", "mended_"),
    [
        ((0, 4, 8), (0, 4, 8), 0, 0),
        ((-8, -4, 0, 7), (-8, -4, 0, 7), 0, 0),
        ((10**12, 10**12 + 1), (10**12, 10**12 + 1), 0, 0),
        ((0, 4, 4000), (0, 4, 4000), 0, 0),  # a gap stays one
        ((None, None, None), (0, 4, 8), 3, 0),
        ((10, None, 18), (10, 14, 18), 1, 0),
        ((10, None, None, 40), (10, 14, 18, 40), 2, 0),
        ((10, None, 12, 18), (10, 11, 12, 18), 1, 0),
        ((0, 0, 8), (0, 4, 8), 0, 1),
        ((0, 0, 0, 9), (0, 3, 6, 9), 0, 2),
        ((0, 0, 0, 1), (0, 1, 2, 3), 0, 3),  # no room: the last one has to move too
        ((5, 3, 4, 100), (5, 9, 13, 100), 0, 2),
        ((0, 4, 8, 2, 12, 16), (0, 4, 8, 10, 12, 16), 0, 1),
        ((None, None, 9), (2, 5, 9), 2, 0),
        ((None, None, 5), (1, 3, 5), 2, 0),  # not before 0, which some containers do not show
        ((None, -20), (-24, -20), 1, 0),
        ((), (), 0, 0),
    ],
)
def test_rules_for_missing_and_wrong_times(
    pts: tuple[int | None, ...], found: tuple[int, ...], untimed: int, mended_: int
) -> None:
    frames, damage = mended(*pts)
    assert tuple(frame.pts for frame in frames) == found
    assert damage == Damage(untimed=untimed, repaired_pts=mended_)


def test_many_without_a_time_are_not_held_for_ever() -> None:
    drawn = 0

    def endless() -> object:
        nonlocal drawn
        while True:
            drawn += 1
            yield Frame((), 0), False

    frames = steady(endless(), STEP, Tally(Path("clip")))  # type: ignore[arg-type]
    for n in range(100):
        assert next(frames).pts == n * STEP
    assert drawn < 130


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_times_no_frame_is_lost_or_moved_in_order(seed: int) -> None:
    random = np.random.default_rng(seed)
    pts: list[int | None] = [
        None if random.random() < 0.2 else int(random.integers(-5, 200)) for _ in range(80)
    ]
    frames, _ = mended(*pts)
    assert [int(frame.planes[0][0, 0]) for frame in frames] == list(range(80))
    assert all(a.pts < b.pts for a, b in pairwise(frames))


def test_strict_allows_missing_times_but_no_wrong_ones() -> None:
    assert len(mended(0, None, 8, strict=True)[0]) == 3
    with pytest.raises(InputError, match=r"clip: 1 timestamp did not increase .*--strict"):
        mended(0, 4, 4, strict=True)


@pytest.mark.parametrize("base", ["1/25", "1/15", "1001/30000", "1/100", "1", "1/999"])
def test_coarse_ticks_are_cut_into_fine_ones(base: str) -> None:
    parts = finer(Fraction(base))
    assert Fraction(base) / parts <= Fraction(1, 1000) < Fraction(base) / parts * 2


@pytest.mark.parametrize("base", ["1/1000", "1/12800", "1/90000"])
def test_fine_ticks_stay(base: str) -> None:
    assert finer(Fraction(base)) == 1
