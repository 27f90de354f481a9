"""The folders that belong to this user: what is kept, and what can be made again."""

from __future__ import annotations

from pathlib import Path

_NAME = "vsr"


def data_folder() -> Path:
    """What the user has put there: ~/.local/share/vsr on Linux. It need not exist."""
    from platformdirs import user_data_path  # networks run without it, too

    return user_data_path(_NAME, appauthor=False)


def cache_folder() -> Path:
    """What is made again where it is missing: ~/.cache/vsr on Linux. It need not exist."""
    from platformdirs import user_cache_path

    return user_cache_path(_NAME, appauthor=False)


def state_folder() -> Path:
    """What outlasts a run, such as jobs: ~/.local/state/vsr on Linux. It need not exist."""
    from platformdirs import user_state_path

    return user_state_path(_NAME, appauthor=False)
