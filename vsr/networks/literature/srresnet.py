"""SRResNet: residual blocks with batch normalisation, the generator of SRGAN.

Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network", arXiv 1609.04802: section 2.1.1 and figure 4. 16 blocks of 64 features; a kernel of 9x9 at
both ends.

Batch normalisation (Ioffe & Szegedy 2015, arXiv 1502.03167) divides by statistics of the batch in
training alone. They are averaged, and afterwards the average is part of the convolution before it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.kernels import convolution
from vsr.networks.convolve import convolve
from vsr.networks.literature.large_output import LargeOutput
from vsr.networks.literature.options import check_positive, check_scale
from vsr.networks.literature.prelu import Prelu
from vsr.networks.literature.tails import PhaseTail, ShuffleTail

_ENDS = 9  # side of the kernels at both ends
_MOMENTUM = 0.1  # of the averages, a batch
_EPSILON = 1e-5  # added to variances


class Srresnet(LargeOutput):
    """RGB in, RGB out: (N, 3, H, W) in [0, 1] -> (N, 3, scale*H, scale*W), float32.

    The output may leave [0, 1] slightly. The paper has x4 alone; x2 and x3 have one stage of that
    factor instead of two of 2. Convolutions before a normalisation have no bias: it would be
    subtracted again.

    Args:
        scale: 2, 3 or 4.
        blocks: residual blocks.
        features: channels between the layers.
        light: for small networks: instead of the layers at the large size one that gives all phases
            of the output at once, as a residual over the bicubic upscale.
    """

    color = "rgb"

    def __init__(
        self, scale: int, blocks: int = 16, features: int = 64, light: bool = False
    ) -> None:
        super().__init__()
        check_scale(scale)
        check_positive(blocks=blocks, features=features)
        self.scale = scale
        self.head = nn.Conv2d(3, features, _ENDS, padding=_ENDS // 2)
        self.head_slope = Prelu(features)
        self.body = nn.ModuleList(_Block(features) for _ in range(blocks))
        self.body_end = Normalized(features)
        self.tail: PhaseTail | ShuffleTail
        if light:
            self.tail = PhaseTail(scale, features, 3)
        else:
            self.tail = ShuffleTail(scale, features, 3, _ENDS, "prelu")
        reach = _ENDS // 2 + 2 * blocks + 1 + self.tail.reach
        self.receptive_field = 2 * reach + 1

    def forward(self, x: Tensor) -> Tensor:
        shallow = self.head_slope(convolve(self.head, x.to(self.head.weight.dtype)))
        features = shallow
        for block in self.body:
            features = block(features)
        features = self.body_end(features) + shallow
        if isinstance(self.tail, PhaseTail):
            return self.tail(features, x)  # type: ignore[no-any-return]
        return self.tail(features).float()  # type: ignore[no-any-return]


class _Block(nn.Module):
    """Convolution, normalisation, PReLU, convolution, normalisation, and what came in: figure 4."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = Normalized(features)
        self.slope = Prelu(features)
        self.second = Normalized(features)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.slope(self.first(x))) + x  # type: ignore[no-any-return]


class Normalized(nn.Module):
    """A 3x3 convolution without bias, and batch normalisation: (N, C, H, W) -> (N, C, H, W).

    In training mode each channel is normalised by its mean and variance over the batch, which are
    averaged in `mean` and `variance`. In evaluation mode those averages count, so that a pixel
    depends on its surroundings alone. torch's BatchNorm2d counts its batches besides, in integers,
    which neither the averaging of weights nor model files know.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(features, features, 3, padding=1, bias=False)
        self.gain = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("variance", torch.ones(features))
        self.mean: Tensor
        self.variance: Tensor

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return F.batch_norm(
                convolve(self.conv, x),
                *(self.mean, self.variance, self.gain, self.bias),
                *(True, _MOMENTUM, _EPSILON),
            )
        weight, bias = self.folded()
        return convolution(x, weight.to(x.dtype), bias.to(x.dtype), padding=(1, 1))

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight (C, C, 3, 3) and bias (C,) of the convolution that evaluation comes to, float32.

        A variance below zero, which no picture has, counts as zero.
        """
        gain = self.gain.float() / (self.variance.clamp(min=0) + _EPSILON).sqrt()
        weight = self.conv.weight.float() * gain[:, None, None, None]
        return weight, self.bias.float() - self.mean * gain
