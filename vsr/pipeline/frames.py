"""The one line that every job runs: read -> mark shots -> windows -> restore -> write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import TypeAlias

from vsr.core.crop import Box, cropped
from vsr.core.errors import OutputError
from vsr.core.events import Progress, Reporter
from vsr.core.frame import Frame, VideoInfo
from vsr.core.geometry import Geometry, geometry_of
from vsr.core.job import Job
from vsr.core.result import Run
from vsr.core.source import Source
from vsr.core.threads import ahead
from vsr.core.untagged import shown_alike
from vsr.core.url import Url
from vsr.inference.passes import LoadedModel, enlarge
from vsr.inference.steps import since_lifetime
from vsr.inference.windows import without_waiting
from vsr.output.sink import BeforeCommit, Output
from vsr.pipeline.numbered import reading_of
from vsr.pipeline.routes import open_source
from vsr.video.shots import mark_shots

OpenTarget: TypeAlias = Callable[[Source, VideoInfo, BeforeCommit], AbstractContextManager[Output]]
"""Opens the output for frames of the enlarged size. BeforeCommit is told of a finished file."""

_DECODED_AHEAD = 4  # frames


@dataclass
class Passed:
    """The frames of the span, as they are read.

    Attributes:
        frames: how many so far.
        ticks: how many ticks they are shown.
        begin, end: ticks; frames before `begin`, and from `end` on, are neighbours alone.
        user_data: that of frames which are not written yet, by their ticks.
    """

    frames: int = 0
    ticks: int = 0
    begin: int | None = None
    end: int | None = None
    user_data: dict[int, tuple[tuple[str, bytes], ...]] = field(default_factory=dict)

    def passing(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The frames, counted."""
        for frame in frames:
            before = self.begin is not None and frame.pts < self.begin
            behind = self.end is not None and frame.pts >= self.end
            if before or behind:
                frame = replace(frame, is_context=True)
            if not frame.is_context:
                self.frames += 1
                self.ticks += frame.duration
                if frame.user_data:
                    self.user_data[frame.pts] = frame.user_data
            yield frame


def run_frames(
    job: Job,
    tools: LoadedModel,
    open_target: OpenTarget,
    reporter: Reporter,
    *,
    before_commit: Callable[[Path, Run], None] | None = None,
    begin: int | None = None,
    end: int | None = None,
) -> Run:
    """Run a job's frames from its source to what `open_target` opens.

    Args:
        job: what to do; its target is `open_target`'s matter.
        tools: made from the job.
        open_target: see `OpenTarget`.
        reporter: who is told on the way.
        before_commit: told of the finished file, and of what was done, before it gets its name.
        begin, end: the ticks between which to take frames of a source that must be read from
            the beginning of its span.

    Raises VsrError.
    """
    seen, written = Passed(begin=begin, end=end), 0
    stood_still: float | None = 0.0  # in frames
    # addresses have timeouts of their own
    patience = None if isinstance(job.source, Url) else job.options.read.stall_timeout
    network = tools.model.network

    read = reading_of(job)
    with open_source(
        job.source, read.span, read.clip_rate, reporter.warn, read, reporter.stop
    ) as video:
        picture = _picture_of(video.info, job)
        large = picture.large

        def run_of(output: Output) -> Run:
            share = None if stood_still is None or not written else stood_still / written
            return replace(_run(seen, written, video, output, large), stood_still=share)

        def written_whole(part: Path, output: Output) -> None:
            if before_commit:
                before_commit(part, run_of(output))

        drawn = video.frames(network.neighbours, network.warmup)
        if network.warmup and begin is not None:
            drawn = since_lifetime(drawn, begin, network.warmup + 1, video.info.time_base)
        with (
            open_target(video, large, written_whole) as output,
            ahead(seen.passing(drawn), _DECODED_AHEAD, patience) as frames,
            _stopping(reporter.stop),
        ):
            layout = video.info.format
            shots = mark_shots(frames, layout.peak, layout.half)
            if video.is_live and network.context:
                shots = without_waiting(shots)
            for frame in enlarge(
                shots, video.info, tools, picture.geometry, picture.box, job.quality, reporter.warn
            ):
                if data := seen.user_data.pop(frame.pts, ()):  # networks see samples alone
                    frame = replace(frame, user_data=data)
                output.write(frame)
                written += 1
                stood_still = _sum(stood_still, frame.stood_still)
                reporter.progress(Progress(written, video.expected_frames))
                reporter.frame(frame, large)
            if written != seen.frames:
                raise OutputError(f"{job.target}: {written} of {seen.frames} frames were restored")
        return run_of(output)


def _sum(one: float | None, other: float | None) -> float | None:
    """None where either is not known."""
    return None if one is None or other is None else one + other


@contextmanager
def _stopping(stop: Event) -> Iterator[None]:
    """Have an interrupt set `stop` on its way, so that nobody waits for a live source."""
    try:
        yield
    except KeyboardInterrupt:
        stop.set()
        raise


@dataclass(frozen=True)
class _Picture:
    """How frames of a source become those of the output.

    Attributes:
        box: the part of the source's picture that is taken; None for all.
        geometry: the large picture.
        large: what holds for its frames.
    """

    box: Box | None
    geometry: Geometry
    large: VideoInfo


def _picture_of(info: VideoInfo, job: Job) -> _Picture:
    """For a source of `info`. Raises InputError and OutputError."""
    box = box_of(info, job)
    geometry = geometry_of(job.options.picture, info, box)
    part = cropped(info, box) if box else info
    return _Picture(box, geometry, shown_alike(info, geometry.large(part)))


def enlarged(info: VideoInfo, job: Job) -> VideoInfo:
    """What the output's frames are, for a source of `info`. Raises InputError and OutputError."""
    return _picture_of(info, job).large


def box_of(info: VideoInfo, job: Job) -> Box | None:
    """The part of a source's picture that is taken; None for all. Raises InputError."""
    crop = job.options.read.crop
    return crop.inside(info) if crop else None


def _run(seen: Passed, written: int, video: Source, output: Output, large: VideoInfo) -> Run:
    check = output.check
    width, height = check.size if check else (large.width, large.height)
    return Run(
        seen.frames,
        written,
        output.encoder,
        output.others,
        duration_in=seen.ticks * video.info.time_base,
        duration_out=check.duration if check else None,
        sound_in=output.sound_offset,
        sound_out=check.sound_offset if check else None,
        damage=video.damage,
        encoding=output.encoding,
        width=width,
        height=height,
    )
