"""Loss functions."""

from __future__ import annotations

import torch
from torch import Tensor

MARGIN = 4  # small pixels at the edge of a window that lack their surroundings: not judged

# Weights beside the restoration's error; the first two are those of Caballero et al. 2017, 3.3.
_WARP, _SMOOTH, _KNOWN = 0.01, 0.001, 0.01


def restoration(guess: Tensor, truth: Tensor, kind: str, edge: int = 0) -> Tensor:
    """The error of (N, C, H, W) but for `edge` pixels on each side.

    "l2", the squared error, is the metric itself; "l1", the absolute one, is gentler where no
    network can know better, and "charbonnier" is smooth besides.
    """
    return restoration_of_each(guess, truth, kind, edge).mean()


def restoration_of_each(guess: Tensor, truth: Tensor, kind: str, edge: int = 0) -> Tensor:
    """`restoration` of each of the N by itself: (N,)."""
    inside = (..., slice(edge, guess.shape[-2] - edge), slice(edge, guess.shape[-1] - edge))
    off = guess[inside] - truth[inside]
    if kind == "l2":
        off = off.square()
    elif kind == "l1":
        off = off.abs()
    else:
        off = (off**2 + 1e-6).sqrt()
    return off.mean((1, 2, 3))


def motion(small: Tensor, aligned: Tensor, flow: Tensor, known: Tensor) -> Tensor:
    """How badly the neighbours were moved: warping error, roughness, and error of known flow.

    Args:
        small, aligned: (N, T, p, p), the window and its aligned copy.
        flow, known: (N, T-1, 2, p, p) in pixels; NaN in `known` is not judged.
    """
    centre = small.shape[1] // 2
    warped = _inside(aligned - small[:, centre : centre + 1]).square().mean()
    rows, columns = flow.diff(dim=-2)[..., 1:], flow.diff(dim=-1)[..., 1:, :]
    rough = (rows.square() + columns.square()).sum(2).add(0.01).sqrt().mean()
    return _WARP * warped + _SMOOTH * rough + _KNOWN * known_flow(flow, known)


def known_flow(flow: Tensor, known: Tensor) -> Tensor:
    """Mean distance in pixels between (N, T-1, 2, p, p) flows, where `known` is not NaN."""
    judged = ~_inside(known).isnan()
    error = torch.where(judged, _inside(flow) - _inside(known), 0.0)  # no NaN reaches gradients
    distance = error.square().sum(2).add(1e-4).sqrt()
    return (distance * judged[:, :, 0]).sum() / judged[:, :, 0].sum().clamp(min=1)


def _inside(x: Tensor) -> Tensor:
    return x[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
