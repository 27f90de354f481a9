"""Tests of what a network is told of a source and of its frames."""

from __future__ import annotations

import numpy as np
import pytest

from vsr.core.frame import Frame
from vsr.core.quality import COARSEST, Quality

PLANES = (np.zeros((8, 8), np.uint8),)


def frames(*quantisers: float | None) -> list[Frame]:
    return [Frame(PLANES, n, quantiser=one) for n, one in enumerate(quantisers)]


def test_frames_that_tell_count_for_themselves() -> None:
    source = Quality(20, 1.5, beyond=-3)
    assert source.of(frames(30, 36)) == Quality(30, 1.5, -3)
    assert source.of(frames(30, None, 36)) == Quality(30, 1.5, -3)


@pytest.mark.parametrize(("told", "expected"), [(1, 0), (51, COARSEST)])
def test_within_what_networks_know(told: float, expected: float) -> None:
    assert Quality(20, beyond=-3).of(frames(told)).quantiser == expected


def test_where_nothing_is_told_the_source_counts() -> None:
    source = Quality(20, 1.5, beyond=-3)
    assert source.of(frames(None, None)) is source


def test_by_hand_frames_do_not_count() -> None:
    source = Quality.by_hand(50)
    assert source.of(frames(10, 20)) is source
