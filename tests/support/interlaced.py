"""Interlaced clips that tests make: fields of two moments woven into each frame."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vsr.video.field_vote import FieldOrder

WIDTH, HEIGHT = 96, 64
NTSC, FILM = Fraction(30000, 1001), Fraction(24000, 1001)
ROOM = 320  # columns and rows of the scene that the camera moves over


def scene() -> np.ndarray:
    """(ROOM, ROOM) uint8: soft blobs of all sizes, as a camera sees them."""
    chance = np.random.default_rng(5)
    y, x = np.mgrid[0:ROOM, 0:ROOM].astype(np.float32)
    total = np.zeros((ROOM, ROOM), np.float32)
    for _ in range(60):
        row, column, size = *chance.uniform(0, ROOM, 2), chance.uniform(3, 30)
        total += chance.normal() * np.exp(-((x - column) ** 2 + (y - row) ** 2) / size**2)
    return np.asarray((128 + 60 * total).clip(16, 235), np.uint8)


SCENE = scene()


def moment(time: int) -> np.ndarray:
    """What the camera sees: it moves 3 columns and a row at a time."""
    return SCENE[20 + time % 40 :, (3 * time) % 200 :][:HEIGHT, :WIDTH]


def weave(early: np.ndarray, late: np.ndarray, order: FieldOrder) -> np.ndarray:
    """A frame whose earlier field is of one picture, and its later one of another."""
    rows = early.copy()
    first = int(order is FieldOrder.TOP)
    rows[first::2] = late[first::2]
    return rows


def fields_of(moments: Sequence[np.ndarray], order: FieldOrder) -> list[np.ndarray]:
    """Frames of two moments each."""
    pairs = zip(moments[::2], moments[1::2], strict=True)
    return [weave(early, late, order) for early, late in pairs]


def woven(order: FieldOrder, frames: int) -> list[np.ndarray]:
    """Frames whose even and odd rows are of two moments."""
    return fields_of([moment(time) for time in range(2 * frames)], order)


def pulled_down(film: Sequence[np.ndarray], order: FieldOrder) -> list[np.ndarray]:
    """Film at the rate of video: pictures take two fields and three in turn (3:2 pulldown)."""
    fields = [picture for n, picture in enumerate(film) for _ in range(2 + n % 2)]
    return fields_of(fields[: len(fields) // 2 * 2], order)


def telecined(frames: int) -> list[np.ndarray]:
    """Four pictures of film in five frames: three whole ones, two of fields of two pictures."""
    return pulled_down(progressive(frames), FieldOrder.TOP)[:frames]


def progressive(frames: int) -> list[np.ndarray]:
    return [moment(2 * number) for number in range(frames)]


def encode(
    path: Path,
    pictures: Sequence[np.ndarray],
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
    rate: Fraction = Fraction(25),
) -> Path:
    with av.open(str(path), "w") as out:
        height, width = pictures[0].shape
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        for number, rows in enumerate(pictures):
            frame = gray_frame(rows).reformat(format=pix_fmt)
            frame.pts, frame.time_base = number, 1 / rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def flagged(path: Path, film: Sequence[np.ndarray]) -> Path:
    """Film as MPEG-2 whose flags have the player repeat fields (soft telecine)."""
    context: Any = av.CodecContext.create("mpeg2video", "w")
    context.height, context.width = film[0].shape
    context.pix_fmt, context.time_base, context.framerate = "yuv420p", 1 / NTSC, NTSC
    context.options = {"flags": "+ildct+ilme", "qmin": "2", "qmax": "3"}
    packets = []
    for number, rows in enumerate(film):
        frame = gray_frame(rows).reformat(format="yuv420p")
        frame.pts, frame.time_base = number, 1 / NTSC
        packets += context.encode(frame)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg2video", rate=NTSC)
        stream.height, stream.width = film[0].shape
        out.start_encoding()
        for number, packet in enumerate([*packets, *context.encode(None)]):
            again: Any = av.Packet(_with_repeats(bytes(packet), number))
            again.stream, again.time_base = stream, 1 / NTSC / 2
            again.pts = again.dts = number * 5 // 2
            again.duration, again.is_keyframe = 2 + number % 2, packet.is_keyframe
            out.mux(again)
    return path


def _with_repeats(coded: bytes, number: int) -> bytes:
    """A coded picture, with the flags of the one of a number: see 13818-2, 6.2.3.1."""
    data, start = bytearray(coded), b"\x00\x00\x01\xb5"  # of an extension
    at = data.index(start)
    while data[at + 4] >> 4 != 8:  # a picture coding extension
        at = data.index(start, at + 1)
    top_first, repeat_first = number % 4 < 2, number % 2
    data[at + 7] = data[at + 7] & 0b01111100 | top_first << 7 | repeat_first << 1 | 1
    data[at + 8] |= 0x80  # progressive
    return bytes(data)


def gray_frame(rows: np.ndarray) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rows), "gray")
    frame.color_range = 2
    return frame
