"""The source and the sink of a job, chosen by its paths."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Event

from vsr.core.color_codes import ColorRange, Matrix, Primaries, Transfer
from vsr.core.errors import InputError, OutputError
from vsr.core.events import Warn
from vsr.core.frame import ColorTags, VideoInfo, find_format
from vsr.core.hdr import TRANSFERS
from vsr.core.job import Job
from vsr.core.options import READ_DEFAULTS, ReadOptions, StreamOptions
from vsr.core.outlet import leads_out
from vsr.core.source import Source
from vsr.core.span import Span
from vsr.core.url import Pipe, Url, is_live, open_url, patient
from vsr.encoding.codecs import find_encoder
from vsr.encoding.pixel_formats import encodable_format, images_format
from vsr.images.animated import is_still
from vsr.images.cicp import cicp_of
from vsr.images.formats import written_name
from vsr.images.images import Images, open_images
from vsr.images.listing import is_image
from vsr.images.numbered import Numbered
from vsr.images.plays import plays_of
from vsr.live.live import open_live, open_pipe
from vsr.output.frame_folder import create_frame_folder, create_image_of_frame, create_webp_of_video
from vsr.output.image_files import (
    ImageSpec,
    create_image,
    create_image_folder,
    names_folder,
    shown_note,
)
from vsr.output.sink import BeforeCommit, Output
from vsr.output.video import VideoSpec, create_video, stream_video, video_spec
from vsr.output.webp_animation import create_webp_animation
from vsr.pipeline.numbered import FIRST, target_names, target_pattern
from vsr.remux.containers import format_of
from vsr.remux.mapping import all_left_out
from vsr.video.reader import Video, open_video

# What players take for granted: BT.709, limited range, chroma at the left.
_USUAL_COLOR = ColorTags(
    range=ColorRange.LIMITED,
    matrix=Matrix.BT709,
    primaries=Primaries.BT709,
    transfer=Transfer.BT709,
    siting="left",
)


def open_source(
    source: Path | Url,
    span: Span,
    rate: Fraction,
    warn: Warn,
    reading: ReadOptions = READ_DEFAULTS,
    stop: Event | None = None,
) -> AbstractContextManager[Source]:
    """Open a video, an image, a stream, a folder of images as a clip of `rate` frames a second.

    A live stream ends well once `stop` is set. Raises InputError.
    """
    if isinstance(source, Url):
        return _open_address(source, span, warn, reading, stop)
    return open_file(source, span, rate, warn, reading)


def open_file(
    source: Path, span: Span, rate: Fraction, warn: Warn, reading: ReadOptions
) -> AbstractContextManager[Video | Images]:
    """The same of what is no address."""
    if not (is_still(source) or source.is_dir()):
        return open_video(source, span, warn, reading)
    if not span.whole:
        raise InputError(f"{source}: start and end are for video files, not for images")
    return open_images(
        source, warn, rate, reading.limits, reading.start_number, strict=reading.strict
    )


def _open_address(
    url: Url, span: Span, warn: Warn, reading: ReadOptions, stop: Event | None
) -> AbstractContextManager[Source]:
    """A live stream is opened once; a file at rest may be opened again, as one on disk."""
    if isinstance(url, Pipe):
        if span.start is not None:
            raise InputError(f"{url}: a pipe is read from its beginning on; leave start out")
        if reading.deinterlace not in ("auto", "off"):
            raise InputError(
                f"{url}: a pipe is not deinterlaced; leave out deinterlace {reading.deinterlace}: "
                "its writer can do that, as ffmpeg does with -vf bwdif"
            )
        return open_pipe(url, span.end, warn, reading, stop)
    url = patient(url, reading.stall_timeout)
    container = None if url.is_stream else open_url(url)
    if container is not None and not is_live(url, container):
        container.close()
        return open_video(url, span, warn, reading)
    if why := _why_not_live(span, reading):
        if container is not None:
            container.close()
        raise InputError(f"{url}: a live stream {why}")
    return open_live(
        url,
        span.end,
        warn,
        strict=reading.strict,
        video_stream=reading.video_stream,
        stop=stop,
        container=container,
        limits=reading.limits,
    )


def _why_not_live(span: Span, reading: ReadOptions) -> str:
    """Why a live stream cannot be read so, "" where it can."""
    if span.start is not None:
        return "has no beginning to count a start from"
    if reading.deinterlace not in ("auto", "off"):
        return f"is not deinterlaced; leave out deinterlace {reading.deinterlace}"
    return ""


def create_target(
    job: Job,
    source: Source,
    info: VideoInfo,
    warn: Warn,
    before_commit: BeforeCommit | None = None,
    provenance_tag: str = "",
) -> AbstractContextManager[Output]:
    """Open a job's output for frames of `info`, the enlarged size. Raises OutputError.

    The target's name decides: a folder or a pattern takes an image per frame, an image suffix one,
    anything else is a video with all else that a video source holds. `before_commit` is told of a
    finished file before it gets its name, but not of a folder; `provenance_tag` goes into its
    metadata.
    """
    images = ImageSpec(
        target=job.target,
        info=info,
        warn=warn,
        plays=plays_of(job.source),
        overwrite=job.options.run.overwrite,
        before_commit=before_commit,
        provenance_tag=provenance_tag,
    )
    video = replace(
        video_spec(job, source, info, warn),
        before_commit=before_commit,
        provenance_tag=provenance_tag,
    )
    if pattern := target_pattern(source.path, job.target):
        first = job.options.read.start_number
        images = replace(images, target=pattern.folder)
        return _create_numbered(source, images, pattern, first, job.options.streams)
    if isinstance(source, Images):
        if leads_out(job.target):
            return stream_video(_of_images(source, video), job.options.read.stall_timeout)
        return _create_from_images(source, images, video)
    if leads_out(job.target):
        return stream_video(video, job.options.read.stall_timeout)
    wants = job.options.streams
    if names_folder(job.target):
        return create_frame_folder(_without_others(images, source, wants))
    if job.target.suffix.lower() == ".webp":
        return create_webp_of_video(_without_others(images, source, wants))
    if is_image(job.target) and not _is_animation(source.path, job.target):
        if job.one_frame:
            return create_image_of_frame(_without_others(images, source, wants))
        raise OutputError(
            f"{job.target}: one image cannot hold a video; name a folder for its frames, or "
            "numbered images such as f_%04d.png"
        )
    return create_video(video)


def _without_others(images: ImageSpec, source: Source, wants: StreamOptions) -> ImageSpec:
    """`images`, of a video: what they cannot hold of it is named."""
    with source.other_streams() as streams:
        return replace(images, others=all_left_out(streams, images.target, wants))


def _create_numbered(
    source: Source,
    images: ImageSpec,
    pattern: Numbered,
    first: int | None,
    wants: StreamOptions,
) -> AbstractContextManager[Output]:
    """The output for frames that become numbered images."""
    images = replace(images, pattern=pattern, first=FIRST if first is None else first)
    if not isinstance(source, Images):
        return create_frame_folder(_without_others(images, source, wants))
    names = None
    if not source.animation:
        names = target_names(pattern, source.path, source.files, first)
    images = replace(images, depth=source.depth, metadata=source.metadata, names=names)
    return create_image_folder(images)


def _create_from_images(
    source: Images, images: ImageSpec, video: VideoSpec
) -> AbstractContextManager[Output]:
    """The output for frames of images: a folder like theirs, one image, or a video."""
    target = images.target
    images = replace(images, depth=source.depth, metadata=source.metadata)
    if names_folder(target):
        names = None if source.animation else [written_name(file.name) for file in source.files]
        return create_image_folder(replace(images, names=names))
    if target.suffix.lower() == ".webp" and source.expected_frames > 1:
        return create_webp_animation(images)
    if not is_image(target):
        return create_video(_of_images(source, video))
    if source.expected_frames > 1:
        raise OutputError(
            f"{target}: one image cannot hold {source.expected_frames}; name a folder, a video, or "
            "numbered images such as f_%04d.png"
        )
    return create_image(images)


def _of_images(source: Images, video: VideoSpec) -> VideoSpec:
    """`video` with the pixel format and the colours that images are to have in it."""
    info, encoding = video.info, video.encoding
    codec = find_encoder(encoding.encoder(video.named, info))
    grey = info.format.planes == 1
    stored = find_format(source.depth, 1, 1, info.format.planes, rgb=not grey)
    color = _usual_color(info.color)
    if info.format.half:
        video.warn(shown_note(video.named.suffix, info))
    container = format_of(video.named)
    if encoding.pix_fmt:
        chosen = encodable_format(codec, stored, encoding.pix_fmt, container)
    else:
        depth = 10 if color.transfer in TRANSFERS else 8
        chosen = images_format(codec, stored, container, depth)
        if chosen.rgb and chosen.depth < source.depth:
            wanted, made = stored.name, chosen.name
            video.warn(f"encoder {codec.name} has no {wanted}: encoded as {made}")
    as_they_are = chosen.rgb or (chosen.planes == 1 and not encoding.pix_fmt)
    return replace(
        video,
        encoding=replace(encoding, pix_fmt=chosen.name),
        color=info.color if as_they_are else color,
    )


def _usual_color(images: ColorTags) -> ColorTags:
    """What a video of images is tagged as: BT.709, or the HDR or wide gamut that they tell of."""
    if not cicp_of(images):
        return _USUAL_COLOR
    matrix = Matrix.BT2020_NCL if images.primaries == Primaries.BT2020 else Matrix.BT709
    primaries, transfer = images.primaries, images.transfer
    return replace(_USUAL_COLOR, matrix=matrix, primaries=primaries, transfer=transfer)


def _is_animation(source: Path | Url, target: Path) -> bool:
    """Whether an animation of an image file becomes another, as .png."""
    return target.suffix.lower() == ".png" and isinstance(source, Path) and is_image(source)
