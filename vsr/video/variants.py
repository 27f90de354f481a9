"""Variants: the same at several rates, as HLS and DASH offer it. One of them is read.

libav opens all of them and, unless told otherwise, fetches them all to the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from av.container import InputContainer
from av.stream import Discard, Stream
from av.video.stream import VideoStream

_FORMATS = {"hls", "dash"}


def has_variants(container: InputContainer) -> bool:
    """Whether further videos in a container are this one at other rates."""
    return container.format.name in _FORMATS


def bit_rate(stream: Stream) -> int:
    """Bits a second of a stream's variant, as its playlist tells them; 0 where it does not."""
    told = stream.metadata.get("variant_bitrate", "")
    return int(told) if told.isdecimal() else 0


def leave_out_variants(container: InputContainer, main: Stream) -> None:
    """Have the demuxer give, and fetch, nothing of the variants that `main` is not of.

    Without variants nothing changes. Call it before packets are drawn.
    """
    if has_variants(container):
        for stream in _of_others(container, main):
            stream.discard = Discard.all


def is_left_out(stream: Stream) -> bool:
    """Whether a stream is of a variant that is left out."""
    return bool(stream.discard == Discard.all)


def _of_others(container: InputContainer, main: Stream) -> Iterator[Stream]:
    """All other videos; and of sound and text of one kind, language and name all but one.

    Kept is what comes by the playlist of `main`, else what its variant names, else what has most
    bits: where variants share it, it tells the rate of the last of them.
    """
    others = [stream for stream in container.streams if stream.index != main.index]
    yield from (stream for stream in others if isinstance(stream, VideoStream))
    rest = [stream for stream in others if not isinstance(stream, VideoStream)]
    in_one_playlist = container.format.name == "hls"  # which has a number, its streams' id
    for _, group in groupby(sorted(rest, key=_named), _named):
        alike = list(group)
        kept = [stream for stream in alike if in_one_playlist and stream.id == main.id]
        kept = kept or [max(alike, key=lambda s: (bit_rate(s) == bit_rate(main), bit_rate(s)))]
        yield from (stream for stream in alike if stream not in kept)


def _named(stream: Stream) -> tuple[str, str, str]:
    told = stream.metadata
    return stream.type, told.get("language", ""), told.get("comment", "")
