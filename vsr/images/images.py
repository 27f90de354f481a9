"""Still images as video: one image is a video of one frame, a folder of them a clip.

The planes of 8-bit colours are Y, U, V as in a video file, so that networks on luma serve both.
They go to 16 bits and 4:4:4 on the way, full range by BT.601, as in a JPEG: from there they come
back exactly. Colours of 16 bits, which would come back within 1, stay green, blue and red, and so
does light in half floats.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.core.color_codes import ColorRange, Matrix, Primaries, Transfer
from vsr.core.damage import Damage, Tally
from vsr.core.errors import InputError
from vsr.core.events import Warn
from vsr.core.frame import (
    HALF_FORMATS,
    PIXEL_FORMATS,
    ColorTags,
    Frame,
    PixelFormat,
    Pixels,
    Plane,
    VideoInfo,
    as_pixels,
)
from vsr.core.half import displayed, light_of_samples, of_display, samples_of
from vsr.core.limits import DEFAULTS, Limits, check_size
from vsr.core.span import Span
from vsr.images.cicp import told_by
from vsr.images.files import Picture, read_header, read_picture, read_shape
from vsr.images.film_header import unpacked
from vsr.images.formats import IMAGE_SUFFIXES
from vsr.images.gaps import gap_note, gap_note_of
from vsr.images.hdr_chunks import light_in, mastering_in
from vsr.images.metadata import Metadata, Shape
from vsr.images.numbered import numbered_images, pattern_of
from vsr.images.webp_animation import WebpAnimation, read_webp_animation

# BT.601's weights of red, green and blue in luma, and the matrices from blue, green, red to
# Y, U, V and back. The last column is added; neutral chroma is 32768.
_R, _G, _B = 0.299, 0.587, 0.114
_U, _V, _NEUTRAL = 2 * (1 - _B), 2 * (1 - _R), 32768
_TO_YUV = np.array(
    [
        [_B, _G, _R, 0],
        [(1 - _B) / _U, -_G / _U, -_R / _U, _NEUTRAL],
        [-_B / _V, -_G / _V, (1 - _R) / _V, _NEUTRAL],
    ]
)
_TO_BGR = np.array(
    [
        [1, _U, 0, -_U * _NEUTRAL],
        [1, -_U * _B / _G, -_V * _R / _G, (_U * _B + _V * _R) / _G * _NEUTRAL],
        [1, 0, _V, -_V * _NEUTRAL],
    ]
)


def is_image(path: Path) -> bool:
    """Whether a path is named like an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_image_folder(path: Path) -> bool:
    """Whether a path is a folder with at least one image in it."""
    return path.is_dir() and any(_is_listed(file) for file in path.iterdir())


def is_series(path: Path) -> bool:
    """Whether a path stands for images of any number: a folder, or a pattern as frame_%04d.png.

    Raises InputError for a pattern that is wrong.
    """
    return path.is_dir() or is_pattern(path)


def is_pattern(path: Path) -> bool:
    """Whether a path stands for numbered images, as frame_%04d.png. Raises InputError."""
    return pattern_of(path) is not None


def series_folder(path: Path) -> Path:
    """The folder that the images of a series, see `is_series`, lie in."""
    return path if path.is_dir() else path.parent


def list_images(folder: Path, first: int | None = None) -> list[Path]:
    """The images of a folder, numbers in their names in natural order: frame2, frame10.

    Hidden files and subfolders are left out. `folder` may be a pattern instead, see `pattern_of`:
    then those that fit, from the number `first` on. Raises InputError where there is none.
    """
    if pattern := pattern_of(folder):
        return numbered_images(folder, pattern, first)
    try:
        found = [file for file in folder.iterdir() if _is_listed(file)]
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror})") from None
    if not found:
        suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
        raise InputError(f"{folder}: holds no image ({suffixes})")
    return sorted(found, key=_natural)


def _is_listed(file: Path) -> bool:
    return is_image(file) and not file.name.startswith(".") and file.is_file()


def _natural(file: Path) -> tuple[list[tuple[str, int]], str]:
    words = re.findall(r"(\D*)(\d*)", file.name.casefold())
    return [(text, int(digits or 0)) for text, digits in words], file.name


