"""How a watcher is, as another process reads it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from vsr.batch.outcome import Ended, Item, Moved, Outcome, Paused, Resting, Started
from vsr.batch.status import FILE_NAME, StatusFile, amiss, read_status, status_text
from vsr.core.errors import InputError, OutputError
from vsr.core.events import Progress
from vsr.core.hours import Hours

ITEM = Item(Path("in/a\nb.mp4"), Path("out/a.mp4"))
DONE = Ended(Outcome(ITEM, "done"), 0)
FAILED = Ended(Outcome(ITEM, "failed", "is empty (0 bytes)"), 0)


@pytest.fixture
def status(tmp_path: Path) -> StatusFile:
    """Of a watcher that has looked."""
    status = StatusFile(tmp_path)
    status.looked(2, 0.1)
    status.beat()
    return status


def aged(folder: Path, **seconds: float) -> dict[str, Any]:
    """The status, with instants that are so many seconds ago."""
    held = read_status(folder)
    now = datetime.now(UTC)
    ago = {name: (now - timedelta(seconds=s)).isoformat() for name, s in seconds.items()}
    return {**held, **ago}


def test_what_happens_is_told(tmp_path: Path, status: StatusFile) -> None:
    assert (read_status(tmp_path)["waiting"], read_status(tmp_path)["last"]) == (2, None)
    status.tell(Started(ITEM, 0, 1))
    assert read_status(tmp_path)["working"] == [str(ITEM.source)]
    assert read_status(tmp_path)["waiting"] == 1
    status.tell(Started(ITEM, 0, 2))  # tried again
    assert read_status(tmp_path)["waiting"] == 1
    status.tell(FAILED)
    held = read_status(tmp_path)
    assert (held["working"], held["failed"], held["done"]) == ([], 1, 0)
    assert amiss(held) == ""
    text = status_text(held)
    assert text.startswith("looked ")
    assert " ago; 0 in work, 1 waiting; 0 done, 0 skipped, 1 failed; last " in text
    assert "last in/a b.mp4: failed (is empty (0 bytes)), " in text
    assert "\n" not in text


def test_it_is_written_now_and_then(tmp_path: Path, status: StatusFile) -> None:
    before = (tmp_path / FILE_NAME).stat().st_ino
    for _ in range(100):
        status.beat()
        status.tell(Moved(ITEM, 0, Progress(1, 2)))
    assert (tmp_path / FILE_NAME).stat().st_ino == before


def test_who_is_silent_is_not_well(tmp_path: Path, status: StatusFile) -> None:
    assert amiss(aged(tmp_path, alive=50)) == ""
    assert amiss(aged(tmp_path, alive=70)) == "no sign of life for 70 seconds"
    status.tell(Started(ITEM, 0, 1))
    assert amiss(aged(tmp_path, alive=70)) == "no sign of life for 70 seconds"
    status.close()
    assert amiss(aged(tmp_path, alive=5)) == "the watcher has ended, 5 seconds ago"


def test_who_does_not_look_is_not_well(tmp_path: Path, status: StatusFile) -> None:
    late = "the folders have not been looked at for 130 seconds"
    assert amiss(aged(tmp_path, looked=110)) == ""
    assert amiss(aged(tmp_path, looked=130)) == late
    assert amiss({**aged(tmp_path, began=130), "looked": None}) == late
    assert amiss({**aged(tmp_path, looked=130), "look_seconds": 10.0}) == ""  # a slow share
    status.tell(Started(ITEM, 0, 1))  # all are busy: nobody looks
    assert amiss(aged(tmp_path, looked=4000)) == ""
    status.tell(DONE)
    assert amiss(aged(tmp_path, looked=130)) == late


def test_who_rests_need_not_look(tmp_path: Path, status: StatusFile) -> None:
    pause = tmp_path / "pause"
    pause.touch()
    status.tell(Paused(pause))
    assert amiss(aged(tmp_path, looked=4000)) == ""
    assert f"rests as long as {pause} exists" in status_text(read_status(tmp_path))
    pause.unlink()
    status.tell(DONE)
    assert amiss(aged(tmp_path, looked=4000)) != ""
    soon = datetime.now() + timedelta(hours=1)
    status.tell(Resting(Hours(0, 1), soon))
    assert amiss(aged(tmp_path, looked=4000)) == ""
    assert f"rests until {soon:%Y-%m-%dT%H:%M}" in status_text(read_status(tmp_path))
    status.tell(Resting(Hours(0, 1), soon - timedelta(hours=2)))
    assert amiss(aged(tmp_path, looked=4000)) != ""


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"schema": "vsr-watch"}', "[" * 10**5, "\xff"],
)
def test_files_that_are_no_status(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, "latin-1")
    with pytest.raises(InputError, match=r"is no status of vsr, or a damaged one$"):
        read_status(tmp_path)
    with pytest.raises(OutputError, match=r"is no status of vsr, or a damaged one; remove it$"):
        StatusFile(tmp_path)
    assert (tmp_path / FILE_NAME).read_text("latin-1") == text


def test_facts_of_another_type_are_damage(tmp_path: Path, status: StatusFile) -> None:
    held = json.loads((tmp_path / FILE_NAME).read_text())
    for name, value in (("alive", 7), ("waiting", "x"), ("working", 7), ("look_seconds", "x")):
        (tmp_path / FILE_NAME).write_text(json.dumps(held | {name: value}))
        with pytest.raises(InputError, match="is no status of vsr"):
            read_status(tmp_path)


def test_nobody_watches(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no watching batch writes here$"):
        read_status(tmp_path)


def test_what_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    status = StatusFile(tmp_path / "none")
    status.looked(0, 0.1)
    status.tell(DONE)
    status.close()
    assert not (tmp_path / "none").exists()
