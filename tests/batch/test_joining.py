"""Which files of a camera become one source, and where each stands on its clock."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.clips import Clip, make

from vsr.api import upscale
from vsr.batch.joining import Joined, Joining, Plan, join
from vsr.batch.sources import Found
from vsr.core.errors import OutputError
from vsr.core.parts import PartList, read_parts
from vsr.core.picture import PictureOptions
from vsr.video.joined import measure
from vsr.video.open import open_input

USUAL = Joining()
NAME = "{stem}_{size}{suffix}"
TEN = datetime(2026, 11, 28, 22, 0, tzinfo=UTC)
NOW = TEN + timedelta(days=1)
TWO = Clip(width=32, height=24, pts=range(0, 8 * 3200, 3200))  # 2 s

SOUNDING = replace(TWO, pts=range(0, 200 * 128, 128), audio=("eng",))


pytestmark = pytest.mark.usefixtures("berlin")


def record(root: Path, begins: datetime, camera: str = "door", clip: Clip = TWO) -> Found:
    """A file as Frigate leaves it."""
    relative = Path(f"{begins:%Y-%m-%d/%H}", camera, f"{begins:%M.%S}.mp4")
    path = root / "recordings" / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    make(path, clip)
    written = begins.timestamp() + 3
    os.utime(path, (written, written))
    return Found(path, relative)


def after(*seconds: float) -> list[datetime]:
    return [TEN + timedelta(seconds=s) for s in seconds]


def planned(root: Path, found: list[Found], joining: Joining = USUAL, now: datetime = NOW) -> Plan:
    return join(found, joining, root / "out", NAME, PictureOptions(), now)


def lists(plan: Plan) -> list[PartList]:
    return [read_parts(each.source) for each in plan.joined]


def names(plan: Plan) -> list[list[str]]:
    """The files of each list, by their hour, minute and second."""
    return [[part.begins[11:19] for part in parts.parts] for parts in lists(plan)]


def starts(plan: Plan) -> list[list[float]]:
    return [[part.start / 1e6 for part in parts.parts] for parts in lists(plan)]


def test_what_follows_is_joined_and_gaps_are_kept(tmp_path: Path) -> None:
    found = [record(tmp_path, begins) for begins in after(0, 2, 4, 34, 100)]
    plan = planned(tmp_path, found)
    assert names(plan) == [["22:00:00", "22:00:02", "22:00:04", "22:00:34"], ["22:01:40"]]
    assert starts(plan) == [[0, 2, 4, 34], [0]]
    assert plan.notes == plan.single == []
    out = tmp_path / "out" / "door"
    assert plan.joined[0] == Joined(
        "door",
        out / "2026-11-28_23-00-00+0100.parts.json",
        out / "2026-11-28_23-00-00+0100_x4.mp4",
    )
    first = lists(plan)[0]
    assert (first.camera, first.rule) == ("door", "gap 60 s, 1 hour")
    assert [part.frames for part in first.parts] == [8, 8, 8, 8]
    assert first.parts[3].begins == "2026-11-28T22:00:34Z"


def test_the_longest_gap_can_be_chosen(tmp_path: Path) -> None:
    found = [record(tmp_path, begins) for begins in after(0, 12, 62)]
    assert len(planned(tmp_path, found, Joining(gap=10)).joined) == 2
    assert len(planned(tmp_path, found, Joining(gap=9)).joined) == 3
    assert len(planned(tmp_path, found, Joining(gap=0)).joined) == 3
    assert len(planned(tmp_path, found).joined) == 1


def test_names_tell_whole_seconds(tmp_path: Path) -> None:
    """Files of 2 s that begin 1, 3 or 4 s apart follow each other; clocks do not run away."""
    found = [record(tmp_path, begins) for begins in after(0, 1, 4, 7, 11)]
    plan = planned(tmp_path, found)
    assert starts(plan) == [[0, 2, 4, 6, 11]]  # the last is 3 s late: that is a gap


def test_sound_moves_no_picture(tmp_path: Path) -> None:
    """AAC begins a packet before its picture; each file still begins 2 s after the last."""
    found = [record(tmp_path, b, clip=SOUNDING) for b in after(*range(0, 40, 2))]
    with open_input(found[0].path) as container:
        measured = measure(container, found[0].path)
    assert (measured.follows(measured), measured.clear_of(measured) > 2) == (2, True)
    plan = planned(tmp_path, found)
    assert plan.notes == []
    assert starts(plan) == [[*range(0, 40, 2)]]


def test_pictures_that_run_ahead_of_the_clock_begin_a_new_output(tmp_path: Path) -> None:
    """Files of 2 s, of which names tell that they are 1 s apart."""
    plan = planned(tmp_path, [record(tmp_path, b) for b in after(0, 1, 2, 3, 4)])
    assert starts(plan) == [[0, 2, 4], [0, 2]]
    [note] = plan.notes
    assert note.endswith("begins a new output, the pictures run 3.0 s ahead of the clock")


def test_what_overlaps_begins_a_new_output(tmp_path: Path) -> None:
    long = replace(TWO, pts=range(0, 32 * 3200, 3200))  # 8 s
    found = [record(tmp_path, TEN, clip=long), *[record(tmp_path, b) for b in after(5, 7)]]
    plan = planned(tmp_path, found)
    assert names(plan) == [["22:00:00"], ["22:00:05", "22:00:07"]]
    assert plan.notes == [
        f"{found[1].path}: begins a new output, begins before 00.00.mp4 ends",
    ]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (replace(TWO, width=48), "video 0: width 32, then 48"),
        (replace(TWO, codec="mpeg4", options={}), "video 0: codec h264, then mpeg4"),
        (replace(TWO, audio=("eng",)), "audio 1 is in one of them alone"),
        (replace(TWO, pix_fmt="yuv444p"), "video 0: pix fmt yuv420p, then yuv444p"),
    ],
)
def test_another_kind_begins_a_new_output(tmp_path: Path, other: Clip, why: str) -> None:
    found = [record(tmp_path, TEN), record(tmp_path, *after(2), clip=other)]
    plan = planned(tmp_path, found)
    assert names(plan) == [["22:00:00"], ["22:00:02"]]
    assert plan.notes == [
        f"{found[1].path}: begins a new output, another kind than 00.00.mp4: {why}"
    ]


def test_hours_and_days_begin_anew(tmp_path: Path) -> None:
    """By the local clock: 22:59:58 UTC is 23:59:58 in Berlin."""
    found = [record(tmp_path, b) for b in after(3596, 3598, 3600, 3602)]
    assert names(planned(tmp_path, found)) == [["22:59:56", "22:59:58"], ["23:00:00", "23:00:02"]]
    day = [record(tmp_path, b) for b in after(7196, 7200)]
    assert len(planned(tmp_path, day, Joining(hours=24)).joined) == 1
    assert len(planned(tmp_path, found, Joining(hours=24)).joined) == 2


def test_cameras_are_apart(tmp_path: Path) -> None:
    found = [record(tmp_path, b, camera) for camera in ("road", "door") for b in after(0, 2)]
    plan = planned(tmp_path, found)
    assert [
        (each.camera, len(parts.parts))
        for each, parts in zip(plan.joined, lists(plan), strict=True)
    ] == [
        ("door", 2),
        ("road", 2),
    ]


def test_the_hour_that_comes_twice_gives_two_outputs(tmp_path: Path) -> None:
    half_past = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    found = [record(tmp_path, half_past + timedelta(hours=n)) for n in (0, 1)]
    assert [each.source.name for each in planned(tmp_path, found).joined] == [
        "2026-10-25_02-30-00+0200.parts.json",
        "2026-10-25_02-30-00+0100.parts.json",
    ]


def test_what_cannot_be_joined_is_done_by_itself(tmp_path: Path) -> None:
    found = [record(tmp_path, b) for b in after(0, 2, 4, 6)]
    found[1].path.write_bytes(b"no video")
    os.utime(found[1].path, (TEN.timestamp(), TEN.timestamp()))
    loose = tmp_path / "recordings" / "clip.mp4"
    make(loose, TWO)
    export = loose.with_name("door_20261128_220000-20261128_223000_k2x9ab.mp4")
    make(export, TWO)
    broken = loose.parent / "2026-11-28" / "22" / "a\nb" / "00.00.mp4"
    broken.parent.mkdir(parents=True)
    make(broken, TWO)
    apart = [Found(path, path.relative_to(loose.parents[0])) for path in (loose, export, broken)]
    plan = planned(tmp_path, [*found, *apart])
    assert names(plan) == [["22:00:00", "22:00:04", "22:00:06"]]
    assert plan.single == [*apart, found[1]]
    assert plan.notes == ["1 file of which no path tells the beginning: done one by one"]


def test_other_containers_are_done_by_themselves(tmp_path: Path) -> None:
    found = [record(tmp_path, b) for b in after(0, 2)]
    (tmp_path / "as.ts").write_bytes(make(tmp_path / "a.ts", TWO).read_bytes())
    (tmp_path / "as.ts").replace(found[1].path)
    os.utime(found[1].path, (TEN.timestamp(), TEN.timestamp()))
    plan = planned(tmp_path, found)
    assert names(plan) == [["22:00:00"]]
    assert plan.single == [found[1]]
    assert plan.notes == [f"{found[1].path}: is no mp4 or Matroska: done by itself"]


def test_what_may_go_on_waits(tmp_path: Path) -> None:
    found = [record(tmp_path, b) for b in after(0, 2, 90, 92)]
    soon = TEN + timedelta(seconds=94 + 60 + 2 + 9)
    plan = planned(tmp_path, found, now=soon)
    assert names(plan) == [["22:00:00", "22:00:02"]]
    assert plan.notes == [
        "door: the recording of 2026-11-28 23:01:30 may go on; 2 files left for the next run"
    ]
    assert len(planned(tmp_path, found, now=soon + timedelta(seconds=1)).joined) == 2


def test_what_is_being_written_waits(tmp_path: Path) -> None:
    found = [record(tmp_path, b) for b in after(0, 2)]
    os.utime(found[1].path, (NOW.timestamp() - 5, NOW.timestamp() - 5))
    plan = planned(tmp_path, found)
    assert (plan.joined, plan.single, len(plan.notes)) == ([], [], 1)
    assert len(planned(tmp_path, found, now=NOW + timedelta(seconds=6)).joined) == 1


def test_lists_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [record(tmp_path, b) for b in after(0, 2, 100)]
    plan = planned(tmp_path, found)
    before = [each.source.read_bytes() for each in plan.joined]
    with monkeypatch.context() as patched:  # nothing is opened again
        patched.setattr("vsr.batch.joining.open_input", pytest.fail)
        assert planned(tmp_path, found) == plan
    assert [each.source.read_bytes() for each in plan.joined] == before


def test_a_part_that_comes_later_makes_another_list(tmp_path: Path) -> None:
    found = [record(tmp_path, b) for b in after(0, 4)]
    before = planned(tmp_path, found).joined[0].source.read_bytes()
    found.append(record(tmp_path, *after(2)))
    plan = planned(tmp_path, found)
    assert names(plan) == [["22:00:00", "22:00:02", "22:00:04"]]
    assert plan.joined[0].source.read_bytes() != before


def test_another_rule_makes_another_list(tmp_path: Path) -> None:
    found = [record(tmp_path, b) for b in after(0, 2, 34)]
    assert len(planned(tmp_path, found).joined) == 1
    assert names(planned(tmp_path, found, Joining(gap=10))) == [
        ["22:00:00", "22:00:02"],
        ["22:00:34"],
    ]


def test_what_was_made_of_files_that_are_gone_stays(tmp_path: Path) -> None:
    """Recorders delete what is old, file by file."""
    found = [record(tmp_path, b) for b in after(0, 2, 4)]
    made = planned(tmp_path, found).joined[0]
    found[0].path.unlink()
    again = planned(tmp_path, found[1:])
    assert names(again) == [["22:00:02", "22:00:04"]]  # nothing had been made as yet
    again.joined[0].source.unlink()
    made.target.touch()
    later = planned(tmp_path, found[1:])
    assert later.joined == []
    assert later.notes == [f"{made.source}: 1 of its 3 files are not here; its output stays"]


def test_what_the_filter_leaves_out_is_told_as_that(tmp_path: Path) -> None:
    found = [record(tmp_path, b) for b in after(0, 2, 4)]
    made = planned(tmp_path, found).joined[0]
    made.target.touch()
    later = planned(tmp_path, found[2:])
    assert later.joined == []
    assert later.notes == [
        f"{made.source}: 2 of its 3 files are left out by what is asked for; its output stays"
    ]


def enlarged(joined: Joined) -> None:
    """Make the output as a batch does, with a record."""
    upscale(
        joined.source,
        joined.target,
        scale=2,
        model="nearest",
        preset="ultrafast",
        record=True,
        overwrite=True,
    )


@pytest.mark.slow
def test_a_list_names_what_its_output_holds(tmp_path: Path) -> None:
    """What comes later is told, and taken up with `overwrite` alone."""
    found = [record(tmp_path, b) for b in after(0, 2, 6)]
    made = planned(tmp_path, found).joined[0]
    enlarged(made)
    before = made.source.read_bytes()
    more = [*found, record(tmp_path, *after(4))]
    plan = planned(tmp_path, more)
    assert plan.joined == plan.single == []
    assert plan.notes == [
        f"{made.target}: 1 file came later (00.04.mp4); it stays as it is, -y makes it anew"
    ]
    assert made.source.read_bytes() == before
    again = join(more, USUAL, tmp_path / "out", NAME, PictureOptions(), NOW, overwrite=True)
    assert (again.joined, again.notes) == ([made], [])
    assert names(again) == [["22:00:00", "22:00:02", "22:00:04", "22:00:06"]]
    # Killed before the output was made, the list is of other files than the output.
    assert planned(tmp_path, more).joined == []
    more[3].path.unlink()
    assert planned(tmp_path, found).joined == [made]
    assert made.source.read_bytes() == before


@pytest.mark.slow
def test_what_comes_after_others_are_gone_costs_nothing(tmp_path: Path) -> None:
    """It is done apart: the output's gone files cannot be read again."""
    found = [record(tmp_path, b) for b in after(0, 2)]
    made = planned(tmp_path, found).joined[0]
    enlarged(made)
    found[0].path.unlink()
    rest = [found[1], record(tmp_path, *after(4))]
    plan = join(rest, USUAL, tmp_path / "out", NAME, PictureOptions(), NOW, overwrite=True)
    assert names(plan) == [["22:00:04"]]
    assert plan.notes == [f"{made.source}: 1 of its 2 files are not here; its output stays"]


def test_what_is_no_list_is_not_replaced(tmp_path: Path) -> None:
    found = [record(tmp_path, b) for b in after(0, 2)]
    source = planned(tmp_path, found).joined[0].source
    before = source.read_bytes()
    source.write_text("{}")
    with pytest.raises(
        OutputError, match=r"is no parts list of vsr, .*; -y or overwrite=True replaces it$"
    ):
        planned(tmp_path, found)
    assert source.read_text() == "{}"
    join(found, USUAL, tmp_path / "out", NAME, PictureOptions(), NOW, overwrite=True)
    assert source.read_bytes() == before


@pytest.mark.parametrize("camera", [b"\xff\xfe", b"it's; $(x) `y`", b"%d", b"\\'", b"'", b"#a"])
def test_names_of_any_letters(tmp_path: Path, camera: bytes) -> None:
    found = [record(tmp_path, b, os.fsdecode(camera)) for b in after(0, 2)]
    plan = planned(tmp_path, found)
    assert [each.camera for each in plan.joined] == [os.fsdecode(camera)]
    with open_input(plan.joined[0].source) as container:
        assert sum(1 for packet in container.demux(video=0) if packet.size) == 16
