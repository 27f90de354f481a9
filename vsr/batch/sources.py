"""The files of a batch: which of them are to be done, and what becomes of their names."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import TypeAlias

from vsr.core.errors import InputError, OutputError, VsrError
from vsr.core.events import ignore
from vsr.core.parts import SUFFIX
from vsr.core.paths import NO_PIPE_IN
from vsr.core.picture import PictureOptions
from vsr.core.url import Url, as_source
from vsr.datasets.media import VIDEO_SUFFIXES
from vsr.encoding.defaults import default_encoder
from vsr.images.animated import is_still
from vsr.images.formats import IMAGE_SUFFIXES, image_format
from vsr.images.listing import is_pattern, list_images
from vsr.remux.containers import format_of
from vsr.util.text import counted, one_line, shown
from vsr.video.choose import main_video
from vsr.video.open import open_input

BESIDE_SUFFIXES = (".record.json", SUFFIX)
"""How the names of records and parts lists end: they lie beside videos and are none."""

MEDIA_SUFFIXES = (
    VIDEO_SUFFIXES
    | IMAGE_SUFFIXES
    | {".mpg", ".mpeg", ".m2v", ".vob", ".mts", ".m2ts", ".3gp", ".3g2", ".wmv", ".asf", ".flv"}
    | {".f4v", ".ogv", ".mxf", ".gif", ".mjpg", ".mjpeg", ".h264", ".264", ".h265", ".265"}
    | {".hevc", ".dav", ".divx", ".rm", ".rmvb", ".y4m", ".dv", ".ivf", ".apng"}
)
"""What files named so hold is not asked: where it is no picture, that is an error to be told."""

PROXY_SUFFIXES = {".lrv", ".lrf", ".thm"}
"""What cameras (GoPro, DJI, Insta360) store beside a video: a small copy of it, a thumbnail."""

_TEXT_ART = {"bintext", "xbin", "idf"}  # decoders that take any bytes for letters
_FIELDS = ("stem", "suffix", "size", "scale")
_NAMED = 3  # sources that an error names


@dataclass(frozen=True)
class Found:
    """A file to do.

    Attributes:
        path: where it is.
        relative: its path below the source folder, which the output folder mirrors.
    """

    path: Path
    relative: Path


Unreadable: TypeAlias = Callable[[OSError, Found | None], None]
"""Told of what cannot be looked at: an entry of a folder, or None for a source itself."""

Wanted: TypeAlias = Callable[[Found], bool]
"""Whether a file whose name fits is to be done, as by when it was taken."""


def everything(found: Found) -> bool:
    """Any file is wanted."""
    return True


@dataclass(frozen=True)
class Candidate:
    """A file whose name fits.

    Attributes:
        found: the file.
        sure: whether it is to be done whatever it holds.
    """

    found: Found
    sure: bool


def find(
    sources: Sequence[str],
    patterns: Sequence[str],
    exclude: Sequence[str],
    skip: Path | None,
    passed_over: Callable[[Path], None] = ignore,
    wanted: Wanted = everything,
    unwanted: Callable[[Found], None] = ignore,
) -> list[Found]:
    """The videos and still images of files, folders and globs, each file once.

    Folders are searched with all that is below them, and so are folders that a glob matches.
    There and among a glob's files, those with a suffix of MEDIA_SUFFIXES are taken, others where
    they hold a picture. A file that is named is always taken. Of a glob with `**`, what stands
    below its fixed part is mirrored; of any other the names alone.

    Hidden files and folders, records and, in folders and globs around it, the folder `skip` are
    passed over. With `patterns` a file must fit one of them, and it must fit none of `exclude`:
    they are as in `fnmatch`, small and capital letters apart, and are tried on the relative path
    with forward slashes, where `*` goes across them, and on the name.

    Numbered images, given as f_%04d.png, are one clip.

    Without `patterns`, a camera's files of PROXY_SUFFIXES are left out and told to `passed_over`,
    unless they are named.

    Of what is left, files that are not `wanted` are passed over and told to `unwanted`. Where that
    leaves none, none is given.

    What cannot be looked at in a folder, as a link that leads back to itself, is given too: doing
    it fails, and costs no other file.

    Raises InputError for an address, a source that does not exist, a glob that matches nothing,
    a source that cannot be listed, and where there is nothing to do.
    """
    looked, found, apart, small = 0, list[Found](), list[Found](), list[Path]()

    def proxy(path: Path) -> None:
        small.append(path)
        passed_over(path)

    def asked(each: Found) -> bool:
        if wanted(each):
            return True
        apart.append(each)
        unwanted(each)
        return False

    def unreadable(error: OSError, each: Found | None) -> None:
        if each is None:
            raise InputError(f"{error.filename}: cannot be listed ({error.strerror})")
        if _fits(each.relative.as_posix(), patterns, exclude):
            found.append(each)

    check_sources(sources)
    for candidate in candidates(sources, patterns, exclude, skip, unreadable, proxy, asked):
        looked += 1
        if candidate.sure or holds_picture(candidate.found.path):
            found.append(candidate.found)
    if not found and not apart:
        shown = ", ".join(sources[:_NAMED]) + (", ..." if len(sources) > _NAMED else "")
        like = f" named like {' or '.join(map(repr, patterns))}" if patterns else ""
        without = f", but for {' and '.join(map(repr, exclude))}" if exclude else ""
        itself = any(_is_same(Path(source), skip) for source in sources)
        hint = (
            "; it is the output folder itself, name another" if itself else _proxy_hint(len(small))
        )
        raise InputError(
            f"{shown}: no video or image found "
            f"(looked at {counted(looked, 'file')}{like}{without}){hint}"
        )
    return found


def _proxy_hint(count: int) -> str:
    """What to say of so many files of PROXY_SUFFIXES, where nothing else was found."""
    if not count:
        return ""
    what = "file is" if count == 1 else "files are"
    copies = "a camera's small copies and thumbnails"
    return f"; {count} {what} {copies}: --pattern '*.LRV' takes them"


def check_sources(sources: Sequence[str], patient: bool = False) -> None:
    """Raise InputError for addresses, for what does not exist and for globs that match nothing.

    With `patient` a glob need not match anything yet, if the folder exists where it begins.
    """
    for source in sources:
        address = as_source(source)
        if isinstance(address, Url):
            if address.is_pipe:
                raise InputError(f"{address}: {NO_PIPE_IN}; `vsr upscale` takes pipes")
            raise InputError(
                f"{address}: is an address; batch takes files, `vsr upscale` takes addresses"
            )
        if _exists(Path(source)):
            continue
        if is_pattern(Path(source)):
            if patient:
                raise InputError(f"{source}: is one clip of images, which is not waited for")
            list_images(Path(source))
            continue
        if not glob.has_magic(source):
            raise InputError(f"{source}: no such file or folder")
        if patient and fixed_part(source).is_dir():
            continue
        if not _matches(source):
            raise InputError(f"{source}: matches no file")


def candidates(
    sources: Sequence[str],
    patterns: Sequence[str],
    exclude: Sequence[str],
    skip: Path | None,
    unreadable: Unreadable,
    passed_over: Callable[[Path], None] = ignore,
    wanted: Wanted = everything,
) -> Iterator[Candidate]:
    """The files of the sources whose names fit, see `find`; nothing is opened.

    What does not exist gives nothing; what cannot be looked at is told to `unreadable`.
    """
    around = None if skip is None else os.path.realpath(skip)
    seen: set[str] = set()
    for source in sources:
        for entry in _entries(source, around, unreadable):
            if entry.real in seen or not _fits(entry.relative, patterns, exclude):
                continue
            seen.add(entry.real)
            path = Path(entry.path)
            if path.suffix.lower() in PROXY_SUFFIXES and not (entry.named or patterns):
                passed_over(path)
                continue
            sure = entry.named or path.suffix.lower() in MEDIA_SUFFIXES
            found = Found(path, Path(entry.relative))
            if wanted(found):
                yield Candidate(found, sure)


def holds_picture(path: Path) -> bool:
    """Whether a file's content is a video or an image; no frame is decoded."""
    try:
        with open_input(path) as container:
            context = main_video(container, path).codec_context
            return context.name not in _TEXT_ART and context.width > 0 < context.height
    except (VsrError, OSError):
        return False


