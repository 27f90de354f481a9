"""A journal is whole wherever it was cut, and whatever its disk refused."""

from __future__ import annotations

import json
import os
import resource
import signal
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vsr.core.errors import OutputError
from vsr.segmented.journal import Journal

FACTS: list[dict[str, Any]] = [
    {"segment": 0, "sha256": "ab" * 32, "damage": {"gaps": 2}},
    {"warning": "lines\nand \r\u2028\u0085 \x0b\x1c ends, ä, \udcff, \0"},
    {},
    {"lost": 0, "none": None, "list": [[], [1, 2.5, "}\\n{"]]},
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def written(path: Path, facts: list[dict[str, Any]]) -> Path:
    journal = Journal(path)
    for fact in facts:
        journal.add(fact)
    assert journal.facts == facts
    return path


def test_a_new_one_holds_nothing_and_writes_nothing(tmp_path: Path) -> None:
    assert Journal(tmp_path / "new").facts == []
    assert not (tmp_path / "new").exists()


@given(st.lists(st.dictionaries(st.text(), values, max_size=3), max_size=4))
@settings(max_examples=30, deadline=None)
def test_what_was_added_is_read(
    tmp_path_factory: pytest.TempPathFactory, facts: list[dict[str, Any]]
) -> None:
    path = written(tmp_path_factory.mktemp("one") / "journal", facts)
    assert Journal(path).facts == facts


def test_it_may_be_cut_at_every_byte(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole", FACTS).read_bytes()
    lengths = [len(line) for line in whole.split(b"\n")[:-1]]
    ends = [sum(lengths[:n]) + n for n in range(len(FACTS) + 1)]  # of the whole lines
    path = tmp_path / "cut"
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        known = FACTS[: sum(end <= length for end in ends) - 1]
        assert Journal(path).facts == known
        for fact in ({"next": 1}, {"and": "one more"}):  # each by a reader of its own
            journal = Journal(path)
            journal.add(fact)
            known = [*known, fact]
            assert journal.facts == known
            assert Journal(path).facts == known


@pytest.mark.parametrize("rest", [b"\0" * 50, b"\n", b"[1]\n", b"7\n", b"\xff\xfe\n", b"{}}\n"])
def test_what_is_no_fact_ends_it(tmp_path: Path, rest: bytes) -> None:
    path = written(tmp_path / "journal", FACTS)
    path.write_bytes(path.read_bytes() + rest + b'{"after": 1}\n')
    journal = Journal(path)
    assert journal.facts == FACTS
    journal.add({"next": 1})
    assert Journal(path).facts == [*FACTS, {"next": 1}]
    assert path.read_bytes().endswith(b'{"next": 1}\n')


def test_what_the_disk_refuses_counts_for_nothing(tmp_path: Path) -> None:
    """In a process of its own, whose files may grow no further; it says what it met."""
    path = written(tmp_path / "journal", FACTS[:1])
    size, report = path.stat().st_size, tmp_path / "report"
    pid = os.fork()
    if pid == 0:
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 30, resource.RLIM_INFINITY))
            journal, said = Journal(path), []
            for fact in ({"long": "x" * 100}, {"short": 1}, {"long": "y" * 100}):
                try:
                    journal.add(fact)
                except OutputError as error:
                    said.append(str(error))
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            journal.add({"again": 1})
            report.write_text(json.dumps([said, journal.facts]))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    said, facts = json.loads(report.read_text())
    assert said == [f"{path}: cannot be written (File too large)"] * 2
    assert facts == Journal(path).facts == [FACTS[0], {"short": 1}, {"again": 1}]


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "gone" / "journal")
    with pytest.raises(OutputError, match=r"journal: cannot be written \(No such file"):
        journal.add({"a": 1})
    assert journal.facts == []


def test_threads_add_side_by_side(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")

    def add(number: int) -> None:
        for count in range(20):
            journal.add({"thread": number, "count": count, "fill": "x" * (number * 7 + count)})

    threads = [Thread(target=add, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Journal(tmp_path / "journal").facts == journal.facts
    for number in range(6):  # and each one's own order stays
        mine = [fact["count"] for fact in journal.facts if fact["thread"] == number]
        assert mine == list(range(20))
