"""Scores by the papers' protocol: the published numbers, and what each file counts for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from clips import Clip, make, picture

from vsr import Model, load_model
from vsr.errors import InputError
from vsr.evaluation.evaluate import CLIP_BORDER, PERFECT, Score, compare, evaluate, mean
from vsr.evaluation.metrics import dtssd, psnr, ssim
from vsr.evaluation.protocol import crop_to_multiple, degrade, reconstruct
from vsr.resample import resize

CPU = torch.device("cpu")
LOSSLESS = {"codec": "ffv1", "options": {}}
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


def save_frames(folder: Path, frames: Iterable[np.ndarray]) -> Path:
    """A folder of frame1.png, frame2.png, ... frame10.png: in natural order, not by letters."""
    folder.mkdir()
    for number, frame in enumerate(frames, 1):
        cv2.imwrite(str(folder / f"frame{number}.png"), frame)
    return folder


def test_a_clip_of_one_frame_scores_as_the_image(tmp_path: Path, bicubic: Model) -> None:
    path = make(tmp_path / "clip.mkv", Clip(48, 40, pts=(0,), **LOSSLESS))
    (found,) = evaluate([path], bicubic, "cpu")
    truth = picture(0, 48, 40)
    large = reconstruct(bicubic.network, truth, CPU)
    assert found.psnr == pytest.approx(psnr(large, truth, 8))
    assert found.ssim == pytest.approx(ssim(large, truth, 8))
    assert (found.frames, found.frame_psnr, found.cuts) == (1, (found.psnr,), ())
    assert found.dtssd is None


def test_a_clip_frame_by_frame(tmp_path: Path, bicubic: Model) -> None:
    folder = save_frames(tmp_path / "clip", [picture(n, 50, 43) for n in range(12)])
    (found,) = evaluate([folder], bicubic, "cpu")
    truths = [crop_to_multiple(picture(n, 50, 43), 4) for n in range(12)]
    made = [reconstruct(bicubic.network, truth, CPU) for truth in truths]
    pairs = list(zip(made, truths, strict=True))
    assert (found.name, found.frames, found.cuts) == ("clip", 12, ())
    assert found.frame_psnr == pytest.approx([psnr(m, t, CLIP_BORDER) for m, t in pairs])
    assert found.psnr == pytest.approx(sum(found.frame_psnr) / 12)
    assert found.ssim == pytest.approx(sum(ssim(m, t, CLIP_BORDER) for m, t in pairs) / 12)
    changes = [
        dtssd((made[n - 1], made[n]), (truths[n - 1], truths[n]), CLIP_BORDER) for n in range(1, 12)
    ]
    assert found.dtssd == pytest.approx(sum(changes) / 11)


def test_a_folder_of_frames_and_a_lossless_video_score_the_same(
    tmp_path: Path, bicubic: Model
) -> None:
    video = make(tmp_path / "clip.mkv", Clip(48, 40, pts=range(11), **LOSSLESS))
    folder = save_frames(tmp_path / "clip", [picture(n, 48, 40) for n in range(11)])
    (one,), (other,) = (list(evaluate([path], bicubic, "cpu")) for path in (video, folder))
    assert replace(one, path=folder) == other


def test_a_clip_backwards_scores_the_same_without_context(tmp_path: Path, bicubic: Model) -> None:
    frames = [picture(n, 48, 40) for n in range(5)]
    paths = [save_frames(tmp_path / "on", frames), save_frames(tmp_path / "back", frames[::-1])]
    there, back = (score for path in paths for score in evaluate([path], bicubic, "cpu"))
    assert back.frame_psnr == there.frame_psnr[::-1]
    assert back.psnr == pytest.approx(there.psnr)
    assert back.ssim == pytest.approx(there.ssim)
    assert back.dtssd == pytest.approx(there.dtssd)


def test_what_is_restored_perfectly_changes_perfectly(tmp_path: Path, bicubic: Model) -> None:
    flat = [np.full((40, 48), 100 + n, np.uint8) for n in range(4)]
    (found,) = evaluate([save_frames(tmp_path / "flat", flat)], bicubic, "cpu")
    assert (found.psnr, found.ssim, found.dtssd, found.cuts) == (PERFECT, 1, 0, ())


def test_an_error_that_stays_is_no_wrong_change(tmp_path: Path, bicubic: Model) -> None:
    (found,) = evaluate([save_frames(tmp_path / "still", [picture(0, 48, 40)] * 3)], bicubic)
    assert found.psnr < 60
    assert found.dtssd == 0


def test_the_change_at_a_cut_does_not_count(tmp_path: Path, bicubic: Model) -> None:
    one, other = picture(0, 48, 40), 255 - picture(0, 48, 40)[:, ::-1]
    (found,) = evaluate([save_frames(tmp_path / "cut", [one] * 3 + [other] * 3)], bicubic)
    assert found.cuts == (3,)
    assert found.dtssd == 0


def test_stills_keeps_images_of_one_size_apart(tmp_path: Path, bicubic: Model) -> None:
    folder = save_frames(tmp_path / "set", [picture(n, 48, 40) for n in range(3)])
    scores = list(evaluate([folder], bicubic, stills=True))
    assert [score.name for score in scores] == ["frame1.png", "frame2.png", "frame3.png"]
    assert [score.dtssd for score in scores] == [None] * 3
    assert scores[0].psnr != next(evaluate([folder], bicubic)).frame_psnr[0]  # another border


def test_models_side_by_side_score_as_alone(images: Path, bicubic: Model) -> None:
    models = [load_model("nearest", 4), bicubic]
    clip = save_frames(images / "clip", [picture(n, 48, 40) for n in range(3)])
    items = [images / "0.png", clip]
    alone = [list(evaluate(items, model, "cpu")) for model in models]
    assert list(compare(items, models, "cpu")) == list(zip(*alone, strict=True))


def test_warnings_come_once_for_all_models(tmp_path: Path, bicubic: Model) -> None:
    clip = make(tmp_path / "clip.mkv", Clip(48, 40, pts=(0, 1), **LOSSLESS))  # finer than 1 ms
    said: list[str] = []
    assert list(compare([clip], [bicubic] * 3, "cpu", warn=said.append))
    assert len(said) == 1


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
    assert found.dtssd is None
    clips = [Score(Path("c"), 30, 0.9, 2, dtssd=dtssd) for dtssd in (1, 2)]
    assert mean([*scores, *clips]).dtssd == 1.5


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
    clip = save_frames(tmp_path / "clip", [picture(0, 40, 27)] * 3)
    with pytest.raises(InputError, match=r"clip: 40x27 is too small .* both sides need 28 pixels"):
        list(evaluate([clip], bicubic))
