"""Whether a job is done in segments, which outlast a crash, or in one go."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from vsr.core.errors import InputError
from vsr.core.job import Job
from vsr.core.outlet import leads_out
from vsr.images.animated import is_still
from vsr.images.listing import is_image
from vsr.inference.passes import LoadedModel
from vsr.networks.cost import cost
from vsr.output.image_files import names_folder
from vsr.segmented.work_dir import is_begun
from vsr.video.choose import main_video
from vsr.video.open import open_input
from vsr.video.rate import nominal_rate

_LONG = 60  # seconds of video
_LONG_WORK = 1e13  # multiplications: a minute and a half of two ordinary cores
_LARGE = 64 << 20  # bytes of a file that says nothing of its length


def in_segments(job: Job, tools: LoadedModel) -> bool:
    """Whether to work in segments: always, never, or "auto", where a job is long.

    A job has more than one segment's worth of reasons to: a minute of video, or of work, or
    a folder of an earlier run beside its target. Raises InputError where it is asked for and
    cannot be.
    """
    resume, cluster = job.options.run.resume, job.options.run.cluster
    asked = bool(cluster) or resume == "always"
    if why := _why_not(job):
        if asked:
            raise InputError(f"{job.source}: cannot be done in segments, {why}")
        return False
    return asked or (resume == "auto" and (is_begun(job.target) or _is_long(job, tools)))


def _why_not(job: Job) -> str:
    if not isinstance(job.source, Path):
        return "as it is no file of this machine"
    if job.source.is_dir() or is_still(job.source):
        return "as it is no video"
    if leads_out(job.target):
        return "as it goes into a pipe"
    if job.target.suffix.lower() == ".y4m":
        return "as raw pictures would be kept twice"
    if names_folder(job.target) or is_image(job.target):
        return "as it does not become a video"
    return ""


def _is_long(job: Job, tools: LoadedModel) -> bool:
    """By what the header says; False for what cannot be opened, which is told later."""
    path = job.file
    try:
        with open_input(path) as container:
            read = job.options.read
            stream = main_video(container, path, read.video_stream)
            total = Fraction(container.duration, av.time_base) if container.duration else None
            seconds = read.span.length(total)
            if seconds is None:
                return path.stat().st_size >= _LARGE
            return seconds >= _LONG or _work(stream, seconds, tools) >= _LONG_WORK
    except InputError:
        return False


def _work(stream: VideoStream, seconds: Fraction, tools: LoadedModel) -> float:
    """Multiplications that so many seconds of a stream take."""
    rate = nominal_rate(stream) or 25
    pixels, work = (stream.width or 0) * (stream.height or 0), 0.0
    for model in (tools.model, *tools.then):
        pixels *= model.scale**2
        frame = 1e9 * model.weights.gmacs or cost(model.network).macs  # of 1920x1080
        work += pixels / (1920 * 1080) * frame
    return float(seconds * rate) * work
