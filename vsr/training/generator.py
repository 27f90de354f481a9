"""What a recording did to a sharp picture, as a network that learnt it from recordings.

After the high-to-low network of Bulat, Yang & Tzimiropoulos 2018, "To learn image super-resolution,
use a GAN to learn how to do image degradation first" (ECCV; section 3.2): a sharp picture and
noise in, a small picture out. Theirs makes faces of 16 x 16 pixels. This one is shallow and takes
pictures of any size; its noise is a map, as a sensor's is, instead of one vector; what it does is
added to the pooled picture, and is detail alone; and it is told where the blocks of an encoder lie,
as convolutions do not know it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.errors import ModelError, TrainingError
from vsr.picture import Samples
from vsr.training.compression import as_frames, as_samples
from vsr.training.recipe import BLOCK

NOISES = 4
"""Planes of noise that a generator sees."""

_CHANNELS = {"y": 1, "rgb": 3}
_AROUND = 9  # pixels: more than a block
_PLACES = 4  # planes that say where in a block a pixel is
_KIND = "degradation"  # of a model file


class Generator(nn.Module):
    """(N, C, scale*H, scale*W) in [0, 1] and (N, NOISES, H, W) -> (N, C, H, W), about [0, 1].

    As it begins, its output is the picture pooled by the mean. C is 1 for color "y" and 3 for
    "rgb". Noise is normal, new for each frame. The upper left corner is a block's.

    Attributes:
        scale: the factor between the sides.
        color: "y" or "rgb", as of the network that is to learn from it.
    """

    def __init__(self, scale: int, color: str = "y", features: int = 16, blocks: int = 3) -> None:
        super().__init__()
        self.scale, self.color = scale, color
        self.options: dict[str, Any] = {"color": color, "features": features, "blocks": blocks}
        channels = _CHANNELS[color]
        seen = channels * scale**2 + NOISES + _PLACES
        self.head = nn.Conv2d(seen, features, 3, padding=1)
        self.body = nn.ModuleList(_Residual(features) for _ in range(blocks))
        self.tail = nn.Conv2d(features, channels, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        assert self.tail.bias is not None
        nn.init.zeros_(self.tail.bias)

    def forward(self, large: Tensor, noise: Tensor) -> Tensor:
        seen = [F.pixel_unshuffle(large - 0.5, self.scale), noise, _places(noise)]
        x = F.leaky_relu(self.head(torch.cat(seen, 1)), 0.2)
        for block in self.body:
            x = block(x)
        change: Tensor = self.tail(x)
        return self.pooled(large) + detail(change.float())

    def pooled(self, large: Tensor) -> Tensor:
        """The small picture that nothing happened to: (N, C, H, W)."""
        return F.avg_pool2d(large, self.scale)


class _Residual(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.second(F.leaky_relu(self.first(x), 0.2))
        return x + change


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
            line = " ".join(str(error).split())
            raise ModelError(
                f"{path}: cannot be read as a learned degradation ({line[:200]})"
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
