"""Features of VGG-19 from a file: the content loss as SRGAN's paper has it.

Simonyan & Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition"
(ICLR), table 1, column E: sixteen 3x3 convolutions, a maximum pooling after the second, the
fourth, the eighth, the twelfth and the sixteenth.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from vsr.core.errors import ModelError
from vsr.util.text import one_line

_FEATURES = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # between poolings: column E
_MEAN = (0.485, 0.456, 0.406)  # of ImageNet, which torchvision's weights expect
_DEVIATION = (0.229, 0.224, 0.225)


class Vgg19(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> [(N, 512, H/16, W/16)], conv5_4 after its activation.

    That is phi_5,4 of Ledig et al. 2017, section 2.2.1. Weights are fixed. The layers are named
    as in torchvision: features.0 to features.34.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for features, convolutions in _FEATURES:
            for _ in range(convolutions):
                layers += [nn.Conv2d(channels, features, 3, padding=1), nn.ReLU()]
                channels = features
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers[:-1])
        for name, values in (("mean", _MEAN), ("deviation", _DEVIATION)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.features((x - self.mean) / self.deviation)]


def load_vgg19(path: Path) -> Vgg19:
    """VGG-19 with the weights of a safetensors file; what it holds besides is left alone.

    Raises ModelError where a convolution up to conv5_4 is missing or has another shape.
    """
    network = Vgg19()
    wanted = network.state_dict()
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path}: cannot be read as safetensors ({one_line(error, 200)})"
        ) from None
    for name, value in wanted.items():
        found = list(state[name].shape) if name in state else "missing"
        if found != list(value.shape):
            raise ModelError(f"{path}: no VGG-19: {name} must be {list(value.shape)}, is {found}")
    network.load_state_dict({name: state[name] for name in wanted})
    return network
