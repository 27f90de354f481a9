"""Segments: frames in are packets out, and nothing unfinished stays."""

from __future__ import annotations

import gc
import hashlib
import os
import resource
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from support.segmented_jobs import frames_of, held, ignore, info_of, plan_for, undamaged, uneven

from vsr.core.damage import Damage
from vsr.core.errors import OutputError, StoppedError
from vsr.core.events import Reporter
from vsr.core.frame import ColorTags, Frame, VideoInfo
from vsr.encoding.codecs import Encoding
from vsr.segmented.plan import Plan, Segment
from vsr.segmented.segments import (
    MisplacedError,
    Stretch,
    close_alone,
    create_segments,
    header_of,
    open_alone,
)
from vsr.segmented.work_dir import SegmentRecord

INFO = info_of()
PLAIN = Encoding()
TIMES = uneven(14)
BORDERS = (TIMES[4], TIMES[5], TIMES[11])
PARTS = (range(4), range(4, 5), range(5, 11), range(11, 14))
ENCODERS: dict[str, Encoding] = {
    "libx264": Encoding(preset="medium"),
    "libx265": Encoding(preset="ultrafast"),
    "ffv1": Encoding(),
    "mpeg4": Encoding(),
    "mjpeg": Encoding(),
    "libsvtav1": Encoding(preset="12"),
    "libvpx-vp9": Encoding(),
}
PLAN = plan_for(INFO, "ffv1", "matroska", BORDERS, PLAIN)


def write(
    folder: Path,
    plan: Plan,
    frames: Sequence[Frame],
    segments: Sequence[Segment] | None = None,
    info: VideoInfo = INFO,
    encoding: Encoding = PLAIN,
    first: int | None = None,
    damage: Callable[[int | None, int | None], Damage] = undamaged,
    made: Callable[[SegmentRecord], None] = ignore,
    stop: Event | None = None,
) -> list[SegmentRecord]:
    """Write frames into segments, all of the plan's if not told which."""
    folder.mkdir(exist_ok=True)
    found: list[SegmentRecord] = []

    def took(done: SegmentRecord) -> None:
        found.append(done)
        made(done)

    wanted = plan.segments if segments is None else segments
    stretch = Stretch(plan, wanted, lambda number: folder / f"{number}.packets", took)
    with create_segments(
        stretch, info, encoding, first, damage, Reporter(stop=stop or Event())
    ) as output:
        for frame in frames:
            output.write(frame)
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("codec", "container"),
    [
        *((codec, container) for codec in ENCODERS for container in ("mp4", "matroska")),
        *((codec, "mpegts") for codec in ("libx264", "libx265", "mpeg4")),
        *((codec, "avi") for codec in ("libx264", "mpeg4", "ffv1", "mjpeg")),
    ],
)
def test_each_frame_is_a_packet_in_its_segment(tmp_path: Path, codec: str, container: str) -> None:
    encoding, folder = ENCODERS[codec], tmp_path / "work"
    info = replace(INFO, color=ColorTags(range=2)) if codec == "mjpeg" else INFO
    plan = plan_for(info, codec, container, BORDERS, encoding)
    done = write(folder, plan, frames_of(info, TIMES), info=info, encoding=encoding)
    assert [each.segment for each in done] == [0, 1, 2, 3]
    assert names(folder) == [f"{number}.packets" for number in range(4)]
    for each, part in zip(done, PARTS, strict=True):
        file = folder / f"{each.segment}.packets"
        packets = held(file)
        shown = [packet.pts * packet.time_base for packet in packets]
        assert sorted(shown) == [TIMES[number] * INFO.time_base for number in part]
        assert packets[0].keyframe
        assert min(shown) == shown[0]
        order = [packet.dts for packet in packets]
        assert all(one < following for one, following in pairwise(order))
        assert all(packet.dts <= packet.pts for packet in packets)
        assert each.frames == len(part)
        assert (each.bytes, each.sha256) == (
            file.stat().st_size,
            hashlib.sha256(file.read_bytes()).hexdigest(),
        )
    assert sum(each.ticks for each in done) == TIMES[-1] + 512 - TIMES[0]


def test_a_segment_does_not_depend_on_those_before_it(tmp_path: Path) -> None:
    encoding = ENCODERS["libx264"]
    plan = plan_for(INFO, "libx264", "mp4", BORDERS, encoding)
    frames = frames_of(INFO, TIMES)
    write(tmp_path / "all", plan, frames, encoding=encoding)
    for number, part in enumerate(PARTS):
        mine = [frames[n] for n in part]
        segment = plan.segments[number]
        alone = tmp_path / "alone"
        write(alone, plan, mine, [segment], encoding=encoding, first=mine[0].pts)
        assert held(alone / f"{number}.packets") == held(tmp_path / "all" / f"{number}.packets")


@pytest.mark.parametrize("came", [(), (0, 1), (12, 13), (0, 13), (5,), (4, 11)])
def test_segments_for_which_no_frame_comes_are_empty(tmp_path: Path, came: tuple[int, ...]) -> None:
    frames = [frame for number, frame in enumerate(frames_of(INFO, TIMES)) if number in came]
    done = write(tmp_path / "work", PLAN, frames)
    assert [each.frames for each in done] == [len(set(part) & set(came)) for part in PARTS]
    for each in done:
        assert len(held(tmp_path / "work" / f"{each.segment}.packets")) == each.frames
        assert each.ticks == sum(
            frames_of(INFO, TIMES)[n].duration for n in PARTS[each.segment] if n in came
        )


