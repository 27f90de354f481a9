"""Containers: which one an output gets, and its muxer's options."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import av
from av.codec import Codec
from av.container import InputContainer, OutputContainer
from av.format import ContainerFormat
from av.format import Flags as FormatFlags

from vsr.core.errors import OutputError
from vsr.core.outlet import Outlet
from vsr.remux.metadata import lasting, with_statement
from vsr.video.open import reason

SUFFIXES = (".mp4", ".mkv", ".mov", ".webm", ".ts")
"""Suffixes to suggest; libav knows more."""
Y4M = "yuv4mpegpipe"
"""libav's name of the container that holds raw pictures, and nothing else."""
WITHOUT_TIMESTAMPS = {
    *("avi", "h264", "hevc", "m4v", "mpeg1video", "mpeg2video", "rawvideo", Y4M),
}
"""Containers that show frames at a fixed rate; see `counts_frames` for more."""
MUXER_NEEDS = {Y4M: {"strict": "-1"}}
"""Options without which a muxer, by libav's name, refuses what it can write: Y4M over 8 bits."""


def counts_frames(format_name: str) -> bool:
    """Whether a container keeps no times: its frames are shown at a fixed rate."""
    if format_name in WITHOUT_TIMESTAMPS:
        return True
    without: Any = FormatFlags.no_timestamps.value
    return bool(ContainerFormat(format_name, "w").flags & without)


# One file format, written by several of libav's muxers; those to try, the most usual first.
_ISO = ("mp4", "mov", "3gp", "3g2")
ISO_FAMILY = {*_ISO, "ipod", "f4v"}
"""libav's muxers for mp4 and its like."""
_LARGEST_TIMESCALE = 2**31 - 1
# Tags that the muxers write of themselves; for others they must use a newer kind.
_COMMON_TAGS = {
    *("title", "album", "comment", "copyright", "date", "genre", "location", "creation_time"),
}
_MP4_TAGS = _COMMON_TAGS | {
    *("album_artist", "artist", "compilation", "composer", "description", "disc", "episode_id"),
    *("episode_sort", "gapless_playback", "grouping", "hd_video", "keywords", "lyrics"),
    *("media_type", "network", "season_number", "show", "synopsis", "track"),
}
_OWN_TAGS = {"mp4": _MP4_TAGS, "ipod": _MP4_TAGS, "mov": _COMMON_TAGS | {"make", "model"}}


def format_of(target: Path) -> str:
    """libav's name of the muxer for a file's suffix. Raises OutputError if it has none."""
    if target.suffix.lower() == ".png":
        return "apng"  # still ones are not muxed
    try:
        with av.open(f"file:{target}", "w") as output:  # nothing is written before the header
            name, flags = output.format.name, output.format.flags
    except ValueError:
        raise OutputError(
            f"{target}: no container for suffix {target.suffix!r}; for instance "
            f"{', '.join(SUFFIXES)}"
        ) from None
    if name == "rawvideo":
        raise OutputError(
            f"{target}: raw samples tell neither their size nor their format; choose .y4m, "
            "or .mkv with --codec ffv1, which loses nothing",
            python="codec='ffv1'",
        )
    no_file: Any = FormatFlags.no_file.value  # an int, whatever PyAV's stubs say
    if flags & no_file:
        raise OutputError(f"{target}: a {name} output is many files; write one")
    return name


def formats_for(target: Path) -> tuple[str, ...]:
    """The muxers that may write a file of this suffix, its own first.

    .mp4, .m4v, .mov and .3gp are one file format; their muxers differ in what they let in.
    """
    own = format_of(target)
    if own not in ISO_FAMILY:
        return (own,)
    return (own, *(name for name in _ISO if name != own))


@contextmanager
def open_output(
    part: Path | Outlet, format_name: str, options: dict[str, str]
) -> Iterator[OutputContainer]:
    """Open `part` to be written by the muxer `format_name`; it is closed on every way out."""
    needed = {**MUXER_NEEDS.get(format_name, {}), **options}
    file = f"file:{part}" if isinstance(part, Path) else part
    output = av.open(file, "w", format=format_name, container_options=needed)
    try:
        yield output
    finally:
        # Closed already where all went well; else the error under way is the one to tell.
        with suppress(av.FFmpegError, OSError, ValueError):
            output.close()


@contextmanager
def writing_media(target: Path) -> Iterator[None]:
    """As `errors.writing`, for what libav says too.

    Not around what hands over frames: its own errors are no matter of the target.
    """
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise OutputError(f"{target}: cannot be written ({reason(error)})") from error


