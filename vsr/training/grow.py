"""Begin a larger network as a smaller one that is trained: it starts where that one ended.

Chen et al. 2016, "Net2Net: Accelerating Learning via Knowledge Transfer", arXiv 1511.05641,
with new features that nothing listens to yet instead of copied ones.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

State = dict[str, Tensor]


@torch.no_grad()
def grown(small: State, large: State) -> State:
    """The tensors of `small`, shaped as those of the just initialised `large`.

    Both are states of networks whose stack of 3x3 layers is called convs.N. What the large
    one has beyond the small one is added so that the result computes the same: further layers
    before the last one hand on what they get, further features keep their random weights
    while nobody listens to them, further frames on both sides count for nothing. A last layer
    for another scale begins anew. Tensors that cannot be fitted so are left out.
    """
    old, new = _layers(small), _layers(large)
    # An added layer sits between the small network's hidden layers and its last one.
    sources = {n: n for n in range(old - 1)} | {new - 1: old - 1} if 1 < old <= new else {}
    fitted: State = {}
    for name, value in large.items():
        layer = re.fullmatch(r"convs\.(\d+)\.(weight|bias)", name)
        if layer is None:
            found: Tensor | None = small.get(name)
            candidate = found if found is not None and found.shape == value.shape else None
        elif not sources:
            candidate = None
        else:
            number, kind = int(layer[1]), layer[2]
            source = sources.get(number)
            if source is not None:
                part = small[f"convs.{source}.{kind}"]
                candidate = _corner(part, value, centred=number == 0, last=number == new - 1)
            else:
                candidate = _identity(value, int(small[f"convs.{old - 2}.bias"].shape[0]))
        if candidate is not None:
            fitted[name] = candidate
    return fitted


def _layers(state: State) -> int:
    return len([name for name in state if re.fullmatch(r"convs\.\d+\.weight", name)])


def _corner(part: Tensor, whole: Tensor, centred: bool, last: bool) -> Tensor | None:
    """`whole` with `part` in its first channels; None where it does not go in."""
    if part.dim() != whole.dim() or part.shape[2:] != whole.shape[2:]:
        return None
    if part.shape[0] > whole.shape[0] or (last and part.shape[0] != whole.shape[0]):
        return None
    out = whole.clone()
    if part.dim() == 1:
        out[: len(part)] = part
        return out
    missing = whole.shape[1] - part.shape[1]
    if missing < 0 or (centred and missing % 2):
        return None
    first = missing // 2 if centred else 0  # the first layer's inputs are frames around a centre
    out[: part.shape[0]] = 0
    out[: part.shape[0], first : first + part.shape[1]] = part
    return out


def _identity(value: Tensor, channels: int) -> Tensor:
    """A layer that hands on its first `channels`: they are positive, so ReLU leaves them so."""
    out = value.clone()
    if value.dim() == 1:
        out[:channels] = 0
        return out
    out[:channels] = 0
    rows, columns = value.shape[2] // 2, value.shape[3] // 2
    for channel in range(channels):
        out[channel, channel, rows, columns] = 1
    return out
