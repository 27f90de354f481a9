"""The folder of a training run, while one is at work there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vsr.core.errors import OutputError, writing
from vsr.core.folders import make_folder
from vsr.core.paths import check_output_folder
from vsr.training.begun import BEGUN
from vsr.util.file_lock import is_taken

LOG = "log.jsonl"


@dataclass(frozen=True)
class RunFiles:
    """What a run of any kind writes.

    Attributes:
        checkpoint: what it goes on from.
        best: the weights that it is for.
        log: how it stood at each save.
    """

    checkpoint: Path
    best: Path
    log: Path

    @classmethod
    def of(cls, folder: Path, read: Sequence[Path]) -> RunFiles:
        """Those in a folder, where a run may write that reads `read`.

        Raises OutputError where it may not, as where weights lie there that no run wrote.
        """
        check_output_folder(folder, read)
        files = cls(folder / "checkpoint.pt", folder / "best.safetensors", folder / LOG)
        if files.best.exists() and not (files.checkpoint.exists() or files.log.exists()):
            raise OutputError(
                f"{files.best}: exists already, and no {files.log.name} beside it says that a run "
                "wrote it; choose another folder"
            )
        return files


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
