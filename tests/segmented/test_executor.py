"""A segment made alone holds the very packets that it would have among its neighbours."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import Any

import av
import pytest
from support.clips import Clip, make, video_frame
from support.context_network import blend
from support.interlaced import NTSC, progressive, pulled_down, woven
from support.interlaced import encode as save
from support.random_weights import drawn
from support.segmented_jobs import Held, held, ignore, job_of, made, plan_of, tools_of, uneven

from vsr.core.crop import parse_crop
from vsr.core.errors import InputError, StoppedError
from vsr.core.events import Progress, Reporter
from vsr.core.job import Job
from vsr.core.result import Run
from vsr.inference.passes import LoadedModel
from vsr.networks.catalogue import ModelCard
from vsr.networks.model import Model
from vsr.networks.vespcn import Vespcn
from vsr.pipeline.frames import run_frames
from vsr.segmented import executor
from vsr.segmented.executor import make_here
from vsr.segmented.plan import Plan
from vsr.segmented.work_dir import SegmentRecord, WorkDir, open_work
from vsr.video.field_vote import FieldOrder
from vsr.video.reader import open_video

TINY: dict[str, Any] = {"features": 4, "flow_features": 4}
X264 = {"bf": "2", "g": "7", "preset": "veryfast"}
OPEN_GOP = {"bf": "3", "g": "8", "x264-params": "open-gop=1:scenecut=0", "preset": "veryfast"}
SMALL: dict[str, Any] = {"width": 48, "height": 32}
EVEN = tuple(range(0, 24 * 512, 512))
AT_25: dict[str, Any] = {"time_base": Fraction(1, 25), "pts": range(24)}
PAUSES = tuple(number - number % 3 if number < 12 else -number for number in range(24))
SOURCES: dict[str, Clip] = {
    "uneven.mp4": Clip(**SMALL, options=X264, pts=uneven(24)),
    "late.mp4": Clip(**SMALL, options=X264, pts=[10**5 + time for time in uneven(24)]),
    "shots.mkv": Clip(**SMALL, options=X264, pts=EVEN, numbers=PAUSES),
    "open.mp4": Clip(**SMALL, options=OPEN_GOP, pts=EVEN),
    "plain.ts": Clip(**SMALL, options=X264, pts=EVEN, audio=("eng",)),
    "coarse.avi": Clip(**SMALL, codec="mpeg4", options={"g": "7"}, **AT_25),
    # These are read through: they say too little of their frames' times.
    "raw.h264": Clip(**SMALL, options=X264, pts=EVEN),
    "plain.mpg": Clip(**SMALL, codec="mpeg2video", options={"g": "7"}, **AT_25),
    "reordered.avi": Clip(**SMALL, options=X264, **AT_25),
}


def looking(number: int) -> Model:
    """A model that looks at `number` neighbours on either side, with drawn weights."""
    if number != 1:
        return blend(number)
    network = drawn(Vespcn(2, layers=2, **TINY), last=0.2)
    return Model(ModelCard("drawn", 2, "vespcn"), network)


def times_of(job: Job) -> list[int]:
    with open_video(job.file, job.options.read.span, ignore, job.options.read) as video:
        return [frame.pts for frame in video.frames()]


def cut_at(job: Job, tools: LoadedModel, *numbers: int) -> Plan:
    """A plan of segments that begin with these frames."""
    times = times_of(job)
    return plan_of(job, tools, [times[number] for number in numbers])


def packets_of(folder: Path, plan: Plan) -> list[list[Held]]:
    return [held(folder / f"{part.number}.packets") for part in plan.segments]


def check_alone(
    tmp_path: Path, job: Job, tools: LoadedModel, plan: Plan, runs: bool = True
) -> None:
    """Segments made alone, and in runs of two, are those of one go, frame by frame."""
    together = made(job, tools, plan, tmp_path / "together")
    whole = packets_of(tmp_path / "together", plan)
    assert sum(map(len, whole)) == plan.frames
    count = len(plan.segments)
    for length in (1, 2) if runs else (1,):
        for first in range(0, count, length):
            parts = plan.segments[first : first + length]
            alone = made(job, tools, plan, tmp_path / f"{length}", parts)
            assert [(d.frames, d.ticks) for d in alone] == [
                (together[part.number].frames, together[part.number].ticks) for part in parts
            ]
        assert packets_of(tmp_path / f"{length}", plan) == whole


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "context"),
    [
        *((name, 0) for name in SOURCES),
        *((name, 2) for name in SOURCES if name not in ("late.mp4", "plain.mpg", "coarse.avi")),
        *((name, 1) for name in ("shots.mkv", "raw.h264")),
    ],
)
def test_a_segment_alone_is_what_it_is_among_others(
    tmp_path: Path, name: str, context: int
) -> None:
    job = job_of(make(tmp_path / name, SOURCES[name]), tmp_path / "out.mp4")
    tools = tools_of(job, looking(context) if context else None)
    plan = cut_at(job, tools, 5, 6, 7, 16)
    assert plan.plain == (name not in ("raw.h264", "plain.mpg", "reordered.avi"))
    check_alone(tmp_path, job, tools, plan, runs=not context)


@pytest.mark.parametrize("name", ["uneven.mp4", "shots.mkv", "raw.h264", "coarse.avi"])
def test_borders_need_not_lie_at_frames(tmp_path: Path, name: str) -> None:
    job = job_of(make(tmp_path / name, SOURCES[name]), tmp_path / "out.mp4")
    tools = tools_of(job, looking(2))
    times = times_of(job)
    borders = (times[0] - 3, times[4] + 1, times[9] - 1, times[9] + 1, times[9] + 2, times[-1] + 9)
    plan = replace(plan_of(job, tools, borders), plain=False)
    check_alone(tmp_path, job, tools, plan, runs=False)


@pytest.mark.parametrize("name", ["uneven.mp4", "shots.mkv", "plain.ts"])
def test_reading_through_gives_what_seeking_gives(tmp_path: Path, name: str) -> None:
    job = job_of(make(tmp_path / name, SOURCES[name]), tmp_path / "out.mkv")
    tools = tools_of(job, looking(2))
    plan = cut_at(job, tools, 5, 8, 16)
    for kind, plain in (("sought", True), ("read", False)):
        for part in plan.segments:
            made(job, tools, replace(plan, plain=plain), tmp_path / kind, [part])
    assert packets_of(tmp_path / "sought", plan) == packets_of(tmp_path / "read", plan)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["uneven.mp4", "plain.mpg", "reordered.avi"])
@pytest.mark.parametrize(
    "span", [(Fraction(1, 10), Fraction(4, 5)), (Fraction(1, 3), None), (None, Fraction(7, 10))]
)
def test_a_part_of_the_time(
    tmp_path: Path, name: str, span: tuple[Fraction | None, Fraction | None]
) -> None:
    source = make(tmp_path / name, SOURCES[name])
    job = job_of(source, tmp_path / "out.mp4", start=span[0], end=span[1])
    tools = tools_of(job, looking(2))
    plan = cut_at(job, tools, 3, 4, 6)
    check_alone(tmp_path, job, tools, replace(plan, frames=len(times_of(job))), runs=False)


def test_a_part_of_the_picture(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", SOURCES["uneven.mp4"])
    job = job_of(source, tmp_path / "out.mp4", crop=parse_crop("8,4,20,20"))
    tools = tools_of(job, looking(2))
    check_alone(tmp_path, job, tools, cut_at(job, tools, 5, 13))


@pytest.mark.parametrize("context", [0, 1])
def test_a_segment_of_deinterlaced_frames(tmp_path: Path, context: int) -> None:
    options = {"bf": "2", "g": "7", "x264-params": "tff=1", "crf": "10"}
    source = save(tmp_path / "woven.mp4", woven(FieldOrder.TOP, 20), options=options)
    job = job_of(source, tmp_path / "out.mp4", deinterlace="on")
    tools = tools_of(job, looking(2) if context else None)
    check_alone(tmp_path, job, tools, cut_at(job, tools, 5, 7, 13))


@pytest.mark.parametrize("context", [0, 1])
def test_a_segment_of_film_begins_anywhere(
    tmp_path: Path, context: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Borders are times of frames, of which many are no picture's; they are sought all the same."""

    def sought(*words: Any, begin: int | None = None, **more: Any) -> Run:
        assert begin is None
        return run_frames(*words, **more)

    monkeypatch.setattr(executor, "run_frames", sought)
    options = {"bf": "2", "g": "7", "x264-params": "tff=1", "crf": "10"}
    frames = pulled_down(progressive(240), FieldOrder.TOP)
    source = save(tmp_path / "film.mp4", frames, options=options, rate=NTSC)
    job = job_of(source, tmp_path / "out.mp4")
    tools = tools_of(job, looking(2) if context else None)
    with open_video(source, job.options.read.span, ignore) as video:
        borders = [video.first_tick + 4 * 1001 * number for number in (33, 52, 201, 233, 254)]
    plan = plan_of(job, tools, borders)
    assert plan.plain
    assert plan.frames == 240
    check_alone(tmp_path, job, tools, plan)


