"""Frames, sound and subtitles into a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import SubtitleSet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from .patch import Picture

BT709, LIMITED = 1, 1  # libav's numbers for the matrix, primaries and transfer; and the range
AUDIO_STEP = 1024  # samples in an AAC frame
MILLISECOND = Fraction(1, 1000)

# The look of the subtitles, in the form that libav's encoder asks for.
STYLE = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, \
Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, \
Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Sans,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@dataclass(frozen=True)
class Line:
    """A subtitle.

    Attributes:
        start: in milliseconds.
        end: in milliseconds.
        text: what it says.
    """

    start: int
    end: int
    text: str


def yuv420(rgb: NDArray[np.float32]) -> Picture:
    """(H, W, 3) R'G'B' in 0 to 255 -> I420 rows (1.5 H, W), BT.709, limited range.

    Chroma lies on every other column and between two rows, as H.264 expects unless told.
    """
    red, green, blue = np.moveaxis(rgb / 255, -1, 0)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    planes = [16 + 219 * luma]
    for difference in ((blue - luma) / 1.8556, (red - luma) / 1.5748):
        rows = (difference[0::2] + difference[1::2]) / 2
        padded = np.pad(rows, ((0, 0), (1, 1)), mode="edge")
        columns = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
        planes.append(128 + 224 * columns[:, ::2])
    width = rgb.shape[1]
    stacked = np.concatenate([plane.reshape(-1, width) for plane in planes])
    return (stacked + 0.5).clip(0, 255).astype(np.uint8)


def small_frame(rgb: NDArray[np.float32]) -> VideoFrame:
    """A frame of the clip from (H, W, 3) R'G'B' in 0 to 255."""
    frame = VideoFrame.from_ndarray(yuv420(rgb), format="yuv420p")
    frame.color_primaries = frame.color_trc = frame.colorspace = BT709
    frame.color_range = LIMITED
    return frame


def master_frame(rgb: Picture) -> VideoFrame:
    """A frame of the lossless master."""
    return VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="bgr0")


class Track:
    """A video stream being written."""

    def __init__(self, output: OutputContainer, stream: VideoStream, rate: int) -> None:
        self._output, self._stream = output, stream
        self._time_base = Fraction(1, rate)
        self._frames = 0

    def write(self, frame: VideoFrame) -> None:
        """Add the next frame."""
        frame.pts, frame.time_base = self._frames, self._time_base
        self._frames += 1
        self._output.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write the frames that the encoder still holds."""
        self._output.mux(self._stream.encode(None))


@contextmanager
def create_clip(
    path: Path,
    size: tuple[int, int],
    rate: int,
    title: str,
    sound: tuple[NDArray[np.float32], int],
    lines: list[Line],
) -> Iterator[Track]:
    """Write an MP4 of frames of `size` (width, height).

    `sound` is (2, N) samples and their rate, `lines` become a subtitle stream.
    """
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as output:
        output.metadata["title"] = title
        # All streams must be known before the first packet.
        video = add_video(output, size, rate)
        audio = add_audio(output, sound[1])
        text = add_text(output)
        write_lines(output, text, lines)
        write_sound(output, audio, *sound)
        track = Track(output, video, rate)
        yield track
        track.finish()


@contextmanager
def create_master(path: Path, size: tuple[int, int], rate: int) -> Iterator[Track]:
    """Write a lossless video of RGB frames of `size` (width, height)."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("ffv1", rate=rate, options={"level": "3", "threads": "1"})
        assert isinstance(video, VideoStream)
        video.width, video.height = size
        video.pix_fmt = "bgr0"
        track = Track(output, video, rate)
        yield track
        track.finish()


def add_video(output: OutputContainer, size: tuple[int, int], rate: int) -> VideoStream:
    """An H.264 stream, its colours labelled."""
    # One thread: the encoder's choices must not depend on the machine's cores.
    options = {"crf": "17", "preset": "slow", "g": "50", "bf": "3", "threads": "1"}
    video = output.add_stream("libx264", rate=rate, options=options)
    assert isinstance(video, VideoStream)
    video.width, video.height = size
    video.pix_fmt = "yuv420p"
    context = video.codec_context
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED
    return video


def add_audio(output: OutputContainer, rate: int) -> AudioStream:
    """A stereo AAC stream."""
    audio = output.add_stream("aac", rate=rate)
    assert isinstance(audio, AudioStream)
    audio.layout, audio.bit_rate = "stereo", 96_000
    audio.metadata["language"] = "eng"
    return audio


def add_text(output: OutputContainer) -> SubtitleStream:
    """A subtitle stream in English."""
    text = output.add_stream("mov_text")
    assert isinstance(text, SubtitleStream)
    text.time_base = text.codec_context.time_base = MILLISECOND
    text.codec_context.subtitle_header = STYLE
    text.metadata["language"] = "eng"
    return text


def write_sound(
    output: OutputContainer, audio: AudioStream, samples: NDArray[np.float32], rate: int
) -> None:
    """Encode (2, N) samples."""
    for start in range(0, samples.shape[1], AUDIO_STEP):
        part = np.ascontiguousarray(samples[:, start : start + AUDIO_STEP])
        frame = AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        output.mux(audio.encode(frame))
    output.mux(audio.encode(None))


def write_lines(output: OutputContainer, text: SubtitleStream, lines: list[Line]) -> None:
    """Encode subtitles."""
    for number, line in enumerate(lines):
        dialogue = f"{number},0,Default,,0,0,0,,{line.text}".encode()
        length = line.end - line.start
        subtitle = SubtitleSet.create(dialogue, start=0, end=length, pts=line.start)
        packet = text.codec_context.encode_subtitle(subtitle)
        packet.stream, packet.time_base = text, MILLISECOND
        output.mux(packet)
