"""HLS playlists on disk that lead back to themselves, in which libav would go round for minutes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from vsr.core.errors import InputError

_BEGINNING = b"#EXTM3U"
_MOST_BYTES = 16 << 20  # of one playlist: the segments of more than a week
_MOST_PLAYLISTS = 200  # that one may lead to, those that are named twice counted twice
_RENDITION = re.compile(r'^#EXT-X-MEDIA:.*\bURI="([^"]*)"')


def is_playlist(path: Path) -> bool:
    """Whether a file on disk is an HLS playlist."""
    with path.open("rb") as file:
        return file.read(len(_BEGINNING)) == _BEGINNING


def check_playlists(path: Path) -> None:
    """Refuse an HLS playlist that leads back to itself, or to no end of others.

    Followed are the playlists on disk that it names, and those that they name; segments are not
    looked at. Any other file passes. Raises InputError without the path in front.
    """
    led_to = 0
    waiting: list[tuple[Path, ...]] = [(path,)]  # each with those that led to it, itself last
    while waiting:
        way = waiting.pop()
        for named in _named_by(way[-1]):
            led_to += 1
            if any(named.samefile(earlier) for earlier in way):
                raise InputError(
                    f"its playlist leads back to itself: {way[-1].name} names {named.name}"
                )
            if led_to > _MOST_PLAYLISTS:
                raise InputError(f"its playlist leads to more than {_MOST_PLAYLISTS} others")
            waiting.append((*way, named))


def _named_by(playlist: Path) -> Iterator[Path]:
    """The playlists on disk that a playlist names, as libav finds them: variants and renditions."""
    if not is_playlist(playlist):
        return
    with playlist.open("rb") as file:
        text = file.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise InputError(f"{playlist.name} has more than {_MOST_BYTES >> 20} MiB")
    a_variant_follows = False
    for line in map(str.strip, text.decode(errors="surrogateescape").splitlines()):
        name = ""
        if rendition := _RENDITION.match(line):
            name = rendition[1]
        elif line.startswith("#EXT-X-STREAM-INF:"):
            a_variant_follows = True
        elif line and not line.startswith("#"):
            name, a_variant_follows = line if a_variant_follows else "", False
        with_scheme = name.startswith("file:")  # then it is no relative of the playlist's
        path = Path(name.removeprefix("file:")) if with_scheme else playlist.parent / name
        if name and path.is_file():
            yield path