def name_options(target: Path) -> dict[str, str]:
    """Options that a muxer takes from the file's name alone, for a trial that has none."""
    return {"mpegts_m2ts_mode": "1"} if target.suffix.lower() == ".m2ts" else {}


def muxer_options(
    format_name: str, source: InputContainer, cover: bool, provenance_tag: str = ""
) -> dict[str, str]:
    """Options without which a muxer would round start times or lose tags.

    `provenance_tag` is what will be said of the file itself. With a `cover`, mp4 has no room for
    tags of the newer kind.
    """
    if format_name not in ISO_FAMILY:
        return {}
    bases = [s.time_base.denominator for s in source.streams if s.time_base is not None]
    timescale = math.lcm(*bases) if bases else 1
    options = {}
    if timescale <= _LARGEST_TIMESCALE:
        options["movie_timescale"] = str(timescale)
    tags = with_statement(source.metadata, provenance_tag, format_name)
    if _uncommon_tags(format_name, tags) and not cover:
        options["movflags"] = "+use_metadata_tags"
    return options


def fragmented(
    format_name: str, others: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Options for a muxer, by libav's name, with which a file that is cut short stays playable.

    They come on top of `others`, which it is told besides.

    An mp4 becomes pieces of at most two seconds, each with its own index, the header with the
    first; without `delay_moov` it could hold no edit lists, and would move sound and picture.
    """
    names = set(format_name.split(","))
    options = {**others, "flush_packets": "1"}
    if names & {"mp4", "mov", "ipod", "f4v", "3gp", "3g2"}:
        pieces = "+frag_keyframe+empty_moov+delay_moov+default_base_moof"
        options["movflags"] = others.get("movflags", "") + pieces
        options["frag_duration"] = "2000000"  # microseconds
    if names & {"matroska", "webm"}:
        options["cluster_time_limit"] = "1000"  # milliseconds
    return options


def lost_tags(format_name: str, metadata: dict[str, str], cover: bool) -> tuple[str, ...]:
    """The global tags that a container cannot hold at all."""
    tags = lasting(metadata)
    if format_name in _WITHOUT_TAGS:
        return tuple(key for key in tags if key.lower() not in _WITHOUT_TAGS[format_name])
    return _uncommon_tags(format_name, metadata) if cover else ()


_WITHOUT_TAGS: dict[str, set[str]] = {  # and the few that they know all the same
    "mpegts": set(),
    Y4M: set(),
    "mpeg": set(),
    "3gp": {"copyright", "creation_time", "location"},
    "3g2": {"copyright", "creation_time", "location"},
}
_WITH_CHAPTERS = {*ISO_FAMILY, "matroska", "webm", "asf", "nut", "ogg", "ogv"}


def holds_chapters(format_name: str) -> bool:
    """Whether a container has chapters."""
    return format_name in _WITH_CHAPTERS


def holds_timecode(format_name: str) -> bool:
    """Whether a container has a place for the timecode of a video's first frame."""
    return format_name in {"mp4", "mov", "matroska", "webm", "nut"}


def holds_display_matrix(format_name: str) -> bool:
    """Whether a container says how a picture is to be turned and mirrored."""
    return format_name in {*ISO_FAMILY, "matroska", "webm"}


def holds_color_tags(format_name: str, encoder: str) -> bool:
    """Whether a file says what its colours mean, by itself or in what the encoder makes."""
    if format_name in ISO_FAMILY or format_name in ("matroska", "webm", "nut", "mxf"):
        return True
    try:
        return Codec(encoder, "w").canonical_name in _TELLS_COLOR
    except ValueError:
        return False


_TELLS_COLOR = {"h264", "hevc", "vvc", "av1", "vp9", "mpeg2video", "prores", "dnxhd", "png", "apng"}


@cache
def takes_encoder(format_name: str, encoder: str) -> bool:
    """Whether a muxer takes what an encoder makes, tried in memory without the encoder."""
    if format_name == Y4M:  # it asks for the pixel format at once
        return encoder == "rawvideo"
    try:
        with av.open(io.BytesIO(), "w", format=format_name) as trial:
            # these ask for the encoder's header, or its size, at once
            if format_name in ("matroska", "webm", "gif"):
                return encoder in trial.supported_codecs
            trial.add_mux_stream(encoder, rate=25, width=64, height=64, time_base=Fraction(1, 25))
            trial.start_encoding()
    except (av.FFmpegError, OSError, ValueError):
        return False
    return True


def _uncommon_tags(format_name: str, metadata: dict[str, str]) -> tuple[str, ...]:
    own = _OWN_TAGS.get(format_name)
    return () if own is None else tuple(k for k in lasting(metadata) if k.lower() not in own)
