"""`vsr.upscale`: choose how a job is done, and do it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from vsr.core.errors import DoneError, InputError, OutputError, SegmentError, writing
from vsr.core.events import Progress, Reporter, Warn, ignore
from vsr.core.frame import Frame, VideoInfo
from vsr.core.hours import rest
from vsr.core.job import Job
from vsr.core.options import RunOptions, UpscaleOptions
from vsr.core.outlet import leads_out
from vsr.core.paths import as_path, place_of
from vsr.core.quality import Quality
from vsr.core.result import Result, Run
from vsr.core.source import Source
from vsr.core.url import Url, as_source
from vsr.images.animated import is_animated_webp, is_still
from vsr.images.listing import is_image, is_series, list_images, same_size
from vsr.inference.engine import choose_engine
from vsr.inference.passes import LoadedModel, load_for, usual_scale
from vsr.model_selection.own_scale import at_own_scale
from vsr.model_selection.quality import told_quality
from vsr.model_selection.select import Choice, choose_model
from vsr.output.sink import BeforeCommit, Output
from vsr.pipeline.checks import (
    check_dated,
    check_paths,
    check_stream_options,
    idle_options,
    inputs_of,
    target_note,
)
from vsr.pipeline.factor import factor_of
from vsr.pipeline.frames import run_frames
from vsr.pipeline.image_folder import run_stills
from vsr.pipeline.numbered import check_beside, reading_of
from vsr.pipeline.progress_image import ProgressImage, check_progress_image
from vsr.pipeline.routes import create_target
from vsr.pipeline.single_frame import gives_one_frame
from vsr.provenance.described import Found
from vsr.provenance.fingerprint import Fingerprint, fingerprint, fingerprints
from vsr.provenance.settings import Plain, job_settings
from vsr.provenance.sidecar import check_record, make_record, record_path, write_record
from vsr.provenance.tag import statement
from vsr.provenance.up_to_date import standing
from vsr.segmented.executor import Maker, make_here
from vsr.segmented.plan import Plan, key_of
from vsr.segmented.policy import in_segments
from vsr.segmented.resume import run_in_segments
from vsr.segmented.work_dir import SegmentRecord, clear_arrived, known_source


def upscale(
    source: str | Path | Url,
    target: str | Path,
    options: UpscaleOptions | None = None,
    *,
    progress_preview: str | Path | None = None,
    stop: Event | None = None,
    progress: Callable[[Progress], None] | None = None,
    warn: Callable[[str], None] | None = None,
    tell: Callable[[str], None] | None = None,
    **keywords: object,
) -> Result:
    """Enlarge a video, an image or a folder of images, and keep all else that a file holds.

    Args:
        source, target: files, folders or numbered images such as "in/frame_%04d.png"; the source
            may be an address. The target's suffix chooses the container or image format; a folder
            takes one image per frame. Both may be pipes: "-" for standard input and output, a
            FIFO, or an open descriptor such as "/dev/fd/5".
        options: all that may be asked for, as one value.
        progress_preview: an image of the last finished frame to write now and then, .jpg, .png
            or .webp. A file that is there already is replaced with `overwrite` alone.
        stop: once it is set, a live stream ends well, with what has come, and a job in segments
            after the one at work.
        progress: called after each frame.
        warn: called with each warning as it comes; all are in the result too.
        tell: called, before the work, with what the source was taken for, where that was analysed;
            that is in the result too.
        keywords: single options by their names, such as `scale=2, codec="hevc"`: every field of
            `vsr.UpscaleOptions` and of its groups. They go before `options`.

    Raises VsrError, in one line, for whatever keeps the job from being done; then the target
    is as it was before. That may be StoppedError, after `stop`, and DoneError. Raises TypeError
    for a keyword that is no option.
    """
    asked = Reporter(warn or ignore, tell or ignore, progress or ignore, stop=stop or Event())
    log = _Log(asked)
    options = UpscaleOptions.given(options, keywords)
    source, target = as_source(source), as_path(target, "target", OutputError)
    target = target if leads_out(target) else place_of(target)
    check_stream_options(target, options)
    if progress_preview is not None:
        progress_preview = as_path(progress_preview, "progress_preview", OutputError)
    arrived = clear_arrived(target)
    again = options.run.overwrite or options.run.record or bool(arrived)
    check_paths(source, target, again, options.read)
    if options.run.keep_date:
        check_dated(source, target)
    _check_progress_preview(progress_preview, source, target, options.run)
    job, choice = _resolved(source, target, options)
    for note in (choice.said, target_note(source, target)):
        if note:
            asked.note(note)
    tools = _tools(job, log.warn)
    job = replace(job, quality=_quality(job, tools, asked))
    split = in_segments(job, tools)
    settings = job_settings(job.options, tools, job.quality)
    _unless_done(job, settings, arrived)
    for line in idle_options(source, target, options.read):
        log.warn(line)
    if options.run.between and not split:
        asked.note(_rests_once(job))
        rest(options.run.between, asked)
    known = _identity(job) if options.run.record or split else None
    work = _Work(job, tools, choice, settings, known, log)
    image: Callable[[Frame, VideoInfo], None] = ignore
    if progress_preview:
        overwrite = options.run.overwrite
        image = ProgressImage(progress_preview, overwrite=overwrite, warn=log.warn).see
    reporter = replace(asked, warn=log.warn, progress=log.progress, frame=image)
    if split:
        run = _run_segments(work, reporter)
    elif _are_apart(job):
        run = _run_folder(work, reporter)
    else:
        run = _run_whole(work, reporter)
    return work.result(run)


@dataclass
class _Log:
    """What is told on the way.

    Attributes:
        asked: who is told.
        warnings: all of them so far.
        resumable: whether what has been done would outlast a stop.
    """

    asked: Reporter
    warnings: list[str] = field(default_factory=list)
    resumable: bool = False

    def warn(self, message: str) -> None:
        self.warnings.append(message)
        self.asked.warn(message)

    def progress(self, now: Progress) -> None:
        self.asked.progress(replace(now, resumable=self.resumable))


@dataclass(frozen=True)
class _Work:
    """A job with all that was found out before it begins.

    Attributes:
        job, tools, choice: what is done, with what, and why with that model.
        settings: what makes a difference to the output.
        known: the identity of the source; None where nobody needs it, or it comes by the net.
        log: takes warnings and progress.
        began: when the work began, by the calendar and by the monotonic clock.
    """

    job: Job
    tools: LoadedModel
    choice: Choice
    settings: dict[str, Plain]
    known: Found | None
    log: _Log
    began: tuple[datetime, float] = field(
        default_factory=lambda: (datetime.now(UTC), time.monotonic())
    )

    @property
    def tag(self) -> str:
        """What the output's own metadata is to say of the job; "" without a record."""
        return statement(self.settings, self.known) if self.job.options.run.record else ""

    def result(self, run: Run) -> Result:
        """What came of it."""
        engine, tools = self.tools.engine, self.tools
        return Result(
            source=self.job.source,
            target=self.job.target,
            run=run,
            verified=self.job.options.run.verify and run.duration_out is not None,
            seconds=time.monotonic() - self.began[1],
            model=tools.model.name,
            scale=self.job.enlarges_by,
            device=engine.name,
            precision=engine.precision,
            warnings=tuple(self.log.warnings),
            chosen=self.choice.said,
            then=tuple(model.name for model in tools.then),
        )

    def before_commit(self, part: Path, run: Run, segments: Sequence[SegmentRecord] = ()) -> None:
        """Give a file that is about to get its name its time, and write its record.

        Raises InputError where the source was changed meanwhile.
        """
        job, known = self.job, self.known
        if isinstance(known, Fingerprint) and fingerprint(job.file, known).sha256 != known.sha256:
            raise InputError(f"{job.source}: was changed while it was worked on")
        if job.options.run.keep_date:  # first: the record tells the time that stays
            modified = job.file.stat().st_mtime_ns
            with writing(job.target):
                os.utime(part, ns=(modified, modified))
        if job.options.run.record:
            output, ended = fingerprints(part), datetime.now(UTC)
            facts = make_record(
                job,
                self.settings,
                self.tools,
                self.result(run),
                known,
                output,
                self.began[0],
                ended,
                [asdict(done) for done in segments],
            )
            write_record(record_path(job.target), facts)