def fixed_part(pattern: str) -> Path:
    """The folder at which a glob begins."""
    parts = Path(pattern).parts
    return Path(*parts[: next(n for n, part in enumerate(parts) if glob.has_magic(part))])


@dataclass(frozen=True)
class _Entry:
    """A file: its path, the same without links, below which folder it is, whether it was named.

    Paths are strings: folders of thousands are gone through again and again.
    """

    path: str
    real: str
    relative: str
    named: bool = False


def _entries(source: str, skip: str | None, unreadable: Unreadable) -> Iterator[_Entry]:
    """All files of one source but hidden ones and records."""
    if _exists(Path(source)):
        if Path(source).is_dir():
            yield from _below(source, "", skip, set(), unreadable)
        elif not source.endswith(BESIDE_SUFFIXES):
            yield _Entry(source, os.path.realpath(source), Path(source).name, named=True)
        return
    if is_pattern(Path(source)):  # a pattern: its images are one clip
        yield _Entry(source, os.path.realpath(source), Path(source).name, named=True)
        return
    if not glob.has_magic(source):
        return
    fixed = fixed_part(source)
    mirrored = "**" in Path(source).parts
    around = skip is not None and Path(os.path.realpath(fixed)) in Path(skip).parents
    visited: set[str] = set()
    for path in _matches(source):
        real = os.path.realpath(path)
        if around and skip is not None and (real == skip or real.startswith(skip + os.sep)):
            continue
        relative = Path(path).relative_to(fixed).as_posix() if mirrored else ""
        try:
            mode = Path(path).stat().st_mode
        except FileNotFoundError:  # a link to nothing
            continue
        except OSError as error:
            unreadable(error, Found(Path(path), Path(relative or Path(path).name)))
            continue
        if stat.S_ISDIR(mode):
            yield from _below(path, "" if relative == "." else relative, skip, visited, unreadable)
        elif stat.S_ISREG(mode) and not path.endswith(BESIDE_SUFFIXES):
            yield _Entry(path, real, relative or Path(path).name)


