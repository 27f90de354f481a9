"""The papers' experiment on a clip: its small frames, enlarged with their neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from vsr.core.frame import Frame
from vsr.datasets.ground_truth import Picture, Plane, Samples
from vsr.evaluation.degrade import Seen
from vsr.evaluation.protocol import enlarge
from vsr.inference.windows import windows
from vsr.networks import Network
from vsr.video.shots import mark_shots


@dataclass(frozen=True)
class Restored:
    """One frame of a clip, enlarged again.

    Attributes:
        picture: the luma of what the network made of it, (H, W) uint8.
        truth: the luma of the true frame, cropped to a multiple of the scale, (H, W) uint8.
        starts_shot: whether a new shot begins with it, as far as its small version shows.
    """

    picture: Plane
    truth: Plane
    starts_shot: bool


def restore_clip(
    network: Network, clip: Iterable[Seen], device: torch.device
) -> Iterator[Restored]:
    """What `network`, on `device`, makes of the small frames of a clip, in order.

    The frames take the way that `vsr upscale` sends them: shots are found on the small
    frames' luma, and each is restored from a window that does not reach beyond its shot.
    No more of them are drawn than the windows need.
    """
    waiting: dict[int, Picture] = {}  # by the frame's number, which is its pts

    def small() -> Iterator[Frame]:
        for number, one in enumerate(clip):
            waiting[number] = one.truth
            yield Frame(_planes(one), number, 1)

    held: tuple[Frame, ...] = ()
    picture: Plane | None = None
    for window in windows(mark_shots(small(), 255), network.context):
        if picture is None or window.frames is not held:  # without context, a repeated picture
            samples = [_samples(frame) for frame in window.frames]
            first, _ = window.times[0]
            picture = waiting[first].luma_of(enlarge(network, samples, device))
            held = window.frames
        for number, _ in window.times:
            starts_shot = window.centre.starts_shot and window.centre.pts == number
            yield Restored(picture, waiting.pop(number).luma, starts_shot)


def restore_image(network: Network, image: Seen, device: torch.device) -> Restored:
    """What `network`, on `device`, makes of a small image, which is its own neighbours."""
    large = enlarge(network, [image.small] * (2 * network.context + 1), device)
    return Restored(image.truth.luma_of(large), image.truth.luma, starts_shot=True)


def _planes(one: Seen) -> tuple[Plane, ...]:
    """A small picture as the planes of a frame: luma, by which shots are found, and RGB."""
    if one.small.ndim == 2:
        return (one.small,)
    return (one.luma, *np.moveaxis(one.small, -1, 0))


def _samples(frame: Frame) -> Samples:
    """What the network sees of a frame with such planes."""
    planes = [plane.astype(np.uint8, copy=False) for plane in frame.planes]
    return np.stack(planes[1:], axis=-1) if len(planes) > 1 else planes[0]
