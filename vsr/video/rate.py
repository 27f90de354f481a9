"""A video's nominal frame rate."""

from __future__ import annotations

from fractions import Fraction

from av.video.stream import VideoStream

_MOST = 1000  # frames a second; an average from here on is most often a clock's ticks


def nominal_rate(stream: VideoStream) -> Fraction | None:
    """Frames a second as headers and the first packets tell; None where they do not.

    Of some files, raw DV among them, libav takes the clock's ticks for the average rate. A rate
    of thousands counts only where libav, guessing by packets and codec too, has no lower one.
    """
    told = [rate for rate in (stream.average_rate, stream.guessed_rate) if rate and rate > 0]
    return next((rate for rate in told if rate < _MOST), min(told, default=None))
