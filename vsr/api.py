"""`vsr.upscale`: choose how a job is done, and do it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import Any

from vsr.core.crop import Region, parse_region
from vsr.core.errors import DoneError, InputError, OutputError, SegmentError
from vsr.core.events import Observer
from vsr.core.frame import VideoInfo
from vsr.core.job import Job
from vsr.core.limits import DEFAULTS, Limits
from vsr.core.result import Progress, Result, Run
from vsr.core.source import Source
from vsr.core.span import Span
from vsr.core.url import Url, as_source
from vsr.encoding.codecs import Encoding
from vsr.images.animated import is_still
from vsr.images.images import list_images, same_size
from vsr.inference.engine import LoadedModel as Tools
from vsr.inference.engine import choose_engine
from vsr.model_selection.select import choose_model
from vsr.networks.registry import load_model
from vsr.output.sink import Output, Seal
from vsr.pipeline.checks import check_paths, file_of
from vsr.pipeline.frames import flow
from vsr.pipeline.image_folder import run_stills
from vsr.pipeline.progress_image import Glance, check_glance
from vsr.pipeline.routes import create_target
from vsr.provenance.described import Found
from vsr.provenance.fingerprint import Fingerprint, fingerprint, fingerprints
from vsr.provenance.sidecar import make_record, record_path, write_record
from vsr.provenance.tag import statement
from vsr.provenance.up_to_date import standing
from vsr.remux.copy import Selection
from vsr.segmented.executor import Maker, make_here
from vsr.segmented.plan import Plan, key_of
from vsr.segmented.policy import in_segments
from vsr.segmented.resume import run_in_segments
from vsr.segmented.work_dir import Done, clear_arrived, known_source
from vsr.video.reader import Reading


def upscale(
    source: str | Path | Url,
    target: str | Path,
    *,
    scale: int = 4,
    model: str | None = None,
    suited_to: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    start: float | Fraction | None = None,
    end: float | Fraction | None = None,
    codec: str = "",
    crf: float | None = None,
    preset: str = "",
    pix_fmt: str = "",
    audio: bool | str = True,
    subtitles: bool = True,
    overwrite: bool = False,
    stills: bool = False,
    rate: float | Fraction = 25,
    tile: int | None = None,
    threads: int = 0,
    self_ensemble: bool = False,
    compiled: bool = False,
    hwaccel: bool = False,
    deinterlace: str = "auto",
    strict: bool = False,
    verify: bool = False,
    limits: Limits = DEFAULTS,
    stall: float = 300,
    crop: str | Region | None = None,
    resume: str = "auto",
    record: bool = False,
    cluster: str = "",
    glance: Path | None = None,
    stop: Event | None = None,
    progress: Callable[[Progress], None] | None = None,
    warn: Callable[[str], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Result:
    """Enlarge a video, an image or a folder of images, and keep all else that a file holds.

    Args:
        source, target: files or folders; the source may be an address. The target's suffix
            chooses the container or image format; a folder takes one image per frame.
        scale: 2, 3 or 4.
        model: a name of `vsr.catalogue()` or a .safetensors file; None is the default, which
            for still images is another one than for videos.
        suited_to: which default: the one for "clean" pictures, the one for noisy or compressed
            "footage", or "auto", by what a video looks like (see `vsr.model_selection.classify`);
            images are clean then, and addresses footage. Not with a model.
        device: "auto", "cpu", "cuda", "cuda:N", or several GPUs with commas, which share frames.
        precision: "auto", "fp32", "bf16" or "fp16".
        start, end: the part to take, in seconds from the file's start.
        codec, crf, preset, pix_fmt: see `vsr.encoding.codecs.Encoding`.
        audio: "copy" or True; "transcode", which encodes sound that the target cannot hold, and
            only that; "none" or False.
        subtitles: whether to take them, as text of another kind where the target needs that.
        overwrite: replace an existing target, once the new one is complete.
        stills: take each image of a folder by itself. Otherwise, if they have one size, they
            are a clip in name order.
        rate: frames per second of a folder of images that becomes a video.
        tile: side of the tiles in pixels of the source, 0 for whole frames; None takes what
            fits the memory. All give the same picture.
        threads: cores to use; 0 for all.
        self_ensemble: take the mean over a frame's eight flips and turns: eight times the work
            for a little quality.
        compiled: let torch.compile make the network's kernels, which takes a minute at first
            and on CPUs a C++ compiler.
        hwaccel: decode on the GPU, where its driver can; else on the CPU, with a warning.
        deinterlace: "auto" where the first frames show fields, "on" or "off".
        strict: take any damage to the source for an error; else it is passed over, counted
            and told.
        verify: decode the finished video again before it gets its name, and compare every
            frame's time.
        limits: what the source may ask for at most.
        crop: the part of the picture to take, "X,Y,W,H" in pixels or percent (see
            `vsr.core.crop.parse_region`).
        resume: work in segments, each of which is kept once it is finished, so that the same
            call goes on where an earlier one ended: "always", "never", or "auto", for videos
            that are long or long at work.
        record: write what was done to a JSON file beside the target (see `vsr.provenance.sidecar`),
            and in short into the target's own metadata; a target that was made by this very
            job, by its record, is not made again.
        cluster: share the segments among the machines of a Ray cluster: its address, or "auto"
            for the one that this machine belongs to.
        glance: a picture of the last finished frame to write now and then, .jpg, .png or .webp.
        stop: once it is set, a live stream ends well, with what has come, and a job in segments
            after the one at work.
        stall: seconds without a frame from the source after which the run fails.
        progress: called after each frame.
        warn: called with each warning as it comes; all are in the result too.
        tell: called, before the work, with what the source was taken for, where that was looked
            at; that is in the result too.

    Raises VsrError, in one line, for whatever keeps the job from being done; then the target
    is as it was before. That may be StoppedError, after `stop`, and DoneError.
    """
    began = datetime.now(UTC), time.monotonic()
    source, target = as_source(source), Path(target)
    arrived = clear_arrived(target)
    check_paths(source, target, overwrite or record or bool(arrived))
    if glance:
        check_glance(glance, target, *filter(None, [file_of(source)]))
        if cluster:
            raise InputError("a cluster's frames are finished elsewhere: it shows no picture")
    apart = isinstance(source, Path) and source.is_dir() and _are_apart(source, stills)
    reading = Reading(hwaccel, strict, stall, deinterlace, limits)
    one_by_one = apart or is_still(source)
    choice = choose_model(source, model, suited_to, scale, one_by_one, reading)
    if tell and choice.said:
        tell(choice.said)
    job = Job(
        source=source,
        target=target,
        model=choice.model,
        scale=scale,
        device=device,
        precision=precision,
        threads=threads,
        tile=tile,
        self_ensemble=self_ensemble,
        compiled=compiled,
        span=Span(_exact(start), _exact(end)),
        crop=parse_region(crop) if isinstance(crop, str) else crop,
        reading=reading,
        encoding=Encoding(codec, crf, preset, pix_fmt, threads),
        wants=Selection(audio, subtitles),
        rate=Fraction(rate),
        stills=stills,
        overwrite=overwrite,
        verify=verify,
    )
    tools = Tools(
        load_model(job.model, scale),
        choose_engine(
            device,
            precision,
            threads=threads,
            tile=tile,
            self_ensemble=self_ensemble,
            compiled=compiled,
        ),
    )
    settings = job.settings(tools.model, tools.engine)
    split = in_segments(job, tools, resume, cluster)
    _unless_done(job, settings, arrived, record)
    found = _identity(job) if record or split else None
    said = statement(settings, found) if record else ""
    warnings: list[str] = []
    sealed = False

    def note(message: str) -> None:
        warnings.append(message)
        if warn:
            warn(message)

    def moved(frames: int, expected: int | None) -> None:
        if progress:
            progress(Progress(frames, expected, resumable=split))

    observer = Observer(note, moved, stop, Glance(glance, warn=note).see if glance else None)

    def result_of(run: Run) -> Result:
        return Result(
            source=source,
            target=target,
            run=run,
            verified=verify and run.duration_out is not None,
            seconds=time.monotonic() - began[1],
            model=tools.model.name,
            scale=scale,
            device=",".join(map(str, tools.engine.devices)),
            precision=tools.engine.precision,
            warnings=tuple(warnings),
            chosen=choice.said,
        )

    def seal(part: Path, run: Run, segments: Sequence[Done] = ()) -> None:
        """Write the record of a file that is about to get its name."""
        nonlocal sealed
        sealed = True
        _unless_changed(job, found)
        if record:
            output, ended = fingerprints(part), datetime.now(UTC)
            facts = make_record(
                job,
                settings,
                tools.model,
                result_of(run),
                found,
                output,
                began[0],
                ended,
                [asdict(done) for done in segments],
            )
            write_record(record_path(target), facts)

    if split:
        assert isinstance(found, Fingerprint)
        make = _maker(cluster)
        try:
            run = run_in_segments(
                job,
                tools,
                found,
                settings,
                observer,
                seal=seal,
                said=said,
                make=make,
            )
        except SegmentError as error:
            if cluster or resume == "always":
                raise
            note(f"{error}: done in one go")
            split = False
            run = _in_one_go(job, tools, observer, seal, said)
    elif apart:
        run = run_stills(
            job.file,
            target,
            overwrite,
            lambda image, into, done, images: _in_one_go(
                replace(job, source=image, target=into),
                tools,
                replace(observer, moved=lambda frames, _: moved(done + frames, images)),
                said=said,
            ),
        )
    else:
        run = _in_one_go(job, tools, observer, seal, said)
    if not sealed:  # a folder of images, whose files have their names by now
        seal(target, run)
    return result_of(run)


def _in_one_go(
    job: Job,
    tools: Tools,
    observer: Observer,
    seal: Callable[[Path, Run], None] | None = None,
    said: str = "",
) -> Run:
    """The whole job through the one flow."""

    def open_target(source: Source, info: VideoInfo, seal: Seal) -> AbstractContextManager[Output]:
        return create_target(job, source, info, observer.note, seal, said)

    return flow(job, tools, open_target, observer, seal=seal)


def _maker(cluster: str) -> Maker:
    if not cluster:
        return make_here
    from vsr.cluster.run import make_on  # Ray takes a second to load, and few have it

    return make_on(cluster)


def _identity(job: Job) -> Found | None:
    """What identifies a source. A file that an earlier run has read is not read again."""
    if isinstance(job.source, Url):
        return None
    if job.source.is_dir():
        return fingerprints(job.source)
    return fingerprint(job.source, known_source(job.target, job.source))


def _unless_changed(job: Job, found: Found | None) -> None:
    """Raise InputError where a file is another than when the work began."""
    if isinstance(found, Fingerprint) and fingerprint(job.file, found).sha256 != found.sha256:
        raise InputError(f"{job.source}: was changed while it was worked on")


def _unless_done(job: Job, settings: dict[str, Any], arrived: Sequence[Plan], record: bool) -> None:
    """Raise DoneError where the target is what this job would make.

    That is so where a run was killed when it had just finished it, or by its record. Raises
    OutputError where something else is there and is not to be replaced.
    """
    is_file = isinstance(job.source, Path) and job.source.is_file()
    for plan in arrived if is_file else ():
        if plan.key == key_of(fingerprint(job.file, plan.source).sha256, settings):
            raise DoneError(f"{job.target}: is complete; the run before was killed just after")
    if record and isinstance(job.source, Path):
        try:
            done = standing(job.source, job.target, settings)
        except OutputError:
            if not job.overwrite:
                raise
        else:
            if done:
                raise DoneError(f"{job.target}: is done already, by its record")
    check_paths(job.source, job.target, job.overwrite)


def _are_apart(folder: Path, stills: bool) -> bool:
    """Whether the images of a folder are no clip."""
    return stills or not same_size(list_images(folder))


def _exact(seconds: float | Fraction | None) -> Fraction | None:
    if seconds is None:
        return None
    if not math.isfinite(seconds):
        raise InputError(f"time {seconds}: must be a number of seconds")
    return Fraction(seconds).limit_denominator(10**6)
