"""Interlaced clips that tests make: fields of two moments woven into each frame."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

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


def gray_frame(rows: np.ndarray) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rows), "gray")
    frame.color_range = 2
    return frame
