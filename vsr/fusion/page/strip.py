"""What a page tells of each frame: whether it takes part, why, how much it counts, and where."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vsr.core.orientation import Orientation
from vsr.fusion.follow import Found
from vsr.fusion.judge import Verdict
from vsr.fusion.page.pictures import small_uri
from vsr.fusion.placement import moved, seen_at
from vsr.fusion.still import Fused

_SIDE = 160  # pixels of a frame's picture


def strip(fused: Fused, origin: Fraction) -> list[dict[str, Any]]:
    """A few facts and a small picture of each frame. `origin` is the file's start, in seconds."""
    most = max(verdict.weight for verdict in fused.used)
    return [_frame(verdict, fused, origin, most) for verdict in fused.verdicts]


def _frame(verdict: Verdict, fused: Fused, origin: Fraction, most: float) -> dict[str, Any]:
    window, info = verdict.window, fused.info
    facts: dict[str, Any] = {
        "number": window.number,
        "seconds": round(float(window.pts * info.time_base - origin), 3),
        "used": verdict.used,
        "reason": verdict.reason,
        "judged": verdict.judged,
        "found": window.found is not None,
        "quantiser": None if window.quantiser is None else round(window.quantiser, 1),
    }
    if window.found is None:
        return facts
    own = 1 / verdict.deviation**2
    return facts | {
        "weight": round(own / most, 3),
        "sharpness": round(verdict.sharpness, 3),
        "corners": [
            [round(float(x), 2), round(float(y), 2)] for x, y in _corners(window.found, fused)
        ],
        "picture": small_uri(_seen(window.found, fused), info, _SIDE),
    }


def _seen(found: Found, fused: Fused) -> torch.Tensor:
    """The region as the frame shows it, on the region's grid: (C, h, w)."""
    height, width = fused.track.region.shape
    planes = [
        seen_at(plane.numpy(), found.placement.matrix, width, height) for plane in found.colours
    ]
    return torch.from_numpy(np.stack(planes))


def _corners(found: Found, fused: Fused) -> NDArray[np.float64]:
    """(4, 2): the region's corners in the picture as it is shown, in its pixels, from its edge."""
    height, width = fused.track.region.shape
    ends = np.array([[0, 0], [width, 0], [width, height], [0, height]], float) - 0.5
    places = moved(found.placement.matrix, ends) + 0.5 + [found.box.x, found.box.y]
    info = fused.info
    return shown_points(places, info.orientation, info.width, info.height)


def shown_points(
    places: NDArray[np.float64], turned: Orientation, width: int, height: int
) -> NDArray[np.float64]:
    """Points (N, 2), x and y from the edge of a stored picture, as in the one that is shown."""
    across, down = turned.pair(width, height)
    shown = places[:, ::-1].copy() if turned.transposed else places.copy()
    if turned.flip_x:
        shown[:, 0] = across - shown[:, 0]
    if turned.flip_y:
        shown[:, 1] = down - shown[:, 1]
    return shown
