"""Compression degradation: a short clip through a real video encoder and back, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
import torch
from av.codec.context import ThreadType
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace
from numpy.typing import NDArray
from torch import Tensor

from vsr.core.errors import TrainingError

ENCODERS = {"h264": "libx264", "hevc": "libx265", "mpeg4": "mpeg4", "mjpeg": "mjpeg"}
"""The codecs by the names of their decoders, and who encodes them."""

_BY_CRF = {"h264", "hevc"}
_LEAST = 80  # columns and rows: libx265 writes past its buffers under 64, and wavers at 64
# With its assembler code, one clip in a hundred of 80x64 to 176x144 pixels comes out otherwise
# the second time, in one thread too; never without the macroblock tree.
_EXACT = "asm=0"
_MULTIPLE = 2  # of 4:2:0
_GREY = 128
_ACCURATE = 0x4 | 0x40000 | 0x2000  # SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT

Samples = NDArray[np.uint8]


def as_samples(frames: Tensor) -> Samples:
    """(T, C, H, W) in [0, 1], or a little outside -> (T, H, W) or (T, H, W, 3) uint8, rounded."""
    rounded = (frames * 255).round().clamp(0, 255).to(torch.uint8)
    kept = rounded[:, 0] if rounded.shape[1] == 1 else rounded.movedim(1, -1)
    return np.ascontiguousarray(kept.numpy())


def as_frames(samples: Samples) -> Tensor:
    """(T, H, W) or (T, H, W, 3) uint8 -> (T, C, H, W) float32 in [0, 1]."""
    frames = torch.from_numpy(np.ascontiguousarray(samples)).float() / 255
    return frames[:, None] if frames.ndim == 3 else frames.movedim(-1, 1).contiguous()


@dataclass(frozen=True)
class Compression:
    """Video as an encoder left it: 8 bits, 4:2:0, one thread, so that it is always the same.

    Attributes:
        codec: a key of ENCODERS.
        quality: the constant rate factor of h264 and hevc, 0..51; the quantiser of mpeg4 and
            mjpeg, 1..31. Lower is better.
        preset: the pace of h264 and hevc, such as "veryfast".
        interval: frames from one I frame to the next, at most.
        b_frames: consecutive B frames, at most; mjpeg has none.
    """

    codec: str
    quality: int
    preset: str = "medium"
    interval: int = 250
    b_frames: int = 3

    def __post_init__(self) -> None:
        if self.codec not in ENCODERS:
            raise TrainingError(f"codec {self.codec!r}: must be one of {', '.join(ENCODERS)}")
        low, high = (0, 51) if self.codec in _BY_CRF else (1, 31)
        if not low <= self.quality <= high:
            raise TrainingError(
                f"quality {self.quality} of {self.codec}: must be within {low}..{high}"
            )
        if self.interval < 1 or self.b_frames < 0:
            raise TrainingError(
                f"interval {self.interval}, b_frames {self.b_frames}: must be at least 1 and 0"
            )

    def __str__(self) -> str:
        if self.codec in _BY_CRF:
            return (
                f"{self.codec} crf {self.quality} {self.preset}"
                f" every {self.interval} b {self.b_frames}"
            )
        return f"{self.codec} q {self.quality}"

    def apply(self, frames: Tensor, scale: int, random: np.random.Generator) -> Tensor:
        """As a step of a Degradation."""
        return as_frames(self.through(as_samples(frames)))

    def through(self, frames: Samples) -> Samples:
        """Encode and decode a clip: (T, H, W) luma or (T, H, W, 3) RGB uint8, and so back.

        Luma is coded as it is, with grey chroma; RGB by BT.601, in the range of the codec. Frames
        smaller than encoders take are enlarged for it by repeating their last column and row.
        """
        height, width = frames.shape[1:3]
        below, right = (max(_LEAST, side + side % _MULTIPLE) - side for side in (height, width))
        others = ((0, 0),) * (frames.ndim - 3)
        padded = np.pad(frames, ((0, 0), (0, below), (0, right), *others), mode="edge")
        layout = "yuvj420p" if self.codec == "mjpeg" else "yuv420p"
        coded = list(self._decoded([_packed(frame, layout) for frame in padded]))
        if len(coded) != len(frames):
            raise TrainingError(f"{self}: {len(frames)} frames became {len(coded)}")
        back = _luma if frames.ndim == 3 else _rgb
        return np.stack([back(frame)[:height, :width] for frame in coded])

    def _decoded(self, frames: list[VideoFrame]) -> Iterator[VideoFrame]:
        first = frames[0]
        encoder = cast(VideoCodecContext, av.CodecContext.create(ENCODERS[self.codec], "w"))
        encoder.width, encoder.height = first.width, first.height
        encoder.pix_fmt = first.format.name
        encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
        encoder.thread_count = 1
        encoder.options = self.options()
        decoder = cast(VideoCodecContext, av.CodecContext.create(self.codec, "r"))
        decoder.thread_count, decoder.thread_type = 1, ThreadType.NONE
        for number, frame in enumerate([*frames, None]):
            if frame is not None:
                frame.pts, frame.time_base = number, Fraction(1, 25)
            for packet in encoder.encode(frame):
                yield from decoder.decode(packet)
        yield from decoder.decode(None)

    def options(self) -> dict[str, str]:
        """The encoder's, as libav takes them."""
        group = {"g": str(self.interval), "bf": str(self.b_frames)}
        if self.codec == "h264":
            own = {"crf": str(self.quality), "preset": self.preset, "x264-params": _EXACT}
            return {**group, **own}
        if self.codec == "hevc":
            quiet = "log-level=none:pools=none:frame-threads=1"
            own = {"crf": str(self.quality), "preset": self.preset, "x265-params": quiet}
            return {**group, **own}
        steady = {"qmin": str(self.quality), "qmax": str(self.quality), "b": "100M"}
        return steady if self.codec == "mjpeg" else {**group, **steady}


def _packed(samples: Samples, layout: str) -> VideoFrame:
    """A frame of luma (H, W) or RGB (H, W, 3) in the encoder's pixel format, range as named."""
    if samples.ndim == 3:
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(samples), format="rgb24")
        return frame.reformat(
            format=layout, interpolation=_ACCURATE, dst_colorspace=Colorspace.ITU601
        )
    height, width = samples.shape
    chroma = np.full((height // 2, width), _GREY, np.uint8)
    return VideoFrame.from_ndarray(np.concatenate([samples, chroma]), format=layout)


def _luma(frame: VideoFrame) -> Samples:
    plane = frame.planes[0]
    rows: Samples = np.frombuffer(memoryview(plane), np.uint8).reshape(
        plane.height, plane.line_size
    )
    return rows[:, : plane.width].copy()


def _rgb(frame: VideoFrame) -> Samples:
    back = frame.reformat(format="rgb24", interpolation=_ACCURATE, src_colorspace=Colorspace.ITU601)
    return np.asarray(back.to_ndarray(), np.uint8)
