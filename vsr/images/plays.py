"""How many times an animation is played: GIF, animated PNG and WebP each say it their own way."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from vsr.core.url import Url
from vsr.images.chunks import PNG_START, riff_chunks

FOR_EVER = 0
"""What it is without end, and for what is no animation."""

_HEAD = 1 << 20  # bytes of a file in which it must be told
_MOST = 0xFFFF
_GIF_APPLICATIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def plays_of(source: Path | Url) -> int:
    """How many times a file asks to be played; FOR_EVER where it says so or nothing at all."""
    try:
        if not isinstance(source, Path) or not source.is_file():
            return FOR_EVER
        with source.open("rb") as file:
            head = file.read(_HEAD)
        return _told(head)
    except (OSError, struct.error, IndexError):
        return FOR_EVER


def _told(head: bytes) -> int:
    if head[:6] in (b"GIF87a", b"GIF89a"):
        repeats = next(_gif_repeats(head), None)
        if repeats is None:
            return 1
        return repeats + 1 if repeats else FOR_EVER
    if head.startswith(PNG_START):
        at = head.find(b"acTL", 0, max(0, head.find(b"IDAT")))
        return int(struct.unpack_from(">I", head, at + 8)[0]) if at > 0 else FOR_EVER
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        told = next((body for name, body in riff_chunks(head) if name == b"ANIM"), b"")
        return int(struct.unpack_from("<H", told, 4)[0]) if told else FOR_EVER
    return FOR_EVER


def _gif_repeats(head: bytes) -> Iterator[int]:
    """How often a GIF is repeated after the first time, 0 for ever; before its first picture."""
    flags, at = head[10], 13
    if flags & 0x80:
        at += 3 << ((flags & 7) + 1)  # the palette
    while head[at] == 0x21:
        name = head[at + 3 : at + 3 + head[at + 2]] if head[at + 1] == 0xFF else b""
        at += 2
        while size := head[at]:
            if name in _GIF_APPLICATIONS and size == 3 and head[at + 1] == 1:
                yield int(struct.unpack_from("<H", head, at + 2)[0])
            at += 1 + size
        at += 1


def plays_options(format_name: str, plays: int) -> dict[str, str]:
    """The options with which libav's muxer for animations says it; none for all others."""
    if format_name == "gif":  # it counts what comes after the first time; -1 for nothing
        repeats = {FOR_EVER: 0, 1: -1}.get(plays, plays - 1)
        return {"loop": str(min(repeats, _MOST))}
    return {"plays": str(min(plays, _MOST))} if format_name == "apng" else {}
