"""The work folder: one at a time, nothing half done counts, nobody's work is lost."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from av.packet import Packet

from vsr.core.errors import OutputError
from vsr.provenance.fingerprint import Fingerprint
from vsr.segmented.packet_file import PacketWriter
from vsr.segmented.plan import Plan, hash_of
from vsr.segmented.work_dir import (
    SegmentRecord,
    WorkDir,
    clear_arrived,
    folder_of,
    is_begun,
    known_source,
    open_work,
    others,
)

SOURCE = Path("/sources/in.mp4")
KEY, OTHER = "0123456789abcdef" * 4, "fedcba9876543210" * 4


def plan_of(key: str = KEY, segments: int = 6, **settings: object) -> Plan:
    """A plan of so many segments of two ticks each."""
    return Plan(
        key=key,
        settings={"crf": 18.0, "model": "bicubic"} | settings,
        path=str(SOURCE),
        source=Fingerprint(10, 20, "ab" * 32),
        time_base=Fraction(1, 25),
        origin=Fraction(0),
        shift=0,
        picture="p",
        format="mp4",
        encoder="ffv1",
        threads=1,
        header="h",
        plain=True,
        frames=12,
        borders=tuple(range(2, 2 * segments, 2)),
    )


def done_of(work: WorkDir, number: int, data: bytes = b"packet") -> SegmentRecord:
    """A segment of two frames that is finished: its file is in place."""
    file = PacketWriter(work.file(number))
    for tick in range(2):
        packet: Packet[Any] = Packet(data + bytes([number]))
        packet.time_base, packet.duration = Fraction(1, 25), 1
        packet.pts = packet.dts = 2 * number + tick
        file.write(packet)
    damage = {"gaps": number}
    return SegmentRecord(number, 2, 2, file.bytes, file.finish(), damage, "host", "now", 0.5)


def never() -> Plan:
    pytest.fail("a plan is made anew")


def numbers(work: WorkDir) -> list[list[int]]:
    return [[segment.number for segment in run] for run in work.pending()]


def test_the_share_that_stood_still_is_kept_and_may_be_missing(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done := done_of(work, 0))
        work.add(replace(done_of(work, 1), stood_still=0.25))
        journal = work.folder / "journal.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line.pop("stood_still") for line in lines if "segment" in line] == [None, 0.25]
    with open_work(target, KEY, never) as work:
        assert [done.stood_still for _, done in sorted(work.done.items())] == [None, 0.25]
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))  # as it was before
    with open_work(target, KEY, never) as work:
        assert [done.stood_still for _, done in sorted(work.done.items())] == [None, None]
    with pytest.raises(ValueError, match="is no share"):
        replace(done, stood_still=1.5)


def test_what_is_entered_is_there_for_the_next(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        assert work.plan == plan_of()
        assert numbers(work) == [[0, 1, 2, 3, 4, 5]]
        entered = [done_of(work, number) for number in (4, 1)]
        for done in entered:
            work.add(done)
        work.warn("first")
        work.warn("second")
        work.warn("first")
    with open_work(target, KEY, never) as work:
        assert work.plan == plan_of()
        assert work.done == {done.segment: done for done in entered}
        assert work.warnings == ("first", "second")
        assert numbers(work) == [[0], [2, 3], [5]]


@pytest.mark.parametrize(
    ("finished", "runs"),
    [
        ((), [[0, 1, 2, 3, 4, 5]]),
        ((0, 1), [[2, 3, 4, 5]]),
        ((5,), [[0, 1, 2, 3, 4]]),
        ((1, 3, 5), [[0], [2], [4]]),
        (range(6), []),
    ],
)
def test_what_is_missing_comes_in_runs(
    tmp_path: Path, finished: tuple[int, ...], runs: list[list[int]]
) -> None:
    with open_work(tmp_path / "out.mp4", KEY, plan_of) as work:
        for number in finished:
            work.add(done_of(work, number))
        assert numbers(work) == runs


def test_nobody_else_gets_it(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
        part = work.folder / "000001.part"
        part.touch()
        with (
            pytest.raises(OutputError, match=r"out\.mp4: somebody is at work on it already"),
            open_work(target, KEY, never),
        ):
            pass
        assert part.exists()
        assert list(work.done) == [0]
        with open_work(target, OTHER, lambda: plan_of(OTHER)):  # other settings, other folder
            pass
    with open_work(target, KEY, never) as work:
        assert list(work.done) == [0]


_HOLD = """
import sys
from pathlib import Path
from vsr.segmented.packet_file import PacketWriter
from vsr.segmented.plan import Plan, hash_of
from vsr.segmented.work_dir import open_work
plan = Plan.from_json(sys.argv[2])
with open_work(Path(sys.argv[1]), plan.key, lambda: plan) as work:
    print("open", flush=True)
    sys.stdin.read()