def changing(path: Path) -> Path:
    """Twelve frames of a size, and twelve of a larger one, in one stream."""
    with av.open(str(path), "w") as out:
        stream: Any = None
        for part, (width, height) in enumerate(((48, 32), (64, 48))):
            context: Any = av.CodecContext.create("libvpx", "w")
            context.width, context.height, context.pix_fmt = width, height, "yuv420p"
            context.time_base = Fraction(1, 1000)
            context.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
            if stream is None:
                stream = out.add_stream("libvpx", rate=25)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                out.start_encoding()
            packets = []
            for number in range(12):
                frame = video_frame(number, width, height, "yuv420p")
                frame.pts, frame.time_base = 40 * (12 * part + number), Fraction(1, 1000)
                packets += context.encode(frame)
            for packet in [*packets, *context.encode(None)]:
                packet.stream = stream
                out.mux(packet)
    return path


def test_a_size_that_changes_midway_is_found_though_it_was_sought(tmp_path: Path) -> None:
    """There the picture is another one than the video began with: it is read through."""
    job = job_of(changing(tmp_path / "a.mkv"), tmp_path / "out.mp4")
    tools = tools_of(job)
    plan = cut_at(job, tools, 6, 12, 18)
    assert plan.plain
    check_alone(tmp_path, job, tools, plan)


