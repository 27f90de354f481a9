"""How good a recurrent network is by now, on clips that it does not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch

from vsr.core.events import Warn, ignore
from vsr.datasets.ground_truth import Plane
from vsr.evaluation.clip import restore_clip
from vsr.evaluation.degrade import Recording, Seen, seen
from vsr.evaluation.measure import CLIP_BORDER, bounded_psnr
from vsr.evaluation.protocol import enlarge
from vsr.networks.interpolation import Interpolation
from vsr.networks.recurrent import Recurrent
from vsr.training.reading import read_examples


@dataclass(frozen=True)
class Gains:
    """How much higher the mean PSNR of each clip is than bicubic's, in dB, by the clips' names.

    Attributes:
        clean: reduced by MATLAB's bicubic alone.
        recorded: the same clips, noisy and coded.
    """

    clean: dict[str, float]
    recorded: dict[str, float]

    @property
    def means(self) -> tuple[float, float]:
        """Over the clean clips, and over the recorded ones."""
        return fmean(self.clean.values()), fmean(self.recorded.values())

    @property
    def score(self) -> float:
        """Half of each mean."""
        return fmean(self.means)


@torch.inference_mode()
def validate_recurrent(
    network: Recurrent,
    items: Sequence[Path],
    device: torch.device,
    recording: Recording,
    warn: Warn = ignore,
) -> Gains:
    """The gains on at least one clip, as they are and made that recording.

    `warn` is told of damaged ones.
    """
    names = _names(items)
    clean, recorded = (
        {
            name: gain(network, item, device, how, warn)
            for name, item in zip(names, items, strict=True)
        }
        for how in (None, recording)
    )
    return Gains(clean, recorded)


def _names(items: Sequence[Path]) -> list[str]:
    """Those of the files, or their whole paths where two have one name."""
    names = [item.stem for item in items]
    return names if len(set(names)) == len(names) else [str(item) for item in items]


def gain(
    network: Recurrent,
    item: Path,
    device: torch.device,
    recording: Recording | None,
    warn: Warn = ignore,
) -> float:
    """How much higher a clip's mean PSNR is than bicubic's, in dB."""
    clip = list(seen(read_examples(item, "y", warn=warn), network.scale, recording))
    told = recording.quantiser if recording else 0.0
    plain = Interpolation(network.scale).to(device)
    scores = []
    for one, restored in zip(clip, restore_clip(network, clip, device, told), strict=True):
        bicubic = one.truth.luma_of(enlarge(plain, [one.small], device))
        scores.append(_psnr(restored.picture, one) - _psnr(bicubic, one))
    return fmean(scores)


def _psnr(picture: Plane, one: Seen) -> float:
    return bounded_psnr(picture, one.truth.luma, CLIP_BORDER)
