"""Text on true frames."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from vsr.training.captions import Caption, Clock, draw_captions


def blank(level: int = 100, count: int = 3, side: int = 160) -> np.ndarray:
    return np.full((count, side, side), level, np.uint8)


def drawn(caption: Caption, **how: int) -> np.ndarray:
    frames = blank(**how)
    caption.draw(frames)
    return frames


def test_a_clock_counts_the_time_of_day() -> None:
    clock = Clock(datetime(2024, 12, 31, 23, 59, 59), "%Y-%m-%d %H:%M:%S", 25)
    assert clock.text(0) == clock.text(24) == "2024-12-31 23:59:59"
    assert clock.text(25) == "2025-01-01 00:00:00"
    counted = Clock(datetime(2024, 1, 2, 3, 4, 5), "%H:%M:%S", 25, counted=True)
    assert [counted.text(n) for n in (0, 1, 25)] == ["03:04:05.00", "03:04:05.04", "03:04:06.00"]


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("bottom", [False, True])
def test_text_stands_in_its_corner(right: bool, bottom: bool) -> None:
    found = drawn(Caption("CAM 7", 12, right=right, bottom=bottom, margin=(10, 6)))
    rows, columns = np.nonzero(found[0] != 100)
    assert rows.size > 20
    assert (rows.mean() > 80) == bottom
    assert (columns.mean() > 80) == right
    assert min(columns.min(), 159 - columns.max()) >= 10
    assert min(rows.min(), 159 - rows.max()) >= 6


def test_white_text_has_a_black_edge_where_asked() -> None:
    plain, edged = (drawn(Caption("CAM", 24, 600, edge=edge)) for edge in (0, 3))
    assert plain.min() == 100
    assert edged.min() == 0
    assert plain.max() == edged.max() == 255
    assert (edged == 255).sum() >= (plain == 255).sum() > 0


def test_the_frames_of_a_clock_differ_and_those_of_a_name_do_not() -> None:
    clock = Clock(datetime(2024, 1, 2), "%H:%M:%S", 10, counted=True)
    ticking, fixed = (drawn(Caption(text, 12)) for text in (clock, "LOBBY"))
    assert not np.array_equal(ticking[0], ticking[1])
    assert np.array_equal(fixed[0], fixed[1])


@pytest.mark.parametrize("right", [False, True])
def test_what_is_longer_than_the_picture_is_cut(right: bool) -> None:
    found = drawn(Caption("W" * 60, 20, right=right, margin=(30, 0)), side=80)
    assert (found[0] != 100).any()


def test_text_larger_than_the_picture_is_cut() -> None:
    assert (drawn(Caption("W", 40), side=40)[0] != 100).any()


def test_drawn_ones_follow_from_the_seed_and_fit() -> None:
    clocks = 0
    for seed in range(60):
        one, again = (draw_captions(4, 320, np.random.default_rng(seed)) for _ in range(2))
        assert one == again
        assert 1 <= len(one) <= 2
        assert len({caption.bottom for caption in one}) == len(one)
        assert all(16 <= caption.capitals <= 40 for caption in one)
        clocks += any(isinstance(caption.text, Clock) for caption in one)
        frames = blank(count=1, side=320)
        for caption in one:
            caption.draw(frames)
        assert (frames != 100).any()
    assert 35 <= clocks <= 58
