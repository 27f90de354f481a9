"""What a source holds: a video file or an address, or images."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from vsr.core.events import ignore
from vsr.core.options import ReadOptions
from vsr.core.url import Url, as_source
from vsr.images.animated import is_still
from vsr.images.images import Images, open_images
from vsr.images.listing import is_series
from vsr.video.probe import FileFacts, probe_video


def probe(
    path: str | Path | Url, video_stream: int | None = None, start_number: int | None = None
) -> FileFacts:
    """Look into a file, an address, or images: a folder of them or a pattern as "f_%04d.png".

    `video_stream` is which of a file's videos to take, `start_number` the first of numbered images:
    see `vsr.ReadOptions`. Raises InputError where no picture in it can be decoded.
    """
    reading = ReadOptions(video_stream=video_stream, start_number=start_number)
    source = as_source(path)
    if isinstance(source, Path) and (is_series(source) or is_still(source)):
        return _of_images(source, reading)
    return probe_video(source, reading)


def _of_images(path: Path, reading: ReadOptions) -> FileFacts:
    """Images have no streams; as a video they last so long, an animation by its own times."""
    rate, first = reading.clip_rate, reading.start_number
    with open_images(path, ignore, rate, reading.limits, first) as images:
        return FileFacts(
            path=path,
            container="images" if is_series(path) else "image",
            duration=float(_seconds(images, rate)),
            video_index=0,
            video=images.info,
            interlaced="",
            telecined=False,
            streams=(),
            chapters=0,
            metadata={},
        )


def _seconds(images: Images, rate: Fraction) -> Fraction:
    """An animation has its own durations."""
    if images.animation:
        return sum(images.animation.durations) * images.info.time_base
    return images.expected_frames / rate
