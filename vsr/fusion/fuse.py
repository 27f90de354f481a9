"""`vsr fuse`: one still from many frames, what stands beside it, and the record of both."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from torch import Tensor

from vsr.core.commit import commit_all
from vsr.core.errors import InputError, OutputError
from vsr.core.events import ignore
from vsr.core.paths import as_path
from vsr.fusion.beside import by_network
from vsr.fusion.options import FuseOptions
from vsr.fusion.page.command import LineOf, python_line
from vsr.fusion.page.result_page import Shown, result_page
from vsr.fusion.paths import check_paths
from vsr.fusion.pictures import error_png_of, png_of
from vsr.fusion.polish import guess_by
from vsr.fusion.progress import Tell
from vsr.fusion.record import make_record, part_of
from vsr.fusion.still import Fused, fuse_frames
from vsr.pipeline.routes import open_file
from vsr.provenance.fingerprint import fingerprints
from vsr.upscaler import Upscaler
from vsr.video.reader import Video

BESIDE = {
    "best": ".best-frame.png",
    "network": ".network.png",
    "mean": ".mean.png",
    "error": ".error.png",
    "record": ".record.json",
}
"""What stands beside OUTPUT.png, and how its name ends."""


@dataclass(frozen=True)
class Fusion:
    """What was made.

    Attributes:
        source, target: the video and the still.
        files: what was written: "still", "page" and the names of BESIDE, and where.
        fused: the still and all that is known of it.
        warnings: what was said on the way.
        polished_by: the network that took part in the still; "" is none.
    """

    source: Path
    target: Path
    files: Mapping[str, Path]
    fused: Fused
    warnings: tuple[str, ...]
    polished_by: str = ""

    def facts(self) -> dict[str, Any]:
        """All of it as plain numbers and strings, for JSON."""
        fused = self.fused
        return {
            "source": str(self.source),
            "target": str(self.target),
            "files": {name: str(path) for name, path in self.files.items()},
            "frames": len(fused.verdicts),
            "used": len(fused.used),
            "left_out": {one.window.number: one.reason for one in fused.verdicts if not one.used},
            "motion": fused.track.motion,
            "best_frame": fused.best_frame,
            "knowledge": str(fused.knowledge),
            "polished_by": self.polished_by,
            "warnings": list(self.warnings),
        }


def fuse(
    source: str | Path,
    target: str | Path,
    options: FuseOptions | None = None,
    *,
    warn: Callable[[str], None] | None = None,
    progress: Tell | None = None,
    line_of: LineOf = python_line,
    **keywords: Any,
) -> Fusion:
    """Make one still of what many frames of a video know of a region.

    The region is followed through the shot; frames that do not show it well are left out; the still
    is what explains the samples of all others best. No network takes part in it unless `polish`
    asks for that.

    Args:
        source: a video, or images as one: a folder of them, or numbered ones as frame_%04d.png.
        target: a .png for the still, or a .html: a page that needs nothing but a browser, and holds
            all of what follows. Beside a .png come the best single frame's region, enlarged
            bicubically and by a network, the mean of the aligned frames, the standard error of each
            pixel, and a record of it all: see BESIDE.
        options: how.
        warn: called with each warning.
        progress: called with how far it is, now and then.
        line_of: writes the command that the page tells; a call of this function if left out.
        keywords: single fields of FuseOptions or of its `read`, such as `crop="110,118,36,16"` and
            `start=1.4`. They go before `options`.

    Raises VsrError, in one line, and then nothing is written. Raises TypeError where neither
    gives a `crop`, and for a keyword that is no field.
    """
    options = FuseOptions.given(options, keywords)
    path, place = as_path(source, "source"), as_path(target, "target", OutputError)
    files = _files(place, options)
    check_paths(path, files.values(), options)
    warned: list[str] = []

    def tell(message: str) -> None:
        warned.append(message)
        (warn or ignore)(message)

    upscaler = None
    if options.model != "":  # before any work: it may not be known
        upscaler = Upscaler(options.model, scale=options.scale, threads=options.threads, warn=tell)
    found = fingerprints(path, options.read.start_number)
    with open_file(path, options.read.span, options.read.clip_rate, tell, options.read) as video:
        origin = video.origin if isinstance(video, Video) else Fraction(0)
        at = None if options.at is None else (origin + options.at) / video.info.time_base
        guess = guess_by(upscaler) if upscaler and options.polish else None
        fused = fuse_frames(video, at, options, progress or ignore, guess)
    model, network = (
        (upscaler.model, by_network(path, fused, upscaler, options)) if upscaler else ("", None)
    )
    polished_by = str(model) if options.polish else ""
    record = make_record(fused, path, found, options, origin, model)
    beside = None if network is None else (network, str(model))
    again = options if "still" in files else replace(options, overwrite=True)
    line = line_of(path, place, again)  # a page takes its own place
    shown = Shown(path, place, fused, options, beside, record, origin, line)
    said = part_of(polished_by) if polished_by else ""
    written = _contents(shown, files, said)
    commit_all({files[name]: written[name] for name in files}, options.overwrite)
    return Fusion(path, place, files, fused, tuple(warned), polished_by)


def _files(place: Path, options: FuseOptions) -> dict[str, Path]:
    """What is to be written, and where. Raises OutputError for what is neither .png nor .html."""
    suffix = place.suffix.lower()
    if options.polish and (options.page or suffix == ".html"):
        raise InputError("polish: a page shows stills that no network took part in; ask for a .png")
    if suffix == ".html":
        return {"page": place}
    if suffix != ".png":
        raise OutputError(f"{place}: a fused still is a .png, or a page of it a .html")
    files = {"still": place, **{n: place.with_suffix(end) for n, end in BESIDE.items()}}
    if options.model == "":
        del files["network"]
    return {**files, "page": place.with_suffix(".html")} if options.page else files


def _contents(shown: Shown, files: Mapping[str, Path], said: str) -> dict[str, bytes]:
    """What goes into each of the files."""
    found: dict[str, bytes] = {}
    if "still" in files:
        found |= _pictures(shown.fused, shown.network and shown.network[0], files, said)
        found["record"] = json.dumps(shown.record, indent=1).encode() + b"\n"
    if "page" in files:
        found["page"] = result_page(shown).encode()
    return found


def _pictures(
    fused: Fused, network: Tensor | None, files: Mapping[str, Path], said: str
) -> dict[str, bytes]:
    info = fused.info
    found = {
        "still": png_of(fused.still, info, files["still"], said),
        "best": png_of(fused.best, info, files["best"]),
        "mean": png_of(fused.mean, info, files["mean"]),
        "error": error_png_of(fused.error, info, files["error"]),
    }
    if network is not None:
        found["network"] = png_of(network, info, files["network"])
    return found
