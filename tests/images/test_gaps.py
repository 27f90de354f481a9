"""Numbered images of which some are missing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import vsr
from vsr.images.gaps import gap_note


def names(*numbers: int, form: str = "f_{:03d}.png") -> list[str]:
    return [form.format(number) for number in numbers]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((1, 2, 3, 5, 6, 9), "3 images missing between 1 and 9 (4, 7 to 8)"),
        ((0, 1, 3), "1 image missing between 0 and 3 (2)"),
        ((10, 20, 40, 50), "1 image missing between 10 and 50 (30)"),
        (
            (1, 3, 4, 6, 8, 10, 12, 14),
            "6 images missing between 1 and 14 (2, 5, 7, 9, 11, ...)",
        ),
        ((5, 6, 7), ""),
        ((10, 20, 30), ""),
        ((1, 3), ""),  # too few to tell a step
        ((20230101, 20230102, 20991231), ""),  # dates
    ],
)
def test_gaps_are_counted_and_named(numbers: tuple[int, ...], said: str) -> None:
    assert gap_note(names(*numbers)).partition(":")[0] == said


def test_other_names_are_no_sequence() -> None:
    assert not gap_note(["a1.png", "a2.png", "b5.png"])
    assert not gap_note(["a.png", "b.png", "c.png"])
    assert not gap_note([*names(1, 2), "f_4.jpg"])
    assert gap_note(names(1, 2, 4, form="shot2_{}_final.png"))
    assert gap_note(names(8, 9, 11, form="f{}.png"))


def test_a_video_of_them_warns(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    for name in names(1, 2, 4):
        cv2.imwrite(str(tmp_path / "frames" / name), np.zeros((16, 16, 3), np.uint8))
    result = vsr.upscale(tmp_path / "frames", tmp_path / "out.mp4", scale=2, model="nearest")
    assert sum("1 image missing" in warning for warning in result.warnings) == 1
