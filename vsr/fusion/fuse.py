"""`vsr fuse`: one still from many frames, what stands beside it, and the record of both."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vsr.core.commit import commit_all
from vsr.core.errors import OutputError
from vsr.core.events import Progress, ignore
from vsr.core.paths import (
    as_path,
    check_apart,
    check_input,
    check_output,
    check_output_folder,
)
from vsr.fusion.beside import by_network
from vsr.fusion.options import FuseOptions
from vsr.fusion.pictures import error_png_of, png_of
from vsr.fusion.record import make_record
from vsr.fusion.still import Fused, fuse_frames
from vsr.images.images import list_images
from vsr.images.numbered import pattern_of
from vsr.pipeline.checks import input_files
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
    progress: Callable[[Progress], None] | None = None,
    **keywords: Any,
) -> Fusion:
    """Make one still of what many frames of a video know of a region.

    The region is followed through the shot; frames that do not show it well are left out; the still
    is what explains the samples of all others best. No network takes part in it.

    Args:
        source: a video, or images as one: a folder of them, or numbered ones as frame_%04d.png.
        target: a .png for the still. Beside it come the best single frame's region, enlarged
            bicubically and by a network, the mean of the aligned frames, the standard error of each
            pixel, and a record of it all: see BESIDE.
        options: how; or its fields as keywords.
        warn: called with each warning.
        progress: called after each frame in which the region was looked for; what is left then is
            the reconstruction.

    Raises VsrError in one line.
    """
    options = options or FuseOptions(**keywords)
    path, place = as_path(source, "source"), as_path(target, "target", OutputError)
    if place.suffix.lower() != ".png":
        raise OutputError(f"{place}: a fused still is a .png")
    files = {"still": place, **{n: place.with_suffix(end) for n, end in BESIDE.items()}}
    if options.model == "":
        del files["network"]
    _check_paths(path, files.values(), options)
    said: list[str] = []

    def tell(message: str) -> None:
        said.append(message)
        (warn or ignore)(message)

    upscaler = None
    if "network" in files:  # before any work: it may not be known
        upscaler = Upscaler(options.model, scale=options.scale, threads=options.threads, warn=tell)
    found = fingerprints(path, options.read.start_number)
    with open_file(path, options.read.span, options.read.clip_rate, tell, options.read) as video:
        origin = video.origin if isinstance(video, Video) else Fraction(0)
        at = None if options.at is None else (origin + options.at) / video.info.time_base
        fused = fuse_frames(video, at, options, progress or ignore)
    written = _pictures(fused, files)
    if upscaler:
        picture = by_network(path, fused, upscaler, options)
        written["network"] = png_of(picture, fused.info, files["network"])
    record = make_record(fused, path, found, options, origin, upscaler.model if upscaler else "")
    written["record"] = json.dumps(record, indent=1).encode() + b"\n"
    commit_all({files[name]: written[name] for name in files}, options.overwrite)
    return Fusion(path, place, files, fused, tuple(said))


def _check_paths(source: Path, files: Collection[Path], options: FuseOptions) -> None:
    """Raise InputError or OutputError where the source is none, or a file may not be written.

    An image that joined those of the source would be one of its frames the next time.
    """
    pattern = pattern_of(source)
    if pattern:
        list_images(source, options.read.start_number)
    else:
        check_input(source)
    for file in files:
        check_output(file, options.overwrite, input_files([source]))
        if pattern and file.parent == pattern.folder and pattern.number_of(file.name) is not None:
            raise OutputError(f"{file}: would be one of the images {source}; choose another name")
        if source.is_dir():
            check_output_folder(file.parent, [source / file.name])
    check_apart(files)


def _pictures(fused: Fused, files: Mapping[str, Path]) -> dict[str, bytes]:
    info = fused.info
    return {
        "still": png_of(fused.still, info, files["still"]),
        "best": png_of(fused.best, info, files["best"]),
        "mean": png_of(fused.mean, info, files["mean"]),
        "error": error_png_of(fused.error, info, files["error"]),
    }
