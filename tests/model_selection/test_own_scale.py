"""A model file that is for one scale sets the size where none is asked for, in every command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.cli_runner import vsr as command
from support.clips import Clip, make
from support.random_weights import drawn

import vsr
from vsr.core.options import UpscaleOptions
from vsr.model_selection.own_scale import at_own_scale
from vsr.networks.espcn import Espcn
from vsr.networks.literature.vdsr import Vdsr
from vsr.training.checkpoint import save_weights
from vsr.training.recipe import Recipe

SMALL: dict[str, Any] = {"kernels": (3, 3), "features": (4,)}
MULTI: dict[str, Any] = {"scales": (2, 3, 4), "layers": 3, "features": 4}


def saved(scale: int, path: Path) -> str:
    recipe = Recipe("espcn", scale, (path.parent,), options=SMALL)
    save_weights(drawn(Espcn(scale, **SMALL)), recipe, path)
    return str(path)


@pytest.fixture
def x2(tmp_path: Path) -> str:
    return saved(2, tmp_path / "x2.safetensors")


@pytest.fixture
def x3(tmp_path: Path) -> str:
    return saved(3, tmp_path / "x3.safetensors")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    cv2.imwrite(str(path), np.random.default_rng(3).integers(0, 256, (24, 36, 3), np.uint8))
    return path


@pytest.mark.parametrize(
    ("model", "models", "asked", "scale"),
    [
        ("x2", (), {}, 2),
        ("x2", (), {"scale": 3}, 3),
        ("x2", (), {"width": 90}, None),
        ("x2", (), {"to": "720p"}, None),
        ("espcn", (), {}, None),
        (None, (), {}, None),
        (None, ("x2", "x2"), {}, 2),
        (None, ("x2", "x3"), {}, None),
        (None, ("x2", "espcn"), {}, None),
    ],
)
def test_when_it_counts(
    x2: str,
    x3: str,
    model: str | None,
    models: Sequence[str],
    asked: dict[str, object],
    scale: int | None,
) -> None:
    files = {"x2": x2, "x3": x3}
    options = UpscaleOptions.of(model=files.get(str(model), model), **asked)
    found = at_own_scale(options, [files.get(name, name) for name in models])
    assert found.picture.scale == scale
    assert found == options.but(scale=scale)


def test_a_file_for_several_scales(tmp_path: Path) -> None:
    path = tmp_path / "several.safetensors"
    save_weights(Vdsr(4, **MULTI), Recipe("vdsr", 4, (tmp_path,), options=MULTI), path)
    assert at_own_scale(UpscaleOptions(model=str(path))).picture.scale is None


def test_an_image_its_record_and_what_is_done_again(x2: str, image: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    result = vsr.upscale(image, target, model=x2, record=True)
    assert (result.scale, result.then) == (2, ())
    assert cv2.imread(str(target)).shape[:2] == (48, 72)
    record = json.loads((tmp_path / "out.png.record.json").read_text())
    assert record["settings"]["scale"] == 2
    with pytest.raises(vsr.DoneError):  # the very same, asked for
        vsr.upscale(image, target, model=x2, record=True, scale=2)


def test_python_keeps_it_loaded(x2: str) -> None:
    up = vsr.Upscaler(x2)
    assert up.scale == 2
    assert up(np.zeros((8, 9, 3), np.uint8)).shape == (16, 18, 3)
    assert vsr.Upscaler(x2, scale=4).scale == 4
    assert vsr.Upscaler("nearest").scale == 4


def test_names_of_a_batch_and_its_dry_run(x2: str, image: Path, tmp_path: Path) -> None:
    words = ["batch", image, tmp_path / "large", "--model", x2, "-q"]
    assert command(*words).code == 0
    assert cv2.imread(str(tmp_path / "large" / "in_x2.png")).shape[:2] == (48, 72)
    told = command(*words[:2], tmp_path / "other", *words[3:5], "--dry-run", "--json").out
    assert "in_x2.png" in told
    assert not (tmp_path / "other").exists()


def test_a_preview_and_its_command(x2: str, tmp_path: Path) -> None:
    clip = make(tmp_path / "in.mp4", Clip(pts=range(0, 4 * 512, 512)))
    shown = vsr.preview(clip, tmp_path / "frames", models=[x2], start=0, duration=0.1)
    assert "in_x2.mp4" in shown.commands[1]
    assert "scale=2" in shown.commands[1]


def test_scores(x2: str, x3: str, image: Path) -> None:
    def scale(*words: object) -> object:
        ran = command("eval", image, *words, "--json")
        assert ran.code == 0, ran.err
        return ran.events[-1]["scale"]

    assert scale("--model", x2) == 2
    assert scale("--models", f"{x2},{x2}") == 2
    assert scale("--model", x2, "--scale", 3) == 3
    assert scale("--models", f"{x2},{x3}") == 4
    assert scale("--models", f"{x2},bicubic") == 4
