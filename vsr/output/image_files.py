"""Write frames to image files: one to a file, or each to one of its own in a folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from vsr.core.color_codes import Primaries
from vsr.core.commit import commit, kept_aside, part_for
from vsr.core.errors import OutputError, writing
from vsr.core.events import Warn
from vsr.core.frame import Frame, VideoInfo
from vsr.core.hdr import TRANSFERS
from vsr.core.outlet import leads_out
from vsr.core.stream_report import Others
from vsr.core.threads import behind
from vsr.images.cicp import cicp_of
from vsr.images.encode import encode
from vsr.images.film_header import packed, telling_primaries, unpacked
from vsr.images.formats import image_format, nearest_metadata, nearest_shape
from vsr.images.images import once
from vsr.images.metadata import Metadata, Shape
from vsr.images.numbered import Numbered
from vsr.images.planes import to_pixels
from vsr.images.plays import FOR_EVER
from vsr.images.xmp_tag import with_image_statement
from vsr.output.sink import BeforeCommit, Output
from vsr.util.atomic import give_name

_QUEUE = 2  # frames that may wait for the encoder


def names_folder(path: Path) -> bool:
    """Whether an output path means a folder: it is one, or has no suffix and is no pipe."""
    return path.is_dir() or not (path.suffix or leads_out(path))


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """What image files are to hold, and how.

    Attributes:
        target: the file, or the folder.
        info: what holds for the frames that are handed over, laid out as by `to_planes`.
        warn: called with each warning.
        depth: bits per sample of the source, 8 or 16.
        metadata: gives that of a frame by its number.
        names: those of a folder's files, in the order of the frames; None: numbered ones.
        pattern: what the folder's files are called; other files may lie beside them. None: the
            folder is theirs alone, and numbered ones are PNGs.
        first: the number of the first of the pattern, without `names`.
        plays: how many times an animation is played, see `vsr.images.plays`.
        overwrite: whether a folder may hold files already, and what has appeared under the name of
            a file meanwhile is replaced.
        before_commit: called with a single finished file before it gets its name.
        provenance_tag: goes into the files' metadata; "" for nothing.
        others: what becomes of the source's other streams, of which images hold none.
    """

    target: Path
    info: VideoInfo
    warn: Warn
    depth: int = 8
    metadata: Callable[[int], Metadata] = lambda number: Metadata()
    names: Sequence[str] | None = None
    pattern: Numbered | None = None
    first: int = 1
    plays: int = FOR_EVER
    overwrite: bool = False
    before_commit: BeforeCommit | None = None
    provenance_tag: str = ""
    others: Others = field(default_factory=Others)

    def name(self, number: int) -> str:
        """What the file of a frame is called, counted from 0."""
        if self.names is not None:
            return self.names[number]
        return self.pattern.name(self.first + number) if self.pattern else numbered(number)


@contextmanager
def create_image(spec: ImageSpec) -> Iterator[Output]:
    """Write one frame to an image as `spec` says.

    Where the format has not so many bits, no alpha or no room for the metadata, they are left
    out with a warning. The file gets its name when the block has ended well with exactly one
    frame written, and `before_commit` has seen it; otherwise nothing is left. Raises
    OutputError in one line.
    """
    target = spec.target
    shape = _output_shape(target, spec)
    kept, dropped = _metadata_of(spec, target, 0, shape)
    _warn_dropped(target, dropped, spec.warn)
    written = 0

    with part_for(target) as part:

        def write(frame: Frame) -> None:
            nonlocal written
            told = with_image_statement(kept, spec.provenance_tag, target)
            _save(frame, part, spec, target, shape, told)
            written += 1

        def before() -> None:
            if spec.before_commit:
                spec.before_commit(part, output)

        others = Others(kept.names, (), (*spec.others.dropped, *dropped))
        output = Output(write, "", others)
        yield output
        _check_count(target, written, 1)
        commit(part, target, spec.overwrite, before)


@contextmanager
def create_image_folder(spec: ImageSpec) -> Iterator[Output]:
    """Write one image per frame into a folder: the first to the first name, and so on.

    As for `create_image`, but images are encoded in a thread. They come into place when the
    block has ended well with as many frames as names: a new folder appears as a whole; in one
    that exists, which must be empty unless `overwrite` or `pattern`, they come one by one, and
    replace files of their names with `overwrite`. Raises OutputError.
    """
    folder = spec.target
    _check_folder(spec)
    new = not folder.exists()
    place = folder if new else folder / "images"
    with part_for(place, folder=True) as part:
        images = _Images(spec, part)
        others = images.others
        with behind(images.write, lambda: iter(()), _QUEUE) as hand_over:
            yield Output(hand_over, "", others)
        expected = images.written if spec.names is None else len(spec.names)
        _check_count(folder, images.written, expected)
        if new:
            commit(part, folder, overwrite=False)
        else:
            with writing(folder):
                images.move_into(folder)


class _Images:
    """Encodes frames to the images of a folder, in a folder beside it.

    Attributes:
        part: that folder.
        written: how many images it holds.
    """

    def __init__(self, spec: ImageSpec, part: Path) -> None:
        self._spec = spec
        self._shapes: dict[str, Shape] = {}
        self._warn_once = once(spec.warn)
        self.part = part
        self.written = 0
        for target in (spec.target / name for name in spec.names or [spec.name(0)]):
            if target.suffix not in self._shapes:
                self._shapes[target.suffix] = _output_shape(target, spec)

    @property
    def others(self) -> Others:
        """What becomes of the metadata, by the first image."""
        kept, dropped = self._metadata(0)
        return Others(kept.names, (), dropped)

    def write(self, frame: Frame) -> None:
        """Encode the next frame."""
        spec, number = self._spec, self.written
        if spec.names is not None and number == len(spec.names):
            raise OutputError(f"{spec.target}: more frames than the {number} names for them")
        target = self._target(number)
        kept, dropped = self._metadata(number)
        _warn_dropped(target, dropped, lambda message: self._warn_once(spec.target, message))
        kept = with_image_statement(kept, spec.provenance_tag, target)
        shape = self._shapes[target.suffix]
        _save(frame, self.part / target.name, spec, target, shape, kept)
        self.written += 1

    def move_into(self, folder: Path) -> None:
        """Give the images their names in a folder that exists.

        Raises OutputError where one has appeared meanwhile; then all are kept beside the folder.
        """
        overwrite = self._spec.overwrite
        moved: list[Path] = []
        for number in range(self.written):
            file = self._target(number)
            try:
                give_name(self.part / file.name, folder / file.name, overwrite)
            except FileExistsError:
                for each in moved:
                    each.replace(self.part / each.name)
                raise kept_aside(self.part, folder, file) from None
            if not overwrite:
                moved.append(folder / file.name)

    def _target(self, number: int) -> Path:
        return self._spec.target / self._spec.name(number)

    def _metadata(self, number: int) -> tuple[Metadata, tuple[str, ...]]:
        """What the image of a number keeps of its metadata, and what it cannot."""
        target = self._target(number)
        return _metadata_of(self._spec, target, number, self._shapes[target.suffix])


def _metadata_of(
    spec: ImageSpec, target: Path, number: int, shape: Shape
) -> tuple[Metadata, tuple[str, ...]]:
    """What the image of a number keeps of its metadata, and what it cannot.

    Light of a wide gamut that becomes whole numbers is told in a cICP chunk; of what becomes light
    the primaries are told.
    """
    metadata, color = spec.metadata(number), spec.info.color
    if spec.info.format.half and not shape.half:
        metadata = replace(metadata, cicp=cicp_of(color))
    if metadata.film and (film := unpacked(metadata.film)).pixel_aspect != spec.info.pixel_aspect:
        metadata = replace(metadata, film=packed(film.with_pixel_aspect(spec.info.pixel_aspect)))
    if shape.half and not spec.info.format.half and "film" in image_format(target).blocks:
        metadata = replace(metadata, cicp=b"", film=telling_primaries(color.primaries))
    return nearest_metadata(target, metadata, shape.channels)


def shown_note(suffix: str, info: VideoInfo) -> str:
    """What to tell people of half floats, in frames of `info`, that become whole numbers."""
    note = f"{suffix} holds no floats: light is shown by sRGB's curve, and clipped to 0 to 1"
    if info.color.primaries == Primaries.UNSPECIFIED:
        note += "; its primaries are not known here, and not converted"
    return note


def doubled_name(names: Sequence[str]) -> str:
    """A name that comes more than once; "" for none."""
    return next((name for name, count in Counter(names).items() if count > 1), "")


def numbered(number: int) -> str:
    """The name of a video's frame in a folder: 00000001.png is the first."""
    return f"{number + 1:08d}.png"


