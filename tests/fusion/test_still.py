"""The fused still: more than any one frame knows, the same each time, and honest about it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from support.moving_sign import BOX, Scene, drawn

from vsr.core.crop import CropRegion
from vsr.fusion.follow import follow
from vsr.fusion.judge import judge
from vsr.fusion.options import FuseOptions
from vsr.fusion.samples import AROUND, gather
from vsr.fusion.still import Fused, _reconstructed

OPTIONS = FuseOptions(crop=CropRegion(*(BOX.x, BOX.y, BOX.width, BOX.height)))  # type: ignore[arg-type]


@cache
def fused(
    count: int, noise: float, step: tuple[float, float] = (0.37, 0.21)
) -> tuple[Scene, Fused]:
    scene = drawn(count, noise, step)
    track = follow(scene.sights(), BOX, scene.info)
    return scene, _reconstructed(track, judge(track), BOX, scene.info, OPTIONS)


def psnr(picture: torch.Tensor, scene: Scene) -> float:
    off = picture[0].clamp(0, 1).double().numpy() - scene.truth
    return float(-10 * np.log10(np.square(off).mean()))


@pytest.mark.slow
def test_many_frames_know_more_than_the_best_and_the_mean() -> None:
    scene, found = fused(16, 4)
    assert psnr(found.still, scene) > psnr(found.best, scene) + 3
    assert psnr(found.still, scene) > psnr(found.mean, scene) + 3
    assert found.knowledge.between_pixels == 2
    assert found.knowledge.over_mean > 2


@pytest.mark.slow
def test_it_is_the_same_each_time() -> None:
    scene, found = fused(16, 4)
    track = follow(scene.sights(), BOX, scene.info)
    threads = torch.get_num_threads()
    again = _reconstructed(track, judge(track), BOX, scene.info, OPTIONS)
    assert torch.equal(again.still, found.still)
    assert torch.equal(again.error, found.error)
    assert torch.get_num_threads() == threads


@pytest.mark.slow
def test_where_nothing_moves_no_detail_is_promised() -> None:
    scene, found = fused(12, 4, (0.0, 0.0))
    assert found.knowledge.between_pixels == 0
    assert "less noise, but no detail" in str(found.knowledge)
    assert torch.equal(found.still, found.mean)
    assert psnr(found.still, scene) > psnr(found.best, scene)


@pytest.mark.slow
def test_one_frame_is_itself() -> None:
    _, found = fused(1, 2)
    assert found.knowledge.frames == 1
    torch.testing.assert_close(found.still, found.best)
    assert float(found.error.max()) == 0


@pytest.mark.slow
def test_more_noise_is_less_sure() -> None:
    _, clean = fused(16, 4)
    _, noisy = fused(16, 9)
    assert float(noisy.error.mean()) > 1.3 * float(clean.error.mean())


def test_samples_lie_where_the_frames_show_them() -> None:
    scene = drawn(5, 0)
    track = follow(scene.sights(), BOX, scene.info)
    verdicts = judge(track)
    samples = gather(track.region, verdicts, 4)
    first = samples.chosen(samples.frames == 0)
    column = np.sort(np.unique(first.places[:, 0].round().numpy()))
    assert column[0] == pytest.approx(1.5, abs=0.6)
    assert np.all(np.diff(column) == 4)
    assert samples.size == ((BOX.height + 2 * AROUND) * 4, (BOX.width + 2 * AROUND) * 4)
    assert samples.widths == (4.0,)
    assert float(first.values.min()) >= 0
