"""The benchmark of fused stills: scenes whose truth is known, and how they are read and scored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import av
import cv2
import numpy as np
import pytest
from support.scripts import loaded, script_of

NAMES = ("stroke_font", "fuse_scenes", "fuse_reading", "fuse")


@pytest.fixture(scope="module")
def parts() -> Iterator[dict[str, ModuleType]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(script_of("fuse").parent))
        import fuse_reading
        import fuse_scenes
        import stroke_font

        yield {
            "stroke_font": stroke_font,
            "fuse_scenes": fuse_scenes,
            "fuse_reading": fuse_reading,
            "fuse": loaded("fuse"),
        }


def test_a_script_s_letters_are_all_drawn_otherwise(parts: dict[str, ModuleType]) -> None:
    font = parts["stroke_font"]
    assert len(font.SCRIPTS) == 5
    for script, glyphs in font.SCRIPTS.items():
        drawn = {}
        for character, glyph in glyphs.items():
            canvas = np.zeros((80, 60), np.uint8)
            font.draw(canvas, glyph, 10, 10, 10, 8)
            assert canvas[2:-2, 2:-2].max() == 255
            drawn[canvas.tobytes()] = character
        assert len(drawn) == len(glyphs), script


def test_a_scene_is_the_same_each_time_and_as_it_says(
    parts: dict[str, ModuleType], tmp_path: Path
) -> None:
    scenes = parts["fuse_scenes"]
    one = replace(scenes.scene(3), frames=4)
    first, second = (scenes.record(one, tmp_path / f"{name}.mp4") for name in "ab")
    np.testing.assert_array_equal(first.truth, second.truth)
    x, y, width, height = first.box
    assert first.truth.shape == (4 * height, 4 * width)
    with av.open(str(first.path)) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(frames) == 4
    shown = scenes.luma(np.ascontiguousarray(frames[0][y : y + height, x : x + width]))
    small = cv2.resize(first.truth, (width, height), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(shown.ravel(), small.ravel())[0, 1] > 0.8


def test_seeds_are_scenes_of_all_scripts(parts: dict[str, ModuleType]) -> None:
    made = [parts["fuse_scenes"].scene(seed) for seed in range(20)]
    assert {one.script for one in made} == set(parts["stroke_font"].SCRIPTS)
    assert all(2 <= one.noise <= 8 and 23 <= one.crf <= 36 for one in made)
    assert len({one.frames for one in made}) > 2
    assert {one.motion for one in made} == {"shift", "turn", "perspective"}


def test_templates_read_the_truth_and_not_a_blur(
    parts: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, scenes = parts["fuse_reading"], parts["fuse_scenes"]
    monkeypatch.setattr(reading, "languages", lambda: ())
    for seed in range(5):
        one = replace(scenes.scene(seed), frames=1)
        truth = scenes.record(one, tmp_path / f"{seed}.mp4").truth
        assert reading.reads(one.script) == "templates"
        assert reading.rightly_read(truth, one) >= 0.9 * len(one.text), one
        blurred = cv2.GaussianBlur(truth, (0, 0), 12)
        assert reading.rightly_read(blurred, one) < 0.6 * len(one.text)


def test_letters_too_many_count_off(parts: dict[str, ModuleType]) -> None:
    distance = parts["fuse_reading"]._distance
    assert distance("ABC", "ABC") == 0
    assert distance("AXC", "ABC") == distance("ABCD", "ABC") == distance("AC", "ABC") == 1
    assert distance("", "ABC") == 3


def test_a_shift_costs_nothing_and_noise_does(
    parts: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts["fuse_reading"], "languages", lambda: ())
    one = replace(parts["fuse_scenes"].scene(0), frames=1)
    truth = parts["fuse_scenes"].record(one, tmp_path / "a.mp4").truth
    score = parts["fuse"].score
    assert score(np.roll(truth, (2, -1), (0, 1)), truth, one).psnr == np.inf
    noise = np.random.default_rng(0).normal(0, 20, truth.shape)
    noisy = np.clip(truth + noise, 0, 255).astype(np.uint8)
    assert 15 < score(noisy, truth, one).psnr < 25
