"""`vsr.Upscaler`: a model that is loaded once and enlarges images, frames and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from vsr.api import upscale
from vsr.arrays import Image, opened
from vsr.core.color import known_matrix, to_rgb
from vsr.core.errors import InputError
from vsr.core.frame import Frame, Plane, VideoInfo
from vsr.core.geometry import geometry_of
from vsr.core.limits import DEFAULTS, Limits
from vsr.core.options import ComputeOptions, Deinterlace, ReadOptions, UpscaleOptions
from vsr.core.paths import quoted
from vsr.core.picture import USUAL_SCALE, PictureOptions
from vsr.core.result import Result
from vsr.core.source import Source
from vsr.core.threads import ahead
from vsr.core.untagged import shown_alike
from vsr.core.url import Url, as_source
from vsr.images.images import Images
from vsr.images.info import image_info
from vsr.images.metadata import Shape
from vsr.images.planes import to_pixels, to_planes
from vsr.inference.engine import choose_engine
from vsr.inference.passes import copies_of, enlarge_by, load_for
from vsr.model_selection.own_scale import at_own_scale
from vsr.model_selection.quality import check_denoise, told_of_frame, told_quality
from vsr.networks.catalogue import default_model
from vsr.pipeline.routes import open_file
from vsr.video.reader import Video
from vsr.video.reader import open_video as _open_video
from vsr.video.shots import mark_shots

_DECODED_AHEAD = 4  # frames

_COMPUTE = tuple(field.name for field in fields(ComputeOptions))

AnyImage = TypeVar("AnyImage", bound=Image)


@dataclass(frozen=True)
class UpscaledFrame:
    """An enlarged frame of a video.

    Attributes:
        planes: as in `vsr.core.frame.Frame`: Y, U, V or whatever the source has, enlarged.
        info: what holds for all frames of the enlarged video.
        pts: presentation time in ticks of `info.time_base`.
        duration: how long it is shown, in ticks.
    """

    planes: tuple[Plane, ...]
    info: VideoInfo
    pts: int
    duration: int

    @property
    def seconds(self) -> float:
        """When it is shown, on the video's own clock."""
        return float(self.pts * self.info.time_base)

    @property
    def image(self) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """RGB (H, W, 3) by the video's own matrix and range; uint8, or uint16 above 8 bits."""
        peak = 255 if self.info.format.depth == 8 else 65535
        planes = [torch.from_numpy(plane)[None] for plane in self.planes]
        rgb = to_rgb(planes, known_matrix(self.info))[0].mul_(peak).round_().clamp_(0, peak)
        kind = np.uint8 if peak == 255 else np.uint16
        return np.ascontiguousarray(rgb.movedim(0, -1).numpy().astype(kind))


class Upscaler:
    """A model, loaded once, that enlarges images, frames of videos, and files.

    Several threads may use one at a time: nothing in it changes once it is made.

    Args:
        model: a name of `vsr.catalogue()` or of the user's shelf, or a file: .safetensors, .pth,
            .ckpt or .onnx; None is the default for videos.
        scale: the factor, 1 to 16, as in `vsr.PictureOptions`; None is the scale that a model file
            is for, if that is one alone, else 4.
        denoise: as in `vsr.UpscaleOptions`, for recurrent models.
        warn: called with what the device's test at the start finds wrong.
        compute: the fields of `vsr.ComputeOptions`: device, precision, threads, tile,
            self_ensemble, strength, compiled.

    Raises ModelError; DeviceError, also for a value of `compute` that is out of range; OutputError
    for a scale that is; TypeError for a keyword that is no option, and a model that is no name.

        up = vsr.Upscaler("vespcn", scale=4)
        large = up(image)
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        scale: float | Fraction | None = None,
        denoise: float | None = None,
        warn: Callable[[str], None] | None = None,
        **compute: Any,
    ) -> None:
        self._denoise = UpscaleOptions(denoise=denoise).denoise  # checks it
        if unknown := sorted(compute.keys() - _COMPUTE):
            known = ", ".join(["scale", "denoise", "warn", *_COMPUTE])
            raise TypeError(f"unknown option {unknown[0]!r}; known: {known}")
        self._compute = ComputeOptions(**compute)
        picture = PictureOptions(scale=scale)  # type: ignore[arg-type]
        if not isinstance(model, str | Path | None):
            raise TypeError(f"model {quoted(model)}: must be a name of vsr.catalogue(), or a file")
        usual = default_model(precision=self._compute.precision)
        self._asked = usual if model is None else str(model)
        self._picture = at_own_scale(UpscaleOptions(model=self._asked, picture=picture)).picture
        tools = load_for(self._asked, self.scale, choose_engine(self._compute), warn or _ignore)
        self._engine, self._model, self._networks = tools.engine, tools.model, copies_of(tools)
        check_denoise(self._model.network, self._denoise)

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def scale(self) -> Fraction:
        """The factor for both sides."""
        return self._picture.factor or USUAL_SCALE

    @property
    def device(self) -> str:
        """Where it runs, such as "cpu" or "cuda:0"."""
        return self._engine.name

    @property
    def precision(self) -> str:
        """Of the network's numbers, such as "bf16"."""
        return self._engine.precision

    def __call__(self, image: AnyImage) -> AnyImage:
        """Enlarge one image, and give it back as it came.

        Args:
            image: numpy (H, W) or (H, W, C), or a torch tensor (C, H, W); C is 1 (grey), 3 (RGB)
                or 4 (RGB and alpha); uint8, uint16, or float in [0, 1], which is handled in 16
                bits and clipped. Any strides and byte order; a tensor must be dense.

        Returns the enlarged image, its sides `scale` times as long and rounded to whole pixels, of
        the same kind, type, channels and device, without gradients. Raises InputError for anything
        else.
        """
        came = opened(image)
        height, width = came.pixels.shape[:2]
        channels = came.pixels.shape[2] if came.pixels.ndim == 3 else 1
        depth = 8 if came.pixels.dtype == np.uint8 else 16
        shape = Shape(width, height, channels, depth)
        info = image_info(shape)
        frame = Frame(to_planes(came.pixels), 0, 1, starts_shot=True)
        quality = told_of_frame(frame, info, self._model.network, self._denoise)
        geometry = geometry_of(self._picture, info)
        (large,) = enlarge_by(
            self._networks, iter([frame]), info, self._engine, geometry, quality=quality
        )
        made: AnyImage = cast(Any, came.back(to_pixels(large.planes, info.format, shape)))
        return made

    def frames(
        self,
        source: str | Path | Url | Source | AbstractContextManager[Source],
        warn: Callable[[str], None] | None = None,
    ) -> Iterator[UpscaledFrame]:
        """Enlarge the frames of a video, in order, each with its exact time.

        Args:
            source: what `vsr.open_video` gives, entered or not, or what it takes; what is opened
                here is closed with the last frame, or with the iterator.
            warn: called with each warning.

        Raises, with the first frame, InputError where the source cannot be opened, and TypeError
        where it is nothing of the kind.
        """
        network = self._model.network
        with (
            _entered(source, warn) as video,
            ahead(video.frames(network.neighbours, network.warmup), _DECODED_AHEAD) as decoded,
        ):
            layout = video.info.format
            shots = mark_shots(decoded, layout.peak, layout.half)
            quality = told_quality(video.path, network, self._denoise)
            geometry = geometry_of(self._picture, video.info)
            large = shown_alike(video.info, geometry.large(video.info))
            for frame in enlarge_by(
                self._networks,
                shots,
                video.info,
                self._engine,
                geometry,
                quality=quality,
                warn=warn or _ignore,
            ):
                yield UpscaledFrame(frame.planes, large, frame.pts, frame.duration)

    def file(self, source: str | Path | Url, target: str | Path, **keywords: Any) -> Result:
        """Enlarge a file with all that it holds: `vsr.upscale` by this model, on this device.

        `keywords` are those of `vsr.upscale` but for the model's and the device's own. Raises
        VsrError; InputError where one of them is among the keywords.
        """
        own = {"model", "content", "denoise", *vars(self._picture), *vars(self._compute)}
        if given := sorted(own & keywords.keys()):
            raise InputError(f"{', '.join(given)}: set when the Upscaler is made; make another one")
        options = UpscaleOptions(
            model=self._asked,
            picture=self._picture,
            denoise=self._denoise,
            compute=self._compute,
        )
        return upscale(source, target, options, **keywords)


