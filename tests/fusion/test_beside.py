"""One frame is given to a network with those around it, which it looks at and does not show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest

from vsr.core.frame import Frame
from vsr.core.source import Source
from vsr.fusion.beside import _Amid


@dataclass(frozen=True)
class Ten:
    """A source of ten frames, of which it tells what was drawn."""

    drawn: list[int]

    def frames(self) -> Iterator[Frame]:
        for pts in range(10):
            self.drawn.append(pts)
            yield Frame((np.zeros((2, 2), np.uint8),), pts, 1)


@pytest.mark.parametrize(
    ("number", "context", "warmup", "expected"),
    [
        (4, 0, 0, [4]),
        (4, 2, 0, [2, 3, 4, 5, 6]),
        (4, 0, 3, [1, 2, 3, 4]),
        (0, 1, 0, [0, 1]),
        (9, 1, 0, [8, 9]),
    ],
)
def test_a_frame_comes_with_those_around_it(
    number: int, context: int, warmup: int, expected: list[int]
) -> None:
    drawn: list[int] = []
    source = cast(Source, Ten(drawn))
    found = list(_Amid(source, number).frames(context, warmup))
    assert [frame.pts for frame in found] == expected
    assert [frame.pts for frame in found if not frame.is_context] == [number]
    assert drawn[-1] <= number + context + 1
