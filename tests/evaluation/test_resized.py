"""Scores at factors that no network has."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.natural_picture import natural
from support.rgb_networks import RgbBicubic

from vsr.core.options import ComputeOptions
from vsr.core.resample import resize
from vsr.datasets.ground_truth import luma_picture
from vsr.evaluation.degrade import seen
from vsr.evaluation.evaluate import compare, evaluate
from vsr.evaluation.resized import restore_resized
from vsr.inference.engine import choose_engine
from vsr.inference.passes import going_on, load_for
from vsr.networks.catalogue import ModelCard
from vsr.networks.model import Model
from vsr.networks.registry import load_model

EXACT = ComputeOptions(device="cpu", precision="fp32", threads=1)
ENGINE = choose_engine(EXACT)


def clip(folder: Path, frames: int = 3) -> Path:
    folder.mkdir()
    large = natural(3, 150, 170)
    for n in range(frames):
        cv2.imwrite(str(folder / f"{n}.png"), large[n : n + 101, 2 * n : 2 * n + 119])
    return folder


@pytest.mark.parametrize("name", ["bicubic", "vespcn", "espcn"])
def test_a_networks_own_scale_scores_as_it_does_alone(tmp_path: Path, name: str) -> None:
    folder = clip(tmp_path / "clip")
    model = load_model(name, 2)
    pictures = [luma_picture(cv2.imread(str(f), 0)) for f in sorted(folder.iterdir())]
    tools = going_on(model, Fraction(2), ENGINE)
    found = restore_resized(tools, seen(pictures, 2), Fraction(2))
    for one, truth in zip(found, seen(pictures, 2), strict=True):
        assert np.array_equal(one.truth, truth.truth.luma)
    alone, again = (next(compare([folder], [model], EXACT, factor=f)) for f in (None, Fraction(2)))
    assert alone == again


@pytest.mark.parametrize("factor", [Fraction(9, 4), Fraction(3, 2), Fraction(5), Fraction(1)])
def test_pictures_shrink_to_whole_pixels_and_come_back(tmp_path: Path, factor: Fraction) -> None:
    folder = clip(tmp_path / "clip")
    models = [load_for(name, factor, ENGINE).model for name in ("bicubic", "vespcn")]
    heard: list[tuple[int, int]] = []
    (scores,) = compare(
        [folder],
        models,
        EXACT,
        factor=factor,
        look=lambda _item, _n, made: heard.extend(one.picture.shape for one in made),
    )
    p = factor.numerator
    assert set(heard) == {(101 // p * p, 119 // p * p)}
    assert len(scores[0].frame_psnr) == 3
    assert all(score.psnr > 20 for score in scores)


def test_it_is_the_networks_picture_reduced() -> None:
    truth = luma_picture(natural(2, 99, 90))
    factor = Fraction(9, 4)
    (one,) = seen([truth], factor)
    assert one.small.shape == (40, 44)
    (made,) = restore_resized(load_for("bicubic", factor, ENGINE), [one], factor)
    import torch

    small = torch.from_numpy(one.small)[None, None].float()
    network = load_model("bicubic", 3).network
    expected = resize(network(small)[0, 0], 90, 99).round().clamp(0, 255).numpy()
    assert np.abs(made.picture.astype(int) - expected).max() <= 1
    assert np.mean(made.picture != expected) < 0.001


def test_without_enlarging_a_clean_picture_loses_little(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), natural(5, 96, 96))
    (clean,) = evaluate([path], "bicubic", "cpu", scale=1)
    assert clean.psnr > 35


def test_networks_of_rgb_are_scored_too(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.dstack([natural(n, 90, 90) for n in range(3)]))
    rgb = Model(ModelCard("rgb", 2, "rgb"), RgbBicubic(2))
    factor = Fraction(3, 2)
    bicubic = load_model("bicubic", 2)
    (both,) = compare([path], [rgb, bicubic], EXACT, factor=factor)
    assert both[0].psnr == pytest.approx(both[1].psnr, abs=0.1)
