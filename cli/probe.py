"""`vsr probe`: what a file holds, and what would become of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from vsr.core.url import as_source
from vsr.model_selection.classify import Classification
from vsr.model_selection.select import judged
from vsr.video.probe import FileFacts, probe


@click.command("probe")
@click.argument("source", metavar="INPUT")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def probe_command(source: str, as_json: bool) -> None:
    """Show a video's picture format, colour tags, timing and streams."""
    facts, found = probe(source), judged(as_source(source))
    if as_json:
        judgement = None if found is None else asdict(found)
        result = {"event": "result", **asdict(facts), "judgement": judgement}
        click.echo(json.dumps(result, default=str))
        return
    for name, value in _rows(facts, found):
        click.echo(f"{name:<14}{value}")


def _rows(facts: FileFacts, found: Classification | None) -> list[tuple[str, Any]]:
    video = facts.video
    rate = f"{float(video.frame_rate):.3f} fps nominal" if video.frame_rate else "rate unknown"
    color = video.color
    rows: list[tuple[str, Any]] = [
        ("file", f"{facts.path} ({facts.container})"),
        ("duration", "unknown" if facts.duration is None else f"{facts.duration:.3f} s"),
        ("picture", f"{video.width}x{video.height} {video.format.name}, {rate}"),
        ("frames", f"{video.expected_frames or 'unknown'} by the header"),
        (
            "colour",
            f"range {color.range}, matrix {color.matrix}, primaries {color.primaries}, "
            f"transfer {color.transfer} (ITU-T H.273), chroma {color.siting or 'unsaid'}",
        ),
        ("fields", facts.interlaced or "none, by its first frames"),
        ("pixel aspect", video.pixel_aspect or "unsaid"),
        ("time base", f"{video.time_base} s"),
        ("chapters", facts.chapters),
    ]
    if found is not None:
        rows.insert(6, ("suited to", found.why))
    for stream in facts.streams:
        details = ", ".join(f"{name} {value}" for name, value in stream.details.items())
        mark = " (upscaled)" if stream.index == facts.video_index else ""
        words = " ".join(filter(None, (stream.kind, stream.codec, stream.language)))
        rows.append((f"stream {stream.index}", f"{words}: {details}{mark}"))
    return rows
