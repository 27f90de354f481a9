"""What takes more memory than there is, is refused before it begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.moving_sign import BOX, drawn

import vsr
from vsr.fusion.memory import bytes_needed

INFO = drawn(1).info


def test_the_need_grows_with_frames_region_scale_and_what_is_kept_whole() -> None:
    least = bytes_needed(INFO, BOX, 2, 10, 0)
    assert bytes_needed(INFO, BOX, 2, 20, 0) > least
    assert bytes_needed(INFO, BOX, 4, 10, 0) > least
    assert bytes_needed(INFO, replace(BOX, width=60), 2, 10, 0) > least
    assert bytes_needed(INFO, BOX, 2, 10, 7) == least + 7 * INFO.width * INFO.height


def test_too_little_memory_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.png"
    cv2.imwrite(str(source), drawn(1).frames[0].astype(np.uint8))
    monkeypatch.setattr("vsr.fusion.memory.free_memory", lambda _: 1000)
    with pytest.raises(vsr.InputError) as caught:
        vsr.fuse(source, tmp_path / "look.png", crop="24,16,48,20", model="")
    assert str(caught.value).startswith("48x20 pixels of 1 frames need about ")
    assert str(caught.value).endswith("are free: take a smaller region, or fewer frames")
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]
