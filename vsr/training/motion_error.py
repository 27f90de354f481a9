"""Teaching a recurrent network's motion net alone: to see through what recording does.

The flow between two frames as they were recorded is to be that between the frames before: it is
judged by what it makes of the latter (as Meister et al. 2018, "UnFlow", judge flow by the picture
that it warps), and a little by the flow that the net's own past finds in them, which holds it where
nothing is to be seen.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vsr.core.resample import resize
from vsr.networks.vespcn import Motion, warp

_WARPED, _TAUGHT = 40.0, 0.25  # of the two errors: large and pixels, about as much each
_EDGE = 4  # pixels that are not judged: what they show may come from beyond
_TEXTURE = 0.04  # the step between samples of what can be followed well
_NEAR = 9  # pixels around one, by which texture is measured


def motion_error(motion: Motion, teacher: Motion, small: Tensor, large: Tensor) -> Tensor:
    """The error of the flow between each two frames in a row, both ways.

    Args:
        motion: what learns.
        teacher: what it was.
        small: (N, T, p, p) in [0, 1], as recorded.
        large: (N, T, s*p, s*p) in [0, 1], as it was.
    """
    clean = resize(large, *small.shape[-2:]).clamp(0, 1)
    (here, there), (shown, before) = _both_ways(small), _both_ways(clean)
    with torch.no_grad():
        wanted = teacher(shown, before)[:, 0].float()
    return flow_error(motion(here, there)[:, 0].float(), wanted, shown, before)


def flow_error(flow: Tensor, wanted: Tensor, shown: Tensor, before: Tensor) -> Tensor:
    """The error of flows between two frames each, one number for all.

    Args:
        flow: (N, 2, p, p) in pixels, found in the frames as they were recorded.
        wanted: the same, found by the teacher in the frames as they were.
        shown, before: (N, 1, p, p) in [0, 1], those frames; the flow leads from one to the other.
    """
    warped = ((warp(before, flow, "bicubic") - shown).square() + 1e-5).sqrt()
    off = ((flow - wanted).square().sum(1) + 1e-3).sqrt()
    astray = (off * _texture(shown)[:, 0]).mean()
    missed = warped[..., _EDGE:-_EDGE, _EDGE:-_EDGE].mean()
    error: Tensor = _WARPED * missed + _TAUGHT * astray
    return error


def _both_ways(frames: Tensor) -> tuple[Tensor, Tensor]:
    """(N, T, p, p) -> each frame and the one beside it: (2*N*(T-1), 1, p, p) twice."""
    later, earlier = frames[:, 1:].flatten(0, 1)[:, None], frames[:, :-1].flatten(0, 1)[:, None]
    return torch.cat([later, earlier]), torch.cat([earlier, later])


def _texture(frames: Tensor) -> Tensor:
    """How well each place can be followed: 0.1 to about 1.6."""
    across = F.pad((frames[..., 1:] - frames[..., :-1]).abs(), (0, 1))
    down = F.pad((frames[..., 1:, :] - frames[..., :-1, :]).abs(), (0, 0, 0, 1))
    steps = F.avg_pool2d(across + down, _NEAR, 1, _NEAR // 2)
    return 0.1 + (steps / _TEXTURE).clamp(max=1.5)
