"""Checks on input and output paths before any work is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from vsr.core.errors import InputError, OutputError
from vsr.core.options import READ_DEFAULTS, ReadOptions, UpscaleOptions
from vsr.core.outlet import as_file, check_outlet, leads_out
from vsr.core.paths import check_input, check_output, check_output_folder
from vsr.core.url import Pipe, Url
from vsr.datasets.media import VIDEO_SUFFIXES
from vsr.images.animated import is_still
from vsr.images.listing import is_image, is_image_folder, is_series, list_images
from vsr.output.image_files import names_folder
from vsr.pipeline.numbered import check_numbered_target, source_pattern, target_pattern
from vsr.util.text import counted


def file_of(source: Path | Url) -> Path | None:
    """The file or folder that a source is on this machine, if it is one."""
    return source.file if isinstance(source, Url) else source


def check_paths(
    source: Path | Url, target: Path, overwrite: bool, read: ReadOptions = READ_DEFAULTS
) -> None:
    """Raise InputError or OutputError where this job could not end well."""
    file = file_of(source)
    pattern = target_pattern(source, target)
    if isinstance(source, Pipe):
        source.inlet.check()
    elif file is not None and source_pattern(source):
        list_images(file, None if pattern else read.start_number)
    elif file is not None:
        if "%" not in file.name or file.suffix.lower() not in _OTHER_PICTURES:
            check_input(file)  # %d.hdr is told of its kind
        _check_kind(file)
    inputs = list(inputs_of(source))
    if leads_out(target):
        check_outlet(target, inputs)
        return
    if pattern:
        check_numbered_target(source, pattern, overwrite, read, inputs)
        return
    check_output_folder(target, inputs[:1])
    check_output(target, overwrite, inputs, folder=True)


def check_footage(footage: Path, target: Path, overwrite: bool) -> None:
    """The same for what a model learns from: of a folder that is all images and videos in it."""
    if footage.is_dir():
        check_input(footage)
        check_output(target, overwrite, input_files([footage]))
    else:
        check_paths(footage, target, overwrite)


def check_stream_options(target: Path, options: UpscaleOptions) -> None:
    """Raise OutputError for options that a target, as a pipe or as none, has no use for."""
    run = options.run
    if not leads_out(target):
        if options.encode.output_format != "auto":
            raise OutputError(
                f"{target}: output_format is for pipes; a file's suffix chooses its container"
            )
        return
    as_file(target, options.encode.output_format)
    for name in ("verify", "record", "keep_date"):
        if getattr(run, name):
            raise OutputError(f"{target}: {name} is for files, and this is a pipe; leave it out")


def check_dated(source: Path | Url, target: Path) -> None:
    """Raise InputError where a target cannot be given its source's time."""
    if not isinstance(source, Path) or not source.is_file():
        raise InputError(f"{source}: keep_date is for files, and this has no one date")
    if names_folder(target):
        raise InputError(f"{target}: keep_date is for files, and this is a folder")
    if target_pattern(source, target):
        raise InputError(f"{target}: keep_date is for files, and this is several")


_OTHER_PICTURES = {
    *(".hdr", ".cin", ".psd", ".svg", ".pdf"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2", ".orf"),
}
_VIDEOS = VIDEO_SUFFIXES | {
    *(".mpg", ".mpeg", ".vob", ".mts", ".m2ts", ".wmv", ".flv", ".3gp", ".ogv", ".gif", ".mxf"),
}
_CONVERT = "convert to .png or .tif, of 16 bits where there are more than 8"


def _check_kind(file: Path) -> None:
    """Raise InputError for pictures of a kind that is not read, and for a folder of videos."""
    if file.is_dir():
        _check_folder(file)
    elif file.suffix.lower() in _OTHER_PICTURES:
        raise InputError(f"{file}: {file.suffix} pictures are not read; {_CONVERT}")


def _check_folder(folder: Path) -> None:
    if is_image_folder(folder):
        return
    suffixes = [each.suffix.lower() for each in folder.iterdir() if not each.name.startswith(".")]
    videos = sum(suffix in _VIDEOS for suffix in suffixes)
    if videos:
        raise InputError(
            f"{folder}: holds no image but {counted(videos, 'video')}; `vsr batch {folder} "
            "OUTPUT_DIR` enlarges each file of a folder"
        )
    others = sorted({suffix for suffix in suffixes if suffix in _OTHER_PICTURES})
    if others:
        raise InputError(f"{folder}: {', '.join(others)} pictures are not read; {_CONVERT}")


def target_note(source: Path | Url, target: Path) -> str:
    """What to tell people of a video's output whose suffix may have been forgotten; else ""."""
    if (
        target.suffix
        or target.exists()
        or leads_out(target)
        or (isinstance(source, Path) and source.is_dir())
    ):
        return ""
    if isinstance(source, Path) and is_still(source):
        return ""
    return f"{target}: has no suffix, so it becomes a folder of PNGs; {target}.mp4 would be a video"


def inputs_of(source: Path | Url) -> Iterator[Path]:
    """All on this machine that a source is read from: what no run of it may write over."""
    file = source.inlet.file if isinstance(source, Pipe) else file_of(source)
    return input_files([file] if file else [])


def input_files(sources: Iterable[Path]) -> Iterator[Path]:
    """Each source and, of folders, the images: what no run of them may write over."""
    for source in sources:
        yield source
        with suppress(InputError, OSError):  # it holds none, or cannot be: that is told elsewhere
            if is_series(source):
                yield from list_images(source)


def idle_options(source: Path | Url, target: Path, read: ReadOptions) -> Iterator[str]:
    """A line for each option that was asked for and does nothing in this job.

    They are those for images; in a batch, which may hold all kinds, they are no error.
    """
    images = isinstance(source, Path) and (source.is_dir() or is_still(source))
    if read.stills and not images:
        yield f"{source}: stills does nothing: it is for folders of images, not for videos"
    if read.video_stream is not None and images:
        yield f"{source}: video_stream does nothing: it is for videos, not for images"
    if read.start_number is not None and not (
        source_pattern(source) or target_pattern(source, target)
    ):
        yield f"{target}: start_number does nothing: it is for images such as frame_%04d.png"
    if read.rate is None:
        return
    if not images:
        yield f"{source}: rate does nothing: it is for images, and a video keeps its own times"
    elif names_folder(target) or is_image(target):
        yield f"{target}: rate does nothing: it is for images that become a video"
