"""Content loss: pictures compared by what an image classifier sees in them.

Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network" (CVPR), section 2.2.1: the squared distance between features of VGG-19, divided by 12.75
squared, so that it is of the size of the squared error of samples. Without a file of VGG-19's, the
features are those of EfficientNet-Lite0 at four depths, of which the finest sees patterns of a few
pixels. Each is divided by its own variance on photos, so that none drowns another, and their mean
is brought to the same size.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from vsr.training.efficientnet_lite import load_efficientnet_lite0
from vsr.training.vgg import load_vgg19

_VGG = 1 / 12.75**2  # Ledig et al. 2017, section 3.2: about 0.006

_VARIANCES = {0: 46.8, 2: 73.4, 4: 59.0, 8: 31.8}
"""Of the outputs of EfficientNet-Lite0's blocks, within channels: patches of training photos."""

_LITE = 0.025
"""What the mean of their relative distances, 0.5 between an EDSR's pictures x4 and photos, is
multiplied by: samples in -1..1, as the paper has them, differ there by a square of 0.013."""


class Content(nn.Module):
    """The content loss. Its weights are fixed; gradients pass to the picture compared.

    Attributes:
        network: (N, 3, H, W) RGB in [0, 1] to several features.
        weights: of the squared distance of each of these.
    """

    def __init__(self, network: nn.Module, weights: tuple[float, ...]) -> None:
        super().__init__()
        self.network, self.weights = network, weights

    def forward(self, guess: Tensor, truth: Tensor) -> Tensor:
        """The loss of (N, 3, H, W) against (N, 3, H, W), both RGB in [0, 1]: a scalar."""
        with torch.no_grad():
            wanted = self.network(truth.detach())
        parts = [
            weight * (found - aim).square().mean()
            for weight, found, aim in zip(self.weights, self.network(guess), wanted, strict=True)
        ]
        return torch.stack(parts).sum()


def load_content(features: Path | None = None) -> Content:
    """The content loss on VGG-19's features from a file, or else on EfficientNet-Lite0's.

    Raises ModelError where the file does not hold VGG-19, or, without a file, the extra
    `perceptual` is not installed.
    """
    if features:
        return Content(load_vgg19(features), (_VGG,))
    weights = tuple(_LITE / len(_VARIANCES) / variance for variance in _VARIANCES.values())
    return Content(load_efficientnet_lite0(tuple(_VARIANCES)), weights)
