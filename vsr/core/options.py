"""What `vsr upscale` may be asked for, as one frozen value made of groups.

The command line, `vsr.upscale`'s keywords, a preview's printed command, a batch worker's message, a
cluster's order, the record and the resume key are all made from `UpscaleOptions`. A new option is a
field here, a row in `cli/option_table.py`, and the code that uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from pathlib import PurePath
from typing import Any, Literal

from vsr.core.bounds import (
    CRF,
    LONGEST,
    RATE,
    START_NUMBER,
    STRENGTH,
    TILE,
    VIDEO_STREAM,
    check_bounds,
)
from vsr.core.crop import CropRegion, parse_crop
from vsr.core.errors import DeviceError, EncoderError, InputError, ModelError, OutputError
from vsr.core.hours import Hours, parse_hours
from vsr.core.limits import Limits
from vsr.core.option_checks import (
    check_choice,
    check_types,
    exact,
    number,
    seconds,
    set_fields,
    threads_of,
)
from vsr.core.paths import quoted
from vsr.core.picture import PictureOptions
from vsr.core.span import Span
from vsr.util.text import shown

Content = Literal["auto", "clean", "footage"]
Deinterlace = Literal["auto", "on", "field", "ivtc", "off"]
Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]
Audio = Literal["copy", "transcode", "none"]
Resume = Literal["auto", "always", "never"]
OutputFormat = Literal["auto", "y4m", "nut", "mpegts", "matroska"]

USUAL_RATE = Fraction(25)  # frames a second, of what says nothing of it
_MOST_OF_LIBAV = 2**31 - 1  # the largest part of its fractions


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How a source is read, and which part of it. Raises InputError for values out of range.

    Attributes:
        start, end: the part to take, in seconds from the file's start; None is open.
        crop: the part of the picture to take; None is all of it.
        video_stream: which of a file's videos to take, counted from 0, cover art left out; None
            is the one with the default disposition, else the largest, else the first.
        rate: frames per second of images that become a video; None is 25.
        start_number: the first number of numbered images, as frame_%04d.png: of the target where
            that is such a pattern, else of the source. None is 1 for a target, or the numbers of
            its source where both are patterns, and for a source the lowest there is.
        stills: take each image of a folder by itself. Otherwise, if they have one size, they are
            a clip in name order.
        hwaccel: decode on the GPU where its driver can; else on the CPU, with a warning.
        deinterlace: "auto" deinterlaces where the first frames are interlaced, or telecined film;
            "on" makes a picture of each frame, "field" one of each field, "ivtc" the pictures of
            film (inverse telecine); "off" leaves frames as they are.
        strict: treat any damage to the source as an error; otherwise it is skipped, counted and
            reported.
        stall_timeout: seconds without a frame from the source after which the run fails.
        limits: the most that a source may ask for.
    """

    start: Fraction | None = None
    end: Fraction | None = None
    crop: CropRegion | None = None
    video_stream: int | None = None
    rate: Fraction | None = None
    start_number: int | None = None
    stills: bool = False
    hwaccel: bool = False
    deinterlace: Deinterlace = "auto"
    strict: bool = False
    stall_timeout: float = 300.0
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        check_types(InputError, self)
        set_fields(self, start=seconds("start", self.start), end=seconds("end", self.end))
        if isinstance(self.crop, str):
            set_fields(self, crop=parse_crop(self.crop))
        if not isinstance(self.crop, CropRegion | None):
            raise InputError(f"crop {self.crop!r}: must be text such as '25%,25%,50%,50%'")
        check_bounds(InputError, self, {"video_stream": VIDEO_STREAM, "start_number": START_NUMBER})
        if not isinstance(self.limits, Limits):
            raise InputError(f"limits {self.limits!r}: must be vsr.Limits")
        if self.rate is not None:
            if (given := number(InputError, "rate", self.rate)) not in RATE:
                raise InputError(f"rate {given}: must be {RATE} frames a second")
            rate = exact(given)
            if max(rate.as_integer_ratio()) > _MOST_OF_LIBAV:
                raise InputError(f"rate {rate}: its parts must be at most {_MOST_OF_LIBAV}")
            set_fields(self, rate=rate)
        if not 0 < number(InputError, "stall_timeout", self.stall_timeout) <= LONGEST:
            raise InputError(
                f"stall_timeout {float(self.stall_timeout):g} s: must be above 0 and at most "
                f"{LONGEST}"
            )
        check_choice(InputError, "deinterlace", self.deinterlace, Deinterlace)
        _ = self.span  # checks that the end comes after the start

    @property
    def clip_rate(self) -> Fraction:
        """Frames per second of images that become a video, asked for or not."""
        return USUAL_RATE if self.rate is None else self.rate

    @property
    def span(self) -> Span:
        """The part of the time to take."""
        return Span(self.start, self.end)


READ_DEFAULTS = ReadOptions()


