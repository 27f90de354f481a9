"""Which of a file's videos is the main one, and which stream of a finished file is it."""

from __future__ import annotations

from pathlib import Path

from av.container import InputContainer, OutputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from vsr.core.errors import InputError
from vsr.core.url import Url
from vsr.util.text import counted
from vsr.video.encryption import is_encrypted
from vsr.video.variants import bit_rate, has_variants

ENCRYPTED = "the video is encrypted; vsr has no keys"


def is_cover(stream: Stream) -> bool:
    """Whether a stream is a cover, and no moving picture."""
    return isinstance(stream, VideoStream) and bool(stream.disposition & Disposition.attached_pic)


def videos_of(container: InputContainer | OutputContainer) -> list[VideoStream]:
    """A file's videos in its order, without cover art: `--video-stream` counts these from 0."""
    return [stream for stream in container.streams.video if not is_cover(stream)]


def main_video(
    container: InputContainer, path: Path | Url, number: int | None = None
) -> VideoStream:
    """The stream to enlarge: the video of that number, or by rule. Raises InputError.

    Of those that a decoder knows that is the one with the default disposition, of several the
    one with the largest picture, then the variant of most bits, and of several the first.
    """
    videos = videos_of(container)
    if not videos:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        held = "cover art" if container.streams.video else kinds
        raise InputError(f"{path}: no video stream (it holds only {held})")
    if number is not None and number >= len(videos):
        raise InputError(
            f"{path}: --video-stream {number}: it holds {counted(len(videos), 'video')}, "
            "counted from 0",
            python="video_stream=...",
        )
    asked = videos if number is None else [videos[number]]
    known = [stream for stream in asked if stream.codec_context is not None]
    if not known:
        encrypted = is_encrypted(path, container, asked[0])
        which = "its video" if number is None else f"its video {number}"
        raise InputError(f"{path}: {ENCRYPTED if encrypted else f'no decoder knows {which}'}")
    return max(known, key=_rank)  # the first of equal ones


def _rank(stream: VideoStream) -> tuple[bool, int, int]:
    is_default = bool(stream.disposition & Disposition.default)
    return is_default, (stream.width or 0) * (stream.height or 0), bit_rate(stream)


def choice_note(container: InputContainer, taken: VideoStream, number: int | None = None) -> str:
    """A line that says which of several videos is taken; "" where there was no choice."""
    videos = videos_of(container)
    if number is not None or len(videos) == 1:
        return ""
    what = f"{taken.width}x{taken.height} {taken.codec_context.name}"
    last = len(videos) - 1
    if has_variants(container):
        rate = f" at {bit_rate(taken) / 1000:.6g} kbit/s" if bit_rate(taken) else ""
        return (
            f"{len(videos)} variants: number {videos.index(taken)} is taken, {what}{rate}, and the "
            f"others are left out (--video-stream 0..{last} picks another)"
        )
    return (
        f"{len(videos)} videos: number {videos.index(taken)} is taken, {what} "
        f"(--video-stream 0..{last} picks another)"
    )


def number_written(output: OutputContainer, stream: VideoStream) -> int:
    """The number of a stream among the videos of an output that all streams were added to.

    In the finished file streams may have other indices: covers and attachments move behind.
    """
    return sum(each.index < stream.index for each in videos_of(output))


def written_video(container: InputContainer, path: Path, number: int) -> VideoStream:
    """The video of a finished file that was written as that number. Raises InputError."""
    videos = videos_of(container)
    if container.format.name == "mpeg":  # its streams turn up in the order of their packets
        videos.sort(key=lambda stream: stream.id)
    if number >= len(videos):
        raise InputError(f"{path}: its video {number} is missing")
    return videos[number]
