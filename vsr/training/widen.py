"""Begin a recurrent network from a smaller one: it says the same at first, and has more to learn.

As `net2net` does with stacks of convolutions, after Chen et al. 2016, "Net2Net: Accelerating
Learning via Knowledge Transfer" (arXiv 1511.05641).
"""

from __future__ import annotations

import torch

from vsr.networks.recurrent import Recurrent
from vsr.training.cell_shape import CELL, CellShape, State, by_grade, convolutions, shape_of


def widened(state: State, network: Recurrent) -> State:
    """The tensors of a smaller cell at the same scale, shaped as those of `network`.

    Further features have the random weights of the just initialised `network`, alike in all
    grades, but look at no earlier frame, and nobody listens to them; further pairs change nothing.
    A cell of one grade becomes every grade of several. `state` as it is where it is no smaller
    cell.
    """
    old, new = shape_of(state, network), CellShape.of(network)
    if old is None or old == new or not _fits(old, new):
        return state
    begun = network.state_dict()
    made = {name: value for name, value in state.items() if not name.startswith(CELL)}
    for name in convolutions(new):
        weight, bias = (by_grade(begun[f"{name}.{kind}"].clone(), new.grades) for kind in _KINDS)
        weight[:], bias[:] = weight[:1].clone(), bias[:1].clone()
        if f"{name}.weight" in state:
            part, level = (by_grade(state[f"{name}.{kind}"], old.grades) for kind in _KINDS)
            features, channels = part.shape[1:3]
            heard = torch.arange(channels)
            if name == "inward":  # the hidden state comes first, then what is shown
                heard[old.hidden :] += new.hidden - old.hidden
                weight[:, features:, : new.hidden] = 0
            weight[:, :features] = 0
            weight[:, :features, heard], bias[:, :features] = part, level
        elif name.endswith(".1"):  # the end of a further pair
            weight.zero_()
            bias.zero_()
        made |= {f"{name}.weight": weight.flatten(0, 1), f"{name}.bias": bias.flatten()}
    return made


_KINDS = ("weight", "bias")


def _fits(old: CellShape, new: CellShape) -> bool:
    """Whether the one may grow to the other."""
    sizes = ((old.features, new.features), (old.pairs, new.pairs), (old.hidden, new.hidden))
    same = old.scale == new.scale and old.grades in (1, new.grades)
    return same and all(one <= other for one, other in sizes)
