"""The images of a folder, each by itself: one short run after another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vsr.core.errors import OutputError
from vsr.core.result import Run, in_all
from vsr.images.images import list_images
from vsr.output.image_files import names_folder


def run_stills(
    source: Path,
    target: Path,
    overwrite: bool,
    run: Callable[[Path, Path, int, int], Run],
) -> Run:
    """Call `run` for each image of the folder `source`, towards its name in `target`.

    Images finished before an error stay: each is complete by itself. Raises OutputError where
    `target` is no folder, or holds a file that would be replaced without `overwrite`.
    """
    if not names_folder(target):
        raise OutputError(f"{target}: images of several sizes need a folder to go to")
    files = list_images(source)
    if not overwrite:
        for file in files:
            if (target / file.name).exists():
                raise OutputError(
                    f"{target / file.name}: exists already; -y or overwrite=True replaces it"
                )
    made = not target.exists()
    target.mkdir(exist_ok=True)
    runs: list[Run] = []
    try:
        for number, file in enumerate(files):
            runs.append(run(file, target / file.name, number, len(files)))
    finally:
        if made and not runs:
            target.rmdir()
    return in_all(runs)
