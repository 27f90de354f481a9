"""Scores by the papers' protocol: the published numbers, and what each file counts for."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from clips import Clip, make, picture

from vsr import Model, load_model
from vsr.cli.eval import eval_command
from vsr.errors import InputError
from vsr.evaluation.evaluate import PERFECT, Score, evaluate, mean
from vsr.evaluation.metrics import psnr, ssim
from vsr.evaluation.protocol import crop_to_multiple, degrade, reconstruct
from vsr.resample import resize

SETS = Path(__file__).parents[2] / "shared/data/val_images"


@pytest.fixture(scope="module")
def bicubic() -> Model:
    return load_model("bicubic", 4)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, (width, height) in enumerate(((45, 38), (30, 52))):
        cv2.imwrite(str(folder / f"{number}.png"), picture(number, width, height))
    return folder


@pytest.mark.skipif(not SETS.is_dir(), reason=f"{SETS} is not there")
@pytest.mark.parametrize(
    ("name", "scale", "psnr_db", "ssim_"),
    # As papers print them, from Huang et al. 2015 and Kim et al. 2016 (VDSR) on.
    [
        ("Set5", 2, 33.66, 0.9299),
        ("Set5", 3, 30.39, 0.8682),
        ("Set5", 4, 28.42, 0.8104),
    ],
)
def test_bicubic_scores_what_the_papers_say(
    name: str, scale: int, psnr_db: float, ssim_: float
) -> None:
    found = mean(list(evaluate([SETS / name], load_model("bicubic", scale), "cpu")))
    assert found.psnr == pytest.approx(psnr_db, abs=0.02)
    assert found.ssim == pytest.approx(ssim_, abs=0.001)


def test_the_protocol_step_by_step(images: Path, bicubic: Model) -> None:
    scores = list(evaluate([images], bicubic, "cpu"))
    assert [score.name for score in scores] == ["0.png", "1.png"]
    truth = picture(0, 45, 38)[:36, :44]
    small = resize(torch.from_numpy(truth).float(), 9, 11).round().clamp(0, 255)
    large = resize(small, 36, 44).round().clamp(0, 255).byte().numpy()
    assert scores[0].psnr == pytest.approx(psnr(large, truth, 4), abs=0.01)
    assert scores[0].ssim == pytest.approx(ssim(large, truth, 4), abs=1e-4)
    assert scores[0].frames == 1


def test_pieces_of_the_protocol(bicubic: Model) -> None:
    plane = picture(0, 31, 22)
    assert crop_to_multiple(plane, 4).shape == (20, 28)
    assert crop_to_multiple(plane, 3).shape == (21, 30)
    flat = np.full((20, 28), 200, np.uint8)
    assert np.array_equal(degrade(flat, 4), np.full((5, 7), 200))
    assert np.array_equal(reconstruct(bicubic.network, flat, torch.device("cpu")), flat)


def test_a_clip_counts_with_the_mean_of_its_frames(tmp_path: Path, bicubic: Model) -> None:
    clip = Clip(48, 40, codec="ffv1", options={}, pts=(0, 1, 2))
    (found,) = evaluate([make(tmp_path / "clip.mkv", clip)], bicubic, "cpu")
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture(number, 48, 40))
    frames = mean(list(evaluate([tmp_path / f"{n}.png" for n in range(3)], bicubic, "cpu")))
    assert (found.name, found.frames) == ("clip.mkv", 3)
    assert found.psnr == pytest.approx(frames.psnr)
    assert found.ssim == pytest.approx(frames.ssim)


def test_a_perfect_picture_keeps_the_mean_finite(tmp_path: Path, bicubic: Model) -> None:
    cv2.imwrite(str(tmp_path / "black.png"), np.zeros((40, 40), np.uint8))
    (found,) = evaluate([tmp_path], bicubic, "cpu")
    assert (found.psnr, found.ssim) == (PERFECT, 1)


def test_scores_come_one_by_one(images: Path, bicubic: Model) -> None:
    (images / "1.png").write_bytes(b"broken")
    scores = evaluate([images], bicubic, "cpu")
    assert next(scores).name == "0.png"
    with pytest.raises(InputError, match=r"1\.png: cannot be read as an image"):
        next(scores)


def test_every_file_counts_the_same_in_a_mean() -> None:
    scores = [Score(Path("a"), 20, 0.5, frames=1), Score(Path("b"), 30, 0.9, frames=9)]
    found = mean(scores)
    assert (found.psnr, found.ssim, found.items) == (25, pytest.approx(0.7), 2)


def test_what_cannot_be_scored(tmp_path: Path, bicubic: Model) -> None:
    with pytest.raises(InputError, match="nothing to evaluate"):
        list(evaluate([tmp_path], bicubic))
    with pytest.raises(InputError, match="no such file"):
        list(evaluate([tmp_path / "none.png"], bicubic))
    cv2.imwrite(str(tmp_path / "small.png"), picture(0, 19, 40))
    with pytest.raises(InputError, match=r"19x40 is too small .* both sides need 20 pixels"):
        list(evaluate([tmp_path], bicubic))
    cv2.imwrite(str(tmp_path / "small.png"), picture(0, 20, 20))
    assert len(list(evaluate([tmp_path], bicubic))) == 1


def test_table(images: Path) -> None:
    more = images.parent / "more"
    more.mkdir()
    (more / "2.png").write_bytes((images / "0.png").read_bytes())
    result = CliRunner().invoke(eval_command, [str(images), str(more), "-m", "bicubic"])
    assert result.exit_code == 0, result.output
    rows = [line.rsplit(maxsplit=2) for line in result.stdout.splitlines()]
    assert [row[0].strip() for row in rows[1:]] == [
        "images/0.png",
        "images/1.png",
        "images (2 items)",
        "more/2.png",
        "more (1 items)",
        "all (3 items)",
    ]
    values = [float(row[1]) for row in rows[1:]]
    assert values[2] == pytest.approx((values[0] + values[1]) / 2, abs=0.01)
    assert values[5] == pytest.approx((values[0] + values[1] + values[3]) / 3, abs=0.01)


def test_json_lines(images: Path, bicubic: Model) -> None:
    result = CliRunner().invoke(eval_command, [str(images), "-m", "bicubic", "--json"])
    assert result.exit_code == 0, result.output
    *items, last = (json.loads(line) for line in result.stdout.splitlines())
    expected = list(evaluate([images], bicubic))
    assert [item["event"] for item in items] == ["item", "item"]
    assert [item["path"] for item in items] == [str(score.path) for score in expected]
    assert [item["psnr"] for item in items] == [score.psnr for score in expected]
    assert last == {
        "event": "result",
        "model": "bicubic",
        "scale": 4,
        "psnr": mean(expected).psnr,
        "ssim": mean(expected).ssim,
        "items": 2,
    }


def test_usage_and_failure_differ(tmp_path: Path) -> None:
    assert CliRunner().invoke(eval_command, []).exit_code == 2
    assert CliRunner().invoke(eval_command, [str(tmp_path), "-s", "5"]).exit_code == 2
    failed = CliRunner().invoke(eval_command, [str(tmp_path), "-m", "bicubic"])
    assert isinstance(failed.exception, InputError)
