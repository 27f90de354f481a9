"""Net2Net: start a larger network from a trained smaller one.

Chen et al. 2016, "Net2Net: Accelerating Learning via Knowledge Transfer", arXiv 1511.05641,
with new features that nothing listens to yet instead of copied ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

State = dict[str, Tensor]


def grown(small: State, large: State) -> State:
    """Those tensors of `small` that fit, shaped as in the just initialised `large`.

    A stack of convolutions called convs.N may have become larger. What it has beyond the small
    one is added so that it computes the same: further layers before the last one hand on what
    they get, further features keep their random weights while nobody listens to them, further
    frames on both sides count for nothing. A last layer for another scale is left out, as is
    all else that does not fit; tensors outside the stack must have the same name and shape.
    """
    fitted = {
        name: small[name]
        for name, value in large.items()
        if not name.startswith("convs.") and name in small and small[name].shape == value.shape
    }
    for number, layer in enumerate(_grown_stack(_stack(small), _stack(large))):
        if layer is not None:
            fitted[f"convs.{number}.weight"] = layer.weight.flatten(1, 2)
            fitted[f"convs.{number}.bias"] = layer.bias
    return fitted


@dataclass(frozen=True)
class _Layer:
    """One convolution.

    Attributes:
        weight: (features, groups, inputs, k, k): a group is a copy of the layer before, with all
            its features, or, in the first layer, one frame.
        bias: (features,)
    """

    weight: Tensor
    bias: Tensor


def _stack(state: State) -> list[_Layer]:
    """The layers convs.N of a network; none where they are not such a stack."""
    layers: list[_Layer] = []
    inputs = 1
    while (weight := state.get(f"convs.{len(layers)}.weight")) is not None:
        bias = state.get(f"convs.{len(layers)}.bias")
        if bias is None or weight.dim() != 4 or weight.shape[1] % inputs:
            return []
        grouped = weight.reshape(len(weight), -1, inputs, *weight.shape[2:])
        layers.append(_Layer(grouped, bias))
        inputs = len(weight)
    return layers


def _grown_stack(old: list[_Layer], new: list[_Layer]) -> list[_Layer | None]:
    """The layers of `new` as those of `old`; None for one that begins anew."""
    if len(old) < 2 and len(old) != len(new):  # no hidden layer to begin from
        return []
    grown: list[_Layer | None] = []
    for number, layer in enumerate(new):
        if number == len(new) - 1:
            same_scale = len(layer.bias) == len(old[-1].bias)
            fits = same_scale and len(old) <= len(new)
            grown.append(_placed(old[-1], layer, number == 0) if fits else None)
        elif number < len(old) - 1:
            grown.append(_placed(old[number], layer, number == 0))
        else:
            grown.append(_handing_on(layer, len(old[-2].bias)))
    return grown


def _placed(part: _Layer, whole: _Layer, first: bool) -> _Layer | None:
    """`whole` with `part` as its first features, which listen to nothing else."""
    features, groups, inputs, *kernel = part.weight.shape
    wide = whole.weight.shape
    if [*wide[3:]] != kernel or features > wide[0] or inputs > wide[2]:
        return None
    further = wide[1] - groups
    if further and not (first and further > 0 and further % 2 == 0):  # as many on either side
        return None
    weight, bias = whole.weight.clone(), whole.bias.clone()
    weight[:features] = 0
    weight[:features, further // 2 : further // 2 + groups, :inputs] = part.weight
    bias[:features] = part.bias
    return _Layer(weight, bias)


def _handing_on(layer: _Layer, features: int) -> _Layer | None:
    """`layer`, handing on its first `features`: they are positive, so ReLU leaves them so."""
    wide, groups, inputs, rows, columns = layer.weight.shape
    if groups != 1 or features > min(wide, inputs):
        return None
    weight, bias = layer.weight.clone(), layer.bias.clone()
    channels = torch.arange(features)
    weight[:features] = 0
    weight[channels, 0, channels, rows // 2, columns // 2] = 1
    bias[:features] = 0
    return _Layer(weight, bias)
