"""Blur estimation by the slopes of edges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.datasets.ground_truth import Plane

_FINE, _COARSE = 0.8, 1.6  # deviations in pixels: the first leaves little of noise and ringing
_STRONG = 0.9  # of the edges, by strength, are not looked at
_LEAST = 2.0  # sample values a pixel: below are noise and blocks


def crispness(planes: Iterable[Plane], among: float = 0.5) -> float | None:
    """How much the slopes of strong edges lose when they are blurred once more; 2 at most.

    Zhuo and Sim 2011, "Defocus map estimation from a single image" (Pattern Recognition 44,
    section 3): a step edge that a Gaussian of deviation w has blurred, blurred with two known ones
    a < b, has slopes in its middle that are as sqrt(w^2 + b^2) to sqrt(w^2 + a^2), so the less the
    larger w is. The median of that ratio over the strongest tenth of all edges.

    Edges in a scene are no ideal steps, and samples are no points: two ratios are to be compared,
    and none says w by itself. `planes` are (H, W) uint8. None for pictures without edges.
    """
    found = [_ratios(plane) for plane in planes]
    ratios = np.concatenate(found) if found else np.empty(0)
    return float(np.quantile(ratios, among)) if ratios.size else None


def _ratios(plane: Plane) -> NDArray[np.float32]:
    """At the crests of the strongest edges of a picture."""
    picture = plane.astype(np.float32)
    fine, coarse = (_slope(cv2.GaussianBlur(picture, (0, 0), s)) for s in (_FINE, _COARSE))
    crest = (fine >= cv2.dilate(fine, np.ones((3, 3), np.uint8))) & (fine > _LEAST)
    crest[[0, -1]] = crest[:, [0, -1]] = False
    if not crest.any():
        return np.empty(0, np.float32)
    crest &= fine >= np.quantile(fine[crest], _STRONG)
    return (fine[crest] / np.maximum(coarse[crest], 1e-3)).astype(np.float32)


def _slope(picture: NDArray[Any]) -> NDArray[np.float32]:
    """Its strength in sample values a pixel."""
    across, down = (cv2.Sobel(picture, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1)))
    return np.hypot(across, down).astype(np.float32)
