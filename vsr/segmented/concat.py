"""Join finished segments to the video that they are parts of, without encoding again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from av.packet import Packet

from vsr.core.damage import Damage
from vsr.core.errors import OutputError
from vsr.core.events import Warn
from vsr.core.job import Job
from vsr.core.result import Run, share_of_all
from vsr.output.sink import Output
from vsr.output.video import join_video, video_spec
from vsr.pipeline.frames import enlarged
from vsr.segmented.count import frames_given
from vsr.segmented.packet_file import read_decoding_times, read_packets
from vsr.segmented.work_dir import SegmentRecord, WorkDir
from vsr.video.reader import open_video


def joined(work: WorkDir) -> Iterator[Packet[Any]]:
    """The packets of all segments, in the order of decoding.

    Each encoder began by itself, with times of decoding that run ahead of its first frame's.
    Where these overlap with the end of the segment before, that is decoded earlier, tick by
    tick: so no packet is decoded after it is shown.
    """
    files = [work.file(segment.number) for segment in work.plan.segments]
    decoded = np.array([dts for file in files for dts in read_decoding_times(file)], np.int64)
    ticks = np.arange(len(decoded))
    ascending = np.minimum.accumulate((decoded - ticks)[::-1])[::-1] + ticks
    packets = (packet for file in files for packet in read_packets(file))
    for packet, dts in zip(packets, ascending.tolist(), strict=True):
        packet.dts = dts
        yield packet


def join(
    job: Job,
    work: WorkDir,
    warn: Warn,
    before_commit: Callable[[Path, Run, Sequence[SegmentRecord]], None] | None,
    provenance_tag: str = "",
) -> Run:
    """Make one video of all segments, with all else that the source holds. Raises VsrError."""
    plan, done = work.plan, [each for _, each in sorted(work.done.items())]
    frames = sum(each.frames for each in done)
    _check_all_there(job, work, frames)
    with open_video(job.file, job.options.read.span, warn, job.options.read) as video:
        large = enlarged(video.info, job)

        def run_of(output: Output) -> Run:
            check = output.check
            assert check is not None
            if check.frames != frames:
                raise OutputError(f"{job.target}: {check.frames} of {frames} frames are joined")
            return Run(
                frames,
                frames,
                output.encoder,
                output.others,
                duration_in=sum(each.ticks for each in done) * plan.time_base,
                duration_out=check.duration,
                sound_in=output.sound_offset,
                sound_out=check.sound_offset,
                damage=_damage((each.damage for each in done), video.damage),
                encoding=output.encoding,
                width=check.size[0],
                height=check.size[1],
                stood_still=share_of_all((each.frames, each.stood_still) for each in done),
            )

        def written_whole(part: Path, output: Output) -> None:
            if before_commit:
                before_commit(part, run_of(output), done)
            work.arrives(part)

        spec = video_spec(job, video, large, warn)
        spec = replace(
            spec,
            encoding=replace(spec.encoding, threads=plan.threads),
            before_commit=written_whole,
            provenance_tag=provenance_tag,
        )
        part = work.folder / f"joined{job.target.suffix}"
        output = join_video(spec, part, joined(work))
        run = run_of(output)
    work.remove()
    return run


def _check_all_there(job: Job, work: WorkDir, frames: int) -> None:
    """Raise OutputError where the source gives another number of frames than the segments have."""
    given = frames_given(job, frames)
    if given != frames:
        raise OutputError(
            f"{job.target}: its segments have {frames} frames, but {job.source} gives {given}: the "
            "source or the plan is not what they were made by; to begin anew, delete "
            f"{work.folder}"
        )


def _damage(parts: Iterable[dict[str, int]], joined: Damage) -> Damage:
    """What was damaged in all. Who opens the file finds what belongs to all of it."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update({kind: count for kind, count in part.items() if kind != "missing_bytes"})
    found = Damage.of(counts)
    return replace(found, missing_bytes=joined.missing_bytes, other_packets=joined.other_packets)
