"""The papers' experiment on a clip: shrink its frames, and enlarge them with their neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from vsr.evaluation.protocol import cropped, degrade, enlarge
from vsr.inference.windows import windows
from vsr.networks import Network
from vsr.picture import Picture, Plane, Samples
from vsr.video.frame import Frame
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
    network: Network, truths: Iterable[Picture], device: torch.device
) -> Iterator[Restored]:
    """What `network`, on `device`, makes of the degraded frames of a clip, in order.

    The frames take the way that `vsr upscale` sends them: shots are found on the degraded
    frames' luma, and each is restored from a window that does not reach beyond its shot.
    `truths` are of one size. No more of them are held than the windows need, and a picture
    that stands still is held once.
    """
    waiting: dict[int, Picture] = {}  # by the frame's number, which is its pts

    def degraded() -> Iterator[Frame]:
        last: Picture | None = None
        for number, truth in enumerate(truths):
            new = cropped(truth, network.scale)
            if last is None or not _show_same(new, last):
                last = new
            waiting[number] = last
            yield Frame(_planes(last, network.scale), number, 1)

    seen: tuple[Frame, ...] = ()
    picture: Plane | None = None
    for window in windows(mark_shots(degraded(), 255), network.context):
        if picture is None or window.frames is not seen:  # without context, a repeated picture
            small = [_samples(frame) for frame in window.frames]
            first, _ = window.times[0]
            picture = waiting[first].luma_of(enlarge(network, small, device))
            seen = window.frames
        for number, _ in window.times:
            starts_shot = window.centre.starts_shot and window.centre.pts == number
            yield Restored(picture, waiting.pop(number).luma, starts_shot)


def reconstruct_clip(
    network: Network, truths: Iterable[Picture], device: torch.device
) -> Iterator[tuple[Plane, Plane]]:
    """(restored, cropped truth) of each frame, luma (H, W) uint8: see `restore_clip`."""
    for frame in restore_clip(network, truths, device):
        yield frame.picture, frame.truth


def _show_same(one: Picture, other: Picture) -> bool:
    pairs = ((one.luma, other.luma), (one.samples, other.samples))
    return all(np.array_equal(a, b) for a, b in pairs)


def _planes(truth: Picture, scale: int) -> tuple[Plane, ...]:
    """A degraded picture as the planes of a frame: luma, by which shots are found, and RGB."""
    small = degrade(truth.luma, scale)
    if truth.samples.ndim == 2:
        return (small,)
    channels = np.moveaxis(degrade(truth.samples, scale), -1, 0)
    return (small, *channels)


def _samples(frame: Frame) -> Samples:
    """What the network sees of a frame with such planes."""
    planes = [plane.astype(np.uint8, copy=False) for plane in frame.planes]
    return np.stack(planes[1:], axis=-1) if len(planes) > 1 else planes[0]
