"""Still images as video: one image is a video of one frame, a folder of them a clip."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from vsr.core.damage import Damage, Tally
from vsr.core.errors import InputError
from vsr.core.events import Warn
from vsr.core.frame import Frame, VideoInfo
from vsr.core.limits import DEFAULTS, Limits, check_size
from vsr.core.span import Span
from vsr.images.files import Picture, read_header, read_picture, read_shape
from vsr.images.gaps import gap_note, gap_note_of
from vsr.images.info import image_info, picture_info
from vsr.images.listing import is_series, list_images
from vsr.images.metadata import Metadata, Shape
from vsr.images.numbered import pattern_of
from vsr.images.planes import to_planes
from vsr.images.webp_animation import WebpAnimation, read_webp_animation


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
    info = picture_info(first, rate, len(files))
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


def once(warn: Warn) -> Callable[[Path, str], None]:
    """Warn of a file, but only of the first of a kind: a folder may hold thousands."""
    said: set[str] = set()

    def tell(file: Path, message: str) -> None:
        if message not in said:
            said.add(message)
            warn(f"{file}: {message}")

    return tell
