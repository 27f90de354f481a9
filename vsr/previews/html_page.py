"""A page that shows takes over each other: one HTML file that needs nothing else, nor the net."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av

from vsr.core.commit import commit_bytes
from vsr.core.errors import OutputError
from vsr.pages.html import (
    Parts,
    card,
    clean,
    command_card,
    filled,
    radios,
    resource,
    whole_page,
)

_WHOLE = "Enlarge the whole video"


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
    times = _times(takes[0])
    pace = f", {float(frame_rate):.5g} fps" if frame_rate else ""
    labels = [take.label for take in takes]
    body = {
        "left": radios("left", labels),
        "right": radios("right", labels),
        "facts": card("facts", "", "The video", facts.rows),
        "takes": "\n".join(
            card("take", f' data-take="{n}"', take.label, take.rows) for n, take in enumerate(takes)
        ),
        "commands": "\n".join(_commands(facts, takes)),
    }
    return whole_page(
        Parts(
            title=facts.title,
            kind=f"preview, {width} &times; {height}, {len(times)} frames{pace}",
            body=filled(resource("vsr.previews", "page.html"), body),
            style=f"{resource('vsr.previews', 'page.css')}\n"
            f":root {{ --ratio: {width} / {height}; }}\n",
            script=resource("vsr.previews", "page.js"),
            data={
                "width": width,
                "height": height,
                "times": [float(time) for time in times],
                "takes": [{"label": clean(t.label), "baseline": t.is_baseline} for t in takes],
            },
            media=True,
            more="\n".join(
                f'<script type="text/plain" id="video-{n}">{b64encode(take.video).decode()}'
                "</script>"
                for n, take in enumerate(takes)
            ),
        )
    )


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


def _commands(facts: Facts, takes: Sequence[Shown]) -> list[str]:
    """A card for each command line; that of all takes has no number."""
    cards = [
        command_card(f' data-take="{n}"', f"{_WHOLE} with {take.label}", take.command)
        for n, take in enumerate(takes)
        if take.command
    ]
    return [*cards, command_card("", _WHOLE, facts.command)] if facts.command else cards