def test_the_shift_moves_all_times(tmp_path: Path) -> None:
    frames = frames_of(INFO, TIMES)
    write(tmp_path / "still", PLAN, frames)
    write(tmp_path / "moved", replace(PLAN, shift=1000), frames)
    for number in range(4):
        still, moved = (held(tmp_path / each / f"{number}.packets") for each in ("still", "moved"))
        assert [p._replace(pts=p.pts - 1000, dts=p.dts - 1000) for p in still] == moved


def test_another_first_frame_is_misplaced(tmp_path: Path) -> None:
    frames = frames_of(INFO, TIMES)
    for first in (TIMES[5] - 1, TIMES[5] + 1, TIMES[6]):
        with pytest.raises(MisplacedError):
            write(tmp_path / "work", PLAN, frames[5:], PLAN.segments[2:], first=first)
    assert names(tmp_path / "work") == []
    done = write(tmp_path / "work", PLAN, frames[5:], PLAN.segments[2:], first=TIMES[5])
    assert [each.segment for each in done] == [2, 3]


def test_another_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="this machine's ffv1 writes another header"):
        write(tmp_path / "work", replace(PLAN, header="0" * 64), frames_of(INFO, TIMES))
    assert names(tmp_path / "work") == []


def test_a_header_tells_settings_apart_and_not_runs() -> None:
    def header(**settings: Any) -> str:
        encoder = open_alone(INFO, "mp4", "libx264", Encoding(threads=1, **settings), ignore)
        try:
            return header_of(encoder)
        finally:
            close_alone(encoder)

    assert header() == header()
    assert len({header(), header(crf=30), header(preset="fast"), header(pix_fmt="yuv444p")}) == 4


def test_it_stops_between_two_segments(tmp_path: Path) -> None:
    stop = Event()
    with pytest.raises(StoppedError):
        write(
            tmp_path / "work", PLAN, frames_of(INFO, TIMES), made=lambda done: stop.set(), stop=stop
        )
    assert names(tmp_path / "work") == ["0.packets"]
    assert len(held(tmp_path / "work" / "0.packets")) == 4


def test_a_stop_in_the_last_segment_lets_it_end(tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    frames = frames_of(INFO, TIMES)
    done = write(tmp_path / "work", PLAN, frames[:4], PLAN.segments[:1], stop=stop)
    assert [each.frames for each in done] == [4]


@pytest.mark.parametrize("when", [0, 1, 6])
def test_after_an_error_only_what_is_finished_stays(tmp_path: Path, when: int) -> None:
    def coming() -> Any:
        for number, frame in enumerate(frames_of(INFO, TIMES)):
            if number == when:
                raise ZeroDivisionError
            yield frame

    made: list[SegmentRecord] = []
    with pytest.raises(ZeroDivisionError):
        write(tmp_path / "work", PLAN, coming(), made=made.append)
    assert names(tmp_path / "work") == [f"{done.segment}.packets" for done in made]
    assert len(made) <= sum(TIMES[when] >= border for border in BORDERS)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vsr-")]


def test_an_error_of_who_is_told_ends_it(tmp_path: Path) -> None:
    def refuse(done: SegmentRecord) -> None:
        raise OutputError("the journal cannot be written")

    with pytest.raises(OutputError, match="the journal"):
        write(tmp_path / "work", PLAN, frames_of(INFO, TIMES), made=refuse)
    assert names(tmp_path / "work") == ["0.packets"]  # which is in no journal: it is not done


def test_a_full_disk_is_one_line_and_leaves_nothing_half(tmp_path: Path) -> None:
    """In a process of its own, whose files may grow no further."""
    folder, report = tmp_path / "work", tmp_path / "report"
    pid = os.fork()
    if pid == 0:
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
            try:
                write(folder, PLAN, frames_of(INFO, TIMES))
            except OutputError as error:
                report.write_text(str(error))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert report.read_text() == f"{folder}: cannot be written (File too large)"
    assert not list(folder.glob("*.part"))


def test_damage_is_asked_for_where_it_lies(tmp_path: Path) -> None:
    asked: list[tuple[int | None, int | None]] = []

    def damage(begin: int | None, end: int | None) -> Damage:
        asked.append((begin, end))
        return Damage(corrupt=len(asked), gaps=0, repaired_pts=2)

    done = write(tmp_path / "work", PLAN, frames_of(INFO, TIMES), damage=damage)
    assert asked == [(segment.begin, segment.end) for segment in PLAN.segments]
    assert [each.damage for each in done] == [
        {"corrupt": number, "mended": 2} for number in (1, 2, 3, 4)
    ]


def test_encoders_are_freed_one_by_one(tmp_path: Path) -> None:
    """Each holds tens of frames, which Python would free whenever it looks for cycles."""
    info = info_of(1280, 720)
    encoding = Encoding(preset="fast")
    frames = frames_of(info, range(0, 10 * 512, 512))
    plan = plan_for(info, "libx264", "mp4", range(512, 10 * 512, 512), encoding)
    sizes: list[int] = []

    def measure(done: SegmentRecord) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        sizes.append(pages * resource.getpagesize() >> 20)

    gc.collect()
    gc.disable()
    try:
        write(tmp_path / "work", plan, frames, info=info, encoding=encoding, made=measure)
    finally:
        gc.enable()
    assert sizes[-1] - sizes[0] < 30  # MiB; nine encoders more take 80
