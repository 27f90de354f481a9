"""How a stored picture is turned and mirrored to be shown."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vsr.core.orientation import Orientation

TURNS: list[tuple[tuple[float, ...], Callable[[NDArray[Any]], NDArray[Any]]]] = [
    ((1, 0, 0, 1), lambda x: x),
    ((-1, 0, 0, 1), np.fliplr),
    ((1, 0, 0, -1), np.flipud),
    ((-1, 0, 0, -1), lambda x: np.rot90(x, 2)),
    ((0, 1, -1, 0), lambda x: np.rot90(x, -1)),
    ((0, -1, 1, 0), np.rot90),
    ((0, 1, 1, 0), lambda x: x.swapaxes(0, 1)),
    ((0, -1, -1, 0), lambda x: np.rot90(x, 2).swapaxes(0, 1)),
]


def matrix(*entries: float, moved: int = 0) -> tuple[int, ...]:
    a, b, c, d = (round(n * 65536) for n in entries)
    return a, b, 0, c, d, 0, moved, moved, 2**30


def turned_by(degrees: float) -> tuple[int, ...]:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return matrix(cosine, sine, -sine, cosine)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 2)])
@pytest.mark.parametrize(("entries", "shown"), TURNS)
def test_pixels_are_shown_as_players_show_them(
    entries: tuple[float, ...], shown: Callable[[NDArray[Any]], NDArray[Any]], shape: Any
) -> None:
    stored = np.arange(math.prod(shape)).reshape(shape)
    found = Orientation.nearest(matrix(*entries))
    assert np.array_equal(found.shown(stored), shown(stored))
    assert found.shown(stored).base is not None
    assert found.pair(4, 3) == shown(stored).shape[1::-1]
    assert Orientation.exact(matrix(*entries)) == found
    assert Orientation.exact(matrix(*(2 * n for n in entries), moved=7)) == found


def test_each_turn_is_another() -> None:
    assert len({Orientation.nearest(matrix(*entries)) for entries, _ in TURNS}) == 8


def test_no_matrix_changes_nothing() -> None:
    assert Orientation.nearest(None) == Orientation.exact(None) == Orientation()
    assert Orientation() == Orientation.nearest(matrix(1, 0, 0, 1))


@pytest.mark.parametrize("degrees", [10, 30, 44, 46, 80, 100, 170, 200, 260, 350])
def test_another_angle_is_none_or_the_nearest_quarter(degrees: int) -> None:
    assert Orientation.exact(turned_by(degrees)) is None
    nearest = Orientation.exact(turned_by(round(degrees / 90) * 90))
    assert Orientation.nearest(turned_by(degrees)) == nearest


@pytest.mark.parametrize("degrees", [0.5, 89.5, 180.5, 269.5])
def test_half_a_degree_does_not_matter(degrees: float) -> None:
    assert Orientation.exact(turned_by(degrees)) == Orientation.nearest(turned_by(degrees))
    assert Orientation.exact(turned_by(degrees)) is not None


def test_a_matrix_that_shows_nothing_is_none() -> None:
    assert Orientation.exact(matrix(0, 0, 0, 0)) is None
    assert Orientation.exact(matrix(1, 0, 0, 0)) is None
