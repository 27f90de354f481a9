"""`vsr adapt --zero-shot`: a model file that has learnt from one image or clip alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vsr.adaptation.bursts import sample
from vsr.core.commit import commit_bytes
from vsr.core.errors import InputError, OutputError
from vsr.core.events import Warn
from vsr.core.options import ComputeOptions
from vsr.datasets.ground_truth import Samples
from vsr.datasets.media import is_clip, list_items, read_images
from vsr.inference.engine import Engine, choose_engine, torch_device
from vsr.networks.registry import load_model
from vsr.networks.zssr import Zssr
from vsr.pipeline.checks import check_footage
from vsr.training.checkpoint import model_file
from vsr.training.recipe import Recipe
from vsr.zero_shot.back_projection import enlarged
from vsr.zero_shot.course import Course, Learning
from vsr.zero_shot.estimated import Reduction, estimated
from vsr.zero_shot.kernel import Kernel
from vsr.zero_shot.learn import LEAST, Pictures, learn
from vsr.zero_shot.restore_image import Watch

_FRAMES = 6  # of a clip, at most
_UNWATCHED = Watch()


@dataclass(frozen=True)
class Learnt:
    """What came of it.

    Attributes:
        output: the model file.
        pictures: how many were learnt from.
        bicubic, after: PSNR in dB of the pictures, reduced by the kernel and enlarged again by
            bicubic and by what has been learnt: the mean over the pictures, in RGB. They are what
            it has learnt from, so this is no forecast.
        steps: how many were learnt.
    """

    output: Path
    pictures: int
    bicubic: float
    after: float
    steps: int


def adapt_zero_shot(
    footage: Path,
    output: Path,
    scale: int,
    course: Course,
    reduction: Reduction | None = None,
    gradual: bool = False,
    device: str = "auto",
    overwrite: bool = False,
    watch: Watch = _UNWATCHED,
) -> Learnt:
    """Have a network learn from an image, or from frames of a clip, and write it to `output`.

    `vsr.upscale` takes the file as its model, for that image or clip. Back-projection and the
    median of eight positions are `restore_image`'s alone.

    Args:
        footage: an image, a video, or a folder of images that is a clip.
        course, gradual: as for `vsr.zero_shot.learn.learn`.
        reduction: what the footage went through, if that is known.

    Raises InputError, DeviceError, OutputError and TrainingError as each gives cause.
    """
    if output.suffix != ".safetensors":
        raise OutputError(f"{output}: a model file must be named .safetensors")
    check_footage(footage, output, overwrite)
    if output.is_dir():
        raise OutputError(f"{output}: is a folder; name a file")
    engine = choose_engine(ComputeOptions(device=str(torch_device(device))))
    frames = _frames(footage, scale, course.seed, watch.warn)
    known = reduction or estimated(frames, scale, course.seed)
    watch.found(known)
    steps = 0

    def count(learning: Learning) -> None:
        nonlocal steps
        steps = learning.step
        watch.learning(learning)

    network = learn(
        Pictures(tuple(frames), known.kernel, known.noise),
        course,
        engine.device,
        lambda one, picture: enlarged(one, picture, engine),
        gradual,
        count,
    )
    bicubic, after = _measured(network, frames, known.kernel, engine)
    recipe = Recipe("zssr", scale, (), seed=course.seed)
    commit_bytes(output, model_file(network, recipe), overwrite)
    return Learnt(output, len(frames), bicubic, after, steps)


def _frames(footage: Path, scale: int, seed: int, warn: Warn) -> list[Tensor]:
    """The image, or frames spread over the clip, (1, 3, h, w) float32 RGB in [0, 1]."""
    items = list_items([footage])
    if len(items) != 1:
        raise InputError(f"{footage}: must be one image or one clip; it holds {len(items)}")
    (item,) = items
    if not is_clip(item):
        pictures = [picture.samples for picture in read_images([item], "rgb", warn)]
    else:
        seen = sample([item], scale, "rgb", np.random.default_rng(seed), warn)
        bursts = [*seen.learnt, *seen.held_back]
        chosen = bursts[:: -(-len(bursts) // _FRAMES)]
        pictures = [burst.frames[len(burst.frames) // 2] for burst in chosen]
    for samples in pictures:
        height, width = samples.shape[:2]
        if min(height, width) < LEAST * scale:
            raise InputError(
                f"{footage}: {width}x{height} pixels are too few to learn from at x{scale}: both "
                f"sides need {LEAST * scale}"
            )
    return [_tensor(samples) for samples in pictures]


def _tensor(samples: Samples) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(samples)).movedim(-1, 0)[None] / 255


def _measured(
    network: Zssr, frames: list[Tensor], kernel: Kernel, engine: Engine
) -> tuple[float, float]:
    """PSNR in dB of bicubic and of the network on the pictures' own reductions."""
    plain = load_model("bicubic", kernel.scale).network
    found = []
    for frame in frames:
        height, width = (side // kernel.scale * kernel.scale for side in frame.shape[-2:])
        truth = frame[..., :height, :width]
        small = kernel.reduce(truth).clamp(0, 1)
        bicubic = plain(small[0][:, None])[:, 0][None]
        found.append([_psnr(made, truth) for made in (bicubic, enlarged(network, small, engine))])
    return float(np.mean([one for one, _ in found])), float(np.mean([one for _, one in found]))


def _psnr(made: Tensor, truth: Tensor) -> float:
    error = torch.mean((made.clamp(0, 1) - truth) ** 2).item()
    return float(min(100.0, -10 * np.log10(max(error, 1e-10))))
