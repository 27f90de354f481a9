"""What a worker process does with a file, and what it sends of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.clips import Clip, held, make

from vsr import OutputError
from vsr.batch.outcome import Item
from vsr.batch.worker import upscale_file
from vsr.core.events import Progress, Reporter
from vsr.core.options import UpscaleOptions
from vsr.provenance.sidecar import record_path

FAST = UpscaleOptions.of(scale=2, model="nearest", preset="ultrafast", record=True)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("in") / "in.mp4", Clip(width=32, height=24))


@pytest.fixture
def seen() -> list[object]:
    return []


@pytest.fixture
def reporter(seen: list[object]) -> Reporter:
    return Reporter(warn=seen.append, progress=seen.append)


def test_a_file_is_done_once(
    tmp_path: Path, source: Path, reporter: Reporter, seen: list[Any]
) -> None:
    item = Item(source, tmp_path / "a" / "b" / "out.mp4")
    first = upscale_file(item, FAST, reporter)
    assert (first.status, first.reason, first.retry) == ("done", "", False)
    assert held(item.target).sizes == {(64, 48)}
    assert [event.frames for event in seen if isinstance(event, Progress)] == list(range(1, 13))
    before = item.target.stat().st_mtime_ns
    second = upscale_file(item, FAST, reporter)
    assert second.status == "skipped"
    assert item.target.stat().st_mtime_ns == before
    names = ("frames_out", "warnings", "source_sha256", "output_sha256")
    assert [second.facts[name] for name in names] == [first.facts[name] for name in names]
    assert first.facts["frames_out"] == 12
    assert len(first.facts["source_sha256"]) == 64


def test_what_was_made_otherwise_stays(tmp_path: Path, source: Path, reporter: Reporter) -> None:
    item = Item(source, tmp_path / "out.mp4")
    item.target.write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        upscale_file(item, FAST, reporter)
    assert item.target.read_text() == "mine"
    assert upscale_file(item, FAST.but(overwrite=True), reporter).status == "done"


def test_without_a_record_there_are_no_hashes(
    tmp_path: Path, source: Path, reporter: Reporter
) -> None:
    item = Item(source, tmp_path / "out.mp4")
    finished = upscale_file(item, FAST.but(record=False), reporter)
    assert finished.status == "done"
    assert "source_sha256" not in finished.facts
    assert list(tmp_path.iterdir()) == [item.target]


@pytest.mark.parametrize("lost", ["picture", "damage", "times", "streams", "output", "settings"])
def test_a_record_that_lacks_a_part_is_none(
    tmp_path: Path, source: Path, reporter: Reporter, lost: str
) -> None:
    """It is told as such, and is no reason to try again."""
    item = Item(source, tmp_path / "out.mp4")
    assert upscale_file(item, FAST, reporter).status == "done"
    path = record_path(item.target)
    record = json.loads(path.read_bytes())
    del record[lost]
    path.write_text(json.dumps(record))
    with pytest.raises(OutputError, match="is no record of vsr, or a damaged one"):
        upscale_file(item, FAST, reporter)
    assert upscale_file(item, FAST.but(overwrite=True), reporter).status == "done"
    assert upscale_file(item, FAST, reporter).status == "skipped"


def test_a_folder_that_cannot_be_made(tmp_path: Path, source: Path, reporter: Reporter) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file/a: cannot be made"):
        upscale_file(Item(source, tmp_path / "file" / "a" / "out.mp4"), FAST, reporter)
