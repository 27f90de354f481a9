"""What remains of a check: the map of differences, and the figures in the record."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from vsr.consistency.check import Consistency
from vsr.core.commit import commit_bytes
from vsr.core.errors import OutputError
from vsr.core.frame import as_pixels
from vsr.core.paths import check_output
from vsr.images.encode import encode
from vsr.images.metadata import Metadata
from vsr.pipeline.checks import input_files
from vsr.provenance.sidecar import read_record, record_path, write_record

WHITE = 16.0
"""Levels of 255 that the map shows as white."""
BLOCK = "consistency"
"""Where a record holds the figures."""


def check_targets(
    output: Path, source: Path, heat_map: Path | None, record: bool, overwrite: bool
) -> None:
    """Raise OutputError, before any work, where a result could not be written."""
    if heat_map is not None:
        if heat_map.suffix.lower() != ".png":
            raise OutputError(f"{heat_map}: the map of differences is a .png")
        check_output(heat_map, overwrite, input_files([output, source]))
    if record and read_record(record_path(output)) is None:
        raise OutputError(f"{record_path(output)}: no record to add to; `vsr upscale` writes it")


def write_map(found: Consistency, target: Path, overwrite: bool) -> None:
    """The mean difference at each source pixel: black is none, white WHITE levels or more."""
    shown = np.clip(found.heat / WHITE, 0, 1)
    coloured = cv2.applyColorMap(np.rint(shown * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    pixels = as_pixels(np.where(shown[..., None] >= 1, 255, coloured).astype(np.uint8))
    commit_bytes(target, encode(pixels, target, Metadata()), overwrite)


def add_to_record(found: Consistency) -> None:
    """Add the figures to the record beside the output, in place of older ones."""
    path = record_path(found.output)
    record = read_record(path)
    if record is None:
        raise OutputError(f"{path}: no record to add to")
    facts = {name: value for name, value in found.facts().items() if name != "output"}
    write_record(path, {**record, BLOCK: facts})
