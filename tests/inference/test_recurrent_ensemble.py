"""Self-ensemble of a recurrent network: eight videos that know nothing of each other, averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from support.noise_frames import assert_equal, described, model
from support.noise_frames import noise as uneven_noise
from support.random_weights import drawn
from torch import Tensor
from torch.nn import functional as F

from vsr.core.frame import Frame, VideoInfo
from vsr.inference.engine import Engine, prepared, restore
from vsr.inference.ensemble import POSITIONS
from vsr.inference.recurrent_ensemble import RecurrentEnsemble
from vsr.networks.cost import cost
from vsr.networks.recurrent import Recurrent

CPU = torch.device("cpu")
QUALITY = torch.tensor([0.3, 0.1]).view(1, 2, 1, 1)


def network(coming_aligned: bool = True, scale: int = 2) -> Recurrent:
    options = {"features": 8, "pairs": 1, "flow_features": 4, "hidden": 6, "grades": 2}
    made = drawn(Recurrent(scale, coming_aligned=coming_aligned, **options))
    with torch.no_grad():
        made.outward.weight.mul_(0.2)
        for layers in (made.motion.coarse, made.motion.fine):
            layers[-1].weight.mul_(0.1)  # small errors stay small
    return made


def video(height: int, width: int, count: int = 6) -> Tensor:
    """(T, H, W) in 0..1, every other pair of neighbours alike in its lower half."""
    frames = torch.rand(count, height, width, generator=torch.Generator().manual_seed(2))
    for n in range(2, count, 2):
        frames[n, height // 2 :] = frames[n - 1, height // 2 :]
    return frames


@torch.inference_mode()
def played(by: Recurrent, frames: Tensor) -> Tensor:
    """What steps through (T, H, W) give: (T, s*H, s*W)."""
    frames = frames.contiguous()
    state = by.start(frames[None, :1])
    found = []
    for n in range(len(frames)):
        seen = torch.stack([frames[min(n + k, len(frames) - 1)] for k in range(by.seen)])[None]
        phases, state = by.step(seen, state, QUALITY)
        found.append(F.pixel_shuffle(phases, by.scale)[0, 0])
    return torch.stack(found)


def moved(x: Tensor, turned: bool, flips: Sequence[int]) -> Tensor:
    return (x.transpose(-1, -2) if turned else x).flip(flips)


@pytest.mark.parametrize("coming_aligned", [False, True])
@pytest.mark.parametrize(("scale", "sides"), [(2, (20, 28)), (3, (13, 18)), (4, (9, 31))])
def test_it_is_the_mean_of_eight_videos(
    coming_aligned: bool, scale: int, sides: tuple[int, int]
) -> None:
    by, frames = network(coming_aligned, scale), video(*sides)
    total = torch.zeros(())
    for turned, flips in POSITIONS:
        large = played(by, moved(frames, turned, flips)).flip(flips)
        total = total + (large.transpose(-1, -2) if turned else large)
    found = played(RecurrentEnsemble(by), frames)
    torch.testing.assert_close(found, total / len(POSITIONS), atol=1e-5, rtol=0)
    assert (found - played(by, frames)).abs().max() > 1e-3


@pytest.mark.parametrize(("turned", "flips"), POSITIONS)
def test_a_video_moved_gives_the_result_moved(turned: bool, flips: tuple[int, ...]) -> None:
    by, frames = RecurrentEnsemble(network()), video(24, 16)
    expected = moved(played(by, frames), turned, flips)
    torch.testing.assert_close(
        played(by, moved(frames, turned, flips)), expected, atol=1e-4, rtol=0
    )


def made(
    frames: Sequence[Frame], info: VideoInfo, workers: int, tile: int | None, ensemble: bool
) -> list[Frame]:
    shot = (replace(frame, starts_shot=n == 0) for n, frame in enumerate(frames))
    chosen = Engine((CPU,), "fp32", workers, tile, ensemble)
    return list(restore(shot, info, model(network()), chosen, pytest.fail))


@pytest.mark.parametrize("format_", ["yuv420p", "gbrp"])
def test_tiles_and_cores_change_nothing(format_: str) -> None:
    info = described(format_, 70, 53, "left")
    frames = [replace(f, pts=n, duration=1) for n, f in enumerate(uneven_noise(4, info, 4))]
    whole = made(frames, info, 1, 0, ensemble=True)
    assert len(whole) == len(frames)
    for workers, tile in ((2, None), (3, 0), (1, 16), (2, 28)):
        assert_equal(made(frames, info, workers, tile, ensemble=True), whole)
    plain = made(frames, info, 1, 0, ensemble=False)
    assert not any(one.shows_same(other) for one, other in zip(plain, whole, strict=True))


def test_what_stands_still_for_long_is_kept() -> None:
    info = described("gray", 40, 32)
    first = uneven_noise(1, info, 4)[0]
    still = [replace(first, pts=n, duration=1) for n in range(20)]
    corner = [frame.planes[0].copy() for frame in still]
    for n, plane in enumerate(corner):
        plane[:4, :4] = 10 * n
    frames = [replace(f, planes=(p,)) for f, p in zip(still, corner, strict=True)]
    found = made(frames, info, 2, 8, ensemble=True)
    assert max(frame.stood_still or 0.0 for frame in found) > 0.3
    assert_equal(found, made(frames, info, 1, 0, ensemble=True))


def test_it_takes_eight_times_as_much() -> None:
    for aligned in (False, True):
        once, often = cost(network(aligned)), cost(RecurrentEnsemble(network(aligned)))
        assert (often.macs, often.parameters) == (8 * once.macs, once.parameters)


def test_the_engine_makes_it() -> None:
    ready = prepared(network(), Engine((CPU,), "fp32", 1, self_ensemble=True))
    assert isinstance(ready, RecurrentEnsemble)
    assert not any(parameter.requires_grad for parameter in ready.parameters())
    for fact in ("scale", "future", "warmup", "receptive_field", "coming_aligned", "seen"):
        assert getattr(ready, fact) == getattr(network(), fact)
