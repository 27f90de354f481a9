"""The record of a fused still: all that a second expert needs to make it again, to the bit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vsr.core.option_checks import exact
from vsr.core.url import Url
from vsr.fusion.judge import Verdict
from vsr.fusion.options import FuseOptions
from vsr.fusion.placement import shift
from vsr.fusion.still import Fused
from vsr.provenance.described import Found, described
from vsr.util.version import VERSION, libraries, machine

SCHEMA, NUMBER = "vsr-fusion", 1
"""What a record calls itself, and its layout."""

STATEMENT = (
    "This still is computed from the frames listed below, by their registration and a "
    "maximum-a-posteriori reconstruction. {part}. Detail is no identity: "
    "the source is the evidence."
)
NO_NETWORK = "No network took part in it"
POLISHED = "A network, {model}, took part in it, and may have invented what the frames leave open"


def make_record(
    fused: Fused,
    source: Path | Url,
    found: Found | None,
    options: FuseOptions,
    origin: Fraction,
    network: str,
) -> dict[str, Any]:
    """What was done, ready for JSON. `origin` is the second on the file's clock of its start."""
    time_base = fused.info.time_base
    read = options.read
    return {
        "schema": SCHEMA,
        "schema_number": NUMBER,
        "statement": STATEMENT.format(part=part_of(network if options.polish else "")),
        "source": described(source, found),
        "tool": {"name": "vsr", "version": VERSION},
        "libraries": libraries(),
        "machine": machine(),
        "settings": {
            "crop": str(options.crop),
            "at": _exactly(options.at),
            "start": _exactly(read.start),
            "end": _exactly(read.end),
            "scale": options.scale,
            "frames": options.frames,
            "prior": options.prior,
            "keep": list(options.keep),
            "drop": list(options.drop),
            "deinterlace": read.deinterlace,
            "video_stream": read.video_stream,
            "rate": _exactly(read.rate),
            "start_number": read.start_number,
            "model": options.model,
            "polish": options.polish,
        },
        "region": {
            "x": fused.box.x,
            "y": fused.box.y,
            "width": fused.box.width,
            "height": fused.box.height,
            "motion": fused.track.motion,
        },
        "reconstruction": {
            "blur": fused.belief.blur,
            "smooth": fused.belief.smooth,
            "knowledge": str(fused.knowledge),
            "frames_used": fused.knowledge.frames,
            "static_x": fused.knowledge.static_x,
            "static_y": fused.knowledge.static_y,
            "over_mean_db": fused.knowledge.over_mean,
            "polished_by": network if options.polish else "",
            "standard_error": round(255 * float(fused.error.mean()), 3),
        },
        "beside": {"best_frame": fused.best_frame, "network": network},
        "frames": [_frame(verdict, time_base, origin) for verdict in fused.verdicts],
    }


def part_of(polished_by: str) -> str:
    """Whether a network took part in the still, in a sentence; "" is none."""
    return POLISHED.format(model=polished_by) if polished_by else NO_NETWORK


def _exactly(time: Fraction | None) -> float | str | None:
    """A number that gives the very time back when it is asked for again; else a fraction."""
    if time is None or exact(float(time)) == time:
        return None if time is None else float(time)
    return str(time)


def _frame(verdict: Verdict, time_base: Fraction, origin: Fraction) -> dict[str, Any]:
    window = verdict.window
    facts: dict[str, Any] = {
        "number": window.number,
        "seconds": round(float(window.pts * time_base - origin), 6),
        "used": verdict.used,
    }
    if verdict.reason:
        facts["reason"] = verdict.reason
    if verdict.judged:
        facts["judged"] = verdict.judged
    if window.quantiser is not None:
        facts["quantiser"] = round(window.quantiser, 2)
    if window.found:
        box, placed = window.found.box, window.found.placement
        matrix = shift(box.x, box.y) @ placed.matrix
        facts["weight"] = verdict.weight
        facts["sharpness"] = round(verdict.sharpness, 4)
        facts["matrix"] = [float(number) for number in np.ravel(matrix)]
    return facts
