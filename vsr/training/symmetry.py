"""Recurrent cells that treat all flips and turns of a picture alike, and stay so while they learn.

Cohen and Welling 2016, "Group Equivariant Convolutional Networks" (arXiv 1602.07576): features
come in blocks, one for each position that a picture can lie in, and what a block sees is what the
first one would see of the picture in that position. A cell whose weights are so answers the turned
picture with the turned answer. It is a plain cell all the same, and runs like one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from vsr.core.errors import TrainingError
from vsr.inference.ensemble import POSITIONS, moved
from vsr.networks.recurrent import Recurrent
from vsr.training.cell_shape import CellShape, State, by_grade, convolutions

SYMMETRIES = (1, 2, 4, 8)
"""How many positions may be treated alike: none but the picture's own, left and right, all flips,
all flips and turns."""

_ALIKE = 0.3  # of the weights' length, that they may be from being symmetric, to be made so
_ROUNDING = 1e-3  # the same, of what is symmetric and was rounded


class Symmetry:
    """Keeps a network's cell symmetric.

    Args:
        network: whose cell it is. Raises TrainingError where its features make no such blocks.
        positions: how many are treated alike, of SYMMETRIES.
    """

    def __init__(self, network: Recurrent, positions: int) -> None:
        self._network, self._positions = network, positions
        self._shape, self._orders = CellShape.of(network), list(_orders(positions))
        for name in ("features", "hidden"):
            if getattr(self._shape, name) % positions:
                raise TrainingError(
                    f"symmetry {positions}: {name} {getattr(self._shape, name)} must be a multiple "
                    "of it"
                )

    def begin(self, anew: bool) -> None:
        """Make the cell symmetric: one of random numbers, or one that is nearly so.

        Raises TrainingError for weights that are far from it.
        """
        state = self._network.state_dict()
        held = {name: state[name] for name in self._names()}
        made = self._mean(held)
        if anew:  # a mean of random numbers is smaller than they are
            made = {name: value * self._positions**0.5 for name, value in made.items()}
        elif _apart(made, held) > _ALIKE:
            alike = positions_alike(held, self._shape, self._network.future)
            raise TrainingError(
                f"symmetry {self._positions}: the weights to begin from have {alike}; take that, "
                "the weights of a network that has more, or none"
            )
        self._network.load_state_dict(made, strict=False)

    def keep(self) -> None:
        """Turn gradients to their mean over all positions: what is symmetric stays so.

        It is as if each step had seen its examples in all of them.
        """
        learning = dict(self._network.named_parameters())
        found = {name: learning[name].grad for name in self._names()}
        known = {name: value for name, value in found.items() if value is not None}
        if len(known) == len(found):  # else the motion net learns alone
            for name, value in self._mean(known).items():
                known[name].copy_(value)

    def _names(self) -> list[str]:
        names = convolutions(self._shape)
        return [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]

    def _mean(self, state: State) -> State:
        """The mean of tensors of the cell over all positions, which is symmetric."""
        each = [
            turned(state, self._shape, self._network.future, position, order)
            for position, order in enumerate(self._orders)
        ]
        return {name: torch.stack([one[name] for one in each]).mean(0) for name in state}


def positions_alike(state: State, shape: CellShape, future: int) -> int:
    """How many positions of a picture a cell's weights treat alike, of SYMMETRIES.

    `shape` and `future` are as `turned` has them.
    """
    names = [f"{name}.{kind}" for name in convolutions(shape) for kind in ("weight", "bias")]
    held = {name: state[name] for name in names}

    def is_alike(positions: int) -> bool:
        if shape.features % positions or shape.hidden % positions:
            return False
        each = (turned(held, shape, future, *one) for one in enumerate(_orders(positions)))
        return all(_apart(one, held) < _ROUNDING for one in each)

    return next((count for count in reversed(SYMMETRIES) if is_alike(count)), 1)


def turned(
    state: State, shape: CellShape, future: int, position: int, order: Sequence[int] = (0,)
) -> State:
    """The tensors of a cell that says of a picture what this one says of the picture turned back.

    Args:
        state: weights of the cell, or their gradients; all else is left as it is.
        shape, future: of the cell, and how many coming frames it is shown.
        position: one of `vsr.inference.ensemble.POSITIONS`, in which what it sees is to lie.
        order: which of as many blocks of features stands in place of each.
    """
    made = dict(state)
    hidden, count = shape.hidden, shape.features
    features = torch.cat([_moved(0, hidden, order), _moved(hidden, count, order)])
    phases = moved(torch.arange(shape.scale**2).view(shape.scale, -1), position).flatten()
    across, down = 2 + future, 3 + future  # the flow, among the planes that are shown
    planes = torch.arange(down + 3)
    signs = torch.ones(hidden + shape.scale**2 + len(planes))
    is_turned, flips = POSITIONS[position]
    if is_turned:
        planes[across], planes[down] = down, across
    begin = hidden + shape.scale**2
    signs[begin + across] = -1 if -1 in flips else 1
    signs[begin + down] = -1 if -2 in flips else 1
    seen = torch.cat([features[:hidden], hidden + phases, begin + planes])
    for name in convolutions(shape):
        rows = phases if name == "outward" else features
        columns = seen if name == "inward" else features
        weight = by_grade(moved(state[f"{name}.weight"], position), shape.grades)
        weight = weight[:, rows][:, :, columns]
        if name == "inward":
            weight = weight * signs.to(weight)[:, None, None]
        bias = by_grade(state[f"{name}.bias"], shape.grades)[:, rows]
        made[f"{name}.weight"], made[f"{name}.bias"] = weight.flatten(0, 1), bias.flatten()
    return made


def blocks_of_image(positions: int) -> list[int]:
    """Which block of a symmetric cell stands in place of each, in its image in the next position.

    For the cell and its image, one after the other, to be symmetric in twice as many positions.
    """
    grid = torch.arange(4).view(2, 2)
    image = [moved(moved(grid, n), positions) for n in range(positions)]
    wanted = [moved(grid, positions + n) for n in range(positions)]
    return [next(n for n, one in enumerate(image) if one.equal(aim)) for aim in wanted]


def _moved(begin: int, end: int, order: Sequence[int]) -> Tensor:
    """The channels from `begin` to `end`, whose equal blocks change places."""
    return torch.arange(begin, end).view(len(order), -1)[list(order)].flatten()


def _orders(count: int) -> Iterator[list[int]]:
    """For each of the first positions: from where it leads to each of them."""
    grid = torch.arange(4).view(2, 2)
    there = [moved(grid, n) for n in range(count)]
    for position in range(count):
        after = [moved(one, position) for one in there]
        yield [next(n for n, one in enumerate(after) if one.equal(aim)) for aim in there]


def _apart(one: State, other: State) -> float:
    """How far they are from each other, in parts of the other's length."""
    far, long = (
        torch.cat([value.flatten() for value in each]).norm()
        for each in ([one[name] - other[name] for name in one], other.values())
    )
    return float(far / long)
