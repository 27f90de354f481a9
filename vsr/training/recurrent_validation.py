"""How good a recurrent network is by now, on clips that it does not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import torch

from vsr.datasets.ground_truth import Plane
from vsr.datasets.media import read_pictures
from vsr.evaluation.clip import restore_clip
from vsr.evaluation.degrade import Recording, Seen, seen
from vsr.evaluation.evaluate import CLIP_BORDER, bounded_psnr
from vsr.evaluation.protocol import enlarge
from vsr.networks.interpolation import Interpolation
from vsr.networks.recurrent import Recurrent


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
    told = recording.quantiser if recording else 0.0
    plain = Interpolation(network.scale).to(device)
    scores = []
    for one, restored in zip(clip, restore_clip(network, clip, device, told), strict=True):
        bicubic = one.truth.luma_of(enlarge(plain, [one.small], device))
        scores.append(_psnr(restored.picture, one) - _psnr(bicubic, one))
    return fmean(scores)


def _psnr(picture: Plane, one: Seen) -> float:
    return bounded_psnr(picture, one.truth.luma, CLIP_BORDER)
