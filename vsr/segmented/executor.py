"""Make segments of a job, here: the frame flow, run over what is missing."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from vsr.core.errors import InputError, StalledError, StoppedError
from vsr.core.events import Progress, Reporter
from vsr.core.frame import VideoInfo
from vsr.core.hours import SYSTEM_CLOCK, Clock, rest
from vsr.core.job import Job
from vsr.core.source import Source
from vsr.encoding.codecs import Encoding
from vsr.inference.passes import LoadedModel
from vsr.output.sink import BeforeCommit, Output
from vsr.pipeline.frames import run_frames
from vsr.segmented.plan import picture_of
from vsr.segmented.segments import MisplacedError, Stretch, create_segments
from vsr.segmented.work_dir import SegmentRecord, WorkDir


class Maker(Protocol):
    """Makes what is missing of a job, here or elsewhere; `make_here` is one."""

    def __call__(self, job: Job, tools: LoadedModel, work: WorkDir, reporter: Reporter) -> None: ...


def make_here(
    job: Job,
    tools: LoadedModel,
    work: WorkDir,
    reporter: Reporter,
    clock: Clock = SYSTEM_CLOCK,
) -> None:
    """Make all missing segments in this process, neighbours in one go.

    Outside the hours that the job may work in, it rests: nothing is open then, and no thread
    waits. Raises StoppedError, and VsrError otherwise.
    """
    hours = job.options.run.between

    def is_late() -> bool:
        return hours is not None and not hours.hold(clock.now())

    for segments in work.pending():
        left = list(segments)
        while left:
            before = sum(record.frames for record in work.done.values())
            after = _after(before, work.plan.frames, reporter)
            if hours is not None and is_late():
                if before:  # so that it is known that something is kept
                    after.progress(Progress(0, work.plan.frames))
                rest(hours, reporter, clock)
            stretch = Stretch(work.plan, left, work.file, work.add, is_late)
            try:
                make_segments(job, tools, stretch, after)
            except StoppedError:
                if reporter.stop.is_set():
                    raise
            done = work.done  # read anew from the journal at each look
            left = [segment for segment in left if segment.number not in done]


def make_segments(job: Job, tools: LoadedModel, stretch: Stretch, reporter: Reporter) -> None:
    """Make some neighbouring segments of a job.

    The source is sought where it can be; where it turns out that this does not find the very
    frame, it is read from its beginning, and what is not wanted of it passed over. Raises
    VsrError.
    """
    plan = stretch.plan
    begin, end = stretch.segments[0].begin, stretch.segments[-1].end
    count = 0

    def counted(done: SegmentRecord) -> None:
        nonlocal count
        count += 1
        stretch.made(done)

    def run(sought: bool) -> None:
        def open_target(
            video: Source, info: VideoInfo, before_commit: BeforeCommit
        ) -> AbstractContextManager[Output]:
            if picture_of(video.info) != plan.picture:
                raise MisplacedError
            return create_segments(
                replace(stretch, made=counted),
                info,
                Encoding.of(job.options),
                begin if sought else None,
                video.damage_within,
                reporter,
            )

        if sought:
            span = plan.reading(begin, end, job.options.read.span)
            part = job.but(start=span.start, end=span.end)
            run_frames(part, tools, open_target, reporter, end=end if plan.slack else None)
        else:
            run_frames(job, tools, open_target, reporter, begin=begin, end=end)

    if plan.plain:
        try:
            return run(sought=True)
        except MisplacedError:
            pass
        except InputError as error:
            if count or isinstance(error, StalledError):
                raise
    try:
        return run(sought=False)
    except MisplacedError:
        raise InputError(
            f"{job.source}: is not the video any more that the work began with"
        ) from None


def _after(frames: int, expected: int, reporter: Reporter) -> Reporter:
    """The same reporter, for frames that come after so many that are there."""

    def progress(now: Progress) -> None:
        reporter.progress(Progress(frames + now.frames, expected))

    return replace(reporter, progress=progress)
