"""Generator network of the degradation GAN: what a recording did to a sharp picture.

After the high-to-low network of Bulat, Yang & Tzimiropoulos 2018, "To learn image super-resolution,
use a GAN to learn how to do image degradation first" (ECCV; section 3.2): a sharp picture and
noise in, a small picture out. Theirs makes faces of 16 x 16 pixels. This one is shallow and takes
pictures of any size; what it does is added to the pooled picture, and is detail alone; and it is
told where the blocks of an encoder lie, as convolutions do not know it.

Its noise is a map, as a sensor's is, instead of one vector, and does not go through the layers
either: what happens on average and what is added at random are two outputs, the second a mixture of
filtered planes of noise. So it is known how far two recordings of one scene would differ, and this
can be learnt (see `learn_degradation`); where noise is one more input, it comes to be ignored.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.errors import ModelError, TrainingError
from vsr.datasets.ground_truth import Samples
from vsr.degradation.compression import as_frames, as_samples
from vsr.networks.leaky_residual import LeakyResidual
from vsr.training.recipe import BLOCK
from vsr.util.text import one_line

NOISES = 4
"""Planes of noise that a generator sees."""

_CHANNELS = {"y": 1, "rgb": 3}
_AROUND = 9  # pixels: more than a block
_GRAIN = 7  # pixels a side of what one value of noise reaches: nearly a block
_FAINT = 1 / 255  # of a sample: the gain of each plane of noise to begin with
_PLACES = 4  # planes that say where in a block a pixel is
_KIND = "degradation"  # of a model file


class Parts(NamedTuple):
    """What happens to pooled pictures, (N, C, H, W) each, in [0, 1] for black to white.

    Attributes:
        change: what always happens.
        noise: what is added besides, another time something else; zero in the mean.
        variance: of the noise, before it is made detail.
    """

    change: Tensor
    noise: Tensor
    variance: Tensor


class Generator(nn.Module):
    """(N, C, scale*H, scale*W) in [0, 1] and (N, NOISES, H, W) -> (N, C, H, W), about [0, 1].

    As it begins, its output is the picture pooled by the mean, with faint noise. C is 1 for
    color "y" and 3 for "rgb". Noise is normal, new for each frame. The upper left corner is a
    block's.

    Attributes:
        scale: the factor between the sides.
        color: "y" or "rgb", as of the network that is to learn from it.
    """

    def __init__(self, scale: int, color: str = "y", features: int = 16, blocks: int = 3) -> None:
        super().__init__()
        self.scale, self.color = scale, color
        self.options: dict[str, Any] = {"color": color, "features": features, "blocks": blocks}
        channels = _CHANNELS[color]
        self.head = nn.Conv2d(channels * scale**2 + _PLACES, features, 3, padding=1)
        self.body = nn.ModuleList(LeakyResidual(features) for _ in range(blocks))
        self.tail = nn.Conv2d(features, channels, 3, padding=1)
        self.gain = nn.Conv2d(features, NOISES, 3, padding=1)
        self.grains = nn.Conv2d(
            NOISES, NOISES * channels, _GRAIN, padding=_GRAIN // 2, groups=NOISES, bias=False
        )
        for layer, bias in ((self.tail, 0.0), (self.gain, _FAINT)):
            assert layer.bias is not None
            nn.init.zeros_(layer.weight)
            nn.init.constant_(layer.bias, bias)
        nn.init.normal_(self.grains.weight, std=1 / _GRAIN)

    def forward(self, large: Tensor, noise: Tensor) -> Tensor:
        parts = self.parts(large, noise)
        return self.pooled(large) + parts.change + parts.noise

    def parts(self, large: Tensor, noise: Tensor) -> Parts:
        """What happens, and what else may: the noise, filtered, times gains that fit the place."""
        x = torch.cat([F.pixel_unshuffle(large - 0.5, self.scale), _places(noise)], 1)
        x = F.leaky_relu(self.head(x), 0.2)
        for block in self.body:
            x = block(x)
        gain = self.gain(x).float().unsqueeze(2)  # (N, NOISES, 1, H, W)
        grains = self.grains(noise).float().unflatten(1, (NOISES, -1))
        power = self.grains.weight.square().sum((1, 2, 3)).view(NOISES, -1, 1, 1)
        return Parts(
            detail(self.tail(x).float()),
            detail((gain * grains).sum(1)),
            (gain.square() * power).sum(1),
        )

    def pooled(self, large: Tensor) -> Tensor:
        """The small picture that nothing happened to: (N, C, H, W)."""
        return F.avg_pool2d(large, self.scale)


@dataclass(frozen=True, eq=False)
class Learned:
    """A learned degradation of clips, used as a `degradations.Degradation` is.

    Attributes:
        generator: trained, on the CPU.
    """

    generator: Generator

    @classmethod
    def load(cls, path: Path, scale: int, color: str) -> Learned:
        """From a file of `save_generator`, for networks of that scale and colour.

        Raises ModelError for a file that is none, TrainingError for one of another scale or
        colour.
        """
        try:
            with safe_open(path, framework="pt") as file:
                facts = json.loads((file.metadata() or {}).get(_KIND, "null"))
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            generator = Generator(facts["scale"], **facts["options"])
            generator.load_state_dict(state)
        except (OSError, SafetensorError, RuntimeError, ValueError, TypeError, KeyError) as error:
            raise ModelError(
                f"{path}: cannot be read as a learned degradation ({one_line(error, 200)})"
            ) from None
        if (generator.scale, generator.color) != (scale, color):
            raise TrainingError(
                f"{path}: was learnt for x{generator.scale} and color {generator.color}, "
                f"not for x{scale} and color {color}"
            )
        return cls(generator.eval().requires_grad_(False))

    @torch.inference_mode()
    def apply(self, frames: Samples, scale: int, random: np.random.Generator) -> Samples:
        """What the camera would have recorded of the true `frames`.

        (T, H, W) luma or (T, H, W, 3) RGB uint8, sides divisible by `scale`, the generator's, to
        (T, H/scale, W/scale) or with colours likewise, rounded to uint8.
        """
        assert scale == self.generator.scale
        large = as_frames(frames)
        return as_samples(self.generator(large, draw_noise(large, scale, random)))


def detail(x: Tensor) -> Tensor:
    """How pixels of (N, C, H, W) differ from the mean of those around them.

    Recording changes detail. What is larger, light and colour, differs between photos and
    footage because of what they show, and is not to be learnt.
    """
    return x - F.avg_pool2d(x, _AROUND, 1, _AROUND // 2, count_include_pad=False)


def draw_noise(large: Tensor, scale: int, random: np.random.Generator) -> Tensor:
    """What a generator wants beside (N, C, H, W): (N, NOISES, H/scale, W/scale), on the CPU."""
    size = (len(large), NOISES, large.shape[2] // scale, large.shape[3] // scale)
    return torch.from_numpy(random.standard_normal(size, np.float32))


def generator_facts(generator: Generator) -> dict[str, str]:
    """What its file says beside its tensors."""
    return {_KIND: json.dumps({"scale": generator.scale, "options": generator.options})}


def _places(like: Tensor) -> Tensor:
    """Where in its block each pixel is, as sine and cosine along both sides: (N, 4, H, W)."""
    height, width = like.shape[-2:]
    down, across = (_turns(side, like) for side in (height, width))
    planes = (
        down[:, :, None].expand(-1, -1, width),
        across[:, None].expand(-1, height, -1),
    )
    return torch.cat(planes).expand(len(like), -1, -1, -1)


def _turns(length: int, like: Tensor) -> Tensor:
    """Sine and cosine, one turn a block: (2, length)."""
    centres = torch.arange(length, device=like.device, dtype=like.dtype) + 0.5
    angle = centres * (2 * math.pi / BLOCK)
    return torch.stack([angle.sin(), angle.cos()])