def _below(
    folder: str,
    relative: str,
    skip: str | None,
    visited: set[str],
    unreadable: Unreadable,
) -> Iterator[_Entry]:
    """The files of a folder and of those below it, by name; none is entered twice, or `skip`."""
    real = os.path.realpath(folder)
    if real == skip or real in visited:
        return
    visited.add(real)
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        unreadable(error, Found(Path(folder), Path(relative)) if relative else None)
        return
    for entry in entries:
        below = f"{relative}/{entry.name}" if relative else entry.name
        if entry.name.startswith(".") or entry.name.endswith(BESIDE_SUFFIXES):
            continue
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError as error:
            unreadable(error, Found(Path(entry.path), Path(below)))
            continue
        if is_folder:
            yield from _below(entry.path, below, skip, visited, unreadable)
        elif is_file:
            apart = entry.is_symlink()
            unlinked = os.path.realpath(entry.path) if apart else f"{real}{os.sep}{entry.name}"
            yield _Entry(entry.path, unlinked, below)


def _matches(pattern: str) -> list[str]:
    """What a glob matches, hidden files only where it names them."""
    return sorted(glob.iglob(pattern, recursive=True))  # noqa: PTH207 (whose ** finds hidden ones)


def _fits(relative: str, patterns: Sequence[str], exclude: Sequence[str]) -> bool:
    name = relative.rpartition("/")[2]

    def fits(pattern: str) -> bool:
        return fnmatch.fnmatchcase(relative, pattern) or fnmatch.fnmatchcase(name, pattern)

    return (not patterns or any(map(fits, patterns))) and not any(map(fits, exclude))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def _is_same(path: Path, other: Path | None) -> bool:
    return other is not None and os.path.realpath(path) == os.path.realpath(other)


def target_of(found: Found, folder: Path, name: str, picture: PictureOptions) -> Path:
    """Where the output of a file goes: into the same place of the tree below `folder`.

    `name` is a pattern in Python's format syntax with the fields {stem}, {suffix}, {size}, which
    is x4 or 1080p, and {scale}, which is 4, or as {size} where that is no factor.
    The suffix is the source's where files of that kind are written here, else .png for still
    images and .mkv for all others. Raises InputError for a pattern with another field, and for
    one that gives no name, a path, or a name without suffix, which would be a folder.
    """
    try:
        parts = [
            (field, form or "")
            for _, field, form, _ in Formatter().parse(name)
            if field is not None
        ]
        fields = [field for field, _ in parts]
        if any(re.search(r"[{}]|\d{4}", form) for _, form in parts):
            raise ValueError("a width has at most 3 digits")
        unknown = [field for field in fields if field not in _FIELDS]
        stem, suffix = found.path.stem, _suffix(found.path)
        size = picture.label
        factor = picture.factor
        scale = size.removeprefix("x") if factor is None or factor.denominator > 1 else int(factor)
        given = {"stem": stem, "suffix": suffix, "size": size, "scale": scale}
        made = "" if unknown else name.format(**given)
    except (ValueError, LookupError) as error:
        raise InputError(f"name {shown(name)}: is no pattern ({error})") from None
    if unknown:
        raise InputError(
            f"name {shown(name)}: no field {{{one_line(unknown[0], 40)}}}; allowed are {{stem}}, "
            "{suffix}, {size}, {scale}"
        )
    if made in ("", ".", "..") or any(mark in made for mark in ("/", os.sep, "\0")):
        raise InputError(f"name {shown(name)}: gives {shown(made)}, which is no file's name")
    if not Path(made).suffix:
        raise InputError(
            f"name {shown(name)}: gives {shown(made)}, which has no suffix; add {{suffix}}"
        )
    return folder / found.relative.parent / made


def _suffix(source: Path) -> str:
    """A suffix that can be written: the source's own, or one that holds what it is."""
    still = is_still(source)
    if _is_written(source.suffix, still):
        return source.suffix
    return ".png" if still else ".mkv"


@cache
def _is_written(suffix: str, still: bool) -> bool:
    try:
        if still:
            image_format(Path(f"image{suffix}"))
        else:
            default_encoder(format_of(Path(f"video{suffix}")), suffix)
    except OutputError:
        return False
    return True


def items(
    found: Sequence[Found], folder: Path, name: str, picture: PictureOptions
) -> list[tuple[Path, Path]]:
    """Each source with its output, see `target_of`.

    Raises OutputError where two would have one output, or an output would be a source.
    """
    sources = {os.path.realpath(each.path) for each in found}
    taken: dict[str, Path] = {}
    pairs = []
    for each in found:
        target = target_of(each, folder, name, picture)
        real = os.path.realpath(target)
        if real in taken:
            raise OutputError(
                f"{target}: would be the output of {taken[real]} and of {each.path}; name the "
                "folder above them, whose tree is kept, or run them apart"
            )
        if real in sources:
            raise OutputError(f"{target}: is an input itself; choose another folder or name")
        taken[real] = each.path
        pairs.append((each.path, target))
    return pairs
