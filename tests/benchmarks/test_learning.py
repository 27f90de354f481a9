"""What limits learning: logs behind each other, the last doubling, the curves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.scripts import loaded, script_of

from vsr.core.errors import InputError

SCRIPT = script_of("learning")


@pytest.fixture(scope="module")
def learning() -> ModuleType:
    return loaded("learning")


def line(pixels: int, score: float) -> dict[str, Any]:
    """As `vsr train` logs it."""
    clean, recorded = {"aspen": score + 1, "b": score + 1}, {"aspen": score - 1, "b": score - 1}
    losses = {"loss": 0.02, "loss_clean": 0.01, "loss_recorded": None}
    gains = {"gain_clean": score + 1, "gain_recorded": score - 1}
    whole = {"gains": {"clean": clean, "recorded": recorded}}
    return {"step": pixels // 10, "pixels": pixels, "psnr": score} | losses | gains | whole


def written(folder: Path, name: str, *lines: dict[str, Any]) -> Path:
    log = folder / name / "log.jsonl"
    log.parent.mkdir()
    log.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return log


def test_runs_stand_behind_each_other(learning: ModuleType, tmp_path: Path) -> None:
    one = written(tmp_path, "one", line(100, 1.0), line(200, 1.2))
    other = written(tmp_path, "two", line(50, 1.1), line(300, 1.5))
    points = learning.read([one, other])
    assert [point.pixels for point in points] == [100, 200, 250, 500]
    assert [point.run for point in points] == [0, 0, 1, 1]
    assert points[0].gains["aspen"] == (2.0, 0.0)


def test_the_last_doubling_counts_the_best_scores(learning: ModuleType, tmp_path: Path) -> None:
    scores = ((100, 1.0), (200, 1.3), (240, 1.2), (300, 1.36), (480, 1.35))
    points = learning.read([written(tmp_path, "one", *(line(*each) for each in scores))])
    assert learning.last_doubling(points) == pytest.approx(0.06)
    assert learning.last_doubling(points[:2]) == pytest.approx(0.3)
    assert learning.last_doubling(points[:1]) is None
    assert "not known" in learning.told(points[:1])
    assert "by 0.060 dB: not done" in learning.told(points)


def test_a_network_is_done_below_the_limit(learning: ModuleType, tmp_path: Path) -> None:
    points = learning.read([written(tmp_path, "one", line(100, 1.0), line(200, 1.02))])
    assert learning.told(points).endswith("by 0.020 dB: done")


def test_a_log_without_scores_is_refused(learning: ModuleType, tmp_path: Path) -> None:
    log = written(tmp_path, "one", {"step": 3, "psnr": 30.0}, line(0, 0) | {"gains": None})
    with pytest.raises(InputError, match="holds no scores of a recurrent network"):
        learning.read([log])


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_command_tells_and_draws(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    logs = [written(tmp_path, n, line(100, 1.0), line(200, 1.2)) for n in ("one", "two")]
    target = tmp_path / f"learning{suffix}"
    command = [sys.executable, str(SCRIPT), *map(str, logs), "--plot", str(target)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "400 small pixels" in found.stdout
    assert "the last doubling raised the best score by 0.000 dB: done" in found.stdout
    assert target.stat().st_size > 1000
