"""`vsr fuse`: one still from many frames, what stands beside it, and the record of both."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vsr.core.commit import commit_bytes
from vsr.core.errors import OutputError
from vsr.core.events import ignore
from vsr.core.paths import as_path, check_input, check_output
from vsr.fusion.options import FuseOptions
from vsr.fusion.pictures import error_png_of, png_of
from vsr.fusion.placement import inverse, seen_at, shift
from vsr.fusion.record import make_record
from vsr.fusion.still import Fused, fuse_frames
from vsr.pipeline.routes import open_file
from vsr.provenance.fingerprint import fingerprints
from vsr.upscaler import Upscaler, open_video
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
        files: what was written: "still" and the names of BESIDE, and where.
        fused: the still and all that is known of it.
        warnings: what was said on the way.
    """

    source: Path
    target: Path
    files: Mapping[str, Path]
    fused: Fused
    warnings: tuple[str, ...]

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
            "warnings": list(self.warnings),
        }


def fuse(
    source: str | Path,
    target: str | Path,
    options: FuseOptions | None = None,
    *,
    warn: Callable[[str], None] | None = None,
    **keywords: Any,
) -> Fusion:
    """Make one still of what many frames of a video know of a region.

    The region is followed through the shot; frames that do not show it well are left out; the still
    is what explains the samples of all others best. No network takes part in it.

    Args:
        source: a video, or a folder of images as one.
        target: a .png for the still. Beside it come the best single frame's region, enlarged
            bicubically and by a network, the mean of the aligned frames, the standard error of each
            pixel, and a record of it all: see BESIDE.
        options: how; or its fields as keywords.
        warn: called with each warning.

    Raises VsrError in one line.
    """
    options = options or FuseOptions(**keywords)
    path, place = as_path(source, "source"), as_path(target, "target", OutputError)
    if place.suffix.lower() != ".png":
        raise OutputError(f"{place}: a fused still is a .png")
    check_input(path)
    files = {"still": place, **{n: place.with_suffix(end) for n, end in BESIDE.items()}}
    if options.model == "":
        del files["network"]
    for file in files.values():
        check_output(file, options.overwrite, [path])
    said: list[str] = []

    def tell(message: str) -> None:
        said.append(message)
        (warn or ignore)(message)

    found = fingerprints(path)
    with open_file(path, options.read.span, options.read.clip_rate, tell, options.read) as video:
        origin = video.origin if isinstance(video, Video) else Fraction(0)
        at = None if options.at is None else (origin + options.at) / video.info.time_base
        fused = fuse_frames(video, at, options)
    written = _pictures(fused, files)
    network = ""
    if "network" in files:
        network, picture = _by_network(path, fused, origin, options)
        written["network"] = png_of(picture, fused.info, files["network"])
    record = make_record(fused, path, found, options, origin, network)
    written["record"] = json.dumps(record, indent=1).encode() + b"\n"
    for name in files:  # the still last: with it, all is there
        if name != "still":
            commit_bytes(files[name], written[name], options.overwrite)
    commit_bytes(place, written["still"], options.overwrite)
    return Fusion(path, place, files, fused, tuple(said))


def _pictures(fused: Fused, files: Mapping[str, Path]) -> dict[str, bytes]:
    info = fused.info
    return {
        "still": png_of(fused.still, info, files["still"]),
        "best": png_of(fused.best, info, files["best"]),
        "mean": png_of(fused.mean, info, files["mean"]),
        "error": error_png_of(fused.error, info, files["error"]),
    }


def _by_network(
    path: Path, fused: Fused, origin: Fraction, options: FuseOptions
) -> tuple[str, Tensor]:
    """The best frame's region by a network that sees its neighbours: its name, and (C, H, W)."""
    upscaler = Upscaler(options.model, scale=options.scale, threads=options.threads)
    (verdict,) = (v for v in fused.verdicts if v.window.number == fused.best_frame)
    window, base = verdict.window, fused.info.time_base
    start = window.pts * base - origin
    read = options.read
    source = open_video(
        path,
        start=start,
        end=start + base,
        video_stream=read.video_stream,
        deinterlace=read.deinterlace,
        rate=read.rate,
        start_number=read.start_number,
    )
    large = next(iter(upscaler.frames(source)))
    pixels = large.image.astype(np.float32) / np.iinfo(large.image.dtype).max
    if fused.still.shape[0] == 1:
        pixels = pixels[..., :1]
    assert window.found is not None
    box, scale = window.found.box, float(upscaler.scale)
    whole = shift(box.x, box.y) @ window.found.placement.matrix
    to_large = shift(-0.5, -0.5) @ np.diag([scale, scale, 1.0]) @ shift(0.5, 0.5)
    matrix = to_large @ whole @ inverse(to_large)
    height, width = fused.still.shape[-2:]
    planes = [
        seen_at(np.ascontiguousarray(plane), matrix, width, height)
        for plane in pixels.transpose(2, 0, 1)
    ]
    return upscaler.model, torch.from_numpy(np.stack(planes))
