"""How long a job will take and how large its output will be, from a short piece of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from os import PathLike
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Stream

from vsr.api import upscale
from vsr.core.errors import InputError, OutputError
from vsr.core.events import Progress, ignore
from vsr.core.folders import temporary_folder
from vsr.core.options import RunOptions, StreamOptions, UpscaleOptions
from vsr.core.paths import as_path, quoted
from vsr.core.result import Result
from vsr.core.threads import cores_of
from vsr.images.animated import is_still
from vsr.images.files import read_shape
from vsr.images.listing import is_image
from vsr.inference.passes import usual_scale
from vsr.model_selection.own_scale import at_own_scale
from vsr.model_selection.select import Choice, choose_model
from vsr.pipeline.factor import factor_of
from vsr.pipeline.numbered import source_pattern, target_pattern
from vsr.video.choose import is_cover, main_video
from vsr.video.open import open_input
from vsr.video.reader import open_video

_KEYFRAMES_EVERY = 250  # frames: what x264, x265 and NVENC do of themselves
_FEWEST = 24  # frames to measure on
_LENGTH = Fraction(1)  # seconds of the source, at least
_LONGEST = 20  # seconds of the source
_ENOUGH = 2.0  # seconds of work that tell something
# A measurement goes on from nothing, leaves nothing, and stays on this machine.
_BY_ITSELF = RunOptions(overwrite=True, resume="never")
_LISTENING = 3  # seconds of the source in which the other streams are counted
_USUAL_RATE = Fraction(25)  # frames a second
_PAIRS = "must be (source, target) pairs in a list, such as [('in.mp4', 'out.mp4')]"


@dataclass(frozen=True)
class Estimate:
    """What to expect of a file.

    Attributes:
        source, target: the file and its output.
        frames: by the file's header; None where it does not say.
        seconds: of work, without start-up.
        bytes: of the output.
        measured: whether it was this file that was measured, and not one like it.
        reason: why there are no seconds and bytes, "" where there are.
        model: what would enlarge it, "" where it was not looked at.
        chosen: what it was taken for, and so the model, see `vsr.core.result.Result`.
    """

    source: Path
    target: Path
    frames: int | None
    seconds: float | None
    bytes: int | None
    measured: bool
    reason: str
    model: str = ""
    chosen: str = ""


@dataclass(frozen=True)
class Rate:
    """What some frames cost, apart from what a run costs but once.

    Attributes:
        frames: how many.
        seconds: wall time for them, all of reading, enlarging and encoding.
        bytes: of their pictures in the output.
        once: bytes that a picture takes more where it stands for itself: a keyframe.
    """

    frames: int
    seconds: float
    bytes: int
    once: int

    def seconds_for(self, frames: int) -> float:
        """How long so many take."""
        return self.seconds / self.frames * frames

    def bytes_for(self, frames: int) -> int:
        """How much so many take, with a keyframe now and then."""
        keyframes = math.ceil(frames / _KEYFRAMES_EVERY)
        return round(self.bytes / self.frames * frames + self.once * keyframes)


def estimate(
    pairs: Iterable[tuple[str | Path, str | Path]],
    options: UpscaleOptions | None = None,
    **keywords: object,
) -> Iterator[Estimate]:
    """What to expect of each (source, target), with these options.

    `keywords` are single options by their names, as in `vsr.upscale`.

    Of files that are alike (size, codec, pixel format, frame rate and the output's suffix; still
    images: the suffix, as their time and size go with their pixels) and get the same model, one
    is measured. A file that cannot be opened or measured is an estimate with a reason; ModelError
    and DeviceError, which are no file's fault, are raised. Arguments of another kind are a
    TypeError at once.
    """
    return _estimates(_as_pairs(pairs), UpscaleOptions.given(options, keywords))


def _as_pairs(pairs: object) -> list[tuple[Path, Path]]:
    """What is given as pairs of paths. Raises TypeError, and VsrError for empty names."""
    if isinstance(pairs, str | bytes | PathLike) or not isinstance(pairs, Iterable):
        raise TypeError(f"pairs {quoted(pairs)}: {_PAIRS}")
    found = []
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"pair {quoted(pair)}: {_PAIRS}")
        source, target = pair
        found.append((as_path(source, "source"), as_path(target, "target", OutputError)))
    return found


def _estimates(pairs: Sequence[tuple[Path, Path]], options: UpscaleOptions) -> Iterator[Estimate]:
    options = at_own_scale(options)
    rates: dict[tuple[object, ...], tuple[Rate, int]] = {}
    for source, target in pairs:
        frames: int | None = None
        told: dict[str, str] = {}
        try:
            choice = _choice(source, options)
            told = {"model": choice.model, "chosen": choice.said}
            asked = choice.of(options)
            facts = _look(source, target, asked)
            frames = facts.frames
            if frames is None:
                reason = "its length is not known"
                yield Estimate(source, target, None, None, None, False, reason, **told)
                continue
            kind = (*facts.kind, choice.model)
            measured = kind not in rates
            if measured:
                rates[kind] = (_measured(source, target, asked, facts), facts.pixels)
            rate, pixels = rates[kind]
        except (InputError, OutputError) as error:
            yield Estimate(source, target, frames, None, None, False, str(error), **told)
            continue
        share = facts.pixels / pixels
        seconds = rate.seconds_for(frames) * share
        size = round(rate.bytes_for(frames) * share + facts.other_bytes)
        yield Estimate(source, target, frames, seconds, size, measured, "", **told)


def _choice(source: Path, options: UpscaleOptions) -> Choice:
    """What `vsr.upscale` would choose."""
    scale = usual_scale(factor_of(source, options))
    return choose_model(source, options, scale, is_still(source))


def whole(source: Path, target: Path, options: UpscaleOptions, rate: Rate) -> Estimate:
    """What to expect of a file whose own rate is known. Raises InputError."""
    facts = _look(source, target, options)
    if facts.frames is None:
        return Estimate(source, target, None, None, None, True, "its length is not known")
    seconds = rate.seconds_for(facts.frames)
    size = rate.bytes_for(facts.frames) + facts.other_bytes
    return Estimate(source, target, facts.frames, seconds, size, True, "")


def measure(
    source: Path, options: UpscaleOptions, start: float, duration: float, suffix: str
) -> Rate:
    """What frames of a video cost, by a piece of it from `start` on, in seconds of the file.

    `vsr.upscale` runs twice, with `options`, into a file of `suffix` that is thrown away: on the
    first third of the piece, then on all of it, each time from its first frame on, which ends the
    start-up. What the second run took more is what the frames in between cost. That is fair
    although encoders hold dozens of frames back and code them at the end, after the network: the
    time for those is in both runs, as are frames that are in work when the first one is done, the
    keyframe at the beginning, and the headers. On a CPU all stages share the cores, so any piece
    of more than a few frames will do. Where stages run beside each other, on a GPU, the piece must
    be longer than what the encoder holds back (60 frames), or the stages' times are added up.

    Where the piece is too short for two runs that differ, the longer one is taken as it is.

    Raises VsrError as `vsr.upscale` does; InputError where no frame begins in the piece.
    """
    with temporary_folder() as folder:
        target = Path(folder, f"piece{suffix}")
        return enlarge_piece(source, target, options, start, start + duration).rate


@dataclass(frozen=True)
class Piece:
    """A piece of a video, enlarged, and what that tells.

    Attributes:
        result: of the run.
        rate: what its frames cost, see `measure`.
        doubt: by which share that differs from the run's own time by frame, start-up left out.
    """

    result: Result
    rate: Rate
    doubt: float


def enlarge_piece(
    source: Path,
    target: Path,
    options: UpscaleOptions,
    start: float | Fraction,
    end: float | Fraction,
    warn: Callable[[str], None] | None = None,
    progress: Callable[[Progress], None] = ignore,
) -> Piece:
    """Enlarge the piece of a video between two times, and measure it as `measure` does.

    `warn` is called with each warning of the run on the whole piece, `progress` after each of its
    frames.
    """
    third = start + (end - start) / 3
    short = _NOTHING
    with suppress(InputError):  # perhaps no frame begins there, or the other run will say it
        short, _ = _run(source, target, options.but(start=start, end=third))
    long, result = _run(source, target, options.but(start=start, end=end), warn, progress)
    rate = _between(short, long)
    by_frame = long.seconds / long.frames
    return Piece(result, rate, abs(rate.seconds / rate.frames / by_frame - 1))


@dataclass(frozen=True)
class _Run:
    """A run on a piece: frames, seconds from the first one on and in all, bytes of pictures."""

    frames: int
    seconds: float
    whole: float
    bytes: int


_NOTHING = _Run(0, 0.0, 0.0, 0)


def _between(short: _Run, long: _Run) -> Rate:
    """What frames cost that the long run had more than the short one."""
    frames, size = long.frames - short.frames, long.bytes - short.bytes
    if frames < 1 or size <= 0 or not short.frames:
        return Rate(long.frames, long.seconds, long.bytes, 0)
    # On a busy machine the difference may be anything; there is a limit to what is believed.
    least = long.seconds / long.frames * frames / 4
    seconds = max(long.seconds - short.seconds, least)
    once = max(0, short.bytes - round(size / frames * short.frames))
    return Rate(frames, seconds, size, once)


def _run(
    source: Path,
    target: Path,
    options: UpscaleOptions,
    warn: Callable[[str], None] | None = None,
    told: Callable[[Progress], None] = ignore,
) -> tuple[_Run, Result]:
    """Enlarge, with what that took."""
    first: float | None = None

    def progress(now: Progress) -> None:
        nonlocal first
        if first is None:
            first = time.monotonic()
        told(now)

    began = time.monotonic()
    streams = replace(options.streams, other_videos=False)  # so that its video is the only one
    asked = replace(options, streams=streams, run=_BY_ITSELF)
    result = upscale(source, target, asked, progress=progress, warn=warn)
    ended = time.monotonic()
    alone = result.frames_out == 1  # nothing comes after its first frame
    since = began if first is None or alone else first
    size = _picture_bytes(target)
    return _Run(result.frames_out, ended - since, ended - began, size), result


def _picture_bytes(target: Path) -> int:
    """What the picture takes in a file, without sound and headers."""
    if is_image(target):
        return target.stat().st_size
    with open_input(target) as container:
        stream = main_video(container, target)
        return sum(packet.size for packet in container.demux(stream))


def _measured(source: Path, target: Path, options: UpscaleOptions, facts: _Facts) -> Rate:
    """The rate of a file: from its middle, or where there is no frame, from its beginning."""
    if facts.step is None:
        return _measured_whole(source, options, target.suffix)
    try:
        return _measured_at(source, target, options, facts, Fraction(1, 2))
    except InputError:
        return _measured_at(source, target, options, facts, Fraction(0))


def _measured_at(
    source: Path, target: Path, options: UpscaleOptions, facts: _Facts, place: Fraction
) -> Rate:
    """The rate by a piece that is long enough: of so many frames, and of so much work.

    It lies at the beginning of the span for `place` 0, at its end for 1.
    """
    assert facts.step is not None
    assert facts.frames is not None
    total = facts.frames * facts.step

    def rate(length: Fraction) -> Rate:
        start = facts.start + (total - length) * place
        return measure(source, options, float(start), float(length), target.suffix)

    fewest = max(_FEWEST, 3 * cores_of(options.compute.threads))
    length = min(total, max(_LENGTH, facts.step * fewest))
    found = rate(length)
    longer = min(total, Fraction(_LONGEST), length * Fraction(_ENOUGH / found.seconds))
    return rate(longer) if longer > length else found


def _measured_whole(source: Path, options: UpscaleOptions, suffix: str) -> Rate:
    """The rate of a still image: of a whole run, the second one where the first was quick."""
    with temporary_folder() as folder:
        target = Path(folder, f"piece{suffix}")
        run, _ = _run(source, target, options)
        if run.whole < _ENOUGH:  # start-up, of which a second run has little, was much of it
            run, _ = _run(source, target, options)
    return Rate(run.frames, run.whole, run.bytes, 0)


@dataclass(frozen=True)
class _Facts:
    """What a file says without being enlarged.

    Attributes:
        kind: the same for files that cost the same by pixel and frame.
        frames: in the span; None where that is not known.
        pixels: of a frame.
        step: seconds from one frame to the next; None for still images.
        start: where the span begins, in seconds.
        other_bytes: what the other streams that are copied take.
    """

    kind: tuple[object, ...]
    frames: int | None
    pixels: int
    step: Fraction | None = None
    start: Fraction = Fraction(0)
    other_bytes: int = 0


def _look(source: Path, target: Path, options: UpscaleOptions) -> _Facts:
    """Open a file and decode its first frame. Raises InputError."""
    suffix = target.suffix.lower()
    for place, pattern in (
        (source, source_pattern(source)),
        (target, target_pattern(source, target)),
    ):
        if pattern:
            raise InputError(f"{place}: numbered images have no estimate, which is of one file")
    if is_still(source):
        shape = read_shape(source, options.read.limits)
        return _Facts((source.suffix.lower(), suffix), 1, shape.width * shape.height)
    span = options.read.span
    with open_video(source, span, ignore, options.read) as video:  # the job itself will warn
        info, index, frames = video.info, video.stream_index, video.expected_frames
    rate = info.frame_rate or _USUAL_RATE
    with open_input(source) as container:
        main = container.streams[index]
        codec = main.codec_context.name
        others = _others_rate(container, main, 1 / rate, options.streams)
    return _Facts(
        kind=(info.width, info.height, info.format.name, codec, round(rate), suffix),
        frames=max(1, frames) if frames is not None else None,
        pixels=info.width * info.height,
        step=1 / rate,
        start=span.start or Fraction(0),
        other_bytes=round(others * (frames or 0) / rate),
    )


def _others_rate(
    container: InputContainer, main: Stream, step: Fraction, wants: StreamOptions
) -> Fraction:
    """Bytes a second of the streams that are copied, by the file's first seconds."""
    others = [s for s in container.streams if s.index != main.index and not is_cover(s)]
    counted = [stream for stream in others if wants.wants(stream.type)]
    if not counted:
        return Fraction(0)
    total, times = 0, []
    with suppress(av.FFmpegError, OSError):  # damage is told when the job is done
        for packet in container.demux([main, *counted]):
            if packet.stream.index != main.index:
                total += packet.size
            elif packet.dts is not None and packet.time_base is not None:
                times.append(packet.dts * packet.time_base)
                if times[-1] - times[0] >= _LISTENING:
                    break
    return total / (max(times) - min(times) + step) if times else Fraction(0)
