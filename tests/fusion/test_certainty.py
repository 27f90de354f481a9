"""What the frames know between the pixels."""

from __future__ import annotations

import torch

from vsr.fusion.certainty import knowledge
from vsr.fusion.samples import Samples
from vsr.fusion.solve import Belief


def of_frames(shifts: list[float], weights: list[float], scale: int = 4) -> Samples:
    """Flat frames, each shifted by so many pixels along x, and counting so much."""
    rows, columns = torch.meshgrid(torch.arange(6), torch.arange(6), indexing="ij")
    grid = torch.stack([columns, rows], -1).reshape(-1, 2).float() * scale
    places = [grid + torch.tensor([shift * scale, 0.0]) for shift in shifts]
    count, each = len(grid), len(shifts)
    return Samples(
        places=torch.cat(places),
        values=torch.full((1, each * count), 0.5),
        weights=torch.tensor(weights).repeat_interleave(count),
        frames=torch.arange(each).repeat_interleave(count),
        kinds=torch.zeros(each * count, dtype=torch.int64),
        widths=(float(scale),),
        size=(24, 24),
        scale=scale,
    )


def axes(shifts: list[float], weights: list[float]) -> int:
    flat = torch.full((1, 1, 24, 24), 0.5)
    return knowledge(flat, flat, of_frames(shifts, weights), Belief(0.3, 1.0)).between_pixels


def test_frames_between_the_pixels_know_more() -> None:
    assert axes([0.0, 0.25, 0.5, 0.75], [1.0] * 4) == 1  # along x
    assert axes([0.0, 0.02, 1.0, 2.01], [1.0] * 4) == 0


def test_frames_that_hardly_count_tell_nothing_between_the_pixels() -> None:
    assert axes([0.0, 0.25, 0.5, 0.75], [1000.0, 1.0, 1.0, 1.0]) == 0