def same_size(paths: Sequence[Path], limits: Limits = DEFAULTS) -> bool:
    """Whether images have one size, upright: whether they can be a clip.

    PNG, JPEG and TIFF tell by their headers; other formats are decoded for it. Raises
    InputError for a file that is no image, or is larger than `limits` allow.
    """
    shapes = (read_shape(path, limits) for path in paths)
    return len({(shape.width, shape.height) for shape in shapes}) <= 1


@dataclass(frozen=True)
class Images:
    """One image, or the images of a folder, opened for reading.

    Attributes:
        path: the file, the folder or the pattern.
        files: the images, in the order of the frames.
        info: what holds for all frames.
        depth: bits per sample of the files, 8 or 16; frames in colour always have 16.
        animation: what an animated WebP holds: then `files` is that one file.
    """

    path: Path
    files: tuple[Path, ...]
    info: VideoInfo
    depth: int
    _first: Picture
    _warn: Warn
    _tally: Tally
    _limits: Limits
    animation: WebpAnimation | None = None

    @property
    def expected_frames(self) -> int:
        """How many frames there are."""
        return len(self.animation.durations if self.animation else self.files)

    @property
    def span(self) -> Span:
        """All of them."""
        return Span()

    @property
    def output_start(self) -> Fraction:
        """0, where the output's clock begins."""
        return Fraction(0)

    @property
    def is_live(self) -> bool:
        """No: nobody waits for its frames."""
        return False

    @property
    def damage(self) -> Damage:
        """How many were damaged and mended so far; what cannot be read is an error."""
        return self._tally.damage

    def damage_within(self, begin: int | None, end: int | None) -> Damage:
        """The same: images are never read in parts."""
        return self.damage

    def other_streams(self) -> AbstractContextManager[None]:
        """Images have no other streams."""
        return nullcontext()

    def frames(self, context: int = 0, warmup: int = 0) -> Iterator[Frame]:
        """One frame per file; pts count from 0, each is shown for one tick, in an animation for
        as many milliseconds as it says.

        All are read, so there is nothing around them for a network's `context`.
        Raises InputError for a file that cannot be decoded or differs from the first in size,
        colour or depth, and for one that is damaged where damage is not allowed.
        """
        if self.animation:
            yield from self._animated(self.animation)
            return
        warn = once(self._warn)
        for number, file in enumerate(self.files):
            picture = read_picture(file, self._limits) if number else self._first
            _check_same(file, picture.shape, self.files[0], self._first.shape)
            if picture.damage:
                warn(file, mended_note(picture))
                self._tally.add("corrupt")
            if picture.header.several:
                warn(file, "only the first of its pictures is read")
            if picture.header.lost:
                warn(file, f"not carried over: {', '.join(picture.header.lost)}")
            yield Frame(to_planes(picture.pixels), number, 1)

    def _animated(self, animation: WebpAnimation) -> Iterator[Frame]:
        pts = 0
        try:
            for pixels, duration in zip(animation.pictures(), animation.durations, strict=True):
                yield Frame(to_planes(pixels), pts, duration)
                pts += duration
        except (ValueError, struct.error) as error:
            raise InputError(f"{self.path}: cannot be read as an animation: {error}") from None

    def metadata(self, number: int) -> Metadata:
        """The metadata of a frame's file, read anew. Raises InputError."""
        alone = self.animation or not number
        if alone:
            return self._first.header.metadata
        return read_header(self.files[number], self._limits).metadata


def mended_note(picture: Picture) -> str:
    """What to tell people of a picture that was damaged."""
    return f"is damaged, and was taken as the decoder mended it ({picture.damage})"


@contextmanager
def open_images(
    path: Path,
    warn: Warn,
    rate: Fraction = Fraction(25),
    limits: Limits = DEFAULTS,
    first_number: int | None = None,
    strict: bool = False,
) -> Iterator[Images]:
    """Open an image, or a folder of images as a clip of `rate` frames per second.

    `path` may be a pattern of numbered images, read from `first_number` on. With `strict`, one
    that is damaged is an error where it could be mended, too. The first image is
    decoded: what opens can be read. In a folder all images must be alike in size, colour and
    depth, by their headers (formats that `same_size` has to decode are decoded once more for it).
    Raises InputError, in one line, for anything else.
    """
    files = list_images(path, first_number) if is_series(path) else [path]
    first, tally = read_picture(files[0], limits), Tally(path, strict)
    if len(files) == 1 and first.header.several:
        animated = _animation(files[0], first, limits, warn, tally)
        if animated:
            yield animated
            return
    if note := _gap_note(path, files):
        warn(f"{path}: {note}")
    for file in files[1:]:
        _check_same(file, read_shape(file, limits), files[0], first.shape)
    info = _info(first, rate, len(files))
    yield Images(path, tuple(files), info, first.shape.depth, first, warn, tally, limits)


