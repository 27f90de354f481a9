"""The folder of a training run, while one is at work there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vsr.core.errors import OutputError, writing
from vsr.core.folders import make_folder
from vsr.training.begun import BEGUN
from vsr.util.file_lock import is_taken

LOG = "log.jsonl"


@contextmanager
def run_folder(folder: Path) -> Iterator[None]:
    """Make a run's folder, unless it is there, and keep other runs out of it for the block.

    Its log is begun at once: it tells that a run writes here, even where the first save fails
    halfway, and a folder that cannot be written is found before hours have gone into it. What
    ends with nothing written leaves neither a log nor what it began with.

    Raises OutputError where another run is at work there, or nothing can be written.
    """
    make_folder(folder)
    path = folder / LOG
    with writing(path):
        log = path.open("ab")
    with log:
        if is_taken(log.fileno()):
            raise OutputError(f"{folder}: another run is at work there; choose another folder")
        try:
            yield
        finally:
            with suppress(OSError):  # as Windows removes no open file
                files = {file for file in folder.iterdir() if file.is_file()}
                own = {path, folder / BEGUN} & files
                if not path.stat().st_size and files == own:
                    for file in own:
                        file.unlink()
