"""Segments made by the machines of a Ray cluster."""

from __future__ import annotations

from vsr.errors import InputError
from vsr.jobs.make import Maker


def make_on(address: str) -> Maker:
    """What makes a job's segments on the cluster at `address`. Raises InputError."""
    raise InputError(f"cluster {address!r}: cannot be reached")