def _run_segments(work: _Work, reporter: Reporter) -> Run:
    """In segments that outlast a crash; in one go where the encoder's output cannot be put aside,
    unless segments were asked for."""
    options = work.job.options.run
    assert isinstance(work.known, Fingerprint)
    work.log.resumable = True
    try:
        return run_in_segments(
            work.job,
            work.tools,
            work.known,
            work.settings,
            reporter,
            before_commit=work.before_commit,
            provenance_tag=work.tag,
            make=_maker(options.cluster),
        )
    except SegmentError as error:
        if options.cluster or options.resume == "always":
            raise
        reporter.warn(f"{error}: done in one go")
        work.log.resumable = False
        return _run_whole(work, reporter)


def _run_folder(work: _Work, reporter: Reporter) -> Run:
    """Images of a folder that are no clip, one after the other."""
    job = work.job

    def one(image: Path, into: Path, done: int, images: int) -> Run:
        def progress(now: Progress) -> None:
            reporter.progress(Progress(done + now.frames, images))

        each = replace(job, source=image, target=into)
        return _frames(each, work.tools, replace(reporter, progress=progress), work.tag)

    options = job.options
    run = run_stills(job.file, job.target, options.run.overwrite, one, options.read.start_number)
    work.before_commit(job.target, run)
    return run


