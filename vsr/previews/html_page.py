"""A page that shows takes over each other: one HTML file that needs nothing else, nor the net."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from html import escape
from importlib.resources import files
from io import BytesIO
from json import dumps
from pathlib import Path

import av

from vsr.core.commit import commit_bytes
from vsr.core.errors import OutputError

# What HTML cannot hold: control characters, and the bytes of file names that are no text.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_PLACE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Facts:
    """What holds for all takes of a preview.

    Attributes:
        title: what the page is called, such as the source's name.
        rows: names and values, in the order in which they are read.
        command: the command line that does the whole job, where a take does not have its own.
    """

    title: str
    rows: tuple[tuple[str, str], ...]
    command: str


@dataclass(frozen=True)
class Shown:
    """A take as browsers play it.

    Attributes:
        label: what people read over it, such as "vespcn" or "bicubic".
        video: an MP4 of H.264, 4:2:0, 8 bits. All takes of a page have the same frames at the
            same times, in the same size.
        is_baseline: whether this is what a player would have done anyway; it stands left.
        rows: names and values of this take alone.
        command: the command line that does the whole job so; "" where there is none.
    """

    label: str
    video: bytes
    is_baseline: bool
    rows: tuple[tuple[str, str], ...]
    command: str


def page(
    facts: Facts, takes: Sequence[Shown], width: int, height: int, frame_rate: Fraction | None
) -> str:
    """The whole page, for at least one take of `width` x `height` pixels.

    All texts may hold anything; what cannot be shown becomes U+FFFD. `frame_rate` is told to
    the reader, in frames a second, or None where they are not evenly spaced: the page steps by
    the frames' own times, read from the first take. Raises OutputError where it has none.
    """
    style = f"{_resource('page.css')}\n:root {{ --ratio: {width} / {height}; }}\n"
    script = _resource("page.js")
    times = _times(takes[0])
    pace = f", {float(frame_rate):.5g} fps" if frame_rate else ""
    data = {
        "width": width,
        "height": height,
        "times": [float(time) for time in times],
        "takes": [{"label": _clean(t.label), "baseline": t.is_baseline} for t in takes],
    }
    parts = {
        "policy": _policy(style, script),
        "title": _text(facts.title),
        "style": style,
        "kind": f"preview, {width} &times; {height}, {len(times)} frames{pace}",
        "left": _choices("left", takes),
        "right": _choices("right", takes),
        "facts": _card("facts", "", "The video", facts.rows),
        "takes": "\n".join(
            _card("take", f' data-take="{n}"', take.label, take.rows)
            for n, take in enumerate(takes)
        ),
        "commands": "\n".join(_commands(facts, takes)),
        "data": dumps(data).replace("<", "\\u003c"),
        "videos": "\n".join(
            f'<script type="text/plain" id="video-{n}">{b64encode(take.video).decode()}</script>'
            for n, take in enumerate(takes)
        ),
        "script": script,
    }
    # In one go, so that no text that was put in is taken for a place to fill.
    return _PLACE.sub(lambda place: parts[place[1]], _resource("page.html"))


def write_page(
    target: Path,
    facts: Facts,
    takes: Sequence[Shown],
    width: int,
    height: int,
    frame_rate: Fraction | None,
    overwrite: bool = False,
) -> None:
    """Write `page(...)` to `target`, which is whole at any moment; see `commit`.

    Raises OutputError.
    """
    text = page(facts, takes, width, height, frame_rate)
    commit_bytes(target, text.encode(), overwrite)


def _resource(name: str) -> str:
    return files("vsr.previews").joinpath(name).read_text(encoding="utf-8")


def _times(take: Shown) -> list[Fraction]:
    """When each frame is shown, in seconds."""
    try:
        with av.open(BytesIO(take.video), "r") as container:
            stream = container.streams.video[0]
            base = stream.time_base or Fraction(1)
            times = sorted(
                packet.pts * base
                for packet in container.demux(stream)
                if packet.pts is not None and not packet.is_discard
            )
    except (av.FFmpegError, IndexError):
        times = []
    if not times:
        raise OutputError(f"{take.label}: not a video that a page could show")
    return times


def _policy(style: str, script: str) -> str:
    """The Content-Security-Policy: this style, this script, videos from memory, no net at all."""
    allowed = {"style": style, "script": script}
    hashes = {
        kind: b64encode(sha256(text.encode()).digest()).decode() for kind, text in allowed.items()
    }
    return (
        f"default-src 'none'; script-src 'sha256-{hashes['script']}'; "
        f"style-src 'sha256-{hashes['style']}'; media-src blob:; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _clean(text: str) -> str:
    return _UNSHOWABLE.sub("\ufffd", text)


def _text(text: str) -> str:
    """Any text, for HTML's texts and quoted attributes."""
    return escape(_clean(text))


def _card(kind: str, attributes: str, title: str, rows: Sequence[tuple[str, str]]) -> str:
    lines = "\n".join(
        f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in rows
    )
    return (
        f'<section class="card {kind}"{attributes}>\n<h2>{_text(title)}</h2>\n'
        f"<dl>\n{lines}\n</dl>\n</section>"
    )


def _choices(side: str, takes: Sequence[Shown]) -> str:
    return "\n".join(
        f'<label><input type="radio" name="{side}" value="{n}"><span>{_text(take.label)}</span>'
        "</label>"
        for n, take in enumerate(takes)
    )


def _commands(facts: Facts, takes: Sequence[Shown]) -> list[str]:
    """A card for each command line; that of all takes has no number."""
    cards = [
        _command(f' data-take="{n}"', take.command, take.label)
        for n, take in enumerate(takes)
        if take.command
    ]
    return [*cards, _command("", facts.command, "")] if facts.command else cards


def _command(attributes: str, command: str, label: str) -> str:
    with_what = f" with {_text(label)}" if label else ""
    return (
        f'<section class="card command"{attributes}>\n<h2>Enlarge the whole video{with_what}</h2>\n'
        f'<pre tabindex="0" aria-label="Command line"><code>{_text(command)}</code></pre>\n'
        '<button type="button" class="copy">Copy</button>\n</section>'
    )
