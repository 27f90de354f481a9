"""The report of a batch, in both its formats."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from vsr import OutputError
from vsr.batch import report as module
from vsr.batch.outcome import Item, Outcome
from vsr.batch.report import COLUMNS, KeptReports, check_report, row, write_report

FACTS = {
    "frames_out": 50,
    "fps": 12.5,
    "source_sha256": "ab" * 32,
    "output_sha256": "cd" * 32,
    "sidecars": ["out/a b.srt"],
    "stood_still": 0.25,
    "model": "bicubic",
}
OUTCOMES = [
    Outcome(Item(Path("a b.mp4"), Path("out/a b.mp4")), "done", "", 4.00049, 1, 2, FACTS),
    Outcome(Item(Path("c,d.mp4"), Path("out/c.mp4")), "failed", 'c,d.mp4: "no"\tü', 0.5, 2),
]


def test_rows_hold_all_columns() -> None:
    assert [tuple(row(outcome)) for outcome in OUTCOMES] == [COLUMNS] * 2
    done, failed = (list(row(outcome).values()) for outcome in OUTCOMES)
    assert done == [
        *(
            "a b.mp4",
            "out/a b.mp4",
            "done",
            "",
            1,
            4.0,
            50,
            12.5,
            2,
            "ab" * 32,
            "cd" * 32,
            "out/a b.srt",
            0.25,
            None,
        )
    ]
    assert failed == [
        *(
            "c,d.mp4",
            "out/c.mp4",
            "failed",
            'c,d.mp4: "no"\tü',
            2,
            0.5,
            None,
            None,
            0,
            None,
            None,
            "",
            None,
            None,
        )
    ]


def test_a_report_in_json_holds_a_row_a_file(tmp_path: Path) -> None:
    write_report(tmp_path / "report.json", OUTCOMES)
    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert found == [row(outcome) for outcome in OUTCOMES]


def test_a_report_in_csv_holds_the_same_as_in_json(tmp_path: Path) -> None:
    write_report(tmp_path / "report.CSV", OUTCOMES)
    with (tmp_path / "report.CSV").open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    texts = [
        {name: "" if value is None else str(value) for name, value in row(outcome).items()}
        for outcome in OUTCOMES
    ]
    assert found == texts


@pytest.mark.parametrize("name", ["report.json", "report.csv"])
def test_any_file_name_can_be_told(tmp_path: Path, name: str) -> None:
    odd = Path("line\nbreak \udcff.mp4")  # on Linux, names are bytes
    write_report(tmp_path / name, [Outcome(Item(odd, odd), "done")])
    text = (tmp_path / name).read_text("utf-8", "surrogateescape")
    rows = json.loads(text) if name.endswith("json") else csv.DictReader(StringIO(text))
    assert [row["source"] for row in rows] == [str(odd)]


def test_a_report_is_replaced_whole(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    write_report(report, OUTCOMES)
    before = report.stat().st_ino
    write_report(report, [])
    assert json.loads(report.read_text()) == []
    assert report.stat().st_ino != before
    assert list(tmp_path.iterdir()) == [report]


@pytest.mark.parametrize(
    "name", ["no/report.json", "report.txt", "folder.json", "file.csv/report.csv"]
)
def test_what_cannot_be_written_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "file.csv").touch()
    with pytest.raises(OutputError, match=name) as error:
        write_report(tmp_path / name, OUTCOMES)
    assert "\n" not in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} == {"folder.json", "file.csv"}


@pytest.mark.parametrize("name", ["report.json", "report.csv"])
def test_a_report_replaces_reports_alone(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    check_report(path, False, [])
    for outcomes in ([], [Outcome(Item(Path("a.mp4"), Path("b.mp4")), "done")]):
        write_report(path, outcomes)
        check_report(path, False, [])
    if path.suffix == ".csv":  # of a batch that told less
        path.write_text(",".join(COLUMNS[: COLUMNS.index("sidecars")]) + "\n")
        check_report(path, False, [])
    path.write_text('{"mine": 1}')
    with pytest.raises(OutputError, match="exists already; -y"):
        check_report(path, False, [])
    check_report(path, True, [])
    with pytest.raises(OutputError, match="is the input itself"):
        check_report(path, True, [path])


def test_the_camera_of_joined_files_is_told() -> None:
    joined = Outcome(Item(Path("out/door/a.parts.json"), Path("out/door/a_x4.mp4")), "done")
    assert [row(each)["camera"] for each in (joined, OUTCOMES[0])] == ["door", None]


def test_a_report_that_takes_long_to_write_is_written_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole for each of thousands of files, it would take longer than the files."""
    clock, written = [100.0], []

    def write(_path: Path, outcomes: Sequence[Outcome]) -> None:
        written.append(len(outcomes))
        clock[0] += 0.001 * len(outcomes)  # seconds

    monkeypatch.setattr(module, "write_report", write)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    kept = KeptReports([tmp_path / "report.json"], pytest.fail)
    for _ in range(5000):
        clock[0] += 0.1  # a file's work
        kept.add(OUTCOMES[0])
    assert written[:4] == [0, 1, 2, 3]  # at once, as long as that is quick
    assert clock[0] - 100 < 1.1 * 5000 * 0.1
    clock[0] += 1000  # nothing comes any more
    kept.beat()
    kept.beat()
    assert written.count(5000) == 1


def test_reports_that_cannot_be_written_for_now_are_told_and_written_later(tmp_path: Path) -> None:
    path, told = tmp_path / "folder" / "report.json", list[OutputError]()
    path.parent.mkdir()
    kept = KeptReports([path], told.append)
    path.unlink()
    path.parent.rmdir()
    kept.add(OUTCOMES[0])
    assert [str(path) in str(each) for each in told] == [True]
    path.parent.mkdir()
    kept.add(OUTCOMES[1])
    until = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < until
        kept.beat()
    assert json.loads(path.read_text()) == [row(outcome) for outcome in OUTCOMES]
