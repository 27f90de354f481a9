"""Validation: PSNR on pictures and clips that are not trained on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

import torch

from vsr.core.errors import TrainingError
from vsr.core.events import Warn, ignore
from vsr.datasets.media import is_clip, list_items, list_media, read_luma
from vsr.degradation.compression import Compression
from vsr.evaluation.clip import restore_clip, restore_image
from vsr.evaluation.degrade import Recording, seen
from vsr.evaluation.measure import CLIP_BORDER, bounded_psnr
from vsr.networks import Network
from vsr.training.reading import read_examples

RECORDED = Recording(noise=3.0, compression=Compression("h264", 28))
"""What validation pictures become where recordings are learnt from: the middle of what comes."""


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


def in_both(data: Iterable[Path], validation: Iterable[Path]) -> list[Path]:
    """Files of the validation that are learnt from, too. Raises InputError as `list_media` does."""
    learnt = {os.path.realpath(file) for file in list_media(data)}
    return [file for file in list_media(validation) if os.path.realpath(file) in learnt]


@torch.inference_mode()
def validate(
    network: Network,
    items: Sequence[Path],
    device: torch.device,
    recording: Recording | None = None,
    warn: Warn = ignore,
) -> float | None:
    """Mean PSNR in dB by the protocol of `vsr eval`; None where there is nothing to measure on.

    With a `recording` the small pictures are made that. Files are read anew each time: clips may
    be longer than memory. `warn` is told of damaged ones. Recurrent networks have a score of their
    own, `validate_recurrent`.
    """
    if not items:
        return None
    return fmean(_item(network, item, device, recording, warn) for item in items)


def _item(
    network: Network, item: Path, device: torch.device, recording: Recording | None, warn: Warn
) -> float:
    border = _border(item, network.scale)
    small = seen(read_examples(item, network.color, warn=warn), network.scale, recording)
    if is_clip(item):
        restored = restore_clip(network, small, device)
    else:
        restored = (restore_image(network, image, device) for image in small)
    return fmean(bounded_psnr(one.picture, one.truth, border) for one in restored)


def _border(item: Path, scale: int) -> int:
    return CLIP_BORDER if is_clip(item) else scale