"""


def test_nor_from_another_process_until_that_is_killed(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    command = [sys.executable, "-c", _HOLD, str(target), plan_of().to_json()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(OutputError, match="somebody is at work"), open_work(target, KEY, never):
            pass
        holder.kill()
    with open_work(target, KEY, never) as work:
        assert work.plan == plan_of()


def test_what_was_not_finished_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        done = done_of(work, 0)
        work.add(done)
        (work.folder / "000001.part").write_bytes(b"half")
        (work.folder / "plan.part").write_bytes(b"half")
    with open_work(target, KEY, never) as work:
        assert not list(work.folder.glob("*.part"))
        assert work.file(0).exists()


@pytest.mark.parametrize("text", [None, "", "half", "null", "[]", "{}", "{}\0", '{"key": 1}'])
def test_half_a_plan_is_none_and_what_was_done_by_it_is_not_done(
    tmp_path: Path, text: str | None
) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
    file = work.folder / "plan.json"
    if text is None:
        file.unlink()
    else:
        file.write_text(file.read_text()[:300] if text == "half" else text)
    with open_work(target, KEY, lambda: plan_of(segments=3)) as work:
        assert work.plan == plan_of(segments=3)
        assert not work.done
    with open_work(target, KEY, never) as work:
        assert work.plan == plan_of(segments=3)


NONSENSE: tuple[Any, ...] = (None, True, -1, 0.5, 10**4000, "x", [], [[]], {}, {"a": []})


def assert_begun_anew(target: Path) -> None:
    """Once, with one warning; what is done then is kept."""
    with open_work(target, KEY, plan_of) as work:
        assert work.plan == plan_of()
        assert not work.done
        assert work.warnings == (f"{work.folder}: is not as it was written; begun anew",)
        work.add(done_of(work, 1))
    assert list(others(target, OTHER, {}))
    assert clear_arrived(target) == []
    with open_work(target, KEY, never) as work:
        assert list(work.done) == [1]
        assert len(work.warnings) == 1


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: str(value)[:9])
def test_a_journal_of_other_types_is_begun_anew(tmp_path: Path, value: Any) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
        file = work.folder / "journal.jsonl"
    fact = json.loads(file.read_text())
    changed = [{**fact, name: value} for name in fact if not suits(name, value)]
    changed += [{"segment": value}, {"lost": value}]
    changed += [] if isinstance(value, str) else [{"warning": value}]
    for wrong in changed:
        file.write_text(json.dumps(wrong) + "\n")
        assert_begun_anew(target)


IMPOSSIBLE: tuple[dict[str, Any], ...] = (
    {"frames": 0},  # and shown for two ticks
    {"frames": 4},  # within two ticks
    {"ticks": 0},
    {"bytes": 0},
    {"bytes": 99},  # which two packets' heads alone would not fit in
    {"segment": 6},  # of six, counted from 0
    {"seconds": -1.0},
    {"seconds": math.nan},
    {"seconds": math.inf},
    {"damage": {"gaps": -1}},
    {"damage": {"no such kind": 1}},
    {"plan": "0" * 64},
)


@pytest.mark.parametrize("wrong", IMPOSSIBLE, ids=str)
def test_a_journal_that_tells_what_cannot_be_is_begun_anew(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
        file = work.folder / "journal.jsonl"
    file.write_text(json.dumps(json.loads(file.read_text()) | wrong) + "\n")
    assert_begun_anew(target)


def test_a_segment_that_was_not_to_be_made_cannot_be_lost(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
        file = work.folder / "journal.jsonl"
    file.write_text(f'{file.read_text()}{{"lost": 6}}\n')
    assert_begun_anew(target)


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_base": Fraction(0)},
        {"time_base": Fraction(-1, 25)},
        {"threads": -1},
        {"frames": -1},
        {"frames": True},
        {"shift": 2**63},
        {"borders": (2, 2)},
        {"borders": (4, 2)},
        {"borders": (2, 2**63)},
        {"borders": (2.0,)},
    ],
    ids=str,
)
def test_a_plan_that_cannot_be_is_begun_anew(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(plan_of(), **wrong)
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
        file = work.folder / "plan.json"
    facts = json.loads(file.read_text())
    del facts["sha256"]
    facts |= json.loads(json.dumps(wrong, default=str))
    file.write_text(json.dumps(facts | {"sha256": hash_of(facts)}))  # who changed it was careful
    assert_begun_anew(target)


def suits(name: str, value: Any) -> bool:
    """Whether a fact of a segment's may be this: a text is any, no damage is some."""
    if name in ("host", "ended", "sha256"):
        return isinstance(value, str)
    if name == "stood_still":
        return value is None or value == 0.5
    return name in ("damage", "seconds") and value == {"damage": {}, "seconds": 0.5}[name]


