"""Compression matching: the encoder setting whose quantisation is nearest to a video's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vsr.core.folders import temporary_folder
from vsr.datasets.ground_truth import Samples
from vsr.degradation.compression import ENCODERS, Compression
from vsr.model_selection.analyze import SourceAnalysis, analyze

_STAND_IN = "h264"  # for codecs that nothing here encodes
_LEAST = 64  # columns and rows that encoders take
_RANGES = {"h264": (8, 45), "hevc": (8, 45), "mpeg4": (1, 31), "mjpeg": (1, 31)}
_GREY = 128


def like(look: SourceAnalysis, clips: Sequence[Samples]) -> Compression:
    """The Compression of `clips` that makes them look as `look`, of a video, says.

    They are encoded at several qualities and looked at as the video was. What is to agree is the
    mean quantiser, or, of codecs that do not tell theirs, the bits spent on a keyframe for what
    there is to be seen in it. Where no encoder for the codec is at hand, H.264 stands in.

    `clips` are (T, h, w) uint8 luma; those count that are of the first one's shape.
    """
    codec = look.codec if look.codec in ENCODERS else _STAND_IN
    alike = [clip for clip in clips if clip.shape == clips[0].shape]

    def is_coarser(quality: int) -> bool:
        found = _look(alike, Compression(codec, quality))
        if look.quantiser is not None and found.quantiser is not None:
            return found.quantiser > look.quantiser
        if look.bits_per_gradient is not None and found.bits_per_gradient is not None:
            return found.bits_per_gradient < look.bits_per_gradient
        return found.bits < look.bits

    return Compression(codec, _first(is_coarser, *_RANGES[codec]))


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The least number of a range for which it holds, as it does for all above; else the last."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _look(clips: Sequence[Samples], compression: Compression) -> SourceAnalysis:
    """What the clips look like in a file so compressed, each from a keyframe on."""
    with temporary_folder() as folder:
        path = Path(folder, "clips.mkv")
        _write(path, clips, compression)
        return analyze(path)


def _write(path: Path, clips: Sequence[Samples], compression: Compression) -> None:
    length, height, width = clips[0].shape
    below, right = (max(_LEAST, side + side % 2) - side for side in (height, width))
    options = {**compression.options(), "g": str(length)}
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(ENCODERS[compression.codec], rate=25, options=options)
        stream.width, stream.height = width + right, height + below
        stream.pix_fmt = "yuvj420p" if compression.codec == "mjpeg" else "yuv420p"
        stream.codec_context.thread_count = 1
        for number, plane in enumerate(plane for clip in clips for plane in clip):
            padded = np.pad(plane, ((0, below), (0, right)), mode="edge")
            chroma = np.full((padded.shape[0] // 2, padded.shape[1]), _GREY, np.uint8)
            frame = av.VideoFrame.from_ndarray(np.concatenate([padded, chroma]), stream.pix_fmt)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
