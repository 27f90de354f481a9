"""`vsr probe`: what a file holds, and what would become of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from vsr.core.bounds import START_NUMBER
from vsr.core.options import ReadOptions
from vsr.core.parts import is_part_list
from vsr.core.url import as_source
from vsr.model_selection.classify import Classification
from vsr.model_selection.select import judged
from vsr.pipeline.probe import probe
from vsr.video.probe import FileFacts

from .options import upscale_option
from .param_types import Number


@click.command("probe")
@click.argument("source", metavar="INPUT")
@upscale_option("read.video_stream")
@click.option(
    "--start-number", type=Number(START_NUMBER), metavar="N", help="First of images as f_%04d.png."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def probe_command(
    source: str, video_stream: int | None, start_number: int | None, as_json: bool
) -> None:
    """Show the picture format, colour tags, timing and streams of a video, or of images."""
    facts = probe(source, video_stream, start_number)
    found = judged(as_source(source), ReadOptions(video_stream=video_stream))
    if as_json:
        judgement = None if found is None else asdict(found)
        result = {"event": "result", **asdict(facts), "judgement": judgement}
        click.echo(json.dumps(result, default=str))
        return
    for name, value in _rows(facts, found):
        click.echo(f"{name:<14}{value}")


def _teller(facts: FileFacts) -> str:
    """What says how many frames there are."""
    return "parts" if is_part_list(facts.path) else "header"


def _fields(facts: FileFacts) -> str:
    if not facts.interlaced:
        return "none, by its first frames"
    return f"{facts.interlaced}, of telecined film" if facts.telecined else facts.interlaced


def _rows(facts: FileFacts, found: Classification | None) -> list[tuple[str, Any]]:
    video = facts.video
    rate = f"{float(video.frame_rate):.3f} fps nominal" if video.frame_rate else "rate unknown"
    color = video.color
    rows: list[tuple[str, Any]] = [
        ("file", f"{facts.path} ({facts.container})"),
        ("duration", "unknown" if facts.duration is None else f"{facts.duration:.3f} s"),
        ("picture", f"{video.width}x{video.height} {video.format.name}, {rate}"),
        ("frames", f"{video.expected_frames or 'unknown'} by the {_teller(facts)}"),
        (
            "colour",
            f"range {color.range}, matrix {color.matrix}, primaries {color.primaries}, "
            f"transfer {color.transfer} (ITU-T H.273), chroma {color.siting or 'unsaid'}",
        ),
        ("fields", _fields(facts)),
        ("pixel aspect", video.pixel_aspect or "unsaid"),
        ("time base", f"{video.time_base} s"),
        ("chapters", facts.chapters),
    ]
    if found is not None:
        rows.insert(6, ("suited to", found.why))
    several = sum(stream.video_stream is not None for stream in facts.streams) > 1
    for stream in facts.streams:
        details = ", ".join(f"{name} {value}" for name, value in stream.details.items())
        marks = ["upscaled"] if stream.index == facts.video_index else []
        if several and stream.video_stream is not None:
            marks.append(f"--video-stream {stream.video_stream}")
        mark = f" ({', '.join(marks)})" if marks else ""
        words = " ".join(filter(None, (stream.kind, stream.codec, stream.language)))
        rows.append((f"stream {stream.index}", f"{words}: {details}{mark}"))
    return rows
