"""Convolutions of bytes: twice as fast on CPUs with instructions for them, and a little coarser.

Features after a ReLU become 0..255 over the range that they take on a drawn picture, weights
-127..127 over their own for each feature: Krishnamoorthi 2018, "Quantizing deep convolutional
networks for efficient inference", arXiv 1806.08342, section 2. The first layer keeps its
precision, and so does all that is not in the stack `convs`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from vsr.core.errors import DeviceError
from vsr.networks.convolve import convolve
from vsr.networks.network import Network

_SIDE = 160  # pixels of the drawn picture
_DISCS = 1500


def quantized(network: Network) -> Network:
    """`network`, float32 and on the CPU, with its stack `convs` in int8; changed in place.

    Raises DeviceError where the network has no such stack, or works in RGB.
    """
    stack = getattr(network, "convs", None)
    if network.color != "y" or not isinstance(stack, nn.ModuleList) or len(stack) < 3:
        raise DeviceError(
            "precision int8 is for espcn, vespcn, srcnn and vdsr models; name one of them"
        )
    layers = [conv for conv in stack if isinstance(conv, nn.Conv2d)]
    watched = [_Watched(conv) for conv in layers[1:]]
    for place, layer in enumerate(watched, 1):
        stack[place] = layer
    with torch.inference_mode():
        network.subpixel(_drawn(2 * network.context + 1))
    highest = [layer.highest for layer in watched]
    for place, (conv, given) in enumerate(zip(layers[1:], highest, strict=True), 1):
        wanted = highest[place] if place < len(highest) else None
        stack[place] = Int8Conv(conv, given, wanted)
    return network


class _Watched(nn.Module):
    """A convolution, and the largest number it was given."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv, self.highest = conv, 0.0

    def forward(self, x: Tensor, relu: bool) -> Tensor:
        self.highest = max(self.highest, float(x.max()))
        return convolve(self.conv, x, relu)


class Int8Conv(nn.Module):
    """A convolution from bytes, or numbers that it rounds to bytes, to bytes or float32.

    Args:
        conv: what to stand for, in float32, of groups and dilation 1.
        highest: of its inputs, which are not negative.
        wanted: highest of its outputs, which come after a ReLU; None for float32 ones.
    """

    def __init__(self, conv: nn.Conv2d, highest: float, wanted: float | None) -> None:
        super().__init__()
        weight, bias = conv.weight.detach(), conv.bias
        self.step = max(highest, 1e-6) / 255
        self.wanted = None if wanted is None else max(wanted, 1e-6) / 255
        steps = weight.abs().amax((1, 2, 3)).clamp(min=1e-9) / 127
        rounded = (weight / steps[:, None, None, None]).round().clamp(-127, 127).to(torch.int8)
        self.geometry = [list(conv.stride), list(conv.padding), list(conv.dilation), conv.groups]
        self.register_buffer("steps", steps)
        self.register_buffer("zeros", torch.zeros(len(weight), dtype=torch.int64))
        self.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)
        self.packed = torch.ops.onednn.qconv_prepack(
            rounded, steps, self.step, 0, *self.geometry, None
        )

    def forward(self, x: Tensor, relu: bool) -> Tensor:
        if x.dtype != torch.uint8:
            x = (x * (1 / self.step)).round_().clamp_(0, 255).to(torch.uint8)
        large: Tensor = torch.ops.onednn.qconv2d_pointwise(
            *(x, self.step, 0, self.packed, self.steps, self.zeros, self.bias),
            *self.geometry,
            *(1.0 if self.wanted is None else self.wanted, 0),
            torch.float32 if self.wanted is None else torch.uint8,
            *("relu" if relu else "none", [], ""),
        )
        return large


def _drawn(frames: int) -> Tensor:
    """(1, frames, side, side) in [0, 1]: discs over each other, a little further in each frame."""
    random = np.random.default_rng(1)
    picture = np.zeros((_SIDE, _SIDE + frames), np.float32)
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    for _ in range(_DISCS):
        radius = 0.5 + 20 * random.random() ** 3
        row, column = random.random(2) * picture.shape
        picture[(y - row) ** 2 + (x - column) ** 2 < radius**2] = random.random()
    seen = [picture[:, n : n + _SIDE] for n in range(frames)]
    return torch.from_numpy(np.stack(seen))[None].clone()
