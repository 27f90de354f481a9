"""What surrounds the steps of training."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from support.fake_devices import draw_ahead

from vsr.core.errors import OutputError
from vsr.core.folders import make_folder
from vsr.training.loop import SAVE_EVERY, SAVE_SHARE, drawn_ahead, log, save_due
from vsr.training.recipe import part_done


@dataclass(frozen=True)
class Stand:
    step: int
    saved: bool


@pytest.mark.parametrize("depth", [0, 3])
def test_examples_come_in_order(monkeypatch: pytest.MonkeyPatch, depth: int) -> None:
    draw_ahead(monkeypatch, depth)
    with drawn_ahead(iter(range(9)), torch.device("cpu")) as coming:
        assert list(coming) == list(range(9))


def test_a_log_grows_by_a_line(tmp_path: Path) -> None:
    for step in (1, 2):
        log(Stand(step, True), tmp_path / "log.jsonl")
    lines = (tmp_path / "log.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [{"step": 1}, {"step": 2}]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file/run: cannot be made"):
        make_folder(tmp_path / "file" / "run")
    with pytest.raises(OutputError, match="cannot be written"):
        log(Stand(1, True), tmp_path)


def test_whichever_is_further_on_counts() -> None:
    assert part_done(5, 60.0, 10, None) == 0.5
    assert part_done(5, 60.0, None, 4.0) == 0.25
    assert part_done(5, 60.0, 10, 4.0) == 0.5
    assert part_done(20, 0.0, 10, 4.0) == 2.0


@pytest.mark.parametrize("took", [0.0, 1.0, 30.0, 500.0])
def test_saving_takes_a_small_part_of_the_time(took: float) -> None:
    """And comes no more often than every two minutes, however fast it is."""
    after = next(since for since in range(100_000) if save_due(since, took))
    assert after >= SAVE_EVERY
    assert took <= after * SAVE_SHARE