def _check_folder(spec: ImageSpec) -> None:
    folder, names = spec.target, spec.names
    if names is not None and not names:
        raise OutputError(f"{folder}: no frame to write")
    if doubled := doubled_name(names or ()):
        raise OutputError(f"{folder}: two images would be named {doubled}")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; name a folder")
    if not folder.is_dir() or spec.overwrite:
        return
    if spec.pattern:
        numbers = spec.pattern.files(spec.first) if names is None else ()
        files = [folder / name for name in names or ()] or [file for _, file in numbers]
        there = next((file for file in files if os.path.lexists(file)), None)
        if there:
            raise OutputError(_taken(there))
    else:
        check_empty(folder)


def check_empty(folder: Path) -> None:
    """Raise OutputError where a folder that is to be written holds files already."""
    if folder.is_dir() and any(folder.iterdir()):
        raise OutputError(f"{folder}: holds files already; -y or overwrite=True replaces them")


def _taken(file: Path) -> str:
    return f"{file}: exists already; -y or overwrite=True replaces it"


def _output_shape(target: Path, spec: ImageSpec) -> Shape:
    """The shape that `target` will have, with a warning for what that lacks."""
    info, depth, warn = spec.info, spec.depth, spec.warn
    channels = 1 if info.format.grey else info.format.planes
    shape = Shape(info.width, info.height, channels, depth, info.format.half)
    nearest = nearest_shape(target, shape)
    if nearest.half and not shape.half:
        _check_light(target, spec)
    if shape.half and not nearest.half:
        warn(shown_note(target.suffix, info))
    if channels == 4 and nearest.channels < 4:
        warn(f"{target.suffix} cannot hold transparency; it is dropped")
    if nearest.depth < depth and not shape.half:
        warn(f"{target.suffix} holds {nearest.depth} bits per sample; {depth} are rounded to that")
    return nearest


