"""How good the weights are by now: PSNR on pictures and clips that they do not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import torch

from vsr.errors import TrainingError
from vsr.evaluation.clip import reconstruct_clip
from vsr.evaluation.evaluate import CLIP_BORDER, bounded_psnr
from vsr.evaluation.protocol import cropped, reconstruct
from vsr.media import is_clip, list_items, read_luma, read_pictures
from vsr.networks import Network


def validation_items(paths: Sequence[Path], scale: int) -> list[Path]:
    """The images, videos and folders of frames in `paths`, as `vsr eval` finds them.

    Raises TrainingError where there are paths but nothing in them, or a picture in them is too
    small; InputError for a path that does not exist or a file that cannot be read.
    """
    items = list_items(paths)
    if paths and not items:
        raise TrainingError("no image or video among the validation paths")
    for item in items:
        least = 2 * _border(item, scale) + scale
        for plane in read_luma(item):
            if min(plane.shape) < least:
                raise TrainingError(f"{item}: validation at x{scale} needs {least} pixels a side")
            break  # all frames of a clip have one size
    return items


@torch.inference_mode()
def validate(network: Network, items: Sequence[Path], device: torch.device) -> float | None:
    """Mean PSNR in dB by the protocol of `vsr eval`; None where there is nothing to measure on.

    Files are read anew each time: clips may be longer than memory.
    """
    return fmean(_item(network, item, device) for item in items) if items else None


def _item(network: Network, item: Path, device: torch.device) -> float:
    pictures, border = read_pictures(item, network.color), _border(item, network.scale)
    if is_clip(item):
        pairs = reconstruct_clip(network, pictures, device)
        return fmean(bounded_psnr(picture, truth, border) for picture, truth in pairs)
    truth = cropped(next(pictures), network.scale)
    return bounded_psnr(reconstruct(network, truth, device), truth.luma, border)


def _border(item: Path, scale: int) -> int:
    return CLIP_BORDER if is_clip(item) else scale
