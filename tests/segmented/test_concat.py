"""Segments joined: times of decoding ascend, and every picture comes as it was encoded."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from av.packet import Packet
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clips import Clip, make
from support.clips import held as held_in
from support.segmented_jobs import (
    frames_of,
    ignore,
    info_of,
    job_of,
    made,
    plan_for,
    plan_of,
    tools_of,
    undamaged,
    uneven,
)

from vsr.core.errors import OutputError
from vsr.core.events import Reporter
from vsr.core.result import Run
from vsr.encoding.codecs import Encoding
from vsr.segmented.concat import join, joined
from vsr.segmented.packet_file import read_packets
from vsr.segmented.plan import Plan
from vsr.segmented.segments import Stretch, close_alone, create_segments, open_alone
from vsr.segmented.work_dir import WorkDir, open_work

REORDERING = Encoding(preset="faster")  # three B-frames
SMALL = info_of(32, 24)


def encoded(folder: Path, plan: Plan, times: Sequence[int], encoding: Encoding) -> WorkDir:
    """A work folder with the segments of frames of these times."""
    folder.mkdir()
    work = WorkDir(folder, plan)
    stretch = Stretch(plan, plan.segments, work.file, work.add)
    with create_segments(stretch, SMALL, encoding, None, undamaged, Reporter()) as output:
        for frame in frames_of(SMALL, times):
            output.write(frame)
    return work


def check_order(packets: Sequence[Packet[Any]], times: Sequence[int], base: Fraction) -> None:
    """Each time is there, and those of decoding ascend and are none too late."""
    order = [packet.dts * packet.time_base for packet in packets if packet.dts is not None]
    shown = [packet.pts * packet.time_base for packet in packets if packet.pts is not None]
    assert len(order) == len(shown) == len(packets)
    assert all(one < following for one, following in pairwise(order))
    assert all(dts <= pts for dts, pts in zip(order, shown, strict=True))
    assert sorted(shown) == [time * base for time in times]


gaps = st.lists(st.sampled_from([1, 1, 2, 3, 40, 512, 5000]), min_size=1, max_size=30)
plans: dict[tuple[str, str], Plan] = {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("codec", "container"), [("libx264", "mp4"), ("libx264", "mpegts"), ("mpeg4", "mp4")]
)
@given(gaps, st.sets(st.integers(1, 29), max_size=6), st.integers(-5000, 5000))
@settings(max_examples=20, deadline=None)
def test_times_of_decoding_ascend_wherever_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory,
    codec: str,
    container: str,
    gaps: list[int],
    cuts: set[int],
    first: int,
) -> None:
    times = list(accumulate(gaps, initial=first))
    encoding = REORDERING if codec == "libx264" else Encoding()
    if (codec, container) not in plans:
        plans[codec, container] = plan_for(SMALL, codec, container, (), encoding)
    borders = [times[cut] for cut in sorted(cuts) if cut < len(times)]
    plan = replace(plans[codec, container], borders=tuple(borders))
    work = encoded(tmp_path_factory.mktemp("one") / "work", plan, times, encoding)
    check_order(list(joined(work)), times, SMALL.time_base)


def test_times_of_one_segment_stay_as_they_are(tmp_path: Path) -> None:
    plan = plan_for(SMALL, "libx264", "mp4", (), REORDERING)
    work = encoded(tmp_path / "work", plan, uneven(20), REORDERING)
    alone = [(p.pts, p.dts) for p in read_packets(work.file(0))]
    assert [(p.pts, p.dts) for p in joined(work)] == alone
    assert any(pts != dts for pts, dts in alone)


def test_empty_segments_are_passed(tmp_path: Path) -> None:
    times = uneven(12)
    borders = (times[0] - 5, times[5], times[5] + 1, times[5] + 2, times[-1] + 5)
    plan = plan_for(SMALL, "libx264", "mp4", borders, REORDERING)
    work = encoded(tmp_path / "work", plan, times, REORDERING)
    assert [work.done[n].frames for n in range(6)] == [0, 5, 1, 0, 6, 0]
    check_order(list(joined(work)), times, SMALL.time_base)


TARGETS = [
    ("out.mp4", "h264", "medium"),
    ("out.mkv", "h264", "medium"),
    ("out.avi", "h264", "medium"),
    ("out.ts", "h264", "medium"),
    ("out.mov", "h264", "medium"),
    ("out.mp4", "hevc", "ultrafast"),
    ("out.mkv", "hevc", "ultrafast"),
    ("out.mkv", "ffv1", ""),
    ("out.avi", "ffv1", ""),
    ("out.avi", "mpeg4", ""),
    ("out.mp4", "mpeg4", ""),
    ("out.mov", "mpeg4", ""),
    ("out.mp4", "av1", "12"),
    ("out.webm", "libvpx-vp9", ""),
    ("out.ts", "mpeg2video", ""),
]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames of uneven lengths with B-frames, which begin late, sound and a subtitle."""
    return make(
        tmp_path_factory.mktemp("clip") / "clip.mkv",
        Clip(
            width=32,
            height=32,
            pts=[512 + time for time in uneven(30)],
            options={"bf": "2", "g": "7"},
            audio=("eng",),
            subtitles=((0.1, 0.3, "one"), (0.5, 0.9, "two")),
        ),
    )


