"""Parts of a picture, in its pixels and in the samples of its planes."""

from __future__ import annotations

GRID = 4
"""What is seen begins and ends on multiples of it: networks and chroma work on blocks of up to 4
pixels."""

Area = tuple[slice, slice]
"""Rows and columns."""


def samples(steps: tuple[int, int], area: Area, given: Area, scale: int = 1) -> Area:
    """Where the samples of the pixels `area` lie in a plane that holds those of `given`.

    Both are in small pixels. The plane is `scale` times as large, and has a row and a column for
    each of `steps`, as `PixelFormat.steps` gives them.
    """
    rows, columns = (
        slice((pixels.start - first) * scale // step, -(-(pixels.stop - first) * scale // step))
        for pixels, first, step in zip(area, (g.start for g in given), steps, strict=True)
    )
    return rows, columns
