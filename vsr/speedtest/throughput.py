"""Frames per second of one stage by itself: enlarging, or encoding."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from itertools import count, cycle
from typing import cast

import av

from vsr.core.events import Warn, ignore
from vsr.core.frame import Frame, VideoInfo
from vsr.encoding.codecs import Encoding
from vsr.encoding.encoder import Encoder
from vsr.inference.engine import Engine, restore
from vsr.networks.model import Model
from vsr.speedtest.test_pattern import FORMAT, cut_to, enlarged

ENCODER = "libx264"
"""The encoder that is measured: what `vsr upscale` takes by default, at its default settings."""

_ROUND = 0.05  # seconds, at least
_MINI_GOP = 4  # frames: packets cost the same in groups of so many, not one by one


def network_rate(
    model: Model,
    engine: Engine,
    at_once: int,
    warn: Warn,
    pictures: Sequence[Frame],
    size: tuple[int, int],
    until: float,
) -> float:
    """Frames per second that the model enlarges, of `size`, cut from `pictures`.

    Measured until then, in time.perf_counter's seconds, but for one round at least.
    """
    info = _info(size)
    seen = cycle(cut_to(pictures, *size))
    restored = cast(Generator[Frame], restore(seen, info, model, engine, warn))
    with closing(restored) as frames:
        return _rate(frames, at_once, until)


def encoding_rate(
    threads: int, pictures: Sequence[Frame], size: tuple[int, int], until: float
) -> float:
    """Frames per second that the encoder takes, of `size`, once it has all that it looks ahead.

    They are made of `pictures` of half the size. Measured until then, as above.
    """
    info = _info(size)
    frames = enlarged(cut_to(pictures, *map(half, size)), *size)
    with av.open(os.devnull, "w", format="null") as nowhere:
        encoding = Encoding(threads=threads)
        encoder = Encoder(nowhere, info, ENCODER, encoding, info.color, ignore)
        encoder.add_stream()
        shown = zip(cycle(frames), count())
        packets = (packet for frame, pts in shown for packet in encoder.encode(frame, pts))
        return _rate(packets, _MINI_GOP, until)


def _info(size: tuple[int, int]) -> VideoInfo:
    rate = Fraction(25)
    return VideoInfo(*size, time_base=1 / rate, format=FORMAT, frame_rate=rate)


def _rate(items: Iterator[object], least: int, until: float) -> float:
    """Items per second: the median of short rounds, at least one, of at least `least` items.

    The first item ends the warm-up. A round ends with the first item after its time: where
    items come in batches that is the first of one, so rounds hold whole batches.
    """
    next(items)
    rates = []
    while True:
        start = now = time.perf_counter()
        done = 0
        while done < least or now - start < _ROUND:
            next(items)
            done += 1
            now = time.perf_counter()
        rates.append(done / (now - start))
        if now + (now - start) > until:
            return statistics.median(rates)


def half(side: int) -> int:
    """How long a side of the pictures is of which those to encode are made."""
    return -(-side // 2)
