"""Where a model is read from must be a file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from vsr.core.errors import ModelError


def model_file_facts(path: Path) -> os.stat_result:
    """What the system says of the model file at `path`.

    Raises ModelError, in one line, where nothing is there, or no file, or none for this user.
    """
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(f"{path}: no such model file") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    if stat.S_ISDIR(facts.st_mode):
        raise ModelError(f"{path}: is a folder; name a model file")
    if not stat.S_ISREG(facts.st_mode):
        raise ModelError(f"{path}: is no file")
    return facts