@pytest.mark.parametrize(
    "name",
    [
        *(e.name for e in fields(SegmentRecord) if e.name not in ("segment", "stood_still")),
        "plan",
    ],
)
def test_a_journal_that_lacks_a_fact_is_begun_anew(tmp_path: Path, name: str) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
        file = work.folder / "journal.jsonl"
    fact = json.loads(file.read_text())
    del fact[name]
    file.write_text(json.dumps(fact) + "\n")
    assert_begun_anew(target)


@pytest.mark.parametrize(
    "data", [b"[" * 100_000 + b"\n", b"\xff\n", b"null\n", b"9" * 5000 + b"\n", b"no end"]
)
def test_a_journal_that_is_cut_has_nothing_in_it(tmp_path: Path, data: bytes) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
    (work.folder / "journal.jsonl").write_bytes(data)
    with open_work(target, KEY, never) as work:
        assert not work.done
        assert not work.warnings


def test_a_journal_that_is_a_folder_is_begun_anew(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
    (work.folder / "journal.jsonl").unlink()
    (work.folder / "journal.jsonl").mkdir()
    assert not list(others(target, OTHER, {}))
    assert clear_arrived(target) == []
    assert_begun_anew(target)


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: str(value)[:9])
def test_a_plan_that_was_changed_is_thrown_away(tmp_path: Path, value: Any) -> None:
    """With all that was done by it: its segments may hold frames twice, or not at all."""
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
    file = work.folder / "plan.json"
    text = file.read_text()
    for name, held in json.loads(text).items():
        if held != value or isinstance(held, bool) != isinstance(value, bool):
            file.write_text(json.dumps({**json.loads(text), name: value}))
            assert_begun_anew(target)


@pytest.mark.parametrize("borders", [(), (4,), (2, 4, 6, 8), (3, 4, 6, 8, 10)])
def test_what_another_plan_made_is_not_done(tmp_path: Path, borders: tuple[int, ...]) -> None:
    """Even where that plan, by itself, is a whole one."""
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
    other = replace(plan_of(), borders=borders)
    (work.folder / "plan.json").write_text(other.to_json())
    assert_begun_anew(target)


def test_a_plan_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> Plan:
        raise OutputError("no such encoder")

    with (
        pytest.raises(OutputError, match="no such encoder"),
        open_work(tmp_path / "out.mp4", KEY, fail),
    ):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [OutputError("no cluster"), KeyboardInterrupt()], ids=repr)
def test_work_that_ends_before_its_first_segment_leaves_nothing(
    tmp_path: Path, error: BaseException
) -> None:
    with pytest.raises(type(error)), open_work(tmp_path / "out.mp4", KEY, plan_of) as work:
        (work.folder / "000000.part").touch()
        work.warn("something was said")
        raise error
    assert not list(tmp_path.iterdir())