def _run_whole(work: _Work, reporter: Reporter) -> Run:
    """The whole job in one go."""
    committed = False

    def before_commit(part: Path, run: Run) -> None:
        nonlocal committed
        committed = True
        work.before_commit(part, run)

    run = _frames(work.job, work.tools, reporter, work.tag, before_commit)
    if not committed:  # a folder of images, whose files have their names by now
        work.before_commit(work.job.target, run)
    return run


def _frames(
    job: Job,
    tools: LoadedModel,
    reporter: Reporter,
    tag: str,
    before_commit: Callable[[Path, Run], None] | None = None,
) -> Run:
    """A job's frames from its source to its target."""

    @contextmanager
    def open_target(
        source: Source, info: VideoInfo, before_commit: BeforeCommit
    ) -> Iterator[Output]:
        with create_target(job, source, info, reporter.warn, before_commit, tag) as output:
            if output.note:
                reporter.note(output.note)
            yield output

    return run_frames(job, tools, open_target, reporter, before_commit=before_commit)


def _resolved(source: Path | Url, target: Path, options: UpscaleOptions) -> tuple[Job, Choice]:
    """The job with its model named, and why that one."""
    options = at_own_scale(options)
    job = Job(source, target, options)
    still = _is_still(source)
    apart = _are_apart(job) or still
    job = replace(job, one_frame=not apart and _is_one_frame(job))
    one_by_one = apart or job.one_frame
    job = replace(job, factor=factor_of(source, replace(options, read=reading_of(job))))
    scale = usual_scale(job.enlarges_by)
    choice = choose_model(source, options, scale, one_by_one)
    return replace(job, options=choice.of(options)), choice


def _quality(job: Job, tools: LoadedModel, reporter: Reporter) -> Quality:
    """What the network is to be told of the source; people are told what was measured."""
    network, denoise = tools.model.network, job.options.denoise
    quality = told_quality(job.source, network, denoise, reading_of(job))
    if network.state_channels and denoise is None:
        reporter.note(f"{tools.model.name} is told {quality.text}")
    return quality


def _rests_once(job: Job) -> str:
    """What to tell people of hours for a job that has no segments to rest between."""
    line = f"{job.target}: is done in one go, and rests only before it begins"
    if isinstance(job.source, Path) and not (job.source.is_dir() or is_still(job.source)):
        line += "; --resume always has it rest between segments, too"
    return line


def _tools(job: Job, warn: Warn) -> LoadedModel:
    engine = choose_engine(job.options.compute)
    return load_for(job.options.model, job.enlarges_by, engine, warn)


def _maker(cluster: str) -> Maker:
    if not cluster:
        return make_here
    from vsr.cluster.run import make_on  # Ray takes a second to load, and few have it

    return make_on(cluster)


def _check_progress_preview(
    path: Path | None, source: Path | Url, target: Path, options: RunOptions
) -> None:
    if path:
        taken = [target, *inputs_of(source)]
        check_beside(path, source, target)
        check_progress_image(path, *taken, overwrite=options.overwrite)
        if options.cluster:
            raise InputError("a cluster's frames are finished elsewhere: it shows no picture")


def _identity(job: Job) -> Found | None:
    """What identifies a source. A file that an earlier run has read is not read again."""
    if isinstance(job.source, Url):
        return None
    if is_series(job.source):
        return fingerprints(job.source, reading_of(job).start_number)
    return fingerprint(job.source, known_source(job.target, job.source))


def _unless_done(job: Job, settings: dict[str, Plain], arrived: Sequence[Plan]) -> None:
    """Raise DoneError where the target is what this job would make.

    That is so where a run was killed when it had just finished it, or by its record. Raises
    OutputError where something else is there and is not to be replaced.
    """
    options = job.options.run
    is_file = isinstance(job.source, Path) and job.source.is_file()
    for plan in arrived if is_file else ():
        if plan.key == key_of(fingerprint(job.file, plan.source).sha256, settings):
            raise DoneError(f"{job.target}: is complete; the run before was killed just after")
    if options.record and isinstance(job.source, Path):
        try:
            first = reading_of(job).start_number
            done = standing(job.source, job.target, settings, first)
        except OutputError:
            if not options.overwrite:
                raise
        else:
            if done:
                raise DoneError(f"{job.target}: is done already, by its record")
    check_paths(job.source, job.target, options.overwrite, job.options.read)
    if options.record:
        check_record(job.target, options.overwrite, inputs_of(job.source))


def _is_still(source: Path | Url) -> bool:
    """Whether the source is one image, which does not move."""
    if not isinstance(source, Path) or is_series(source):
        return False
    return is_still(source) and not is_animated_webp(source)


def _is_one_frame(job: Job) -> bool:
    """Whether a video of one frame becomes an image."""
    return is_image(job.target) and gives_one_frame(job.source, job.options.read)


def _are_apart(job: Job) -> bool:
    """Whether the source is a folder or pattern of images that are no clip."""
    source, read = job.source, reading_of(job)
    if not isinstance(source, Path) or not is_series(source):
        return False
    return read.stills or not same_size(list_images(source, read.start_number), read.limits)