@pytest.mark.parametrize(
    ("name", "codec", "preset", "seed"),
    [
        *((*target, seed) for seed, target in enumerate(TARGETS)),
        *((*target, 20) for target in TARGETS if target[1] == "h264"),
    ],
)
def test_the_joined_file_shows_what_each_segment_does(
    tmp_path: Path, clip: Path, name: str, codec: str, preset: str, seed: int
) -> None:
    encoding = Encoding(codec, preset=preset, threads=1)
    job = job_of(clip, tmp_path / name, codec=codec, preset=preset, verify=True)
    tools, times = tools_of(job), times_of(clip)
    # One of a single frame, and one that follows at once, beside what chance brings.
    cuts = {5, 6, *random.Random(seed).sample(range(1, 30), 4)}
    plan = plan_of(job, tools, [times[cut] for cut in sorted(cuts)])
    sealed: list[tuple[Path, Run, int]] = []
    with open_work(job.target, plan.key, lambda: plan) as work:
        for done in made(job, tools, plan, tmp_path / "made"):
            (tmp_path / "made" / f"{done.segment}.packets").rename(work.file(done.segment))
            work.add(done)
        decoder = open_alone(
            replace(info_of(64, 64), time_base=plan.time_base),
            plan.format,
            plan.encoder,
            encoding,
            ignore,
        )
        header = decoder.stream.codec_context.extradata
        close_alone(decoder)
        kept = [list(read_packets(work.file(part.number))) for part in plan.segments]
        expected = [shown for packets in kept for shown in decoded(plan.encoder, header, packets)]
        data = [bytes(packet) for packets in kept for packet in packets]

        def before_commit(part: Path, run: Run, segments: Sequence[Any]) -> None:
            assert not job.target.exists()
            assert part.parent == work.folder
            sealed.append((part, run, len(segments)))

        run = join(job, work, ignore, before_commit)
        folder = work.folder
    assert not folder.exists()
    if codec == "mpeg4":  # libav's decoder does not always show the same for the same packets
        assert packets_of(job.target) == data
    else:
        assert pictures(job.target) == expected
    assert len(expected) == run.frames_in == run.frames_out == 30
    assert sealed == [(folder / f"joined{job.target.suffix}", run, len(plan.segments))]
    out = held_in(job.target)
    if job.target.suffix != ".avi":  # which has no time for the first frame
        seconds = [Fraction(time) * plan.time_base for time in times]
        wanted = [time - seconds[0] for time in seconds]
        assert all(
            abs(shown - out.pts[0] - time) <= out.time_base
            for shown, time in zip(out.pts, wanted, strict=True)
        )
    source = held_in(clip)
    if name in ("out.mp4", "out.mkv", "out.mov"):
        assert out.packets["audio"] == source.packets["audio"]
    assert run.duration_in == (times[-1] - times[0]) * plan.time_base + last_of(clip)


def last_of(clip: Path) -> Fraction:
    with av.open(str(clip)) as container:
        *_, frame = container.decode(video=0)
        assert frame.time_base is not None
        return frame.duration * frame.time_base


def times_of(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [frame.pts or 0 for frame in container.decode(video=0)]


def pictures(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "NONE"
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def decoded(encoder: str, header: bytes | None, packets: Sequence[Packet[Any]]) -> list[bytes]:
    """The pictures of a segment by itself."""
    name = av.Codec(encoder, "w").canonical_name
    decoder: Any = av.CodecContext.create({"av1": "libdav1d"}.get(name, name), "r")
    decoder.thread_type, decoder.thread_count = "NONE", 1
    decoder.width = decoder.height = 64  # which some headers do not tell
    if header:
        decoder.extradata = header
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    return [frame.to_ndarray().tobytes() for frame in frames]


def test_a_broken_segment_leaves_no_target_and_all_others(tmp_path: Path, clip: Path) -> None:
    job = job_of(clip, tmp_path / "out.mp4")
    tools, times = tools_of(job), times_of(clip)
    plan = plan_of(job, tools, [times[10], times[20]])
    with open_work(job.target, plan.key, lambda: plan) as work:
        for done in made(job, tools, plan, tmp_path / "made"):
            (tmp_path / "made" / f"{done.segment}.packets").rename(work.file(done.segment))
            work.add(done)
        data = work.file(1).read_bytes()
        work.file(1).write_bytes(data[:-1])
        with pytest.raises(OutputError, match=r"000001\.packets: ends within a packet"):
            join(job, work, ignore, None)
        assert not job.target.exists()
        assert not list(work.folder.glob("joined*"))
        work.file(1).write_bytes(data)
        join(job, work, ignore, None)
    assert len(times_of(job.target)) == 30
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "out.mp4"]


def test_damage_is_summed_up_and_that_of_the_file_is_counted_once(
    tmp_path: Path, clip: Path
) -> None:
    job = job_of(clip, tmp_path / "out.mp4")
    tools, times = tools_of(job), times_of(clip)
    plan = plan_of(job, tools, [times[10], times[20]])
    with open_work(job.target, plan.key, lambda: plan) as work:
        for done in made(job, tools, plan, tmp_path / "made"):
            (tmp_path / "made" / f"{done.segment}.packets").rename(work.file(done.segment))
            damage = {"corrupt": done.segment, "missing_bytes": 77, "gaps": 1}
            work.add(replace(done, damage=damage))
        run = join(job, work, ignore, None)
    assert (run.damage.corrupt, run.damage.gaps, run.damage.missing_bytes) == (3, 3, 0)
