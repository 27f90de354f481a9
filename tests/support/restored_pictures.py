"""What networks make of shrunk pictures and clips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

from vsr.datasets.ground_truth import Picture, Plane
from vsr.evaluation.clip import restore_clip, restore_image
from vsr.evaluation.degrade import seen
from vsr.networks import Network


def reconstruct(network: Network, truth: Picture, device: torch.device) -> Plane:
    """What a network makes of a picture, shrunk: luma (H, W) uint8."""
    (small,) = seen([truth], network.scale)
    return restore_image(network, small, device).picture


def reconstruct_clip(
    network: Network, truths: Iterable[Picture], device: torch.device
) -> Iterator[tuple[Plane, Plane]]:
    """(restored, cropped truth) of each frame of a clip, shrunk: luma (H, W) uint8."""
    for frame in restore_clip(network, seen(truths, network.scale), device):
        yield frame.picture, frame.truth
