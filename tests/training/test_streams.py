"""Streams: lanes go on where they were, small frames belong to large ones."""

from __future__ import annotations

from itertools import cycle

import numpy as np
import pytest
import torch

from vsr.degradation.compression import Compression
from vsr.degradation.degradations import Jpeg
from vsr.evaluation.protocol import shrink
from vsr.training.stream_lesson import _seen
from vsr.training.streams import Streams
from vsr.training.takes import FRAMES, SIDE, Take, draw_take, quantiser, walk
from vsr.training.window_pairs import WindowPairs

SCALE = 2


@pytest.fixture(scope="module")
def source() -> WindowPairs:
    random = np.random.default_rng(1)
    stills = [random.integers(0, 256, (220, 300), np.uint8) for _ in range(2)]
    clips = [[random.integers(0, 256, (180, 200), np.uint8) for _ in range(9)]]
    return WindowPairs(stills, clips, SCALE, 1)


def test_takes_have_their_shape_and_can_be_drawn_again(source: WindowPairs) -> None:
    for seed in range(12):
        take = draw_take(source, np.random.default_rng(seed))
        assert take.large.shape == (FRAMES, SIDE * SCALE, SIDE * SCALE)
        assert take.small.shape == (FRAMES, SIDE, SIDE)
        assert take.quality.shape == (2,)
        assert 0 <= take.quality.min() <= take.quality.max() <= 1
        again = draw_take(source, np.random.default_rng(seed))
        assert np.array_equal(take.small, again.small)


def test_clean_takes_are_the_reduction_itself(source: WindowPairs) -> None:
    clean = [
        take for seed in range(12) if (take := draw_take(source, np.random.default_rng(seed))).clean
    ]
    assert clean
    for take in clean:
        assert np.array_equal(take.small[-1], shrink(take.large[-1], SIDE, SIDE))


def test_a_walk_stays_inside_and_moves(source: WindowPairs) -> None:
    for seed in range(20):
        places = walk(200, (40, 60), 4, np.random.default_rng(seed))
        assert places.min() >= 0
        assert (places <= [40, 60]).all()
        assert len(np.unique(places, axis=0)) > 1


def _numbered(clean: bool) -> Take:
    """A take whose frames hold their number."""
    numbers = np.arange(FRAMES, dtype=np.uint8)[:, None, None]
    large = np.broadcast_to(numbers, (FRAMES, SIDE * SCALE, SIDE * SCALE))
    small = np.broadcast_to(numbers, (FRAMES, SIDE, SIDE))
    return Take(large, small, np.zeros(2, np.float32), 0.01, clean)


@pytest.mark.parametrize("clean", [False, True])
def test_lanes_go_on_where_they_were(
    source: WindowPairs, monkeypatch: pytest.MonkeyPatch, clean: bool
) -> None:
    monkeypatch.setattr("vsr.training.streams.draw_take", lambda *_: _numbered(clean))
    streams = Streams(source, lanes=3, patch=16, future=2)
    random = np.random.default_rng(5)
    last = [None] * 3
    for _ in range(40):
        chunk = streams.next(8, random)
        assert chunk.small.shape == (3, 10, 16, 16)
        assert chunk.large.shape == (3, 8, 32, 32)
        for n in range(3):
            shown = chunk.small[n, :, 0, 0].int()
            assert torch.equal(chunk.large[n, :, 0, 0].int(), shown[:8])
            if chunk.fresh[n]:
                assert shown[0] == 0
            else:
                assert abs(shown[0] - last[n]) == 1
            steps = shown.diff().abs()
            assert steps.max() <= 1
            assert steps[:7].min() == 1  # of frames that are restored none is repeated
            last[n] = shown[7]


def test_few_lanes_last_and_all_others_end_with_their_take(
    source: WindowPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = cycle((True, False))
    monkeypatch.setattr("vsr.training.streams.draw_take", lambda *_: _numbered(next(kinds)))
    streams = Streams(source, lanes=20, patch=16, future=2)
    random = np.random.default_rng(5)
    ages = np.zeros(20, int)
    longest = np.zeros(20, int)
    clean = []
    for _ in range(150):
        chunk = streams.next(8, random)
        ages = np.where(chunk.fresh.numpy(), 8, ages + 8)
        longest = np.maximum(longest, ages)
        assert chunk.clean[:2].all()
        clean.append(float(chunk.clean[2:].float().mean()))
    assert (longest[2:] == FRAMES).all()
    assert (longest[:2] > 2 * FRAMES).all()
    assert np.mean(clean) == pytest.approx(0.5, abs=0.05)  # as often as they are drawn


def test_most_takes_are_played_about_once(
    source: WindowPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    take = _numbered(False)
    monkeypatch.setattr("vsr.training.streams.draw_take", lambda *_: drawn.append(1) or take)
    streams = Streams(source, lanes=10, patch=16, future=2)
    random = np.random.default_rng(5)
    begun = sum(int(streams.next(8, random).fresh.sum()) for _ in range(200))
    assert 0.6 < len(drawn) / begun < 1.2


def test_a_tenth_of_the_lanes_is_live(source: WindowPairs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vsr.training.streams.draw_take", lambda *_: _numbered(False))
    streams = Streams(source, lanes=20, patch=16, future=2)
    random = np.random.default_rng(5)
    begun = live = 0
    last = torch.zeros(20, dtype=torch.bool)
    for _ in range(120):
        chunk = streams.next(8, random)
        assert torch.equal(chunk.live[~chunk.fresh], last[~chunk.fresh])  # as long as it lasts
        begun, live = begun + int(chunk.fresh.sum()), live + int(chunk.live[chunk.fresh].sum())
        last = chunk.live
    assert begun > 500
    assert live / begun == pytest.approx(0.1, abs=0.035)


def test_a_live_lane_sees_the_frame_itself_in_place_of_those_to_come() -> None:
    window = torch.arange(3.0).view(1, 3, 1, 1).expand(2, 3, 4, 4)
    found = _seen(window, torch.tensor([True, False]))
    assert (found[0] == 0).all()
    assert torch.equal(found[1], window[1])


def test_quantisers_on_one_scale() -> None:
    def of(*steps: object) -> float:
        return quantiser(steps)

    assert of() == 0
    assert of(Compression("h264", 28, "medium", 12, 2)) == 28
    assert of(Compression("mpeg4", 2, "", 12, 0)) < of(Compression("mpeg4", 8, "", 12, 0))
    assert of(Compression("mpeg4", 4, "", 12, 0)) == pytest.approx(22)
    assert of(Jpeg(90)) < of(Jpeg(50))


def test_a_patch_larger_than_takes_is_refused(source: WindowPairs) -> None:
    with pytest.raises(ValueError, match="must be at most"):
        Streams(source, 1, SIDE + 1, 1)