def _gap_note(path: Path, files: Sequence[Path]) -> str:
    names = [file.name for file in files]
    pattern = pattern_of(path)
    if pattern is None:
        return gap_note(names)
    return gap_note_of([number for number in map(pattern.number_of, names) if number is not None])


def _animation(
    file: Path, first: Picture, limits: Limits, warn: Warn, tally: Tally
) -> Images | None:
    """An animated WebP; None for another file with several pictures. Raises InputError."""
    try:
        found = read_webp_animation(file.read_bytes())
    except (OSError, ValueError, struct.error) as error:
        raise InputError(f"{file}: cannot be read as an animation: {error}") from None
    if found is None or not found.durations:
        return None
    shape, count = found.shape, len(found.durations)
    check_size(file, shape.width, shape.height, limits)
    rate = Fraction(1000 * count, sum(found.durations))
    is_srgb = not first.header.metadata.icc
    info = replace(image_info(shape, is_srgb, rate, count), time_base=Fraction(1, 1000))
    return Images(file, (file,), info, shape.depth, first, warn, tally, limits, found)


def _check_same(file: Path, shape: Shape, first: Path, wanted: Shape) -> None:
    if shape != wanted:
        raise InputError(
            f"{file}: is {shape}, but {first.name} is {wanted}; the frames of a clip must be alike",
            hint="--stills takes each image by itself",
            instead="give each by itself, or leave the unlike ones out",
            python="stills=True",
        )


def _info(first: Picture, rate: Fraction, frames: int) -> VideoInfo:
    metadata = first.header.metadata
    # without a profile, sRGB is what everyone takes it for
    is_srgb = not metadata.icc and not metadata.cicp
    film = unpacked(metadata.film) if metadata.film else None
    if film:
        is_srgb = film.is_for_displays
    info = image_info(first.shape, is_srgb, rate, frames)
    color = told_by(metadata.cicp, info.color)
    if film and info.format.half:
        color = replace(color, primaries=film.primaries)
    mastering, light = mastering_in(metadata.mdcv), light_in(metadata.clli)
    aspect = film.pixel_aspect if film else None
    return replace(info, color=color, mastering=mastering, light=light, pixel_aspect=aspect)


def header_info(path: Path, limits: Limits = DEFAULTS) -> VideoInfo:
    """What holds for an image's frame, as far as its size goes.

    Raises InputError, also for one that is larger than `limits` allow.
    """
    film = read_header(path, limits).metadata.film
    aspect = unpacked(film).pixel_aspect if film else None
    return replace(image_info(read_shape(path, limits)), pixel_aspect=aspect)


def image_info(
    shape: Shape, is_srgb: bool = True, rate: Fraction = Fraction(25), frames: int = 1
) -> VideoInfo:
    """What holds for the frames that `to_planes` makes of images of a shape."""
    layout = _format(shape)
    return VideoInfo(
        width=shape.width,
        height=shape.height,
        time_base=1 / rate,
        format=layout,
        color=ColorTags(
            range=ColorRange.FULL,
            matrix=Matrix.RGB if layout.rgb else Matrix.BT470BG,
            primaries=Primaries.BT709 if is_srgb else Primaries.UNSPECIFIED,
            transfer=Transfer.SRGB if is_srgb else Transfer.UNSPECIFIED,
        ),
        frame_rate=rate,
        expected_frames=frames,
    )


def _format(shape: Shape) -> PixelFormat:
    if shape.half:
        return HALF_FORMATS[shape.channels]
    if shape.channels == 1:
        return PIXEL_FORMATS["gray" if shape.depth == 8 else "gray16le"]
    names = {(3, 8): "yuv444p16le", (4, 8): "yuva444p16le", (3, 16): "gbrp16le"}
    return PIXEL_FORMATS[names.get((shape.channels, shape.depth), "gbrap16le")]


