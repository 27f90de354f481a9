"""The images of a folder or a pattern, each by itself: one short run after another."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from vsr.core.errors import OutputError
from vsr.core.result import Run, in_all
from vsr.images.formats import written_name
from vsr.images.listing import list_images
from vsr.output.image_files import doubled_name, names_folder
from vsr.pipeline.numbered import target_names, target_pattern


def run_stills(
    source: Path,
    target: Path,
    overwrite: bool,
    run: Callable[[Path, Path, int, int], Run],
    first: int | None = None,
) -> Run:
    """Call `run` for each image of `source`, towards its name in `target`.

    Both are folders or patterns; `first` is the number of the first image of the target where
    that is a pattern, else of the source. Images finished before an error stay: each is complete
    by itself. Raises OutputError where `target` is neither, or holds a file that would be replaced
    without `overwrite`.
    """
    pattern = target_pattern(source, target)
    if pattern:
        files = list_images(source)
        folder, names = pattern.folder, target_names(pattern, source, files, first)
    else:
        if not names_folder(target):
            raise OutputError(f"{target}: images of several sizes need a folder to go to")
        files = list_images(source, first)
        folder, names = target, [written_name(file.name) for file in files]
    if doubled := doubled_name(names):
        raise OutputError(f"{folder}: two images would be named {doubled}")
    if not overwrite:
        for name in names:
            if (folder / name).exists():
                raise OutputError(
                    f"{folder / name}: exists already; -y or overwrite=True replaces it"
                )
    made = not folder.exists()
    folder.mkdir(exist_ok=True)
    runs: list[Run] = []
    try:
        for number, (file, name) in enumerate(zip(files, names, strict=True)):
            runs.append(run(file, folder / name, number, len(files)))
    finally:
        if made and not runs:
            with suppress(OSError):  # others have put something there: the error is what counts
                folder.rmdir()
    return in_all(runs)