def test_work_with_a_finished_segment_outlasts_an_error(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with pytest.raises(OutputError), open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
        raise OutputError("no space")
    with pytest.raises(OutputError), open_work(target, KEY, never):  # nothing new was finished
        raise OutputError("no space")
    with open_work(target, KEY, never) as work:
        assert list(work.done) == [0]


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    folder_of(target, KEY).write_bytes(b"a file")
    with (
        pytest.raises(OutputError, match=r"\.work: cannot be written \(File exists\)"),
        open_work(target, KEY, never),
    ):
        pass
    assert not is_begun(target)


def test_only_errors_of_the_disk_are_blamed_on_the_folder(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    for error in (BrokenPipeError(errno.EPIPE, "b"), PermissionError(errno.EACCES, "c", "/else")):
        with pytest.raises(type(error)) as caught, open_work(target, KEY, plan_of):
            raise error
        assert caught.value is error
    with pytest.raises(OutputError, match=r"\.work: cannot be written \(No such file"):  # noqa: SIM117
        with open_work(target, KEY, plan_of) as work:
            (work.folder / "gone.packets").read_bytes()
    with pytest.raises(OutputError, match="cannot be written"), open_work(target, KEY, plan_of):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("how", ["cut", "changed", "missing", "longer", "folder"])
def test_a_file_that_is_not_as_it_was_written_is_made_again(tmp_path: Path, how: str) -> None:
    said: list[str] = []
    with open_work(tmp_path / "out.mp4", KEY, plan_of) as work:
        for number in range(6):
            work.add(done_of(work, number))
        work.check(said.append)
        assert not said
        file = work.file(3)
        data = file.read_bytes()
        file.unlink()
        if how == "cut":
            file.write_bytes(data[:-1])
        elif how == "changed":
            file.write_bytes(data[:2] + b"?" + data[3:])
        elif how == "longer":
            file.write_bytes(data + b"\0")
        elif how == "folder":
            file.mkdir()
        work.check(said.append)
        assert said == [f"{file}: is not as it was written; made again"]
        assert numbers(work) == [[3]]
        assert 3 not in work.done
        work.check(said.append)
        assert len(said) == 1  # it is known by now
    with open_work(tmp_path / "out.mp4", KEY, never) as work:
        assert numbers(work) == [[3]]
        if how == "folder":
            work.file(3).rmdir()
        work.add(done_of(work, 3, b"anew"))
        work.check(said.append)
        assert not numbers(work)
        assert len(said) == 1


def test_a_file_with_other_frames_than_the_journal_tells_is_made_again(tmp_path: Path) -> None:
    said: list[str] = []
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(replace(done_of(work, 0), frames=1))  # which can be, but is not so
        work.check(said.append)
        assert said == [f"{work.file(0)}: is not as it was written; made again"]
        assert numbers(work) == [[0, 1, 2, 3, 4, 5]]


def test_a_folder_whose_work_has_arrived_is_cleared_for_that_file_alone(tmp_path: Path) -> None:
    target, part = tmp_path / "out.mp4", tmp_path / "part"
    part.write_bytes(b"finished")
    with open_work(target, KEY, plan_of) as work:
        work.arrives(part)
        assert not work.has_arrived(target)
    assert clear_arrived(target) == []  # killed before the file got its name
    target.write_bytes(b"finished")  # the same contents, but of another time
    os.utime(target, ns=(1, 1))
    assert clear_arrived(target) == []
    target.unlink()
    part.replace(target)
    kept = target.stat()
    target.write_bytes(b"finished, and more")
    os.utime(target, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert clear_arrived(target) == []
    target.write_bytes(b"finished")
    os.utime(target, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    with open_work(target, OTHER, lambda: plan_of(OTHER)):
        pass
    assert clear_arrived(target) == [plan_of()]
    assert not folder_of(target, KEY).exists()
    assert folder_of(target, OTHER).exists()
    assert clear_arrived(target) == []


def test_other_settings_are_kept_and_told_of(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 2))
    asked = plan_of(OTHER, crf=20.0).settings
    (line,) = others(target, OTHER, asked)
    assert "1 of 6 segments (crf 18.0, not 20.0)" in line
    assert str(work.folder) in line
    assert "\n" not in line
    (line,) = others(target, OTHER, plan_of().settings)
    assert "(the input is another)" in line
    assert not list(others(target, KEY, asked))
    with open_work(target, OTHER, lambda: plan_of(OTHER, crf=20.0)) as second:
        assert second.folder != work.folder
    with open_work(target, KEY, never) as work:
        assert list(work.done) == [2]


def test_what_another_version_wrote_is_told_of_too(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 2))
        fact = {"segment": 3, "frames": 2, "colour": "new"}
        with (work.folder / "journal.jsonl").open("a") as journal:
            journal.write(json.dumps(fact) + "\n")
    (line,) = others(target, OTHER, plan_of(OTHER, version="2").settings)
    assert "2 of 6 segments (version unknown, not 2)" in line
    (work.folder / "plan.json").write_text("of another kind")
    assert not list(others(target, OTHER, {}))
    assert known_source(target, SOURCE) is None
    assert clear_arrived(target) == []


@pytest.mark.parametrize("name", ["a.mp4", "a", "a[1]*.mkv", "ä b.mov", ".a.mp4"])
def test_a_target_has_folders_of_its_own(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    assert not is_begun(target)
    with open_work(target, KEY, plan_of) as work:
        assert work.folder.parent == tmp_path
    assert is_begun(target)
    assert known_source(target, SOURCE) == plan_of().source
    assert known_source(target, SOURCE.with_name("other.mp4")) is None  # which may be as large
    for other in ("a.mp4.mkv", "b.mp4", f"{name}.mkv", f"{name}.", "a.mkv", "mp4"):
        assert not is_begun(tmp_path / other)
        assert not list(others(tmp_path / other, OTHER, {}))
        assert known_source(tmp_path / other, SOURCE) is None
    work.remove()
    assert not is_begun(target)
    assert not list(tmp_path.iterdir())


def test_a_longer_name_is_another_target(tmp_path: Path) -> None:
    for name in ("out.mp4.mkv", "out.mp4.01234567.work"):
        with open_work(tmp_path / name, KEY, plan_of):
            pass
        assert not is_begun(tmp_path / "out.mp4")
        assert not is_begun(tmp_path / "out")


def test_a_folder_that_is_missing_holds_no_work(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "out.mp4"
    assert not is_begun(target)
    assert clear_arrived(target) == []
    assert known_source(target, SOURCE) is None
    with pytest.raises(OutputError, match="cannot be written"), open_work(target, KEY, never):
        pass


def test_work_that_is_removed_while_it_is_held_leaves_nothing(tmp_path: Path) -> None:
    with open_work(tmp_path / "out.mp4", KEY, plan_of) as work:
        work.add(done_of(work, 0))
        work.remove()
    assert not list(tmp_path.iterdir())


def test_links_lead_to_nothing_that_is_written(tmp_path: Path) -> None:
    theirs, target = tmp_path / "theirs", tmp_path / "out.mp4"
    theirs.write_bytes(b"theirs")
    folder = folder_of(target, KEY)
    folder.mkdir()
    for name in ("lock", "plan.json", "journal.jsonl", "000000.packets"):
        (folder / name).symlink_to(theirs)
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
    assert theirs.read_bytes() == b"theirs"
    assert not any(path.is_symlink() for path in folder.iterdir())


def test_a_link_is_no_work_folder(tmp_path: Path) -> None:
    theirs, target = tmp_path / "theirs", tmp_path / "out.mp4"
    theirs.mkdir()
    folder_of(target, KEY).symlink_to(theirs)
    with pytest.raises(OutputError, match="is a link"), open_work(target, KEY, plan_of):
        pass
    assert not is_begun(target)
    assert not any(theirs.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there is none")
@pytest.mark.parametrize("name", ["plan.json", "journal.jsonl"])
def test_a_fifo_is_not_waited_for(tmp_path: Path, name: str) -> None:
    target = tmp_path / "out.mp4"
    with open_work(target, KEY, plan_of) as work:
        work.add(done_of(work, 0))
    (work.folder / name).unlink()
    os.mkfifo(work.folder / name)
    with open_work(target, KEY, plan_of) as work:
        assert not work.done
