"""Begin a recurrent network as a smaller one and its mirror image, side by side.

A network restores a picture and the mirrored picture differently, and the mean of both is nearer to
the truth than either (Timofte et al. 2016, "Seven ways to improve example-based single image super
resolution", section 3.4). A cell twice as wide holds both from its first step on, and learns on.
One that treats the mirrored picture alike is put beside its image in a position that is new to it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vsr.networks.recurrent import Recurrent
from vsr.training.cell_shape import CELL, CellShape, State, by_grade, convolutions, shape_of
from vsr.training.symmetry import SYMMETRIES, blocks_of_image, positions_alike, turned


def doubled(state: State, network: Recurrent) -> State:
    """The tensors of a cell half as wide at the same scale, as those of `network`: it twice.

    One half of the features is that cell, the other its image in the first of
    `vsr.inference.ensemble.POSITIONS` that it does not treat alike: the mirrored one, upside down,
    or rows for columns. The detail is the mean of what both say, and the whole treats twice as many
    positions alike. They share the motion net and the last detail, and neither listens to the
    other's features yet. `state` as it is where it is no such cell, or treats all of them alike.
    """
    old, new = shape_of(state, network), CellShape.of(network)
    if old is None or not _is_half(old, new):
        return state
    alike = positions_alike(state, old, network.future)
    if alike == SYMMETRIES[-1]:
        return state
    image = turned(state, old, network.future, alike, blocks_of_image(alike))
    return side_by_side(state, image, old)


def side_by_side(one: State, other: State, shape: CellShape) -> State:
    """The tensors of a cell twice as wide that says the mean of what two cells of a shape say."""
    made = {name: value for name, value in one.items() if not name.startswith(CELL)}
    features, hidden, grades = shape.features, shape.hidden, shape.grades
    wide = torch.arange(2 * features).view(2, features)
    order = torch.cat([wide[:, :hidden].flatten(), wide[:, hidden:].flatten()])
    for name in convolutions(shape):
        weights, biases = (
            [by_grade(state[f"{name}.{kind}"], grades) for state in (one, other)]
            for kind in ("weight", "bias")
        )
        if name == "outward":
            weight = torch.cat(weights, 2)[:, :, order] / 2
            bias = (biases[0] + biases[1]) / 2
        elif name == "inward":
            own = _apart(*(weight[:, :, :hidden] for weight in weights))
            shown = torch.cat([weight[:, :, hidden:] for weight in weights], 1)
            weight = torch.cat([own, shown], 2)[:, order]
            bias = torch.cat(biases, 1)[:, order]
        else:
            weight = _apart(*weights)[:, order][:, :, order]
            bias = torch.cat(biases, 1)[:, order]
        made |= {f"{name}.weight": weight.flatten(0, 1), f"{name}.bias": bias.flatten()}
    return made


def _is_half(old: CellShape, new: CellShape) -> bool:
    """Whether a cell is half as wide as another, and else its like."""
    twice = (2 * old.features, 2 * old.hidden) == (new.features, new.hidden)
    return twice and (old.scale, old.pairs, old.grades) == (new.scale, new.pairs, new.grades)


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """Kernels (grades, features, channels, k, k) of two layers as one of a layer that holds both:
    the features of each see its own channels alone."""
    above = torch.cat([one, torch.zeros_like(other)], 2)
    return torch.cat([above, torch.cat([torch.zeros_like(one), other], 2)], 1)
