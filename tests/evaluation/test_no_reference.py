"""Means of what shows without the truth."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from support.natural_picture import natural

from vsr.core.blockiness import blockiness
from vsr.evaluation.flicker import motion_between
from vsr.evaluation.no_reference import Traces


def test_means_over_frames() -> None:
    frames = [natural(n) for n in range(3)]
    motion = motion_between(frames[0], frames[0])
    traces = Traces(2)
    for frame in frames:
        traces.add(frame, motion)
    assert traces.blockiness == pytest.approx(np.mean([blockiness(f, 16) for f in frames]))
    changes = [np.subtract(b, a, dtype=float) for a, b in pairwise(frames)]
    expected = np.mean([np.sqrt(np.mean(change**2)) for change in changes])
    assert traces.flicker == pytest.approx(expected)


def test_cuts_do_not_flicker() -> None:
    traces = Traces(2)
    for n in range(3):
        traces.add(natural(n))
    assert traces.flicker is None
    assert traces.blockiness is not None


def test_pictures_without_room_for_blocks() -> None:
    traces = Traces(4)
    traces.add(natural()[:100])
    assert (traces.blockiness, traces.flicker) == (None, None)
    traces.add(natural())
    assert traces.blockiness == blockiness(natural(), 32)
