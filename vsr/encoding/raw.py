"""Which pixel formats a container can hold uncompressed: others read back as something else."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from vsr.remux.containers import MUXER_NEEDS, Y4M

_WIDTH, _HEIGHT = 35, 17  # odd: what is padded, or packed in pairs, shows


@cache
def holds_raw(container: str, name: str) -> bool:
    """Whether a frame of libav's format `name` comes out of a container as it went in.

    Found by a trial: many containers take whatever they are given, and tell of a few formats.
    """
    if container == Y4M and name.startswith("yuva"):
        return False  # libav's own way of it, which others do not read
    given = _noise(name)
    try:
        found = _there_and_back(given, container)
    except (av.FFmpegError, OSError, ValueError, LookupError, StopIteration):
        return False
    if found.format.name != name:
        return False
    pairs = zip(_bytes_of(given), _bytes_of(found), strict=True)
    return all(np.array_equal(mine, its) for mine, its in pairs)


def _noise(name: str) -> VideoFrame:
    """Samples with values that their depth allows."""
    frame = VideoFrame(_WIDTH, _HEIGHT, name)
    random = np.random.default_rng(1)
    for part in _samples(frame):
        part[:] = random.integers(0, 1 << _bits(frame), part.shape)
    return frame


def _bits(frame: VideoFrame) -> int:
    return max(component.bits for component in frame.format.components)


def _there_and_back(frame: VideoFrame, container: str) -> VideoFrame:
    file = io.BytesIO()
    options = MUXER_NEEDS.get(container, {})
    with av.open(file, "w", format=container, container_options=options) as output:
        stream: Any = output.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, frame.format.name
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    with av.open(io.BytesIO(file.getvalue()), "r") as source:
        return next(source.decode(video=0))


def _samples(frame: VideoFrame) -> list[NDArray[Any]]:
    """Each plane's memory as samples, padding included."""
    order = ">u2" if frame.format.name.endswith("be") else "<u2"
    planes: Any = frame.planes
    kind = order if _bits(frame) > 8 else "u1"
    return [np.frombuffer(plane, kind).reshape(plane.height, -1) for plane in planes]


def _bytes_of(frame: VideoFrame) -> list[NDArray[Any]]:
    """Each plane's samples, without what pads its rows."""
    parts = _samples(frame)
    packed = len(parts) == 1 and len(frame.format.components) > 1
    each = frame.format.padded_bits_per_pixel // (8 * parts[0].itemsize) if packed else 1
    return [part[:, : plane.width * each] for plane, part in zip(frame.planes, parts, strict=True)]
