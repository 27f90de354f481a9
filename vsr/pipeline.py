"""The one line that every job runs: read -> mark shots -> windows -> restore -> write."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from vsr.errors import InputError, OutputError
from vsr.inference.engine import choose_engine, restore
from vsr.inference.windows import windows
from vsr.networks.catalogue import default_model, load_model
from vsr.paths import check_paths
from vsr.routes import create_target, open_source
from vsr.stills import Run, run_stills
from vsr.threads import ahead
from vsr.video.encoders import Encoding
from vsr.video.frame import Frame
from vsr.video.images import is_image, list_images, same_size
from vsr.video.passthrough import Selection
from vsr.video.shots import mark_shots
from vsr.video.span import Span

_DECODED_AHEAD = 4  # frames


@dataclass(frozen=True)
class Progress:
    """How far a run is: frames handed to the encoder, and the header's promise of how many."""

    frames: int
    expected: int | None


@dataclass(frozen=True)
class Result:
    """What a run did.

    Attributes:
        source, target: the files.
        frames_in, frames_out: read and written; equal, or the run would have failed.
        seconds: wall time, with start-up.
        model, scale: what enlarged the picture.
        device, precision: where, and in what numbers.
        encoder: its name in libav, "" for images.
        copied, converted, dropped: the other streams, named for people.
        warnings: all that was said on the way.
    """

    source: Path
    target: Path
    frames_in: int
    frames_out: int
    seconds: float
    model: str
    scale: int
    device: str
    precision: str
    encoder: str
    copied: tuple[str, ...]
    converted: tuple[str, ...]
    dropped: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def fps(self) -> float:
        """Frames a second, start-up included."""
        return self.frames_out / self.seconds if self.seconds else 0.0


def upscale(
    source: str | Path,
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
    audio: bool = True,
    subtitles: bool = True,
    overwrite: bool = False,
    stills: bool = False,
    rate: float | Fraction = 25,
    tile: int | None = None,
    threads: int = 0,
    self_ensemble: bool = False,
    compiled: bool = False,
    hwaccel: bool = False,
    progress: Callable[[Progress], None] | None = None,
    warn: Callable[[str], None] | None = None,
) -> Result:
    """Enlarge a video, an image or a folder of images, and keep all else that a file holds.

    Args:
        source, target: files or folders. The target's suffix chooses the container or image
            format; a folder takes one image per frame.
        scale: 2, 3 or 4.
        model: a name of `vsr.catalogue()` or a .safetensors file; None is the default, which
            for still images is another one than for videos.
        device: "auto", "cpu", "cuda", "cuda:N", or several GPUs with commas, which share frames.
        precision: "auto", "fp32", "bf16" or "fp16".
        start, end: the part to take, in seconds from the file's start.
        codec, crf, preset, pix_fmt: see `vsr.video.encoders.Encoding`.
        audio, subtitles: whether to copy these streams.
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
        progress: called after each frame.
        warn: called with each warning as it comes; all are in the result too.

    Raises VsrError, in one line, for whatever keeps the job from being done; then the target
    is as it was before.
    """
    began = time.monotonic()
    source, target = Path(source), Path(target)
    check_paths(source, target, overwrite)
    apart = source.is_dir() and (stills or not same_size(list_images(source)))
    chosen = load_model(model or default_model(apart or is_image(source)), scale)
    engine = choose_engine(
        device,
        precision,
        threads=threads,
        tile=tile,
        self_ensemble=self_ensemble,
        compiled=compiled,
    )
    span = Span(_exact(start), _exact(end))
    encoding = Encoding(codec, crf, preset, pix_fmt, threads)
    wants = Selection(audio, subtitles)
    warnings: list[str] = []

    def note(message: str) -> None:
        warnings.append(message)
        if warn:
            warn(message)

    def run(source: Path, target: Path, done: int, expected: int | None) -> Run:
        """One source through the line; `done` and `expected` count a longer job's frames."""
        frames_in = frames_out = 0
        context = chosen.network.context

        def counted(frames: Iterator[Frame]) -> Iterator[Frame]:
            nonlocal frames_in
            for frame in frames:
                frames_in += not frame.outside
                yield frame

        with (
            open_source(source, span, Fraction(rate), note, hwaccel) as video,
            create_target(
                target, video, video.info.enlarged(scale), encoding, wants, overwrite, note
            ) as output,
            ahead(counted(video.frames(context)), _DECODED_AHEAD) as frames,
        ):
            shots = mark_shots(frames, video.info.format.peak)
            for frame in restore(windows(shots, context), video.info, chosen, engine, note):
                output.write(frame)
                frames_out += 1
                if progress:
                    progress(Progress(done + frames_out, expected or video.expected_frames))
            if frames_out != frames_in:
                raise OutputError(f"{target}: {frames_out} of {frames_in} frames were restored")
        return Run(frames_in, frames_out, output.encoder, output.others)

    total = run_stills(source, target, overwrite, run) if apart else run(source, target, 0, None)
    return Result(
        source=source,
        target=target,
        frames_in=total.frames_in,
        frames_out=total.frames_out,
        seconds=time.monotonic() - began,
        model=chosen.name,
        scale=scale,
        device=",".join(map(str, engine.devices)),
        precision=engine.precision,
        encoder=total.encoder,
        **asdict(total.others),
        warnings=tuple(warnings),
    )


def _exact(seconds: float | Fraction | None) -> Fraction | None:
    if seconds is None:
        return None
    if not math.isfinite(seconds):
        raise InputError(f"time {seconds}: must be a number of seconds")
    return Fraction(seconds).limit_denominator(10**6)