def once(warn: Warn) -> Callable[[Path, str], None]:
    """Warn of a file, but only of the first of a kind: a folder may hold thousands."""
    said: set[str] = set()

    def tell(file: Path, message: str) -> None:
        if message not in said:
            said.add(message)
            warn(f"{file}: {message}")

    return tell


def to_planes(pixels: Pixels) -> tuple[Plane, ...]:
    """The planes of a frame of `image_info`.

    Grey pixels as they are; grey light as green, blue and red alike; 8-bit colour as Y, U, V,
    uint16 in 0..65535, full range; deeper ones as green, blue and red; and alpha.
    """
    if pixels.ndim == 2:
        if pixels.dtype == np.float16:
            return (samples_of(_as_half(pixels)),) * 3
        return (as_plane(pixels),)
    if pixels.dtype != np.uint8:
        blue, green, red, *alpha = (pixels[..., n] for n in range(pixels.shape[2]))
        if pixels.dtype == np.float16:
            colours = [samples_of(_as_half(plane)) for plane in (green, blue, red)]
            return (*colours, *(_of_share(plane) for plane in alpha))
        return tuple(as_plane(np.ascontiguousarray(n)) for n in (green, blue, red, *alpha))
    wide = pixels.astype(np.uint16) * np.uint16(257)
    yuv = cv2.transform(np.ascontiguousarray(wide[..., :3]), _TO_YUV)
    planes = [np.asarray(plane, np.uint16) for plane in cv2.split(yuv)]
    return (*planes, *(np.ascontiguousarray(wide[..., n]) for n in range(3, wide.shape[2])))


def as_plane(array: Any) -> Plane:
    """State what an array that came of pixels of whole numbers is."""
    plane: Plane = array
    return plane


def _as_half(array: Any) -> NDArray[np.float16]:
    light: NDArray[np.float16] = array
    return light


def _of_share(alpha: Any) -> NDArray[np.uint16]:
    samples: NDArray[np.uint16] = np.rint(alpha.astype(np.float32).clip(0, 1) * 65535)
    return samples.astype(np.uint16)


def to_pixels(planes: Sequence[Plane], layout: PixelFormat, shape: Shape) -> Pixels:
    """Planes of `layout`, as `to_planes` makes them, -> pixels as `shape` says, of any size.

    Alpha is dropped where there is no room for it; grey is spread over 3 channels. Light that
    becomes whole numbers is `displayed`, and what is displayed becomes light by the way back.
    """
    if shape.half:
        return _light(planes, layout, shape.channels)
    if layout.half:
        planes = displayed(planes[:1] if layout.grey else planes)
        layout = PIXEL_FORMATS["gbrp16le"]
    if len(planes) == 1:
        picture = planes[0] if shape.channels == 1 else cv2.merge([planes[0]] * 3)
    else:
        if layout.rgb:
            green, blue, red = planes[:3]
            picture = cv2.merge([blue, green, red])
        else:
            picture = cv2.transform(cv2.merge(planes[:3]), _TO_BGR)
        if shape.channels == 4:
            picture = cv2.merge([*cv2.split(picture), planes[3]])
    if picture.dtype == np.uint16 and shape.depth == 8:
        picture = cv2.convertScaleAbs(picture, alpha=1 / 257)
    return as_pixels(picture)


def _light(planes: Sequence[Plane], layout: PixelFormat, channels: int) -> NDArray[np.float16]:
    """(H, W, channels) half floats: blue, green, red, and alpha; (H, W) where it is grey."""
    if not layout.half:
        wide = Shape(0, 0, max(3, layout.planes), 16)
        shown = to_pixels([_wide(plane) for plane in planes], layout, wide)
        planes = of_display(to_planes(as_pixels(shown)))
    green, blue, red = (light_of_samples(plane.astype(np.uint16)) for plane in planes[:3])
    if channels == 1:
        return green
    alpha = [(plane / np.float32(65535)).astype(np.float16) for plane in planes[3:]]
    return np.stack([blue, green, red, *alpha][:channels], axis=2)


def _wide(plane: Plane) -> Plane:
    return plane.astype(np.uint16) * np.uint16(257) if plane.dtype == np.uint8 else plane
