"""The score that chooses weights: that of `vsr eval`, on pictures and on clips."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.clips import Clip, make, picture
from support.context_network import Blend, blend
from support.rgb_networks import RgbBicubic, colours, rgb_bicubic

from vsr.core.errors import InputError, TrainingError
from vsr.evaluation.evaluate import evaluate
from vsr.evaluation.measure import CLIP_BORDER
from vsr.evaluation.score import PERFECT
from vsr.networks.interpolation import Interpolation
from vsr.training.validation import RECORDED, in_both, validate, validation_items

CPU = torch.device("cpu")


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """A folder of frames that move."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), picture(3 * number, 50, 42))
    return folder


def test_files_that_are_found_for_validation(frames: Path, tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mkv", Clip(50, 42, codec="ffv1", options={}, pts=(0, 1, 2)))
    cv2.imwrite(str(tmp_path / "still.png"), picture(0, 40, 40))
    assert validation_items([tmp_path], 2) == [clip, frames, tmp_path / "still.png"]
    assert validation_items([], 2) == []


def test_files_that_are_learnt_from_too(frames: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(frames)
    files = sorted(frames.iterdir())
    assert in_both([tmp_path / "link"], [frames]) == files
    assert in_both([files[1], files[2]], [frames]) == files[1:3]
    assert in_both([files[0]], [files[1]]) == []
    assert in_both([], [frames]) == in_both([frames], []) == []


def test_a_folder_of_frames_is_a_clip_whose_neighbours_count(frames: Path) -> None:
    items = validation_items([frames], 2)
    found = validate(Blend(), items, CPU)
    (expected,) = evaluate([frames], blend(), "cpu")
    assert found == pytest.approx(expected.psnr, abs=1e-6)
    alone = [validate(Blend(), [file], CPU) for file in frames.iterdir()]
    assert all(score is not None and found is not None and score > found + 1 for score in alone)


def test_the_score_is_the_mean_over_items(frames: Path, tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mkv", Clip(50, 42, codec="ffv1", options={}, pts=(0, 1, 2)))
    still = tmp_path / "still.png"
    cv2.imwrite(str(still), picture(0, 41, 47))  # sides that 2 does not divide
    items = [frames, clip, still]
    for network in (Interpolation(2), Blend()):
        singles = [validate(network, [item], CPU) for item in items]
        assert len(set(singles)) == 3
        assert validate(network, items, CPU) == pytest.approx(np.mean(singles))
    assert validate(Blend(), [], CPU) is None


def test_rgb_networks_are_scored_as_by_eval(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mkv", Clip(50, 42, codec="ffv1", options={}, pts=(0, 1, 2)))
    for number in range(3):
        (tmp_path / "frames").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f"frames/{number}.png"), colours(number, 50, 42))
    cv2.imwrite(str(tmp_path / "still.png"), colours(7, 41, 47))
    items = validation_items([tmp_path], 2)
    assert items == [clip, tmp_path / "frames", tmp_path / "still.png"]
    expected = [score.psnr for score in evaluate(items, rgb_bicubic(2), "cpu")]
    assert validate(RgbBicubic(2), items, CPU) == pytest.approx(np.mean(expected))
    assert validate(RgbBicubic(2, context=1), items, CPU) == pytest.approx(np.mean(expected))


def test_what_is_perfect_is_no_infinity(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "flat.png"), np.full((40, 40), 90, np.uint8))
    assert validate(Interpolation(2), [tmp_path / "flat.png"], CPU) == PERFECT


@pytest.mark.parametrize("scale", [2, 4])
def test_what_is_too_small_is_refused(tmp_path: Path, scale: int) -> None:
    for name, least in (("still.png", 3 * scale), ("clip.mkv", 2 * CLIP_BORDER + scale)):
        for side in (least, least - 1):
            path = tmp_path / f"{side}" / name
            path.parent.mkdir(exist_ok=True)
            if path.suffix == ".png":
                cv2.imwrite(str(path), picture(0, side, 60))
            else:
                options = {"codec": "ffv1", "options": {}, "pix_fmt": "gray"}
                make(path, Clip(side, 60, pts=(0, 1), **options))
            if side == least:
                (item,) = validation_items([path], scale)
                assert validate(Interpolation(scale), [item], CPU) is not None
            else:
                with pytest.raises(TrainingError, match=rf"{name}: .* x{scale} needs {least} pix"):
                    validation_items([path], scale)


def test_validation_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no image or video"):
        validation_items([tmp_path], 2)
    with pytest.raises(InputError, match="no such file"):
        validation_items([tmp_path / "none"], 2)
    (tmp_path / "broken.png").write_bytes(b"?")
    with pytest.raises(InputError, match=r"broken\.png"):
        validation_items([tmp_path], 2)


def test_recorded_pictures_are_harder(tmp_path: Path) -> None:
    """And as hard every time."""
    frames = tmp_path / "clip"
    frames.mkdir()
    for number in range(4):
        cv2.imwrite(str(frames / f"{number}.png"), picture(number, 96, 80))
    cv2.imwrite(str(tmp_path / "one.png"), picture(7, 96, 80))
    items = [frames, tmp_path / "one.png"]
    clean, once, again = (
        validate(Interpolation(2), items, CPU, how) for how in (None, RECORDED, RECORDED)
    )
    assert clean is not None
    assert once is not None
    assert once == again
    assert once < clean - 1