def _entered(
    source: str | Path | Url | Source | AbstractContextManager[Source],
    warn: Callable[[str], None] | None,
) -> AbstractContextManager[Source]:
    """A source to enter: what is open already is left open, and what is no source untouched."""
    if isinstance(source, str | PathLike | Url):
        return open_video(source, warn=warn)
    if isinstance(source, _Once):
        return source
    if not hasattr(source, "frames"):
        raise TypeError(f"source {quoted(source)}: must be a path, or what vsr.open_video gives")
    return nullcontext(cast(Source, source))


def open_video(
    source: str | Path | Url,
    *,
    start: float | Fraction | None = None,
    end: float | Fraction | None = None,
    video_stream: int | None = None,
    hwaccel: bool = False,
    deinterlace: Deinterlace = "auto",
    strict: bool = False,
    stall_timeout: float = 300,
    rate: float | Fraction | None = None,
    start_number: int | None = None,
    limits: Limits = DEFAULTS,
    warn: Callable[[str], None] | None = None,
) -> AbstractContextManager[Video | Images]:
    """Open a video, or images as one, to be read once, in a `with` block or by `Upscaler.frames`.

    Args:
        source: a file, an address, a folder of images, or numbered ones as "in/frame_%04d.png".
        start, end: the part to read, in seconds from the file's start.
        video_stream, hwaccel, deinterlace, strict, stall_timeout, limits: as in `vsr.ReadOptions`.
        rate, start_number: likewise, for images.
        warn: called with each warning.

    Raises InputError for values out of range; entering it raises InputError, in one line, for
    anything that is not readable so, and a second time.
    """
    options = ReadOptions(
        start=start,  # type: ignore[arg-type]
        end=end,  # type: ignore[arg-type]
        video_stream=video_stream,
        hwaccel=hwaccel,
        deinterlace=deinterlace,
        strict=strict,
        stall_timeout=stall_timeout,
        rate=rate,  # type: ignore[arg-type]
        start_number=start_number,
        limits=limits,
    )
    path, warn = as_source(source), warn or _ignore
    if isinstance(path, Url):
        return _Once(path, _open_video(path, options.span, warn, options))
    return _Once(path, open_file(path, options.span, options.clip_rate, warn, options))


class _Once(AbstractContextManager[Video | Images]):
    """An opened source, which a second reader is told about."""

    def __init__(self, path: Path | Url, opened: AbstractContextManager[Video | Images]) -> None:
        self._path, self._opened, self._entered = path, opened, False

    def __enter__(self) -> Video | Images:
        if self._entered:
            raise InputError(f"{self._path}: is read once; call vsr.open_video for each time")
        self._entered = True
        return self._opened.__enter__()

    def __exit__(self, *error: Any) -> bool | None:
        return self._opened.__exit__(*error)


def _ignore(_message: str) -> None:
    """Nobody asked for warnings."""
