"""Source analysis: quantiser, bits, blockiness and noise of a video at a few places."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import fmean, median

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.core.blockiness import CELL, LEAST_CELLS, blockiness
from vsr.core.damage import Tally
from vsr.core.errors import InputError
from vsr.core.events import ignore
from vsr.core.inlet import interruptible
from vsr.core.limits import check_header
from vsr.core.options import READ_DEFAULTS, ReadOptions
from vsr.core.threads import within
from vsr.core.url import Pipe, Url, patient
from vsr.datasets.ground_truth import Plane
from vsr.model_selection.noise import noise
from vsr.video.choose import main_video
from vsr.video.open import open_input
from vsr.video.planes import PlaneReader, describe
from vsr.video.quantisers import let_tell, quantiser_of
from vsr.video.seek import demux, seek_back
from vsr.video.variants import leave_out_variants

_PLACES = 8  # to look at
_FRAMES = 3  # to decode at each: a keyframe, and some that are predicted from it
_PACKETS = 48  # to weigh at each
_BYTES = 2**21  # to read at each; a video with more in so few packets is hardly compressed
_FAR = 1000  # packets to look through for a keyframe
_MIDDLE = (640, 480)  # of a picture, in pixels: enough to see blocks and noise in


@dataclass(frozen=True)
class SourceAnalysis:
    """What a video looks like, as the median of the places looked at.

    Attributes:
        codec: libav's name of the decoder.
        bits: of a coded frame, for each of its pixels.
        bits_per_gradient: bits of a keyframe for each pixel, over the mean step from a sample of
            luma to the next one right and below: how much it was given for what there is to code.
            None for a picture of one colour.
        quantiser: how coarsely blocks were quantised, on H.264's scale of 0 to 51, where 6 more
            are steps of twice the size; None where the decoder does not tell.
        blocks: `vsr.core.blockiness.blockiness`; 1 for a picture too small to have any.
        noise: `vsr.model_selection.noise.noise`, in steps of 8 bits.
    """

    codec: str
    bits: float
    bits_per_gradient: float | None
    quantiser: float | None
    blocks: float
    noise: float


def analyze(path: Path | Url, reading: ReadOptions = READ_DEFAULTS) -> SourceAnalysis:
    """Look at a video that can be opened again, or at a pipe's beginning: the same gives the same.

    At eight places, evenly from its beginning on, three frames are decoded from a keyframe on,
    and up to 48 packets weighed. What is broken there is passed over. Raises InputError, in one
    line, where there is no video or nothing of it can be decoded, StalledError where it gives
    nothing.
    """
    if isinstance(path, Pipe):
        path.inlet.patience = reading.stall_timeout
        with interruptible():
            return _look(path, reading)
    source = patient(path, reading.stall_timeout)
    return within(reading.stall_timeout, lambda: _look(source, reading))


def _look(path: Path | Url, reading: ReadOptions) -> SourceAnalysis:
    with open_input(path) as container:
        stream = main_video(container, path, reading.video_stream)
        leave_out_variants(container, stream)
        check_header(path, container, stream, reading.limits)
        context = stream.codec_context
        stream.thread_type = "NONE"
        let_tell(context)
        codec = context.name
        length = Fraction(0) if isinstance(path, Pipe) else _length(container, stream)
        seen = list(_places(container, stream, path, length))
    if not seen:
        raise InputError(f"{path}: no frame can be decoded at the places looked at")
    ratios = [place.bits_per_gradient for place in seen if place.bits_per_gradient is not None]
    quantisers = [place.quantiser for place in seen if place.quantiser is not None]
    return SourceAnalysis(
        codec=codec,
        bits=median(place.bits for place in seen),
        bits_per_gradient=median(ratios) if ratios else None,
        quantiser=median(quantisers) if quantisers else None,
        blocks=median(place.blocks for place in seen),
        noise=median(place.noise for place in seen),
    )


def _places(
    container: InputContainer, stream: VideoStream, path: Path | Url, length: Fraction
) -> Iterator[SourceAnalysis]:
    """What is to be seen at the first keyframe, and at those near the other places.

    There are others where the video lasts `length` seconds, and not where it is 0.
    """
    assert stream.time_base is not None
    origin = Fraction(container.start_time or 0, av.time_base)
    keys: set[tuple[int, int | None]] = set()
    for number in range(_PLACES if length else 1):
        if number:
            place = origin + length * number / _PLACES
            try:
                seek_back(container, stream, math.floor(place / stream.time_base))
            except (av.FFmpegError, OSError, ValueError):
                continue
        seen = _place(container, stream, path, keys)
        if seen is not None:
            yield seen


def _length(container: InputContainer, stream: VideoStream) -> Fraction:
    """Seconds, by the header; 0 where it does not say."""
    if stream.duration and stream.duration > 0:
        return stream.duration * (stream.time_base or Fraction(0))
    return Fraction(max(0, container.duration or 0), av.time_base)


def _place(
    container: InputContainer,
    stream: VideoStream,
    path: Path | Url,
    keys: set[tuple[int, int | None]],
) -> SourceAnalysis | None:
    """What is to be seen from the next keyframe on; None if there is none, or it is in `keys`."""
    sizes: list[int] = []  # of packets, in bytes
    frames: list[_Frame] = []
    for number, packet in enumerate(demux(container, [stream], Tally(path))):
        if not sizes:
            if packet.size and not packet.is_keyframe and number < _FAR:
                continue
            key = (packet.pos or 0, packet.pts)
            if not packet.size or not packet.is_keyframe or key in keys:
                return None
            keys.add(key)
        if packet.size:
            sizes.append(packet.size)
        if len(frames) < _FRAMES:
            with suppress(av.FFmpegError, ValueError):
                decoded = stream.codec_context.decode(packet if packet.size else None)
                whole = [frame for frame in decoded if not frame.is_corrupt]
                frames += [_seen(container, stream, frame) for frame in whole]
        enough = len(sizes) >= _PACKETS or sum(sizes) >= _BYTES
        if enough and len(frames) >= _FRAMES:
            break
    return _together(stream.codec_context.name, sizes, frames[:_FRAMES]) if frames else None


@dataclass(frozen=True)
class _Frame:
    """A decoded frame: its luma, or green, in 8 bits, and how coarsely it was quantised."""

    luma: Plane
    quantiser: float | None


def _seen(container: InputContainer, stream: VideoStream, frame: VideoFrame) -> _Frame:
    info = describe(container, stream, frame)
    samples = PlaneReader(info, ignore)(frame)[0]  # the job itself will warn
    luma: Plane = (samples >> (info.format.depth - 8)).astype(np.uint8)
    return _Frame(luma, quantiser_of(frame))


def _together(codec: str, sizes: list[int], frames: list[_Frame]) -> SourceAnalysis:
    height, width = frames[0].luma.shape
    bits = [8 * size / (height * width) for size in sizes]
    step = fmean(_step(frame.luma) for frame in frames)
    quantisers = [frame.quantiser for frame in frames if frame.quantiser is not None]
    middles = [_middle(frame.luma) for frame in frames]
    has_blocks = min(height, width) >= LEAST_CELLS * CELL
    return SourceAnalysis(
        codec=codec,
        bits=fmean(bits),
        bits_per_gradient=bits[0] / step if step else None,
        quantiser=fmean(quantisers) if quantisers else None,
        blocks=fmean(map(blockiness, middles)) if has_blocks else 1.0,
        noise=fmean(map(noise, middles)),
    )


def _step(luma: Plane) -> float:
    """From a sample to its neighbours right and below, in the mean."""
    pairs = [(luma[:, 1:], luma[:, :-1]), (luma[1:], luma[:-1])]
    return sum(cv2.mean(cv2.absdiff(one, other))[0] for one, other in pairs if one.size)


def _middle(luma: Plane) -> Plane:
    height, width = luma.shape
    left, top = (
        max(0, side - most) // 2 for side, most in zip((width, height), _MIDDLE, strict=True)
    )
    return luma[top : top + _MIDDLE[1], left : left + _MIDDLE[0]]
