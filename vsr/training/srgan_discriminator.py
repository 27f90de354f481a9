"""Discriminator network of SRGAN: restored pictures against true ones.

Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network" (CVPR), figure 4 and section 2.1: eight 3x3 convolutions of 64 to 512 kernels, each second
one with a stride, leaky ReLUs of 0.2, batch normalisation after all but the first, and two dense
layers, of 1024 and 1.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

LEAST_SIDE = 16
"""Pixels: what four strides leave one place of."""

_LEAK = 0.2
_LAYERS = (  # kernels in parts of the first layer's, and stride: figure 4
    (1, 1),
    (1, 2),
    (2, 1),
    (2, 2),
    (4, 1),
    (4, 2),
    (8, 1),
    (8, 2),
)
_DENSE = 16  # likewise: 1024 to 64


class SrganDiscriminator(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> (N,): the logit of being a true picture.

    Batch normalisation always uses the batch at hand: true and restored pictures are judged in
    batches of their own, and nothing but a step of its optimizer changes this network.

    Attributes:
        side: of the only pictures that it judges, a multiple of 16, as in the paper, whose first
            dense layer sees every place. None judges any of at least LEAST_SIDE pixels a side:
            that layer sees the mean over all places instead.
    """

    def __init__(self, features: int = 64, side: int | None = 96) -> None:
        super().__init__()
        self.side = side
        layers: list[nn.Module] = []
        channels = 3
        for number, (part, stride) in enumerate(_LAYERS):
            layers.append(nn.Conv2d(channels, part * features, 3, stride, padding=1))
            channels = part * features
            if number:
                layers.append(nn.BatchNorm2d(channels, track_running_stats=False))
            layers.append(nn.LeakyReLU(_LEAK))
        self.layers = nn.Sequential(*layers)
        places = (side // LEAST_SIDE) ** 2 if side else 1
        self.dense = nn.Linear(channels * places, _DENSE * features)
        self.verdict = nn.Linear(_DENSE * features, 1)

    def forward(self, x: Tensor) -> Tensor:
        seen: Tensor = self.layers(x * 2 - 1)
        flat = seen.flatten(1) if self.side else seen.mean((2, 3))
        judged: Tensor = self.verdict(F.leaky_relu(self.dense(flat), _LEAK))
        return judged.squeeze(1).float()


def told_apart(real: Tensor, restored: Tensor) -> Tensor:
    """The discriminator's loss on logits (N,): cross-entropy, 2 log 2 where it knows nothing.

    `restored` must be the verdict on detached pictures: the gradient of this loss is no business
    of the generator's.
    """
    return F.softplus(-real).mean() + F.softplus(restored).mean()


def taken_in(restored: Tensor) -> Tensor:
    """The generator's adversarial loss on logits (N,): -log D(G(x)), equation 6 of the paper.

    Not log(1 - D(G(x))), of which the game's equation 2 speaks: that has no slope left where the
    discriminator is sure, as it is at first.
    """
    return F.softplus(-restored).mean()
