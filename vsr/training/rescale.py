"""Begin a recurrent network at one scale from one that was trained at another."""

from __future__ import annotations

import torch
from torch import Tensor

from vsr.networks.recurrent import Recurrent
from vsr.training.cell_shape import State, shape_of


def rescaled(state: State, network: Recurrent) -> State:
    """The tensors of a recurrent network at another scale, as they are at that of `network`.

    All but the ends of its cell are the same at every scale. The detail that goes in and out has a
    plane for each place within a pixel: what comes out is averaged over the places that each new
    one covers, and what goes in is spread over those that it lies in. `state` as it is, where the
    scale is the same or it is of no recurrent network.
    """
    shape, new = shape_of(state, network), network.scale
    if shape is None or shape.scale == new:
        return state
    scale, grades, hidden = shape.scale, shape.grades, shape.hidden
    outward, inward = state["outward.weight"], state["inward.weight"]
    made = dict(state)
    fewer = _places(new, scale)
    places = outward.reshape(grades, scale**2, *outward.shape[1:])
    made["outward.weight"] = torch.einsum("po,goikl->gpikl", fewer, places).flatten(0, 1)
    made["outward.bias"] = (state["outward.bias"].view(grades, -1) @ fewer.T).flatten()
    past, detail, planes = torch.split(
        inward, [hidden, scale**2, inward.shape[1] - hidden - scale**2], 1
    )
    spread = torch.einsum("fokl,op->fpkl", detail, _places(scale, new))
    made["inward.weight"] = torch.cat([past, spread, planes], 1)
    return made


def _places(new: int, old: int) -> Tensor:
    """(new**2, old**2): how much of each new place of a pixel the old ones cover, in parts of 1."""
    ends = torch.arange(new + 1) / new
    edges = torch.arange(old + 1) / old
    begin = torch.maximum(ends[:-1, None], edges[None, :-1])
    end = torch.minimum(ends[1:, None], edges[None, 1:])
    axis = (end - begin).clamp(min=0) * new
    return torch.kron(axis, axis)
