"""The papers' experiment on a clip: its small frames, enlarged with their neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from vsr.core.frame import Frame
from vsr.core.quality import Quality
from vsr.core.resample import to_samples
from vsr.datasets.ground_truth import Picture, Plane, Samples
from vsr.evaluation.degrade import Seen
from vsr.evaluation.protocol import enlarge
from vsr.inference.steps import Step, steps
from vsr.inference.windows import windows
from vsr.model_selection.noise import noise
from vsr.networks import Network
from vsr.networks.recurrent import Recurrent
from vsr.networks.recurrent_state import State, quality_planes
from vsr.video.shots import mark_shots

_TIME_BASE = Fraction(1, 25)  # of all clips, whatever their rate


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
    network: Network, clip: Iterable[Seen], device: torch.device, quantiser: float = 0.0
) -> Iterator[Restored]:
    """What `network`, on `device`, makes of the small frames of a clip, in order.

    The frames take the way that `vsr upscale` sends them: shots are found on the small
    frames' luma, and each is restored from a window that does not reach beyond its shot, or by
    the steps of a recurrent network. No more of them are drawn than it needs. `quantiser`, on
    H.264's scale, is what a recurrent network is told of how they were coded.
    """
    waiting: dict[int, Picture] = {}  # by the frame's number, which is its pts

    def small() -> Iterator[Frame]:
        for number, one in enumerate(clip):
            waiting[number] = one.truth
            yield Frame(_planes(one), number, 1)

    frames = mark_shots(small(), 255)
    if isinstance(network, Recurrent):
        made = _by_steps(network, frames, device, quantiser)
    else:
        made = _by_windows(network, frames, device)
    for samples, centre, times in made:
        picture: Plane | None = None
        for number, _ in times:
            truth = waiting.pop(number)
            picture = truth.luma_of(samples) if picture is None else picture
            starts_shot = centre.starts_shot and centre.pts == number
            yield Restored(picture, truth.luma, starts_shot)


_Made = tuple[Samples, Frame, Sequence[tuple[int, int]]]
"""A large picture, the small frame it was made of, and the times at which it is shown."""


def _by_windows(network: Network, frames: Iterator[Frame], device: torch.device) -> Iterator[_Made]:
    held: tuple[Frame, ...] = ()
    samples: Samples | None = None
    for window in windows(frames, network.context):
        if samples is None or window.frames is not held:  # without context, a repeated picture
            samples = enlarge(network, [_samples(frame) for frame in window.frames], device)
            held = window.frames
        yield samples, window.centre, window.times


@torch.inference_mode()
def _by_steps(
    network: Recurrent, frames: Iterator[Frame], device: torch.device, quantiser: float
) -> Iterator[_Made]:
    state: State | None = None
    quality: Tensor | None = None
    last: Step | None = None
    coming: Tensor | None = None
    for step in steps(frames, network.future, network.warmup, _TIME_BASE):
        if quality is None:
            measured = noise(_samples(step.frames[0]))
            quality = quality_planes(Quality(quantiser, measured)).to(device)
        seen = np.stack([_samples(frame) for frame in step.frames])
        x = torch.from_numpy(seen).to(device)[None].float().div_(255)
        if state is None or step.fresh:
            state = network.start(x[:, :1])
        known = coming if last is not None and step.comes_after(last) else None
        coming = network.coming_flows(x, None if known is None else known[:, 1:])
        flow = known[:, 0] if known is not None and known.shape[1] else None
        phases, state = network.step(x, state, quality, flow, coming)
        last = step
        if step.times:
            large = to_samples(phases.mul_(255), network.scale, 255)[0]
            yield large.cpu().numpy(), step.frames[0], step.times


def restore_image(network: Network, image: Seen, device: torch.device) -> Restored:
    """What `network`, on `device`, makes of a small image, which is its own neighbours."""
    if isinstance(network, Recurrent):
        (restored,) = restore_clip(network, [image], device)
        return restored
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
