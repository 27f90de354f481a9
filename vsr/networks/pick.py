"""Planes moved by a flow to whole pixels: picked, not interpolated."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from vsr.core.kernels import is_traced


def pick(planes: Tensor, flow: Tensor, origin: tuple[int, int] = (0, 0)) -> Tensor:
    """Fetch each pixel from the nearest to where the flow points: out(p) = planes(p + flow(p)).

    (N, C, H, W) and (N, 2, h, w), x and y -> (N, C, h, w) in channels-last order: a part of the
    picture whose upper left pixel is `origin`, row and column. Beyond the border its pixels
    repeat.
    """
    count, channels, _, width = planes.shape
    rows = planes.permute(0, 2, 3, 1).reshape(-1, channels)
    x, y = _targets(planes, flow, 1, origin)
    picked = rows.index_select(0, (y * width + x).flatten())
    return picked.view(count, *flow.shape[-2:], channels).permute(0, 3, 1, 2)


def pick_detail(
    detail: Tensor, flow: Tensor, scale: int, origin: tuple[int, int] = (0, 0)
) -> Tensor:
    """The same for sub-pixel phases (N, scale**2, H, W), by the nearest large pixel.

    As if they were shuffled to the large size, moved there by scale * flow, rounded, and shuffled
    back; but what would come from beyond the border comes from the last small pixel within.
    """
    count, channels, _, width = detail.shape
    samples = detail.permute(0, 2, 3, 1).reshape(-1)
    x, y = _targets(detail, flow, scale, origin)  # of the upper left phase, in large pixels
    column, row = (n.div(scale, rounding_mode="floor") for n in (x, y))
    phase = (y - row * scale) * scale + (x - column * scale)
    table = _phases.__wrapped__ if is_traced() else _phases  # a traced width is none to remember
    places = table(scale, width).to(detail.device).index_select(0, phase.flatten())
    places += ((row * width + column) * channels).view(-1, 1)
    picked = samples.index_select(0, places.flatten())
    return picked.view(count, *flow.shape[-2:], channels).permute(0, 3, 1, 2)


def _targets(
    planes: Tensor, flow: Tensor, scale: int, origin: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Where each pixel is fetched from, in pixels of `scale` times the size: x and y (N, h, w).

    Within the picture. The planes of a batch are counted as one below the other.
    """
    height, width = planes.shape[-2:]
    steps = (flow * scale).round().int()
    ends = []
    for axis, (length, first) in enumerate(((width, origin[1]), (height, origin[0]))):
        own = torch.arange(steps.shape[3 - axis], dtype=torch.int32, device=flow.device) + first
        place = steps[:, axis] + own.mul_(scale).view(-1, *(1,) * axis)
        ends.append(place.clamp_(0, (length - 1) * scale))
    lanes = torch.arange(len(flow), dtype=torch.int32, device=flow.device)
    return ends[0], ends[1] + lanes.mul_(height * scale).view(-1, 1, 1)


@lru_cache(maxsize=16)
def _phases(scale: int, width: int) -> Tensor:
    """Where the phases of a small pixel lie that begins amid others: (scale**2, scale**2) int32.

    A row for each phase at which it may begin; places are counted in samples of channels-last
    planes of that width.
    """
    begin, phase = torch.arange(scale)[:, None], torch.arange(scale)
    beyond, rest = (begin + phase) // scale, (begin + phase) % scale
    columns = beyond * scale**2 + rest
    rows = beyond * (scale**2 * width) + rest * scale
    places = rows[:, None, :, None] + columns[None, :, None, :]
    return places.reshape(scale**2, scale**2).int()
