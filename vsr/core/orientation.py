"""How a stored picture is turned and mirrored to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

_STRAIGHT = 64  # of a display matrix's numbers, how often one must hold the other: one degree


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways in which a rectangle lies on the screen.

    Attributes:
        transposed: whether rows are shown as columns, before anything is mirrored.
        flip_x: whether the shown picture then runs from right to left.
        flip_y: whether it runs from below.
    """

    transposed: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def nearest(cls, matrix: Sequence[int] | None) -> Orientation:
        """That of libav's display matrix; another angle counts as the nearest quarter turn.

        The matrix shows the pixel x, y at a * x + c * y, b * x + d * y. How far it moves the
        picture, and its size, are no matter to players.
        """
        if matrix is None:
            return cls()
        a, b, _, c, d, *_ = matrix
        if abs(b) > abs(a):
            return cls(True, c < 0, b < 0)
        return cls(False, a < 0, d < 0)

    @classmethod
    def exact(cls, matrix: Sequence[int] | None) -> Orientation | None:
        """That of libav's display matrix; None for another angle than quarter turns."""
        if matrix is None:
            return cls()
        a, b, _, c, d, *_ = matrix
        straight = _outweighs(a, b) and _outweighs(d, c)
        on_its_side = _outweighs(b, a) and _outweighs(c, d)
        return cls.nearest(matrix) if straight or on_its_side else None

    def shown(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """A view of stored pixels, (rows, columns) or (rows, columns, channels), as shown."""
        turned = pixels.swapaxes(0, 1) if self.transposed else pixels
        return turned[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]

    def pair(self, x: Any, y: Any) -> tuple[Any, Any]:
        """What holds across and down, such as (width, height), as shown for stored or back."""
        return (y, x) if self.transposed else (x, y)


def _outweighs(large: int, small: int) -> bool:
    return abs(large) > _STRAIGHT * abs(small)
