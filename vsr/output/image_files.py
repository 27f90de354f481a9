"""Write frames to image files: one to a file, or each to one of its own in a folder."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vsr.core.errors import OutputError, writing
from vsr.core.events import Warn
from vsr.core.frame import Frame, VideoInfo
from vsr.core.stream_report import Others
from vsr.core.threads import behind
from vsr.images.files import encode, nearest_metadata, nearest_shape
from vsr.images.images import once, to_pixels
from vsr.images.metadata import Metadata, Shape
from vsr.images.xmp_tag import with_image_statement
from vsr.output.sink import BeforeCommit, Output
from vsr.util.atomic import part_of, remove_abandoned

_QUEUE = 2  # frames that may wait for the encoder


def names_folder(path: Path) -> bool:
    """Whether an output path means a folder: it is one, or has no suffix."""
    return path.is_dir() or not path.suffix


@contextmanager
def create_image(
    target: Path,
    info: VideoInfo,
    depth: int,
    metadata: Metadata,
    warn: Warn,
    before_commit: BeforeCommit | None = None,
    provenance_tag: str = "",
) -> Iterator[Output]:
    """Write one frame of `info`, as `to_planes` lays it out, to the image `target`.

    `depth` is 8 or 16, the source's; where the format has not so many bits, no alpha or no
    room for the metadata, they are left out with a warning. The file gets its name when the
    block has ended well with exactly one frame written, and `before_commit` has seen it; otherwise
    nothing is left. `provenance_tag` goes into its metadata. Raises OutputError in one line.
    """
    shape = _output_shape(target, info, depth, warn)
    kept, dropped = nearest_metadata(target, metadata, shape.channels)
    _warn_dropped(target, dropped, warn)
    remove_abandoned(target)
    part = part_of(target)
    written = 0

    def write(frame: Frame) -> None:
        nonlocal written
        _save(frame, part, target, shape, with_image_statement(kept, provenance_tag, target))
        written += 1

    try:
        output = Output(write, "", Others(kept.names, (), dropped))
        yield output
        _check_count(target, written, 1)
        if before_commit:
            before_commit(part, output)
        with writing(target):
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def create_image_folder(
    folder: Path,
    names: Sequence[str] | None,
    info: VideoInfo,
    depth: int,
    metadata: Callable[[int], Metadata],
    warn: Warn,
    overwrite: bool = False,
    provenance_tag: str = "",
) -> Iterator[Output]:
    """Write one image per frame of `info` into `folder`: the first to the first name, and so on.

    Without `names` they are numbered PNGs, however many come. `metadata` gives that of a
    frame by its number; the rest is as for `create_image`. Images are encoded in a thread.
    They come into place when the block has ended well with as many frames as names: a new
    folder appears as a whole; in one that exists, which must be empty unless `overwrite`,
    they replace files of their names one by one. Raises OutputError.
    """
    _check_folder(folder, names, overwrite)
    shapes: dict[str, Shape] = {}
    for target in (folder / name for name in names or [numbered(0)]):
        if target.suffix not in shapes:
            shapes[target.suffix] = _output_shape(target, info, depth, warn)
    warned = once(warn)
    new = not folder.exists()
    part = part_of(folder) if new else part_of(folder / "images")
    remove_abandoned(folder if new else folder / "images")
    written = 0

    def name_of(number: int) -> str:
        return numbered(number) if names is None else names[number]

    def fitted(number: int) -> tuple[Metadata, tuple[str, ...]]:
        target = folder / name_of(number)
        return nearest_metadata(target, metadata(number), shapes[target.suffix].channels)

    def write(frame: Frame) -> None:
        nonlocal written
        if names is not None and written == len(names):
            raise OutputError(f"{folder}: more frames than the {len(names)} names for them")
        target = folder / name_of(written)
        kept, dropped = fitted(written)
        _warn_dropped(target, dropped, lambda message: warned(folder, message))
        kept = with_image_statement(kept, provenance_tag, target)
        _save(frame, part / target.name, target, shapes[target.suffix], kept)
        written += 1

    with writing(folder):
        part.mkdir()
    try:
        kept, dropped = fitted(0)
        with behind(write, lambda: iter(()), _QUEUE) as hand_over:
            yield Output(hand_over, "", Others(kept.names, (), dropped))
        _check_count(folder, written, written if names is None else len(names))
        with writing(folder):
            if new:
                part.replace(folder)
            else:
                for number in range(written):
                    (part / name_of(number)).replace(folder / name_of(number))
    finally:
        shutil.rmtree(part, ignore_errors=True)


def numbered(number: int) -> str:
    """The name of a video's frame in a folder: 00000001.png is the first."""
    return f"{number + 1:08d}.png"


def _check_folder(folder: Path, names: Sequence[str] | None, overwrite: bool) -> None:
    if names is not None and not names:
        raise OutputError(f"{folder}: no frame to write")
    doubled = [name for name, count in Counter(names or ()).items() if count > 1]
    if doubled:
        raise OutputError(f"{folder}: two images would be named {doubled[0]}")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; name a folder")
    if folder.is_dir() and not overwrite and any(folder.iterdir()):
        raise OutputError(f"{folder}: holds files already; -y or overwrite=True replaces them")


def _output_shape(target: Path, info: VideoInfo, depth: int, warn: Warn) -> Shape:
    """The shape that `target` will have, with a warning for what that lacks."""
    channels = info.format.planes
    shape = Shape(info.width, info.height, channels, depth)
    nearest = nearest_shape(target, shape)
    if channels == 4 and nearest.channels < 4:
        warn(f"{target.suffix} cannot hold transparency; it is dropped")
    if nearest.depth < depth:
        warn(f"{target.suffix} holds {nearest.depth} bits per sample; {depth} are rounded to that")
    return nearest


def _warn_dropped(target: Path, dropped: tuple[str, ...], warn: Warn) -> None:
    if dropped:
        warn(f"{target.suffix} cannot hold, left out: {', '.join(dropped)}")


def _save(frame: Frame, file: Path, target: Path, shape: Shape, metadata: Metadata) -> None:
    """Encode a frame for `target` into `file`."""
    pixels = to_pixels(frame.planes, shape.channels, shape.depth)
    data = encode(pixels, target, metadata)
    with writing(target):
        file.write_bytes(data)


def _check_count(target: Path, written: int, wanted: int) -> None:
    if written != wanted:
        raise OutputError(f"{target}: {written} frames were written instead of {wanted}")
