"""The images of a folder, each by itself: what an error leaves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from vsr.core.errors import InputError
from vsr.core.result import Run
from vsr.pipeline.image_folder import run_stills


@pytest.mark.parametrize("others", [False, True])
def test_an_error_is_told_whatever_others_put_into_the_folder(tmp_path: Path, others: bool) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    assert cv2.imwrite(str(source / "a.png"), np.zeros((8, 8, 3), np.uint8))

    def run(image: Path, into: Path, done: int, images: int) -> Run:
        if others:
            (target / "Thumbs.db").touch()
        raise InputError(f"{image}: is broken")

    with pytest.raises(InputError, match="is broken"):
        run_stills(source, target, False, run)
    assert target.exists() == others