def _check_light(target: Path, spec: ImageSpec) -> None:
    """Raise OutputError where samples would have to become light by another curve than sRGB's."""
    film = spec.metadata(0).film
    if spec.info.color.transfer in TRANSFERS:
        raise OutputError(
            f"{target}: HDR is not written as linear light; choose .png or .tif, or make it linear "
            "first: ffmpeg -vf zscale=transfer=linear"
        )
    if film and not unpacked(film).is_for_displays:
        raise OutputError(
            f"{target}: a DPX that is logarithmic or linear is not written as light; choose .dpx, "
            "or convert it first, with oiiotool or OpenColorIO"
        )


def _warn_dropped(target: Path, dropped: tuple[str, ...], warn: Warn) -> None:
    if dropped:
        warn(f"{target.suffix} cannot hold, left out: {', '.join(dropped)}")


def _save(
    frame: Frame, file: Path, spec: ImageSpec, target: Path, shape: Shape, metadata: Metadata
) -> None:
    """Encode a frame for `target` into `file`."""
    pixels = to_pixels(frame.planes, spec.info.format, shape)
    data = encode(pixels, target, metadata)
    with writing(target):
        file.write_bytes(data)


def _check_count(target: Path, written: int, wanted: int) -> None:
    if written != wanted:
        raise OutputError(f"{target}: {written} frames were written instead of {wanted}")
