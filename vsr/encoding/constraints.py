"""What encoders take: the sizes of pictures, and the clocks they count in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from av.codec import Codec, CodecContext
from av.video.codeccontext import VideoCodecContext

from vsr.core.errors import EncoderError
from vsr.core.frame import VideoInfo
from vsr.encoding.codecs import Encoding, open_encoder

# The shortest side. Found by encoding and decoding pictures of 1 to 72 pixels a side, alone and
# against 64; libx264, libvpx, libvpx-vp9, ffv1, prores_ks, mpeg1video, mpeg2video, mpeg4 and mjpeg
# take any, if even where chroma is halved. Others are tried.
_LEAST = {"libx265": 16, "libsvtav1": 4, "cfhd": 48, "snow": 4}
# The most columns and rows. Past these libsvtav1 and prores_ks write a part of the picture.
_MOST = {
    "libx264": (16384, 16384),
    "libsvtav1": (16384, 8704),
    "libvpx": (16383, 16383),
    "libvpx-vp9": (65535, 65535),
    "mjpeg": (65500, 65500),
    "mpeg1video": (4095, 4095),
    "mpeg2video": (16383, 16383),
    "mpeg4": (8191, 8191),
    **dict.fromkeys(("prores", "prores_aw", "prores_ks"), (65535, 65535)),
}
_MOST_BYTES, _BORDER = 2**31, 128  # libav counts 8 bytes a pixel and a border
_ORDINARY = 256  # a side that encoders take, multiple of whatever they want
_USUAL_RATE = Fraction(25)

Accepts = Callable[[VideoInfo], bool]


def check_largest(name: str, info: VideoInfo) -> None:
    """Raise EncoderError for a picture that is too large for an encoder, or for libav."""
    width, height = info.width, info.height
    columns, rows = _MOST.get(name, (width, height))
    helps = "choose a smaller --scale or size, or another --codec"
    if width > columns or height > rows:
        raise EncoderError(
            f"encoder {name} takes pictures of at most {columns}x{rows}, not {width}x{height}: "
            f"{helps}",
            python="scale=..., codec=...",
        )
    if (width + _BORDER) * (height + _BORDER) * 8 >= _MOST_BYTES:
        raise EncoderError(
            f"encoder {name} takes pictures of at most 268 million pixels, not "
            f"{width}x{height}: choose a smaller --scale or size",
            python="scale=...",
        )


def acceptable(name: str, info: VideoInfo, encoding: Encoding) -> VideoInfo:
    """`info` with a size and a clock that an encoder takes; as it is where there is none.

    A picture becomes larger by as little as will do. Where the time base is another, it is one
    frame, and frames have to be counted.
    """

    def accepts(wanted: VideoInfo) -> bool:
        return _opens(name, _small(wanted), encoding)

    if _least(name, info) == (info.width, info.height) and accepts(info):
        return info
    ordinary = replace(info, width=_ORDINARY, height=_ORDINARY)
    timed = next((t for t in _timings(name, ordinary) if accepts(t)), None)
    if timed is None:
        return info
    sizes = (replace(timed, width=w, height=h) for w, h in _sizes(name, info))
    return next((sized for sized in sizes if accepts(sized)), info)


def _least(name: str, info: VideoInfo) -> tuple[int, int]:
    least = _LEAST.get(name, 1)
    return max(info.width, least), max(info.height, least)


def _sizes(name: str, info: VideoInfo) -> Iterator[tuple[int, int]]:
    """Sizes to try, the least enlarged first."""
    width, height = _least(name, info)
    columns, rows = info.format.chroma_width, info.format.chroma_height
    yield width, height
    yield _up(width, columns), _up(height, rows)
    for least in (1, 16, 32, 64, 128, 192, _ORDINARY):
        for step in (2, 4, 16):
            yield _up(max(width, least), step), _up(max(height, least), step)


def _timings(name: str, info: VideoInfo) -> Iterator[VideoInfo]:
    """Clocks to try: the video's own, else one that ticks once a frame, near its rate."""
    yield info
    wanted = info.frame_rate or _USUAL_RATE
    known = [Fraction(str(rate)) for rate in Codec(name, "w").frame_rates or []]
    near = sorted(known, key=lambda rate: max(rate / wanted, wanted / rate))
    for rate in (wanted, *near, _USUAL_RATE):
        yield replace(info, time_base=1 / rate, frame_rate=rate)


def _up(side: int, step: int) -> int:
    return -(-side // step) * step


def _small(info: VideoInfo) -> VideoInfo:
    """A size that is as odd, but opened in no time."""

    def shorter(side: int) -> int:
        return side if side < 2 * _ORDINARY else _ORDINARY + side % 16

    return replace(info, width=shorter(info.width), height=shorter(info.height))


def _opens(name: str, info: VideoInfo, encoding: Encoding) -> bool:
    trial = CodecContext.create(name, "w")
    assert isinstance(trial, VideoCodecContext)
    try:
        open_encoder(trial, info, encoding)
    except EncoderError:
        return False
    return True
