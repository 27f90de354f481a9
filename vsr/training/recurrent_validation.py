"""How good a recurrent network is by now, on clips that it does not learn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from vsr.core.quality import Quality
from vsr.datasets.ground_truth import Plane
from vsr.datasets.media import read_pictures
from vsr.evaluation.degrade import Recording, Seen, seen
from vsr.evaluation.evaluate import CLIP_BORDER, bounded_psnr
from vsr.evaluation.protocol import enlarge
from vsr.model_selection.noise import noise
from vsr.networks.interpolation import Interpolation
from vsr.networks.recurrent import Recurrent, quality_planes


@torch.inference_mode()
def validate_recurrent(
    network: Recurrent, items: Sequence[Path], device: torch.device, recording: Recording
) -> float:
    """Mean gain over bicubic in dB, of clean clips and of recorded ones, half and half."""
    clean = fmean(gain(network, item, device, None) for item in items)
    recorded = fmean(gain(network, item, device, recording) for item in items)
    return (clean + recorded) / 2


def gain(
    network: Recurrent, item: Path, device: torch.device, recording: Recording | None
) -> float:
    """How much higher a clip's mean PSNR is than bicubic's, in dB."""
    clip = list(seen(read_pictures(item, "y"), network.scale, recording))
    quality = Quality(26.0 if recording else 0.0, fmean(noise(one.small) for one in clip[:3]))
    plain = Interpolation(network.scale).to(device)
    restored = restore_sequence(network, [one.small for one in clip], quality, device)
    scores = []
    for one, picture in zip(clip, restored, strict=True):
        bicubic = enlarge(plain, [one.small], device)
        scores.append(_psnr(picture, one) - _psnr(bicubic, one))
    return fmean(scores)


def _psnr(picture: Plane, one: Seen) -> float:
    return bounded_psnr(picture, one.truth.luma, CLIP_BORDER)


def restore_sequence(
    network: Recurrent,
    small: Sequence[Plane],
    quality: Quality,
    device: torch.device,
) -> Iterator[Plane]:
    """What a network makes of the frames of one shot (H, W) uint8, in order."""
    frames = torch.from_numpy(np.stack(small)).to(device).float()[None] / 255
    planes = quality_planes(quality).to(device)
    last = len(small) - 1
    state = network.start(frames[:, :1])
    for n in range(len(small)):
        places = [min(n + ahead, last) for ahead in range(network.future + 1)]
        phases, state = network.step(frames[:, places], state, planes)
        picture = torch.nn.functional.pixel_shuffle(phases, network.scale)[0, 0]
        yield (picture * 255).round_().clamp_(0, 255).to(torch.uint8).cpu().numpy()
