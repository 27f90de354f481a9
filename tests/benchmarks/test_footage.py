"""The table of models on footage: what is set against what, and that it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from support.natural_picture import natural
from support.paths import ROOT
from support.scripts import loaded, script_of

from vsr.core.errors import ModelError
from vsr.evaluation.score import Score

SCRIPT = script_of("footage")


@pytest.fixture(scope="module")
def footage() -> ModuleType:
    return loaded("footage")


def score(clip: str, psnr: float) -> Score:
    return Score(Path(clip), psnr, 0.9, 2, psnr / 10, true_flicker=2.0, flicker=psnr / 20)


def test_rows_of_groups_and_of_all(footage: ModuleType) -> None:
    names = ["bicubic", "espcn", "espcn-footage"]
    scores = [tuple(score(c, 30 + n + m) for m in range(3)) for n, c in enumerate("abc")]
    groups = {"one": [Path("a")], "more": [Path("b"), Path("c")]}
    rows = list(footage.rows("state", groups, scores, names))
    assert [(row.clips, row.count, row.model) for row in rows] == [
        (group, count, model)
        for group, count in (("one", 1), ("more", 2), ("all", 3))
        for model in ("truth", *names)
    ]
    by_name = {(row.clips, row.model): row for row in rows}
    assert by_name["more", "espcn"].figures["psnr"] == 32.5
    assert by_name["all", "bicubic"].figures["psnr"] == 31
    assert by_name["all", "bicubic"].against == {}
    assert by_name["one", "espcn"].against["bicubic"]["psnr"] == 1
    assert list(by_name["one", "espcn"].against) == ["bicubic"]
    trained = by_name["all", "espcn-footage"].against
    assert [trained[other]["psnr"] for other in ("bicubic", "espcn")] == [2, 1]
    assert by_name["all", "truth"].figures == {"flicker": 2.0}


def test_a_footage_model_without_its_clean_one(footage: ModuleType) -> None:
    rows = list(footage.rows("s", {"a": [Path("a")]}, [(score("a", 30),)], ["vespcn-footage"]))
    assert rows[-1].against == {}


def test_models_by_name_and_file(footage: ModuleType) -> None:
    file = ROOT / "weights/espcn_x2.safetensors"
    words = f"bicubic, espcn-footage={file}, {file}"
    assert [m.name for m in footage.chosen(words, 2)] == ["bicubic", "espcn-footage", "espcn_x2"]
    with pytest.raises(ModelError, match="nothing"):
        footage.chosen("nothing", 2)


@pytest.mark.slow
def test_the_footage_benchmark_runs_and_refuses_wrong_options(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    for n in range(4):
        cv2.imwrite(str(tmp_path / f"clip/{n}.png"), np.roll(natural(), 3 * n, axis=1))
    words = [tmp_path / "clip", "--scale", "2", "--models", "bicubic,lanczos", "--frames", "3"]
    command = [sys.executable, str(SCRIPT), *map(str, words), "--crf", "clean,33"]
    found = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert [(row["state"], row["model"]) for row in rows] == [
        (state, model)
        for state in ("clean", "noise 3, h264 medium crf 33")
        for model in ("truth", "bicubic", "lanczos")
    ]
    clean, recorded = rows[2]["figures"], rows[5]["figures"]
    assert clean["psnr"] > recorded["psnr"]
    assert clean.keys() == recorded.keys() == {"psnr", "ssim", "dtssd", "flicker", "blockiness"}
    assert rows[2]["against"]["bicubic"]["psnr"] > 0
    assert rows[0]["figures"] == rows[3]["figures"]
    wrong = subprocess.run([*command, "--crf", "none"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("footage: ")
