"""Choosing an encoder, its settings and its pixel format."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
from av.codec import Codec, CodecContext
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from vsr.core.errors import EncoderError
from vsr.core.events import Warn
from vsr.core.frame import VideoInfo
from vsr.core.hdr import TRANSFERS, encoder_parameters
from vsr.core.options import UpscaleOptions
from vsr.core.threads import cores, cores_of
from vsr.encoding.defaults import default_encoder
from vsr.encoding.priority import ordinary_priority
from vsr.remux.containers import format_of
from vsr.video.open import reason

ALIASES = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1"}
"""Short names for encoders; ffv1 and all others go by libav's own."""

# Without a quality of their own they aim at 200 kb/s, whatever the size. 118 is libav's unit.
_BITRATE_ONLY = (
    *("flv", "h263", "h263p", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4"),
    *("msmpeg4v2", "wmv1", "wmv2"),
)
# Visually lossless settings at the encoder's ordinary pace.
_DEFAULTS: dict[str, dict[str, str]] = {
    **{name: {"flags": "+qscale", "global_quality": str(2 * 118)} for name in _BITRATE_ONLY},
    "libx264": {"crf": "18", "preset": "medium"},
    "libx265": {"crf": "20", "preset": "medium", "x265-params": "log-level=error"},
    "libsvtav1": {"crf": "24", "preset": "8"},
    "libvpx": {"crf": "10", "b": "40M"},
    "libvpx-vp9": {"crf": "24", "b": "0", "row-mt": "1", "cpu-used": "3"},
    "ffv1": {"level": "3", "slicecrc": "1"},
    "h264_nvenc": {"rc": "vbr", "cq": "19", "b": "0", "preset": "p5"},
    "hevc_nvenc": {"rc": "vbr", "cq": "21", "b": "0", "preset": "p5"},
    "av1_nvenc": {"rc": "vbr", "cq": "24", "b": "0", "preset": "p5"},
}
# What the constant quality is called where it is not crf.
_CRF_NAMES = dict.fromkeys(("h264_nvenc", "hevc_nvenc", "av1_nvenc"), "cq")
# What these encoders would clip in silence, or complain of past libav.
_CRF_LIMITS = {
    **{"libx264": 51, "libx265": 51, "libsvtav1": 63, "libvpx": 63, "libvpx-vp9": 63},
    **dict.fromkeys(_CRF_NAMES, 51),
}
_SVT_FASTEST = Fraction(240)  # frames a second
_X26_PRESETS = [
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
]
_PRESETS = {
    "libx264": _X26_PRESETS,
    "libx265": _X26_PRESETS,
    "libsvtav1": [str(n) for n in range(14)],
}
# What the encoders of this ending need.
_HARDWARE = {
    "nvenc": "an NVIDIA GPU with its driver",
    "qsv": "an Intel GPU with its driver",
    "amf": "an AMD GPU with its driver",
    "vaapi": "a GPU with a VA-API driver",
    "vulkan": "a GPU with a Vulkan driver",
    "v4l2m2m": "a V4L2 device that encodes",
    "videotoolbox": "a Mac",
    "mf": "Windows",
}
_FEW_SIZES = {
    "h263": "it takes 128x96, 176x144, 352x288, 704x576 and 1408x1152; h263p takes others, too",
}
_HDR_ENCODER = "libx265"
_HDR_SUFFIXES = {".mp4", ".mkv", ".mov", ".m4v", ".ts", ".m2ts", ".mts"}
_NARROWEST_TREE = 64  # columns; see `_parameters`
_FEWEST_SLICED = 16  # rows or columns; see `_in_one_slice`
_LARGEST_UNSLICED = 352, 288  # columns and rows; libav's ffv1 cuts all that is larger


@dataclass(frozen=True)
class Encoding:
    """How to encode the output; empty values mean the source's or the encoder's default.

    Attributes:
        codec: "h264", "hevc", "av1", "ffv1" or any encoder's name in libav.
        crf: constant rate factor; lower is better and larger. NVENC's encoders take it as cq.
        preset: the encoder's pace, such as "medium" or, for AV1, "8".
        pix_fmt: libav's pixel format name.
        threads: cores to use; 0 for all.
        exact: refuse a size that the encoder does not take; otherwise the picture becomes a little
            larger.
        in_order: code frames in the order in which they are shown, without B-frames.
    """

    codec: str = ""
    crf: float | None = None
    preset: str = ""
    pix_fmt: str = ""
    threads: int = 0
    exact: bool = False
    in_order: bool = False

    @classmethod
    def of(cls, options: UpscaleOptions) -> Encoding:
        """The encoding that a job's options ask for."""
        encode = options.encode
        threads, exact = cores_of(options.compute.threads), options.picture.asks_size
        return cls(encode.codec, encode.crf, encode.preset, encode.pix_fmt, threads, exact)

    def encoder(self, target: Path, info: VideoInfo) -> str:
        """The encoder's name in libav for frames of `info` in this output file.

        HDR becomes HEVC where that can be, as players show no H.264 in HDR. Raises EncoderError
        or OutputError where the file can hold nothing that is encoded here.
        """
        suffix = target.suffix.lower()
        if self.codec and suffix == ".y4m" and self.codec != "rawvideo":
            raise EncoderError(
                f"encoder {self.codec}: .y4m holds raw pictures alone; leave --codec out, or "
                "choose another container",
                python="codec=''",
            )
        if self.codec:
            return ALIASES.get(self.codec, self.codec)
        is_hdr = info.color.transfer in TRANSFERS and info.format.depth > 8
        if is_hdr and suffix in _HDR_SUFFIXES:
            return _HDR_ENCODER
        return default_encoder(format_of(target), suffix, info.format.has_alpha)

    def fitting(self, name: str, warn: Warn) -> Encoding:
        """The same without a crf and a preset that an encoder does not have that nobody named.

        What the container chose must not fail for a setting that was meant for another.
        """
        if self.codec:
            return self
        known = {option.name for option in CodecContext.create(name, "w").supported_options.private}
        has_crf = _CRF_NAMES.get(name, "crf") in known or self.crf is None
        has_preset = "preset" in known or not self.preset
        idle = [*([] if has_crf else ["crf"]), *([] if has_preset else ["preset"])]
        if not idle:
            return self
        warn(
            f"encoder {name}, which the container takes, has no {' and no '.join(idle)}: left out; "
            "--codec names another, or the suffix .mkv takes h264"
        )
        crf, preset = (self.crf if has_crf else None), (self.preset if has_preset else "")
        return replace(self, crf=crf, preset=preset)


def open_encoder(context: VideoCodecContext, info: VideoInfo, encoding: Encoding) -> dict[str, str]:
    """Set up and open an encoder for frames of `info`. Raises EncoderError if it refuses.

    Returns the options that it was given, by libav's names.
    """
    os.environ.setdefault("SVT_LOG", "0")  # it writes to stderr past libav's log
    name = context.codec.name
    context.width, context.height = info.width, info.height
    context.pix_fmt = info.format.name
    context.time_base = info.time_base
    rate = info.frame_rate or Fraction(25)  # a hint
    context.framerate = min(rate, _SVT_FASTEST) if name == "libsvtav1" else rate
    context.color_range = info.color.range
    context.colorspace = info.color.matrix
    context.color_primaries = info.color.primaries
    context.color_trc = info.color.transfer
    if info.pixel_aspect:
        context.sample_aspect_ratio = info.pixel_aspect
    options = _options(context, info, encoding)
    context.options = options
    context.thread_type = "AUTO"
    # Left alone, x264 takes half as many again, which costs time.
    context.thread_count = encoding.threads or cores()
    context.flags |= Flags.frame_duration  # else the last frame's is a guess
    try:
        with ordinary_priority():
            context.open()
    except (av.FFmpegError, OSError, ValueError) as error:
        if (needs := _HARDWARE.get(name.rpartition("_")[2])) and not _starts(name):
            raise EncoderError(
                f"encoder {name} needs {needs}, and finds none here; --codec h264, hevc and av1 "
                "need none",
                python="codec='h264'",
            ) from None
        settings = ", ".join(f"{k} {v}" for k, v in options.items())
        size = f"{info.width}x{info.height} {info.format.name}"
        raise EncoderError(
            f"encoder {name} refuses {size} with {settings} "
            f"({_FEW_SIZES.get(name) or reason(error)})"
        ) from None
    return options


@cache
def _starts(name: str) -> bool:
    """Whether an encoder can be opened at all: with its own defaults, for an ordinary picture."""
    trial = CodecContext.create(name, "w")
    assert isinstance(trial, VideoCodecContext)
    trial.width, trial.height, trial.pix_fmt = 256, 256, "yuv420p"
    trial.time_base = Fraction(1, 25)
    try:
        trial.open()
    except (av.FFmpegError, OSError, ValueError):
        return False
    return True


def find_encoder(name: str) -> Codec:
    """The video encoder of this name. Raises EncoderError if this libav has none."""
    try:
        codec = Codec(name, "w")
    except (av.codec.codec.UnknownCodecError, ValueError):
        codec = None
    if codec is None or codec.type != "video":
        raise EncoderError(
            f"unknown video encoder {name!r}: try h264, hevc, av1, ffv1, libvpx-vp9 or another "
            "that libav has"
        )
    return codec


def _options(context: VideoCodecContext, info: VideoInfo, encoding: Encoding) -> dict[str, str]:
    name = context.codec.name
    known = {option.name for option in context.supported_options.private}
    options = dict(_DEFAULTS.get(name, {}))
    if encoding.crf is not None:
        limit = _CRF_LIMITS.get(name, math.inf)
        option = _CRF_NAMES.get(name, "crf")
        if option not in known:
            raise EncoderError(f"encoder {name} has no crf: leave --crf out", python="crf=None")
        if not 0 <= encoding.crf <= limit:
            raise EncoderError(f"crf {encoding.crf:g}: encoder {name} takes 0 to {limit}")
        options[option] = f"{encoding.crf:g}"
    if encoding.preset:
        allowed = _PRESETS.get(name, [encoding.preset])
        if "preset" not in known:
            raise EncoderError(
                f"encoder {name} has no preset: leave --preset out", python="preset=''"
            )
        if encoding.preset not in allowed:
            raise EncoderError(
                f"preset {encoding.preset!r}: encoder {name} takes {', '.join(allowed)}"
            )
        options["preset"] = encoding.preset
    if info.color.siting and info.format.chroma_width == 2:
        options["chroma_sample_location"] = info.color.siting
    if name == "ffv1" and _in_one_slice(info):
        options["slices"] = "1"
    for option, value in _parameters(name, info):
        options[option] = ":".join(filter(None, (options.get(option), value)))
    return options


def _in_one_slice(info: VideoInfo) -> bool:
    """Whether ffv1 must be told not to cut a picture: it refuses to cut some small ones, and
    refuses to leave any large one whole."""
    columns, rows = _LARGEST_UNSLICED
    small = min(info.width, info.height) < _FEWEST_SLICED
    return small and info.width <= columns and info.height <= rows


def _parameters(name: str, info: VideoInfo) -> Iterator[tuple[str, str]]:
    """Options that hold an encoder's own parameters, and what to add to them."""
    option, value = encoder_parameters(name, info.mastering, info.light)
    if option:
        yield option, value
    if name == "libx265" and info.width < _NARROWEST_TREE:
        yield "x265-params", "cutree=0"  # on so few blocks it writes past its buffers (4.2)
