"""The scripts in examples/ do what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from support.clips import Clip, make
from support.natural_picture import natural
from support.paths import ROOT

pytestmark = pytest.mark.slow

SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("examples")
    make(path / "in.mp4", Clip(width=64, height=48, audio=("eng",)))
    cv2.imwrite(str(path / "in.png"), natural(width=96, height=64))
    return path


def run(name: str, *arguments: object) -> str:
    script = ROOT / "examples" / name
    command = [sys.executable, str(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_all_are_run_here() -> None:
    assert [script.name for script in SCRIPTS] == [
        *("compare.py", "file.py", "frames.py", "image.py", "options.py")
    ]


def test_an_image(folder: Path) -> None:
    assert run("image.py", folder / "in.png", folder / "large.png") == "96x64 -> 192x128\n"
    assert cv2.imread(str(folder / "large.png")).shape == (128, 192, 3)


def test_frames(folder: Path) -> None:
    lines = run("frames.py", folder / "in.mp4").splitlines()
    assert len(lines) == 10
    assert all("128x96" in line for line in lines)


def test_a_file(folder: Path) -> None:
    said = run("file.py", folder / "in.mp4", folder / "large.mp4")
    assert said.endswith("10 frames by espcn, copied: 1 audio aac (eng)\n")


def test_options(folder: Path) -> None:
    assert "in_x2.mp4: 5 frames" in run("options.py", folder, folder / "in.mp4")
    assert (folder / "in_x2.mp4").exists()


def test_comparing(folder: Path) -> None:
    lines = run("compare.py", folder / "in.png").splitlines()
    scores = [float(line.split()[1]) for line in lines]
    assert scores == sorted(scores)
