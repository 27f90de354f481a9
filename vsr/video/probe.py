"""What a media file holds, as its headers and first frame tell it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from vsr.core.events import ignore
from vsr.core.frame import VideoInfo
from vsr.core.options import ReadOptions
from vsr.core.span import Span
from vsr.core.url import Url
from vsr.video.choose import videos_of
from vsr.video.open import open_input
from vsr.video.reader import open_video


@dataclass(frozen=True)
class StreamFacts:
    """One stream: its place, kind ("video", "audio", ...), codec, language and details.

    `video_stream` is its number among the file's videos; None for all else, and for cover art.
    """

    index: int
    kind: str
    codec: str
    language: str
    details: dict[str, Any] = field(default_factory=dict)
    video_stream: int | None = None


@dataclass(frozen=True)
class FileFacts:
    """A media file.

    Attributes:
        path: the file, the folder or the pattern.
        container: libav's name for its format; "image", or "images" for several.
        duration: seconds that the header claims; None where it does not.
        video_index: the stream that `upscale` would enlarge.
        video: what holds for that stream's frames.
        interlaced: the order of its fields, "" where its pictures are progressive.
        telecined: whether it is telecined film, of which `video` describes the pictures.
        streams: all streams in the file's order.
        chapters: how many there are.
        metadata: the file's own tags.
    """

    path: Path | Url
    container: str
    duration: float | None
    video_index: int
    video: VideoInfo
    interlaced: str
    telecined: bool
    streams: tuple[StreamFacts, ...]
    chapters: int
    metadata: dict[str, str]


def probe_video(path: Path | Url, reading: ReadOptions) -> FileFacts:
    """Look into a file or address. Raises InputError where no video in it can be decoded."""
    with open_video(path, Span(), ignore, reading) as video:
        index, info, fields = video.stream_index, video.info, video.fields
    with open_input(path) as container:
        numbers = {each.index: n for n, each in enumerate(videos_of(container))}
        return FileFacts(
            path=path,
            container=container.format.name,
            duration=container.duration / av.time_base if container.duration else None,
            video_index=index,
            video=info,
            interlaced=fields.order.value if fields and fields.order else "",
            telecined=fields is not None and fields.mode == "ivtc",
            streams=tuple(_facts(each, numbers.get(each.index)) for each in container.streams),
            chapters=len(container.chapters()),
            metadata=dict(container.metadata),
        )


def _facts(stream: av.stream.Stream, number: int | None) -> StreamFacts:
    context: Any = stream.codec_context  # PyAV's type for all kinds lacks what each kind has
    details: dict[str, Any] = {}
    if stream.type == "video" and context is not None:
        details = {"width": context.width, "height": context.height, "format": context.pix_fmt}
    if stream.type == "audio" and context is not None:
        details = {"sample_rate": context.sample_rate, "layout": context.layout.name}
    if stream.time_base is not None and stream.start_time is not None:
        details["start"] = float(stream.start_time * Fraction(stream.time_base))
    return StreamFacts(
        stream.index,
        stream.type,
        context.name if context is not None else "",
        stream.metadata.get("language", ""),
        details,
        number,
    )
