"""What all tests of training share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from support.clips import Clip, make


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    """A run sets the number of torch's threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of five frames."""
    path = tmp_path_factory.mktemp("footage") / "real.mkv"
    make(path, Clip(48, 32, codec="ffv1", options={}, pts=tuple(range(5))))
    return path