def test_a_plan_whose_border_is_no_frame_is_read_through(tmp_path: Path) -> None:
    """As where a packet gives no frame: seeking there finds the next one."""
    job = job_of(make(tmp_path / "a.mp4", SOURCES["uneven.mp4"]), tmp_path / "out.mp4")
    tools = tools_of(job)
    times = times_of(job)
    plan = plan_of(job, tools, [times[6] - 1, times[12] + 1])
    done = [made(job, tools, plan, tmp_path / "alone", [part])[0] for part in plan.segments]
    assert [each.frames for each in done] == [6, 7, 11]
    made(job, tools, plan, tmp_path / "together")
    alone, whole = (packets_of(tmp_path / kind, plan) for kind in ("alone", "together"))
    for one, other in zip(alone, whole, strict=True):
        assert [packet.pts for packet in one] == [packet.pts for packet in other]


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("number", [0, 1])
def test_another_video_than_the_plans_is_one_line(tmp_path: Path, plain: bool, number: int) -> None:
    job = job_of(make(tmp_path / "a.mp4", SOURCES["uneven.mp4"]), tmp_path / "out.mp4")
    tools = tools_of(job)
    plan = replace(cut_at(job, tools, 12), picture="another", plain=plain)
    with pytest.raises(InputError, match="is not the video any more that the work began with"):
        made(job, tools, plan, tmp_path / "work", [plan.segments[number]])
    assert not list((tmp_path / "work").iterdir())


def test_what_is_missing_is_made_and_nothing_else(tmp_path: Path) -> None:
    job = job_of(make(tmp_path / "a.mp4", SOURCES["uneven.mp4"]), tmp_path / "out.mp4")
    tools = tools_of(job)
    plan = cut_at(job, tools, 3, 7, 12, 20)
    moves: list[tuple[int, int | None]] = []

    def moved(now: Progress) -> None:
        moves.append((now.frames, now.expected))

    reporter = Reporter(progress=moved)
    with open_work(job.target, plan.key, lambda: plan) as work:
        make_here(job, tools, work, reporter)
        assert moves == [(number, 24) for number in range(1, 25)]
        first = {number: work.file(number).stat().st_mtime_ns for number in range(5)}
        lose(work, 1, 3)
        moves.clear()
        make_here(job, tools, work, reporter)
        assert not work.pending()
        assert moves == [(number, 24) for number in range(13, 25)]
        changed = [n for n in range(5) if work.file(n).stat().st_mtime_ns != first[n]]
        assert changed == [1, 3]
        moves.clear()
        make_here(job, tools, work, reporter)
        assert moves == []


def test_the_journal_is_read_as_often_for_many_segments_as_for_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(make(tmp_path / "a.mp4", SOURCES["uneven.mp4"]), tmp_path / "out.mp4")
    tools = tools_of(job, looking(0))
    plain = WorkDir.done
    looks: list[int] = []

    def counting(work: WorkDir) -> dict[int, SegmentRecord]:
        looks[-1] += 1
        found: dict[int, SegmentRecord] = plain.__get__(work)
        return found

    monkeypatch.setattr(WorkDir, "done", property(counting))
    for borders in ((12,), (4, 8, 12, 16, 20)):
        plan = replace(cut_at(job, tools, *borders), key=f"{len(borders)}{'0' * 63}")
        looks.append(0)
        with open_work(job.target, plan.key, lambda plan=plan: plan) as work:
            make_here(job, tools, work, Reporter())
    assert looks[0] == looks[1]


def lose(work: WorkDir, *numbers: int) -> None:
    for number in numbers:
        work.file(number).unlink()
    work.check(ignore)


def test_it_stops_between_segments_and_goes_on(tmp_path: Path) -> None:
    job = job_of(make(tmp_path / "a.mp4", SOURCES["uneven.mp4"]), tmp_path / "out.mp4")
    tools = tools_of(job, looking(2))
    plan = cut_at(job, tools, 4, 8, 12, 16, 20)
    made(job, tools, plan, tmp_path / "together")
    stop, runs = Event(), 0
    with open_work(job.target, plan.key, lambda: plan) as work:
        while work.pending():
            stop.set()
            before = len(work.done)
            try:
                make_here(job, tools, work, Reporter(stop=stop))
            except StoppedError:
                assert len(work.done) == before + 1
            runs += 1
        assert runs == 6
        kept = [held(work.file(part.number)) for part in plan.segments]
    assert kept == packets_of(tmp_path / "together", plan)
