"""Which tiles hold all that is active."""

from __future__ import annotations

import numpy as np
import pytest

from vsr.inference.active import active_tiles
from vsr.inference.tiles import GRID


@pytest.mark.parametrize("seed", range(30))
def test_every_active_pixel_lies_in_a_tile_that_sees_enough(seed: int) -> None:
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 200, 2)
    halo = int(random.integers(0, 12))
    active = random.random((height, width)) < random.choice([0, 0.0005, 0.003, 0.3])
    held = np.zeros(active.shape, int)
    for tile in active_tiles(active, halo):
        held[tile.core] += 1
        for own, seen, length in zip(tile.core, tile.seen, active.shape, strict=True):
            assert seen.start <= max(0, own.start - halo)
            assert seen.stop >= min(length, own.stop + halo)
            assert seen.start % GRID == 0
            assert seen.stop % GRID == 0 or seen.stop == length
    assert held[active].all()


def test_a_small_part_costs_little() -> None:
    active = np.zeros((1080, 1920), np.bool_)
    active[500:520, 900:960] = True
    assert sum(tile.seen_pixels for tile in active_tiles(active, 8)) < 0.01 * active.size


def test_nothing_active_is_no_tile() -> None:
    assert active_tiles(np.zeros((64, 64), np.bool_), 8) == []
