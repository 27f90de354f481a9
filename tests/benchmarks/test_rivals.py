"""Rivals beside vsr: what is measured and told, with doubles for their packages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from support.natural_picture import natural
from support.scripts import loaded, script_of

from vsr import load_model
from vsr.core.errors import InputError
from vsr.datasets.ground_truth import image_picture
from vsr.evaluation.protocol import enlarge

SCRIPT, CHILD = script_of("rivals"), script_of("contestants")


@pytest.fixture(scope="module")
def rivals() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPT.parent))
        yield loaded("rivals")


@pytest.fixture(scope="module")
def contestants() -> ModuleType:
    return loaded("contestants")


def truths(count: int = 3, width: int = 128, height: int = 96) -> list[Any]:
    frames = (np.roll(natural(), 2 * n, axis=1)[:height, :width] for n in range(count))
    return [image_picture(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR), "rgb") for frame in frames]


def test_all_get_the_same_small_frames(rivals: ModuleType) -> None:
    clean = rivals.shrunk("clip", "clean", truths(), 2, None)
    assert clean.rgb.shape == (3, 48, 64, 3)
    assert clean.luma.shape == (3, 48, 64)
    assert clean.truths.shape == (3, 96, 128)
    assert (clean.quantiser, clean.cuts) == (0, {0})
    words, recording = rivals.recording("28", 3.0)
    recorded = rivals.shrunk("clip", words, truths(), 2, recording)
    again = rivals.shrunk("clip", words, truths(), 2, recording)
    assert words == "noise 3, h264 crf 28"
    assert recorded.quantiser > 20
    assert np.array_equal(recorded.rgb, again.rgb)
    assert not np.array_equal(recorded.rgb, clean.rgb)
    assert np.array_equal(recorded.truths, clean.truths)
    with pytest.raises(InputError, match="fewer than 2 frames"):
        rivals.shrunk("clip", "clean", truths(1), 2, None)


def test_the_middle_of_true_frames(rivals: ModuleType) -> None:
    (truth,) = truths(1)
    part = rivals.middle(truth, (64, 32))
    assert np.array_equal(part.luma, truth.luma[32:64, 32:96])
    assert np.array_equal(part.samples, truth.samples[32:64, 32:96])
    assert rivals.middle(truth, (999, 999)).luma.shape == truth.luma.shape
    assert rivals.as_size("640x360") == (640, 360)
    for wrong in ("640", "640x0", "ax4", "1x2x3"):
        with pytest.raises(InputError, match="must be as 640x360"):
            rivals.as_size(wrong)


def test_figures_of_better_and_worse_frames(rivals: ModuleType) -> None:
    for package in ("imageio_ffmpeg", "erqa"):
        pytest.importorskip(package)
    material = rivals.shrunk("clip", "clean", truths(), 2, None)
    better = [cv2.GaussianBlur(plane, (0, 0), 0.5) for plane in material.truths]
    worse = [cv2.GaussianBlur(plane, (0, 0), 1.5) for plane in material.truths]
    good, bad = (
        rivals.as_figures(rivals.measured(planes, material, 2)) for planes in (better, worse)
    )
    assert good.keys() == bad.keys() == rivals.FIGURES.keys()
    assert all(good[name] > bad[name] for name in ("psnr", "ssim", "vmaf_neg", "xpsnr", "erqa"))
    assert good["dtssd"] < bad["dtssd"]
    with pytest.raises(ValueError, match=r"made frames of \(2, 96, 128\), not \(3, 96, 128\)"):
        rivals.measured(better[:2], material, 2)


def test_table_in_parts_of_one_of_ours(rivals: ModuleType) -> None:
    figures = {"psnr": 30.0, "ssim": 0.9, "vmaf_neg": 80.0}
    rows = [
        rivals.Row("clip", "clean", "span", figures, 2.5, 0.03, 70_000_000),
        rivals.Row("clip", "clean", rivals.UNIT, figures, 2.5, 0.02, 400_000_000),
        rivals.Row("clip", "clean", "real-cugan", {}, reason="not installed: pip install x"),
    ]
    *_, titles, _, span, unit, absent, note = rivals.table(rows, 3)
    columns = titles.count("|")
    assert span == "| span | 30.00 | 0.9000 |  |  | 80.0 |  |  | 1.50 | 70 |"
    assert unit.split(" | ")[-2:] == ["1.00", "400 |"]
    assert absent.startswith("| real-cugan | not installed: pip install x |")
    assert {line.count("|") for line in (span, unit, absent)} == {columns}
    assert note == ("\nCPU 1.00 is 20.0 ms of one core a frame. The true frames' flicker is 2.50.")
    *_, last, note = rivals.table(rows[:1], 3)
    assert last.endswith("|  | 70 |")
    assert note == "\nThe true frames' flicker is 2.50."


def test_the_default_model_takes_part(rivals: ModuleType) -> None:
    assert f"vsr-{load_model(None, 4).name}" in rivals.chosen(None)
    assert rivals.chosen(None)[0] == rivals.UNIT
    assert not set(rivals.SLOW) & set(rivals.chosen(None))
    assert rivals.chosen("span, ffmpeg-bicubic") == ["span", "ffmpeg-bicubic"]
    with pytest.raises(InputError, match="'waifu2x': must be some of vsr-vespcn"):
        rivals.chosen("waifu2x")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import os; os.kill(os.getpid(), 11)", "crashed: SIGSEGV"),
        ("import sys; sys.exit('a\\nlibvulkan.so.1 is missing')", "libvulkan.so.1 is missing"),
        ("import sys; sys.exit(4)", "exit 4"),
        ("import time; time.sleep(9)", "took longer than 0.5 seconds"),
    ],
)
def test_who_fails_has_a_row_that_says_so(
    rivals: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, reason: str
) -> None:
    (tmp_path / "contestants.py").write_text(script)
    monkeypatch.setattr(rivals, "HERE", tmp_path)
    material = rivals.shrunk("clip", "clean", truths(), 2, None)
    timeout = 0.5 if "sleep" in script else 60
    options = rivals.argparse.Namespace(scale=2, precision="fp32", timeout=timeout)
    assert rivals.row("span", material, options) == rivals.Row(
        "clip", "clean", "span", {}, reason=reason
    )


def test_contestants_that_are_not_at_hand(contestants: ModuleType) -> None:
    missing = contestants.Contestant((2,), lambda given: None, {"no_such_module": "no-such"})
    with pytest.raises(contestants.NotAtHandError, match="not installed: pip install no-such"):
        contestants.check_at_hand(missing, 2)
    with pytest.raises(contestants.NotAtHandError, match="has no x4, but x2"):
        contestants.check_at_hand(missing, 4)


def test_time_is_that_after_a_first_frame(contestants: ModuleType) -> None:
    clip = contestants.Clip(np.zeros((3, 4, 5, 3), np.uint8), np.zeros((3, 4, 5), np.uint8))
    counts = []

    def enlarge(some: Any) -> np.ndarray:
        counts.append((len(some.rgb), len(some.luma)))
        return np.repeat(some.luma, 2, axis=1)

    made, seconds = contestants.timed(enlarge, clip)
    assert counts == [(1, 1), (3, 3)]
    assert made.shape == (3, 8, 5)
    assert seconds >= 0
    assert contestants.peak_memory() > 10_000_000


@pytest.mark.slow
def test_a_contestant_by_itself_as_the_network_is(tmp_path: Path, contestants: ModuleType) -> None:
    """The same pixels as by `vsr eval`, from a process of its own."""
    small = natural()[:24, :32]
    np.save(tmp_path / "rgb.npy", np.repeat(small[None, ..., None], 3, axis=3))
    np.save(tmp_path / "luma.npy", small[None])
    words = [sys.executable, str(CHILD), "vsr-espcn", str(tmp_path), "--scale", "2"]
    subprocess.run([*words, "--precision", "fp32"], check=True)
    network = load_model("espcn", 2).network
    expected = enlarge(network, [small], torch.device("cpu"))
    assert np.array_equal(np.load(tmp_path / "made.npy"), expected[None])
    cost = json.loads((tmp_path / "cost.json").read_text())
    assert cost["seconds"] > 0
    assert cost["memory"] > 10_000_000
    words[2] = "vsr-recurrent"
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert told.returncode == contestants.NOT_AT_HAND
    assert told.stderr == "has no x2, but x4\n"


def test_ffmpeg_keeps_each_frame_once(contestants: ModuleType) -> None:
    pytest.importorskip("imageio_ffmpeg")
    luma = np.stack([np.full((16, 18), level, np.uint8) for level in (20, 90, 200)])
    clip = contestants.Clip(np.repeat(luma[..., None], 3, axis=3), luma)
    large = contestants.CONTESTANTS["ffmpeg-lanczos"].prepare(contestants.Given(2))(clip)
    assert large.shape == (3, 32, 36)
    assert [int(frame[5, 5]) for frame in large] == [20, 90, 200]
    assert {int(np.ptp(frame)) for frame in large} == {0}


@pytest.mark.parametrize("name", ["span", "realesr-animevideov3"])
def test_networks_in_ncnn(contestants: ModuleType, name: str) -> None:
    rival = contestants.CONTESTANTS[name]
    try:
        contestants.check_at_hand(rival, 2)
    except contestants.NotAtHandError as error:
        pytest.skip(str(error))
    rgb = np.stack([np.full((24, 20, 3), color, np.uint8) for color in ((200, 30, 60), (9, 90, 9))])
    clip = contestants.Clip(rgb, rgb[..., 0])
    large = rival.prepare(contestants.Given(2))(clip)
    assert large.shape == (2, 48, 40, 3)
    # Flat colours stay what they are, and red stays the first.
    middles = large[:, 16:32, 16:24].reshape(2, -1, 3).mean(axis=1)
    assert np.abs(middles - rgb[:, 0, 0]).max() < 12


@pytest.mark.slow
def test_the_benchmark_runs_and_refuses_wrong_options(tmp_path: Path) -> None:
    for package in ("imageio_ffmpeg", "erqa"):
        pytest.importorskip(package)
    (tmp_path / "clip").mkdir()
    for n in range(3):
        cv2.imwrite(str(tmp_path / f"clip/{n}.png"), np.roll(natural(), 3 * n, axis=1))
    command = [sys.executable, str(SCRIPT), str(tmp_path / "clip"), "--scale", "2"]
    command += ["--contestants", "vsr-vespcn,ffmpeg-bicubic,vsr-recurrent", "--crop", "128x96"]
    found = subprocess.run(
        [*command, "--frames", "3", "--crf", "clean", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    ours, bicubic, absent = rows
    assert ours["figures"]["psnr"] > bicubic["figures"]["psnr"]
    assert ours["seconds"] > bicubic["seconds"] > 0
    assert (absent["contestant"], absent["reason"]) == ("vsr-recurrent", "has no x2, but x4")
    wrong = subprocess.run([*command, "--crf", "x"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("rivals: ")
    assert len(wrong.stderr.splitlines()) == 1


def test_sharpening_keeps_flat_parts_and_raises_contrast() -> None:
    sharpening = loaded("sharpening")
    plane = np.full((40, 40), 80, np.uint8)
    plane[:, 20:] = 160
    strong = sharpening.sharpened(plane, 1.0)
    assert np.array_equal(sharpening.sharpened(plane, 0.0), plane)
    assert strong.min() < 80 < 160 < strong.max()
    assert strong[20, 2] == 80
    assert strong[20, 37] == 160