@dataclass(frozen=True, kw_only=True)
class ComputeOptions:
    """Where and how the network runs. Raises DeviceError for values out of range.

    Attributes:
        device: "auto", "cpu", "cuda", "cuda:N", "mps", "xpu", "xpu:N", "igpu", or several GPUs of
            one type with commas, which share frames.
        precision: of the network's numbers; "auto" is half precision where the device has it, or
            what `vsr bench` has found to be the fastest.
        threads: CPU cores to use; 0 for all, and below 1 that part of those there are.
        tile: side of the tiles in pixels of the source, 0 for whole frames; None takes what fits
            the memory. All give the same picture.
        self_ensemble: the mean over a frame's eight flips and turns: eight times the work.
        strength: how much of the network's detail over bicubic is kept, 0 to 100.
        compiled: let torch.compile make the network's kernels.
    """

    device: str = "auto"
    precision: Precision = "auto"
    threads: float = 0
    tile: int | None = None
    self_ensemble: bool = False
    strength: float = 100.0
    compiled: bool = False

    def __post_init__(self) -> None:
        check_types(DeviceError, self)
        check_choice(DeviceError, "precision", self.precision, Precision)
        set_fields(self, threads=threads_of(DeviceError, self.threads))
        if number(DeviceError, "strength", self.strength) not in STRENGTH:
            raise DeviceError(f"strength {shown(self.strength)}: must be {STRENGTH}")
        set_fields(self, strength=float(self.strength))
        if self.tile is not None and self.tile not in TILE:
            raise DeviceError(
                f"tile {shown(self.tile)}: must be auto, 0 or a number of pixels up to {TILE.most}"
            )


COMPUTE_DEFAULTS = ComputeOptions()


@dataclass(frozen=True, kw_only=True)
class EncodeOptions:
    """How the video is encoded; empty values mean the source's or the encoder's default.

    Raises EncoderError for values out of range.

    Attributes:
        codec: "h264", "hevc", "av1", "ffv1" or any encoder's name in libav.
        crf: constant rate factor; lower is better and larger. NVENC's encoders take it as cq.
        preset: the encoder's pace, such as "medium" or, for AV1, "8".
        pix_fmt: libav's pixel format name.
        output_format: the container that goes into a pipe; "auto" is what its suffix says, or
            y4m. A file's suffix chooses its container.
    """

    codec: str = ""
    crf: float | None = None
    preset: str = ""
    pix_fmt: str = ""
    output_format: OutputFormat = "auto"

    def __post_init__(self) -> None:
        check_types(EncoderError, self)
        check_choice(EncoderError, "output_format", self.output_format, OutputFormat)
        if self.crf is not None:  # encoders know best which numbers they take
            if isinstance(self.crf, bool) or not isinstance(self.crf, int | float):
                raise EncoderError(f"crf {shown(self.crf)}: must be a number")
            check_bounds(EncoderError, self, {"crf": CRF})
            set_fields(self, crf=float(self.crf))


@dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """Which streams besides the video to take, and how. Raises OutputError for other values.

    Attributes:
        audio: "copy"; "transcode", which encodes audio that the target cannot hold, and only
            that; or "none". True and False stand for "copy" and "none".
        subtitles: whether to take them, converted to another kind of text where the target needs
            that.
        other_videos: whether to take the videos that are not enlarged; cover art is kept anyway.
    """

    audio: Audio = "copy"
    subtitles: bool = True
    other_videos: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.audio, bool):
            set_fields(self, audio="copy" if self.audio else "none")
        check_types(OutputError, self)
        check_choice(OutputError, "audio", self.audio, Audio)

    @property
    def transcodes(self) -> bool:
        """Whether audio that cannot be copied is to be encoded."""
        return self.audio == "transcode"

    def wants(self, kind: str, is_cover: bool = False) -> bool:
        """Whether streams of a kind, by libav's name such as "audio", are asked for."""
        asked = {
            "audio": self.audio != "none",
            "subtitle": self.subtitles,
            "video": self.other_videos or is_cover,
        }
        return asked.get(kind, True)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How the run itself goes. Raises InputError for values out of range, or that exclude others.

    Attributes:
        overwrite: replace an existing target, once the new one is complete.
        verify: decode the finished video again before it gets its name, and compare every frame's
            time.
        resume: work in segments, each of which is kept once it is finished, so that the same call
            goes on where an earlier one ended; "auto" does so where the work is long.
        record: write what was done to a JSON file beside the target, and in short into the
            target's metadata; a target made by this very job is not made again.
        keep_date: give the target the source's modification time; one file to one file.
        between: the hours of the day in which it works, such as "22:00-06:00", in local time;
            outside of them it rests, between two segments. None is all.
        cluster: the address of a Ray cluster that shares the segments, or "auto" for the one that
            this machine belongs to; "" for none.
    """

    overwrite: bool = False
    verify: bool = False
    resume: Resume = "auto"
    record: bool = False
    keep_date: bool = False
    between: Hours | None = None
    cluster: str = ""

    def __post_init__(self) -> None:
        check_types(InputError, self)
        check_choice(InputError, "resume", self.resume, Resume)
        if isinstance(self.between, str):
            set_fields(self, between=parse_hours(self.between))
        if not isinstance(self.between, Hours | None):
            raise InputError(f"between {shown(self.between)}: must be text such as '22:00-06:00'")
        if self.between and self.resume == "never":
            raise InputError("between has work rest between segments: resume 'never' excludes it")
        if self.between and self.cluster:
            raise InputError("a cluster does not rest: between excludes it")
        if self.cluster and self.resume == "never":
            raise InputError("a cluster works in segments: resume 'never' excludes it")


@dataclass(frozen=True, kw_only=True)
class UpscaleOptions:
    """All that a job may be asked for, besides its source and target.

    Attributes:
        model: a name of `vsr.catalogue()` or of the user's shelf, or a file: .safetensors, .pth,
            .ckpt or .onnx; None is the default, which for still images is another one than for
            videos.
        content: what the default model takes the source for: "clean", noisy or compressed
            "footage", or "auto", as it looks. Not with a model.
        denoise: how much noise and coding to remove, 0 to 100; None is as much as the source
            seems to have. For recurrent models. Above 0, not with the content "clean".
        picture, read, compute, encode, streams, run: the groups.

    Raises ModelError, or what the groups raise, for values out of range.
    """

    model: str | None = None
    content: Content = "auto"
    denoise: float | None = None
    picture: PictureOptions = field(default_factory=PictureOptions)
    read: ReadOptions = field(default_factory=ReadOptions)
    compute: ComputeOptions = field(default_factory=ComputeOptions)
    encode: EncodeOptions = field(default_factory=EncodeOptions)
    streams: StreamOptions = field(default_factory=StreamOptions)
    run: RunOptions = field(default_factory=RunOptions)

    def __post_init__(self) -> None:
        if isinstance(self.model, PurePath):
            set_fields(self, model=str(self.model))
        check_types(ModelError, self)
        if self.model == "":
            raise ModelError("model '': must be a name or a file")
        for name, kind in _GROUPS.items():
            if not isinstance(getattr(self, name), kind):
                raise TypeError(f"{name} {getattr(self, name)!r}: must be vsr.{kind.__name__}")
        check_choice(ModelError, "content", self.content, Content)
        if self.denoise is not None:
            if number(ModelError, "denoise", self.denoise) not in STRENGTH:
                raise ModelError(f"denoise {shown(self.denoise)}: must be {STRENGTH}")
            set_fields(self, denoise=float(self.denoise))
        if self.model and self.content != "auto":
            raise ModelError(
                f"model {self.model!r} and content {self.content!r} exclude each other: "
                "a model is for one kind of source"
            )
        if self.denoise and self.content == "clean":
            raise ModelError(
                f"content 'clean' and denoise {self.denoise:g} exclude each other: of a clean "
                "source nothing is removed; leave one of them out, or take denoise 0"
            )

    @classmethod
    def of(cls, **keywords: object) -> UpscaleOptions:
        """The options that flat keywords stand for, such as `scale=2, codec="hevc"`.

        Raises TypeError for a keyword that is no option, as a function does.
        """
        return cls().but(**keywords)

    def but(self, **keywords: object) -> UpscaleOptions:
        """The same options, but for those given as flat keywords."""
        grouped: dict[str, dict[str, Any]] = {}
        for name, value in keywords.items():
            if name not in GROUP_OF:
                raise TypeError(f"unknown option {name!r}; known: {', '.join(GROUP_OF)}")
            grouped.setdefault(GROUP_OF[name], {})[name] = value
        own = grouped.pop("", {})
        groups = {group: replace(getattr(self, group), **new) for group, new in grouped.items()}
        return replace(self, **groups, **own)

    @classmethod
    def given(
        cls, options: UpscaleOptions | None, keywords: Mapping[str, object]
    ) -> UpscaleOptions:
        """What a function is given: options as one value, and single ones, which go before it.

        Raises TypeError for another value, and for a keyword that is no option.
        """
        if not isinstance(options, UpscaleOptions | None):
            raise TypeError(f"options {quoted(options)}: must be vsr.UpscaleOptions")
        return (options or USUAL).but(**keywords)

    def flat(self) -> Mapping[str, Any]:
        """Every option by its name, without the groups: what `of` takes."""
        return {
            name: getattr(getattr(self, group) if group else self, name)
            for name, group in GROUP_OF.items()
        }


_GROUPS = {
    "picture": PictureOptions,
    "read": ReadOptions,
    "compute": ComputeOptions,
    "encode": EncodeOptions,
    "streams": StreamOptions,
    "run": RunOptions,
}
GROUP_OF: dict[str, str] = {
    **{one.name: "" for one in fields(UpscaleOptions) if one.name not in _GROUPS},
    **{one.name: group for group, kind in _GROUPS.items() for one in fields(kind)},
}
"""The group that each option belongs to; "" for UpscaleOptions itself."""

USUAL = UpscaleOptions()
"""The options that nobody set."""
