"""What a file says of the shape of a recurrent network's cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from vsr.networks.recurrent import Recurrent

State = dict[str, Tensor]

CELL = ("inward.", "blocks.", "outward.")
"""What the names of its tensors begin with."""


@dataclass(frozen=True)
class CellShape:
    """As the arguments of `Recurrent` have it.

    Attributes:
        scale, features, pairs, hidden, grades: of the cell.
    """

    scale: int
    features: int
    pairs: int
    hidden: int
    grades: int

    @classmethod
    def of(cls, network: Recurrent) -> CellShape:
        """A network's own."""
        pairs = len(network.blocks)
        return cls(network.scale, network.features, pairs, network.hidden, network.grades)


def convolutions(shape: CellShape) -> Iterator[str]:
    """Their names, in the order in which they follow each other."""
    yield "inward"
    for pair in range(shape.pairs):
        yield f"blocks.{pair}.0"
        yield f"blocks.{pair}.1"
    yield "outward"


def by_grade(tensor: Tensor, grades: int) -> Tensor:
    """Weights or biases of a convolution (grades * features, ...) -> (grades, features, ...)."""
    return tensor.view(grades, -1, *tensor.shape[1:])


def shape_of(state: State, like: Recurrent) -> CellShape | None:
    """The shape of the cell whose tensors these are, if it is shown the planes that `like` is.

    None for what is no recurrent network.
    """
    outward, inward = state.get("outward.weight"), state.get("inward.weight")
    if outward is None or inward is None:
        return None
    features = outward.shape[1]
    grades = len(inward) // features
    scale = round((len(outward) / max(grades, 1)) ** 0.5)
    shown = like.inward.in_channels - like.hidden - like.scale**2
    hidden = inward.shape[1] - shown - scale**2
    pairs = sum(f"blocks.{number}.0.weight" in state for number in range(len(state)))
    whole = len(inward) == grades * features and len(outward) == grades * scale**2
    return CellShape(scale, features, pairs, hidden, grades) if whole and hidden > 0 else None
