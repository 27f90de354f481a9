"""The page of a fused still: what it is made of, how it grew, and what stands beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from torch import Tensor

from vsr.core.events import ignore
from vsr.fusion.by_hand import DROPPED
from vsr.fusion.frame_numbers import numbers_text
from vsr.fusion.options import FuseOptions
from vsr.fusion.page.command import CommandLine
from vsr.fusion.page.growth import Grown, growing
from vsr.fusion.page.pictures import is_reduced, picture_uri
from vsr.fusion.page.sample_frames import frame_uri
from vsr.fusion.page.strip import strip
from vsr.fusion.pictures import error_shown
from vsr.fusion.still import Fused
from vsr.pages.html import Parts, Rows, card, clean, filled, radios, resource, text_of, whole_page
from vsr.pipeline.routes import open_file
from vsr.util.text import clock_text

_WHOLE_SIDE = 1280  # pixels of the frame in which the region's way is drawn

VIEWS = ("Still", "Best frame", "Network", "Mean", "Certainty")
"""What can be compared, in this order."""


@dataclass(frozen=True)
class Shown:
    """What a page is made of.

    Attributes:
        source, target: the video, and what was asked for.
        fused, options: the still, and how it was made.
        network: the best frame's region by a network (C, H, W), and that model's name; None where
            none was asked for.
        record: what is told of it all.
        origin: the second on the file's clock of its start.
        line: the command that makes it again.
    """

    source: Path
    target: Path
    fused: Fused
    options: FuseOptions
    network: tuple[Tensor, str] | None
    record: Mapping[str, Any]
    origin: Fraction
    line: CommandLine


def result_page(shown: Shown) -> str:
    """The page, as the text of a file."""
    fused, info = shown.fused, shown.fused.info
    steps = list(growing(fused, shown.options))
    labels = VIEWS if shown.network else tuple(v for v in VIEWS if v != "Network")
    rows, columns = fused.still.shape[-2:]
    width, height = info.orientation.pair(columns, rows)
    whole = _best_frame(shown)
    body = {
        "statement": text_of(str(shown.record["statement"])),
        "left": radios("left", labels),
        "right": radios("right", labels),
        "zoom": radios("zoom", ("Fit", "100 %", "200 %", "400 %")),
        "shown_width": str(info.orientation.pair(info.width, info.height)[0]),
        "shown_height": str(info.orientation.pair(info.width, info.height)[1]),
        "whole": whole,
        "best": str(fused.best_frame),
        "command": text_of(_line(shown)),
        "cards": "\n".join(card("facts", "", title, rows) for title, rows in _cards(shown)),
        "record": text_of(json.dumps(shown.record, indent=1)),
        "reduced": "" if is_reduced(rows, columns) else "hidden",
    }
    place = resource("vsr.fusion.page", "result.html")
    name = clean(shown.source.name)
    return whole_page(
        Parts(
            title=f"{name}: fused still",
            kind=f"{len(fused.used)} of {len(fused.verdicts)} frames, {width} &times; {height}",
            body=filled(place, body),
            style=f"{resource('vsr.fusion.page', 'common.css')}\n"
            f"{resource('vsr.fusion.page', 'result.css')}\n"
            f":root {{ --ratio: {width} / {height}; }}\n",
            script=f"{resource('vsr.fusion.page', 'common.js')}\n"
            f"{resource('vsr.fusion.page', 'result.js')}",
            data={
                "views": [_view(label, shown) for label in labels],
                "steps": [_step(step, shown) for step in steps],
                "frames": strip(fused, shown.origin),
                "best": fused.best_frame,
                "dropped": DROPPED,
                "line": shown.line.data(),
                "values": _values(shown.options),
                "name": clean(shown.target.stem),
            },
        )
    )


def _view(label: str, shown: Shown) -> dict[str, str]:
    """A picture to compare, and what has to be known of it; the still's are the steps'."""
    fused = shown.fused
    notes = {
        "Still": ("", ""),
        "Best frame": (fused.best, f"Frame {fused.best_frame} alone, enlarged bicubically."),
        "Mean": (fused.mean, "The mean of the aligned frames: what averaging alone gives."),
        "Certainty": (
            error_shown(fused.error)[None],
            "The standard error of each pixel: black is sure, white is 16 steps of 255 or more. "
            "What all frames have in common, it does not know.",
        ),
    }
    if shown.network:
        picture, model = shown.network
        notes["Network"] = (
            picture,
            f"Frame {fused.best_frame} by the network {model}. It has learnt what pictures look "
            "like, and may invent: it is no part of the still, and no evidence.",
        )
    found, note = notes[label]
    uri = picture_uri(found, fused.info) if isinstance(found, Tensor) else ""
    return {"label": label, "picture": uri, "note": clean(note)}


def _step(step: Grown, shown: Shown) -> dict[str, Any]:
    return {
        "count": len(step.frames),
        "frames": numbers_text(step.frames),
        "knowledge": str(step.knowledge),
        "picture": picture_uri(step.still, shown.fused.info),
    }


def _best_frame(shown: Shown) -> str:
    """The whole frame, as a picture. The source is read anew, as it was before."""
    read = shown.options.read
    with open_file(shown.source, read.span, read.clip_rate, ignore, read) as source:
        for number, frame in enumerate(source.frames()):
            if number == shown.fused.best_frame:
                return frame_uri(frame, source.info, _WHOLE_SIDE)
    return "data:,"  # it has lost that frame meanwhile: the region's way is drawn on nothing


def _values(options: FuseOptions) -> dict[str, str]:
    """What was chosen, as the command line writes it."""
    at = options.at
    exact = at is None or Fraction(str(float(at))) == at
    return {
        "crop": str(options.crop),
        "at": "" if at is None else (f"{float(at):.15g}" if exact else str(at)),
        "keep": numbers_text(options.keep),
        "drop": numbers_text(options.drop),
    }


def _line(shown: Shown) -> str:
    return shown.line.with_values(**_values(shown.options))


def _cards(shown: Shown) -> list[tuple[str, Rows]]:
    fused, record = shown.fused, shown.record
    made, settings, source = record["reconstruction"], record["settings"], record["source"]
    best = next(v.window for v in fused.verdicts if v.window.number == fused.best_frame)
    when = float(best.pts * fused.info.time_base - shown.origin)
    known = [
        ("What is won", str(fused.knowledge)),
        ("Standard error", f"{made['standard_error']:g} steps of 255, on average"),
        ("Frames", f"{len(fused.used)} of {len(fused.verdicts)} take part"),
        *(("Left out", f"{reason}: {numbers}") for reason, numbers in _left_out(fused)),
        ("Best frame", f"{fused.best_frame}, at {when:.3f} s"),
        ("Motion", fused.track.motion),
    ]
    asked = [
        ("Region", f"{settings['crop']}{_at(shown.options)}"),
        ("Scale", f"{settings['scale']}"),
        ("Lens blur", f"{fused.belief.blur:g} pixels, chosen by foretelling left-out samples"),
        ("Prior", f"{fused.belief.smooth:g} ({settings['prior']:g} times what foretells best)"),
        ("Network", f"{shown.network[1]}, beside the still alone" if shown.network else "none"),
        ("Made by", f"vsr {record['tool']['version']}"),
    ]
    origin = [("File", str(source["path"]))]
    origin += [("SHA-256", str(source["sha256"]))] if source.get("sha256") else []
    return [("How sure it is", known), ("Settings", asked), ("Source", origin)]


def _at(options: FuseOptions) -> str:
    where = "the first frame" if options.at is None else clock_text(options.at)
    return f", in the frame at {where}" if options.at is not None else f", in {where}"


def _left_out(fused: Fused) -> Sequence[tuple[str, str]]:
    """Reasons, without the figures in them, and the frames of each."""
    found: dict[str, list[int]] = {}
    for verdict in fused.verdicts:
        if not verdict.used:
            found.setdefault(plain_reason(verdict.reason), []).append(verdict.window.number)
    return [(reason, numbers_text(numbers)) for reason, numbers in found.items()]


def plain_reason(reason: str) -> str:
    """Without what is told of it in brackets."""
    return reason.partition(" (")[0]
