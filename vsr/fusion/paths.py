"""What `vsr fuse` may read, and where it may write."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from vsr.core.errors import OutputError
from vsr.core.paths import check_apart, check_input, check_output, check_output_folder
from vsr.fusion.options import FuseOptions
from vsr.images.listing import list_images
from vsr.images.numbered import pattern_of
from vsr.pipeline.checks import input_files


def check_paths(source: Path, files: Collection[Path], options: FuseOptions) -> None:
    """Raise InputError or OutputError where the source is none, or a file may not be written.

    An image that joined those of the source would be one of its frames the next time.
    """
    pattern = pattern_of(source)
    if pattern:
        list_images(source, options.read.start_number)
    else:
        check_input(source)
    for file in files:
        check_output(file, options.overwrite, input_files([source]))
        if pattern and file.parent == pattern.folder and pattern.number_of(file.name) is not None:
            raise OutputError(f"{file}: would be one of the images {source}; choose another name")
        if source.is_dir():
            check_output_folder(file.parent, [source / file.name])
    check_apart(files)
