"""What surrounds the steps of training."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
import torch
from support.fake_devices import draw_ahead

from vsr.core.errors import OutputError
from vsr.core.folders import make_folder
from vsr.training.loop import (
    SAVE_EVERY,
    SAVE_SHARE,
    drawn_ahead,
    log,
    run_trainer,
    save_due,
)
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


@dataclass
class Slow:
    """Takes steps of 50 s, and 100 s to measure, by the clock that it sets."""

    now: float = 0.0
    step: int = 0
    elapsed: float = 0.0
    saves: list[int] = field(default_factory=list)
    checkpoints: list[int] = field(default_factory=list)

    @property
    def run(self) -> Slow:
        return self

    def examples(self) -> Iterator[int]:
        return count()

    def train(self, examples: int, fraction: float) -> None:
        self.now += 50
        self.step += 1

    def save(self) -> None:
        self.now += 100
        self.saves.append(self.step)

    def save_checkpoint(self) -> None:
        self.checkpoints.append(self.step)

    def progress(self, fraction: float, saved: bool) -> Stand:
        return Stand(self.step, saved)


def test_no_checkpoint_is_old_where_measuring_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow()
    monkeypatch.setattr(time, "monotonic", lambda: slow.now)
    cpu = torch.device("cpu")
    run_trainer(slow, lambda step, _: step / 20, tmp_path / "log", cpu, lambda _: None)
    assert slow.saves == [3, 20]  # 1,000 s later at the earliest, and the end
    assert slow.checkpoints == [6, 9, 12, 15, 18]
