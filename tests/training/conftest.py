"""What all tests of training share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    """A run sets the number of torch's threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
