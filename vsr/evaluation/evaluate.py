"""Score a model on true pictures, the way the papers' tables are made.

Each picture's luma is cropped to a multiple of the scale, shrunk by MATLAB's bicubic, rounded
to 8 bits, enlarged by the model, rounded again, and compared without `scale` border pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from vsr.errors import InputError
from vsr.evaluation.metrics import SSIM_WINDOW, psnr, ssim
from vsr.evaluation.protocol import crop_to_multiple, reconstruct
from vsr.inference.engine import choose_engine, prepared
from vsr.media import Plane, list_media, read_luma
from vsr.networks import Network
from vsr.networks.catalogue import Model

PERFECT = 100.0
"""What a plane without any error (a black frame, say) counts in dB, so that means stay finite."""


@dataclass(frozen=True)
class Score:
    """How well one file was restored.

    Attributes:
        path: the true image or video.
        psnr: of the luma in dB, at most PERFECT; for a video the mean over its frames.
        ssim: of the luma, in [-1, 1]; for a video the mean over its frames.
        frames: how many frames were measured, 1 for an image.
    """

    path: Path
    psnr: float
    ssim: float
    frames: int = 1

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class Mean:
    """The mean of some scores, each file counting the same.

    Attributes:
        psnr: in dB.
        ssim: in [-1, 1].
        items: how many files it is of.
    """

    psnr: float
    ssim: float
    items: int


def evaluate(
    paths: Iterable[Path],
    model: Model,
    device: str = "auto",
    precision: str = "fp32",
    warn: Callable[[str], None] = lambda message: None,
) -> Iterator[Score]:
    """Yield the score of each image and video in `paths` (folders are searched) when known.

    `device` and `precision` are those of `vsr.inference.engine.choose_engine`. Videos of more
    than 8 bits are rounded to 8 before anything else, so that all scores share one peak.

    Raises InputError for a path that does not exist, a file that cannot be read or is too
    small, or where there is nothing to score; DeviceError for a device that is not there.
    """
    paths = list(paths)
    files = list_media(paths)
    if not files:
        places = ", ".join(str(path) for path in paths) or "no path given"
        raise InputError(f"nothing to evaluate ({places}): no image or video")
    engine = choose_engine(device, precision)
    network = prepared(model.network, engine)
    for path in files:
        truths = read_luma(path, warn=warn)
        scores = [_measure(network, truth, engine.device, path) for truth in truths]
        yield Score(path, _mean(s[0] for s in scores), _mean(s[1] for s in scores), len(scores))


def mean(scores: Sequence[Score]) -> Mean:
    """The mean of at least one score."""
    return Mean(_mean(s.psnr for s in scores), _mean(s.ssim for s in scores), len(scores))


def _measure(
    network: Network, truth: Plane, device: torch.device, path: Path
) -> tuple[float, float]:
    """PSNR in dB, at most PERFECT, and SSIM of one plane of the file at `path`."""
    scale = network.scale
    least = scale * math.ceil(SSIM_WINDOW / scale + 2)
    height, width = truth.shape
    if min(height, width) < least:
        raise InputError(
            f"{path}: {width}x{height} is too small to measure at scale {scale}: "
            f"both sides need {least} pixels"
        )
    truth = crop_to_multiple(truth, scale)
    picture = reconstruct(network, truth, device)
    return min(psnr(picture, truth, scale), PERFECT), ssim(picture, truth, scale)


def _mean(values: Iterable[float]) -> float:
    kept = list(values)
    return sum(kept) / len(kept)
