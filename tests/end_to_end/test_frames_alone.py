"""A video that becomes images: what these cannot hold of it is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.clips import Clip, make

from vsr import upscale


@pytest.mark.parametrize(
    ("name", "holder"),
    [
        ("large", "an image"),
        ("f_%04d.png", "an image"),
        ("large.webp", ".webp"),
        ("one.png", ".png"),
    ],
)
def test_what_images_cannot_hold_is_named(tmp_path: Path, name: str, holder: str) -> None:
    clip = Clip(audio=("eng",), subtitles=((0.0, 0.3, "one"),), chapters=((0, 200, "a"),))
    source, target = make(tmp_path / "in.mkv", clip), tmp_path / name
    end = 0.04 if name == "one.png" else None
    result = upscale(source, target, model="nearest", scale=2, end=end)
    assert result.dropped == (
        f"1 audio aac (eng): {holder} cannot hold it",
        f"2 subtitle subrip (eng): {holder} cannot hold it",
        f"1 chapter: {holder} cannot hold it",
    )
    again = upscale(source, target, model="nearest", scale=2, end=end, audio="none",
                    subtitles=False, overwrite=True)  # fmt: skip
    assert again.dropped == (f"1 chapter: {holder} cannot hold it",)
