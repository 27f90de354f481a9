"""What is learnt from and measured on may be damaged: every kind of run tells of it, once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from support.clips import Clip, make, remux
from support.colour_stills import colour_stills
from torch import Tensor, nn

from vsr.cli.train import train_command
from vsr.networks.recurrent import Recurrent
from vsr.training import adversarial
from vsr.training.adversarial import fit_adversarially
from vsr.training.adversarial_recipe import AdversarialRecipe
from vsr.training.content import Content
from vsr.training.cycle import fit_in_cycles
from vsr.training.cycle_recipe import CycleRecipe
from vsr.training.fit import fit
from vsr.training.footage import FootagePairs
from vsr.training.learn_degradation import learn_degradation
from vsr.training.reading import read_examples
from vsr.training.recipe import DegradationRecipe, Recipe
from vsr.training.recurrent_validation import validate_recurrent
from vsr.training.validation import RECORDED
from vsr.training.window_pairs import WindowPairs

FRAMES = 30


class _Plain(nn.Module):
    def forward(self, x: Tensor) -> list[Tensor]:
        return [x]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one clip: the whole, what is cut short, and what lost bytes in its middle."""
    folder = tmp_path_factory.mktemp("clips")
    pts = range(0, FRAMES * 512, 512)
    clip = Clip(64, 48, pts=pts, options={"g": "5", "bf": "0", "preset": "veryfast"})
    whole = remux(
        make(folder / "made.mp4", clip), folder / "whole.mp4", ("video",), movflags="faststart"
    )
    (folder / "made.mp4").unlink()
    data = whole.read_bytes()
    (folder / "cut.mp4").write_bytes(data[: len(data) * 2 // 3])
    middle, lost = len(data) // 2, len(data) // 8
    (folder / "middle.mp4").write_bytes(data[:middle] + b"\xff" * lost + data[middle + lost :])
    return folder


def test_a_whole_video_is_not_told(clips: Path) -> None:
    told: list[str] = []
    assert len(list(read_examples(clips / "whole.mp4", "y", warn=told.append))) == FRAMES
    assert told == []


@pytest.mark.parametrize("step", [1, 6])
def test_a_cut_video_is_told_with_its_frames(clips: Path, step: int) -> None:
    told: list[str] = []
    path = clips / "cut.mp4"
    seen = len(list(read_examples(path, "y", step, told.append)))
    (line,) = told
    found = re.fullmatch(
        rf"{re.escape(str(path))}: (\d+) of about {FRAMES} frames could be read; "
        r"the file is truncated: \d+ bytes are missing at its end(; .*)?",
        line,
    )
    assert found, line
    assert -(-int(found[1]) // step) == seen < FRAMES


def test_a_video_that_is_damaged_in_its_middle_is_told(clips: Path) -> None:
    told: list[str] = []
    list(read_examples(clips / "middle.mp4", "y", warn=told.append))
    (line,) = told
    assert re.search(r"frames could be read; .*(damaged|could not be decoded)", line)


def test_every_step_th_frame_is_the_same_as_before(clips: Path) -> None:
    every = [picture.luma for picture in read_examples(clips / "whole.mp4", "y")]
    some = [picture.luma for picture in read_examples(clips / "whole.mp4", "y", 6)]
    assert len(some) == FRAMES // 6
    assert all(np.array_equal(a, b) for a, b in zip(some, every[::6], strict=True))


def _kinds(clips: Path, photos: Path) -> dict[str, Callable[..., Any]]:
    cut = clips / "cut.mp4"
    common: dict[str, Any] = {"batch": 2, "patch": 16, "device": "cpu", "threads": 1}
    course = common | {"iterations": 2, "reparam_width": 0}
    light = {"blocks": 1, "features": 4, "light": True}
    windows = {"features": 4, "layers": 3, "flow_features": 4}
    plain = Recipe("espcn", 2, (cut,), **course)
    versus = AdversarialRecipe(Recipe("edsr", 2, (cut,), options=light, **course))
    learnt = DegradationRecipe(2, "y", (photos,), (cut,), 1, **common)
    pair = Recipe("espcn", 2, (photos,), **course)
    several = Recipe("vdsr", 2, (cut,), options={"scales": (2, 3)}, **course | {"patch": 8})
    seen = Recipe("vespcn", 2, (cut,), options=windows, **course)
    measured = Recipe("espcn", 2, (photos,), (cut,), **course)
    sharp, real = CycleRecipe(plain, (photos,)), CycleRecipe(pair, (cut,))
    return {
        "stills": lambda folder, warn: fit(plain, folder, print, warn=warn),
        "windows": lambda folder, warn: fit(seen, folder, print, warn=warn),
        "scales": lambda folder, warn: fit(several, folder, print, warn=warn),
        "validation": lambda folder, warn: fit(measured, folder, print, warn=warn),
        "adversarial": lambda folder, warn: fit_adversarially(versus, folder, print, warn),
        "sharp": lambda folder, warn: fit_in_cycles(sharp, folder, print, warn),
        "real": lambda folder, warn: fit_in_cycles(real, folder, print, warn),
        "degradation": lambda folder, warn: learn_degradation(learnt, folder, print, warn),
    }


@pytest.mark.parametrize(
    "kind",
    ["stills", "windows", "scales", "validation", "adversarial", "sharp", "real", "degradation"],
)
def test_every_kind_of_run_tells_it_once(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(adversarial, "load_content", lambda path: Content(_Plain(), (1.0,)))
    monkeypatch.setattr("vsr.training.data.LOSSY", (1.0,))
    monkeypatch.setattr("vsr.training.window_pairs.LOSSY", (1.0,))
    photos = colour_stills(tmp_path / "photos", 64, 48)
    told: list[str] = []
    _kinds(clips, photos)[kind](tmp_path / "run", told.append)
    assert [line.partition(": ")[0] for line in told] == [str(clips / "cut.mp4")]


def test_recordings_and_recurrent_networks_tell_it(clips: Path) -> None:
    told: list[str] = []
    WindowPairs.load([clips / "cut.mp4"], 2, 1, 8, reductions=(1.0, 0.5), warn=told.append)
    FootagePairs.load([clips / "cut.mp4"], 2, 0, 8, warn=told.append)
    assert len(told) == 2
    network = Recurrent(2, features=4, pairs=1, flow_features=4).eval()
    validate_recurrent(network, [clips / "cut.mp4"], torch.device("cpu"), RECORDED, told.append)
    assert set(told) == {told[0]}
    assert len(told) == 4


def test_the_command_tells_it(clips: Path, tmp_path: Path) -> None:
    words = [str(clips), "-o", str(tmp_path / "run"), "-s", "2", "--iterations", "1", "-d", "cpu"]
    words += ["--batch", "2", "--patch", "8", "--reparam-width", "0", "--threads", "1"]
    result = CliRunner().invoke(train_command, words)
    assert result.exit_code == 0, result.output
    told = [line for line in result.stderr.splitlines() if "could be read" in line]
    names = ["cut.mp4", "middle.mp4"]
    starts = [f"vsr: warning: {clips / name}: " for name in names]
    assert all(line.startswith(start) for line, start in zip(told, starts, strict=True))
