"""The one line that every job runs: read -> mark shots -> windows -> restore -> write."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from threading import Event

from vsr.encoding.encoders import Encoding
from vsr.errors import InputError, OutputError
from vsr.images.images import Images, list_images, same_size
from vsr.inference.engine import choose_engine, restore
from vsr.inference.windows import windows
from vsr.networks.catalogue import default_model, load_model
from vsr.others.passthrough import Selection
from vsr.paths import check_paths
from vsr.result import Progress, Result, Run
from vsr.routes import create_target, is_still, open_source
from vsr.stills import run_stills
from vsr.threads import ahead
from vsr.video.damage import NO_DAMAGE
from vsr.video.frame import Frame
from vsr.video.limits import DEFAULTS, Limits
from vsr.video.reader import Reading
from vsr.video.shots import mark_shots
from vsr.video.span import Span
from vsr.video.url import Url, as_source

_DECODED_AHEAD = 4  # frames


def upscale(
    source: str | Path | Url,
    target: str | Path,
    *,
    scale: int = 4,
    model: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    start: float | Fraction | None = None,
    end: float | Fraction | None = None,
    codec: str = "",
    crf: float | None = None,
    preset: str = "",
    pix_fmt: str = "",
    audio: bool | str = True,
    subtitles: bool = True,
    overwrite: bool = False,
    stills: bool = False,
    rate: float | Fraction = 25,
    tile: int | None = None,
    threads: int = 0,
    self_ensemble: bool = False,
    compiled: bool = False,
    hwaccel: bool = False,
    deinterlace: str = "auto",
    strict: bool = False,
    verify: bool = False,
    limits: Limits = DEFAULTS,
    stall: float = 300,
    stop: Event | None = None,
    progress: Callable[[Progress], None] | None = None,
    warn: Callable[[str], None] | None = None,
) -> Result:
    """Enlarge a video, an image or a folder of images, and keep all else that a file holds.

    Args:
        source, target: files or folders; the source may be an address. The target's suffix
            chooses the container or image format; a folder takes one image per frame.
        scale: 2, 3 or 4.
        model: a name of `vsr.catalogue()` or a .safetensors file; None is the default, which
            for still images is another one than for videos.
        device: "auto", "cpu", "cuda", "cuda:N", or several GPUs with commas, which share frames.
        precision: "auto", "fp32", "bf16" or "fp16".
        start, end: the part to take, in seconds from the file's start.
        codec, crf, preset, pix_fmt: see `vsr.encoding.encoders.Encoding`.
        audio: "copy" or True; "transcode", which encodes sound that the target cannot hold, and
            only that; "none" or False.
        subtitles: whether to take them, as text of another kind where the target needs that.
        overwrite: replace an existing target, once the new one is complete.
        stills: take each image of a folder by itself. Otherwise, if they have one size, they
            are a clip in name order.
        rate: frames per second of a folder of images that becomes a video.
        tile: side of the tiles in pixels of the source, 0 for whole frames; None takes what
            fits the memory. All give the same picture.
        threads: cores to use; 0 for all.
        self_ensemble: take the mean over a frame's eight flips and turns: eight times the work
            for a little quality.
        compiled: let torch.compile make the network's kernels, which takes a minute at first
            and on CPUs a C++ compiler.
        hwaccel: decode on the GPU, where its driver can; else on the CPU, with a warning.
        deinterlace: "auto" where the first frames show fields, "on" or "off".
        strict: take any damage to the source for an error; else it is passed over, counted
            and told.
        verify: decode the finished video again before it gets its name, and compare every
            frame's time.
        limits: what the source may ask for at most.
        stop: ends a live stream well, once it is set: what has come is kept.
        stall: seconds without a frame from the source after which the run fails.
        progress: called after each frame.
        warn: called with each warning as it comes; all are in the result too.

    Raises VsrError, in one line, for whatever keeps the job from being done; then the target
    is as it was before.
    """
    began = time.monotonic()
    source, target = as_source(source), Path(target)
    check_paths(source, target, overwrite)
    apart = isinstance(source, Path) and source.is_dir() and _are_apart(source, stills)
    chosen = load_model(model or default_model(apart or is_still(source)), scale)
    engine = choose_engine(
        device,
        precision,
        threads=threads,
        tile=tile,
        self_ensemble=self_ensemble,
        compiled=compiled,
    )
    span = Span(_exact(start), _exact(end))
    reading = Reading(hwaccel, strict, stall, deinterlace, limits)
    encoding = Encoding(codec, crf, preset, pix_fmt, threads)
    wants = Selection(audio, subtitles)
    warnings: list[str] = []

    def note(message: str) -> None:
        warnings.append(message)
        if warn:
            warn(message)

    def run(source: Path | Url, target: Path, done: int, expected: int | None) -> Run:
        """One source through the line; `done` and `expected` count a longer job's frames."""
        seen, written = _Seen(), 0
        patience = None if isinstance(source, Url) else stall  # connections have their own
        context = chosen.network.context

        with (
            open_source(source, span, Fraction(rate), note, reading, stop) as video,
            create_target(
                target, video, video.info.enlarged(scale), encoding, wants, overwrite, note, verify
            ) as output,
            ahead(seen.passing(video.frames(context)), _DECODED_AHEAD, patience) as frames,
        ):
            shots = mark_shots(frames, video.info.format.peak)
            for frame in restore(windows(shots, context), video.info, chosen, engine, note):
                output.write(frame)
                written += 1
                if progress:
                    progress(Progress(done + written, expected or video.expected_frames))
            if written != seen.frames:
                raise OutputError(f"{target}: {written} of {seen.frames} frames were restored")
        arrival = output.arrival
        return Run(
            seen.frames,
            written,
            output.encoder,
            output.others,
            duration_in=seen.ticks * video.info.time_base,
            duration_out=arrival.duration if arrival else None,
            sound_in=output.sound_offset,
            sound_out=arrival.sound_offset if arrival else None,
            damage=NO_DAMAGE if isinstance(video, Images) else video.damage,
        )

    if apart and isinstance(source, Path):
        total = run_stills(source, target, overwrite, run)
    else:
        total = run(source, target, 0, None)
    return Result(
        source=source,
        target=target,
        run=total,
        verified=verify and total.duration_out is not None,
        seconds=time.monotonic() - began,
        model=chosen.name,
        scale=scale,
        device=",".join(map(str, engine.devices)),
        precision=engine.precision,
        warnings=tuple(warnings),
    )


@dataclass
class _Seen:
    """The frames of the span, as they pass: how many, and how many ticks they are shown."""

    frames: int = 0
    ticks: int = 0

    def passing(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The frames, counted."""
        for frame in frames:
            if not frame.outside:
                self.frames += 1
                self.ticks += frame.duration
            yield frame


def _are_apart(folder: Path, stills: bool) -> bool:
    """Whether the images of a folder are no clip."""
    return stills or not same_size(list_images(folder))


def _exact(seconds: float | Fraction | None) -> Fraction | None:
    if seconds is None:
        return None
    if not math.isfinite(seconds):
        raise InputError(f"time {seconds}: must be a number of seconds")
    return Fraction(seconds).limit_denominator(10**6)
