"""The setting of an encoder is found again by what it leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.clips import picture

from vsr.adaptation.match_compression import _write, like
from vsr.degradation.compression import Compression
from vsr.model_selection.analyze import SourceAnalysis, analyze


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    grain = random.normal(0, 6, (3, 6, 96, 128))
    frames = np.array([[picture(40 * c + n, 128, 96) for n in range(6)] for c in range(3)])
    return [*(frames + grain).clip(0, 255).astype(np.uint8)]


def look(folder: Path, clips: list[np.ndarray], compression: Compression) -> SourceAnalysis:
    path = folder / "clips.mkv"
    _write(path, clips, compression)
    return analyze(path)


@pytest.mark.parametrize(("codec", "quality"), [("h264", 20), ("h264", 33), ("mpeg4", 6)])
def test_the_quality_is_found(
    tmp_path: Path, clips: list[np.ndarray], codec: str, quality: int
) -> None:
    found = like(look(tmp_path, clips, Compression(codec, quality)), clips)
    assert found.codec == codec
    assert abs(found.quality - quality) <= 1


def test_bits_serve_where_no_quantiser_is_told(tmp_path: Path, clips: list[np.ndarray]) -> None:
    told = look(tmp_path, clips, Compression("h264", 28))
    assert told.quantiser is not None
    found = like(replace(told, quantiser=None), clips)
    assert abs(found.quality - 28) <= 1


def test_another_codec_stands_in(tmp_path: Path, clips: list[np.ndarray]) -> None:
    told = replace(look(tmp_path, clips, Compression("h264", 30)), codec="av1")
    assert like(told, clips).codec == "h264"


def test_clips_of_odd_sides_and_of_few_pixels_can_be_written(tmp_path: Path) -> None:
    plane = picture(3, 29, 25)
    found = look(tmp_path, [np.stack([plane] * 3)], Compression("h264", 30))
    assert found.bits > 0
