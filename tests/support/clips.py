"""Clips that the tests make, and what a media file holds when read back."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vsr.encoding.priority import ordinary_priority


def picture(number: int, width: int, height: int, peak: int = 255) -> np.ndarray:
    """A plane that differs in every frame and every corner: a moving sine grid.

    A negative number gives the negative of a picture, as of another shot.
    """
    if number < 0:
        return peak - picture(-number, width, height, peak)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    wave = np.sin((x + 2 * number) / 5) * np.cos((y - number) / 7) + x / max(width, 2) / 4
    samples = (0.5 + 0.35 * wave) * peak
    return samples.clip(0, peak).astype(np.uint8 if peak == 255 else np.uint16)


def video_frame(number: int, width: int, height: int, pix_fmt: str) -> av.VideoFrame:
    """A frame of any planar 8- to 16-bit YUV or grey format."""
    frame = av.VideoFrame(width, height, pix_fmt)
    bits = frame.format.components[0].bits
    for index, plane in enumerate(frame.planes):
        shape = (plane.height, plane.width)
        other = number + 31 * index if number >= 0 else number - 31 * index
        samples = picture(other, shape[1], shape[0], 2**bits - 1)
        view = np.frombuffer(plane, samples.dtype).reshape(plane.height, -1)
        view[:, : plane.width] = samples
    return frame


# Packed and semi-planar YUV, and the planar format nearest to each.
PACKED_YUV = (
    ("nv12", "yuv420p"),
    ("nv21", "yuv420p"),
    ("nv16", "yuv422p"),
    ("nv24", "yuv444p"),
    ("uyvy422", "yuv422p"),
    ("yuyv422", "yuv422p"),
)


@dataclass(frozen=True)
class Clip:
    """What to make. Times are ticks of `time_base`; durations are gaps to the next pts."""

    width: int = 64
    height: int = 48
    pix_fmt: str = "yuv420p"
    codec: str = "libx264"
    pts: Sequence[int] = tuple(range(0, 12 * 512, 512))
    time_base: Fraction = Fraction(1, 12800)
    options: dict[str, str] = field(default_factory=lambda: {"bf": "2", "preset": "veryfast"})
    color: dict[str, int] = field(default_factory=dict)
    pixel_aspect: Fraction | None = None
    matrix: Sequence[int] | None = None
    audio: Sequence[str] = ()  # languages, one AAC track each
    audio_start: Fraction = Fraction(0)
    subtitles: Sequence[tuple[float, float, str]] = ()
    chapters: Sequence[tuple[int, int, str]] = ()  # milliseconds
    metadata: dict[str, str] = field(default_factory=dict)
    attachment: bytes = b""
    numbers: Sequence[int] = ()  # the picture that each frame shows; else they count up
    fill: Sequence[int] = ()  # one sample value a plane, in place of the moving picture
    audio_first: bool = False  # audio tracks stand before the video
    dispositions: Sequence[int] = ()  # of the audio tracks
    stream_metadata: dict[str, str] = field(default_factory=dict)  # of the video
    muxer: dict[str, str] = field(default_factory=dict)  # its options, such as movflags
    audio_codec: str = "aac"
    audio_rate: int = 48000


TWO_SECONDS = Clip(width=96, height=64, pts=range(0, 50 * 512, 512))
"""Of which each frame is another."""


def make(path: Path, clip: Clip = Clip()) -> Path:
    """Encode a clip with real encoders."""
    with ordinary_priority(), av.open(str(path), "w", options=dict(clip.muxer)) as out:
        out.metadata.update(clip.metadata)
        gaps = np.diff(clip.pts).tolist() or [512]
        rate = 1 / (Fraction(min(gaps)) * clip.time_base)
        tracks = _add_tracks(out, clip) if clip.audio_first else []
        video: Any = out.add_stream(clip.codec, rate=rate, options=dict(clip.options))
        context = video.codec_context
        context.width, context.height, context.pix_fmt = clip.width, clip.height, clip.pix_fmt
        context.time_base = clip.time_base
        for name, value in clip.color.items():
            setattr(context, name, value)
        if clip.pixel_aspect:
            context.sample_aspect_ratio = clip.pixel_aspect
        if clip.matrix:
            video.set_display_matrix(list(clip.matrix))
        video.metadata.update(clip.stream_metadata)
        tracks = tracks or _add_tracks(out, clip)
        texts: Any = None
        if clip.subtitles:
            texts = out.add_mux_stream("subrip" if path.suffix == ".mkv" else "mov_text")
            texts.time_base = Fraction(1, 1000)
            texts.metadata["language"] = "eng"
        if clip.attachment:
            out.add_attachment("font.ttf", "application/x-truetype-font", clip.attachment)
        if clip.chapters:
            out.set_chapters(
                [
                    {
                        "id": n,
                        "start": start,
                        "end": end,
                        "time_base": Fraction(1, 1000),
                        "metadata": {"title": title},
                    }
                    for n, (start, end, title) in enumerate(clip.chapters)
                ]
            )
        seconds = clip.pts[-1] * clip.time_base - clip.pts[0] * clip.time_base
        for number, track in enumerate(tracks):
            _mux_tone(out, track, clip, float(seconds), 220 * (number + 1))
        for start, end, text in clip.subtitles:
            body = text.encode()
            packet = av.Packet(
                body if path.suffix == ".mkv" else len(body).to_bytes(2, "big") + body
            )
            packet.stream, packet.time_base = texts, Fraction(1, 1000)
            packet.pts = packet.dts = round(start * 1000)
            packet.duration = round((end - start) * 1000)
            out.mux(packet)
        for number, pts in enumerate(clip.pts):
            shown = clip.numbers[number] if clip.numbers else number
            frame = video_frame(shown, clip.width, clip.height, clip.pix_fmt)
            if clip.fill:
                _fill(frame, clip.fill)
            frame.pts, frame.time_base = pts, clip.time_base
            frame.duration = gaps[min(number, len(gaps) - 1)]
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


def remux(
    source: Path, target: Path, kinds: Sequence[str], muxer: str | None = None, **options: str
) -> Path:
    """Write a copy that holds these kinds of streams alone, with options for its muxer."""
    with (
        av.open(str(source)) as old,
        av.open(str(target), "w", format=muxer, options=options) as new,
    ):
        copies: dict[int, Any] = {
            stream.index: new.add_stream_from_template(stream)
            for stream in old.streams
            if stream.type in kinds
        }
        for packet in old.demux():
            if packet.size and packet.stream_index in copies:
                packet.stream = copies[packet.stream_index]
                new.mux(packet)
    return target


def _add_tracks(out: Any, clip: Clip) -> list[Any]:
    tracks = []
    for number, language in enumerate(clip.audio):
        track: Any = out.add_stream(clip.audio_codec, rate=clip.audio_rate)
        track.metadata["language"] = language
        if number < len(clip.dispositions):
            track.disposition = clip.dispositions[number]
        tracks.append(track)
    return tracks


def _fill(frame: av.VideoFrame, values: Sequence[int]) -> None:
    deep = frame.format.components[0].bits > 8
    for plane, value in zip(frame.planes, values, strict=True):
        np.frombuffer(plane, np.uint16 if deep else np.uint8)[:] = value


def _mux_tone(out: Any, track: Any, clip: Clip, seconds: float, pitch: int) -> None:
    start = round(clip.audio_start * 48000)
    for first in range(0, max(1024, int(seconds * 48000)), 1024):
        t = (first + np.arange(1024)) / 48000
        samples = (0.2 * np.sin(2 * np.pi * pitch * t)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.stack([samples, samples]), "fltp", "stereo")
        frame.sample_rate, frame.pts = 48000, start + first
        frame.time_base = Fraction(1, 48000)
        out.mux(track.encode(frame))
    out.mux(track.encode(None))


@dataclass(frozen=True)
class Held:
    """What a file holds: times in exact seconds, packets by hash."""

    pts: list[Fraction]
    time_base: Fraction
    sizes: set[tuple[int, int]]
    packets: dict[str, list[list[str]]]  # kind -> streams -> packet hashes
    times: dict[str, list[list[Fraction]]]
    languages: list[tuple[str, str]]
    dispositions: list[tuple[str, int]]
    chapters: list[tuple[Fraction, Fraction, str]]
    metadata: dict[str, str]
    attachments: list[bytes]
    info: dict[str, Any]


def held(path: Path, until: Fraction | None = None) -> Held:
    """Read a file back: every frame decoded, every other packet hashed.

    `until` stops at the first packet that is due so many seconds into the file, whatever is
    still inside the decoder: give it a second more than what is looked at.
    """
    packets: dict[int, list[str]] = {}
    times: dict[int, list[Fraction]] = {}
    pts, sizes, info = [], set(), {}
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        for stream in container.streams:
            packets[stream.index], times[stream.index] = [], []
        for packet in container.demux():
            beyond = until is not None and packet.dts is not None
            if beyond and packet.dts * packet.time_base >= until:
                break
            if packet.stream.index == video.index:
                for frame in packet.decode():
                    pts.append(frame.pts * video.time_base)
                    sizes.add((frame.width, frame.height))
                    if not info:
                        info = _info(video, frame)
            elif packet.size:
                packets[packet.stream.index].append(hashlib.sha256(bytes(packet)).hexdigest())
                times[packet.stream.index].append(packet.pts * packet.time_base)
        others = [s for s in container.streams if s.index != video.index]
        kinds = {s.type for s in others}
        return Held(
            pts=pts,
            time_base=video.time_base,
            sizes=sizes,
            packets={k: [packets[s.index] for s in others if s.type == k] for k in kinds},
            times={k: [times[s.index] for s in others if s.type == k] for k in kinds},
            languages=[(s.type, s.metadata.get("language", "")) for s in container.streams],
            dispositions=[(s.type, int(s.disposition)) for s in container.streams],
            chapters=[
                (c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"]["title"])
                for c in container.chapters()
            ],
            metadata=dict(container.metadata),
            attachments=[bytes(s.data) for s in container.streams.attachments],
            info=info,
        )


def _info(video: Any, frame: Any) -> dict[str, Any]:
    matrix = frame.side_data.get("DISPLAYMATRIX")
    return {
        "format": frame.format.name,
        "range": int(frame.color_range),
        "matrix": int(frame.colorspace),
        "primaries": int(frame.color_primaries),
        "transfer": int(frame.color_trc),
        "pixel_aspect": video.sample_aspect_ratio,
        "display_matrix": bytes(matrix) if matrix is not None else None,
    }


def planes(path: Path) -> list[list[np.ndarray]]:
    """The samples of every frame: its planes as (rows, columns) of uint8 or uint16."""
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            deep = frame.format.components[0].bits > 8
            dtype = np.uint16 if deep else np.uint8
            found.append(
                [
                    np.frombuffer(p, dtype).reshape(p.height, -1)[:, : p.width].copy()
                    for p in frame.planes
                ]
            )
    return found


def nearest(times: Iterable[Fraction], base: Fraction) -> list[int]:
    """Times in whole ticks of `base`; halves round up, as libav does."""
    return [math.floor(t / base + Fraction(1, 2)) for t in times]


def tags_first(data: bytes) -> bytes:
    """An mp4 whose tags stand before its tracks, so that the cover is the first stream."""
    at = data.rindex(b"moov") - 4
    boxes, inside = [], at + 8
    end = at + struct.unpack(">I", data[at : at + 4])[0]
    while inside < end:
        size = struct.unpack(">I", data[inside : inside + 4])[0]
        boxes.append(data[inside : inside + size])
        inside += size
    boxes.sort(key=lambda box: (b"mvhd", b"udta", box[4:8]).index(box[4:8]))
    return data[: at + 8] + b"".join(boxes) + data[end:]
