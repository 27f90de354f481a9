"""The papers' experiment on a clip: shrink its frames, and enlarge them with their neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from vsr.evaluation.protocol import crop_to_multiple, degrade
from vsr.inference.engine import enlarge_luma
from vsr.inference.windows import windows
from vsr.media import Plane
from vsr.networks import Network
from vsr.video.frame import Frame
from vsr.video.shots import mark_shots


@dataclass(frozen=True)
class Restored:
    """One frame of a clip, enlarged again.

    Attributes:
        picture: what the network made of it, (H, W) uint8.
        truth: the true frame, cropped to a multiple of the scale, (H, W) uint8.
        starts_shot: whether a new shot begins with it, as far as its small version shows.
    """

    picture: Plane
    truth: Plane
    starts_shot: bool


def restore_clip(
    network: Network, truths: Iterable[Plane], device: torch.device
) -> Iterator[Restored]:
    """What `network`, on `device`, makes of the degraded frames of a clip, in order.

    The frames take the way that `vsr upscale` sends them: shots are found on the degraded
    frames, and each is restored from a window that does not reach beyond its shot. `truths`
    are (H, W) uint8 of one size. No more of them are held than the windows need, and a
    picture that stands still is held once.
    """
    waiting: dict[int, Plane] = {}  # by the frame's number, which is its pts

    def degraded() -> Iterator[Frame]:
        last: Plane | None = None
        for number, truth in enumerate(truths):
            cropped = crop_to_multiple(truth, network.scale)
            if last is None or not np.array_equal(cropped, last):
                last = cropped
            waiting[number] = last
            yield Frame((degrade(last, network.scale),), number, 1)

    seen: tuple[Frame, ...] = ()
    picture: Plane | None = None
    for window in windows(mark_shots(degraded(), 255), network.context):
        if picture is None or window.frames is not seen:  # without context, a repeated picture
            planes = [frame.planes[0] for frame in window.frames]
            picture = enlarge_luma(network, planes, 255, device).astype(np.uint8, copy=False)
            seen = window.frames
        for number, _ in window.times:
            starts_shot = window.centre.starts_shot and window.centre.pts == number
            yield Restored(picture, waiting.pop(number), starts_shot)


def reconstruct_clip(
    network: Network, truths: Iterable[Plane], device: torch.device
) -> Iterator[tuple[Plane, Plane]]:
    """(restored, cropped truth) of each frame, both (H, W) uint8: see `restore_clip`."""
    for frame in restore_clip(network, truths, device):
        yield frame.picture, frame.truth
