"""The papers' experiment at factors that no network has: by the way that `vsr upscale` takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain

import numpy as np

from vsr.core.color_codes import ColorRange
from vsr.core.frame import PIXEL_FORMATS, ColorTags, Frame, VideoInfo
from vsr.core.geometry import geometry_of
from vsr.core.picture import PictureOptions
from vsr.core.quality import Quality
from vsr.datasets.ground_truth import Picture, Samples
from vsr.evaluation.clip import Restored
from vsr.evaluation.degrade import Seen
from vsr.inference.passes import LoadedModel, enlarge
from vsr.model_selection.noise import noise
from vsr.video.shots import mark_shots

_TIME_BASE = Fraction(1, 25)  # of all clips, whatever their rate


def restore_resized(
    tools: LoadedModel, clip: Iterable[Seen], factor: Fraction, quantiser: float = 0.0
) -> Iterator[Restored]:
    """What models make of the small frames of a clip, or of one image, at a factor.

    As `vsr.evaluation.clip.restore_clip`, which is for one network at its own scale.
    """
    pictures = iter(clip)
    first = next(pictures, None)
    if first is None:
        return
    waiting: dict[int, tuple[Picture, bool]] = {}  # by the frame's number, which is its pts

    def small() -> Iterator[Frame]:
        shown = (
            Frame(_planes(one.small), number, 1)
            for number, one in enumerate(remembered(chain([first], pictures)))
        )
        for frame in mark_shots(shown, 255):
            truth, _ = waiting[frame.pts]
            waiting[frame.pts] = truth, frame.starts_shot
            yield frame

    def remembered(all_: Iterable[Seen]) -> Iterator[Seen]:
        for number, one in enumerate(all_):
            waiting[number] = one.truth, False
            yield one

    info = _info(first.small)
    geometry = geometry_of(PictureOptions(scale=factor), info)
    quality = Quality(quantiser, noise(first.luma))
    for frame in enlarge(small(), info, tools, geometry, quality=quality):
        truth, starts_shot = waiting.pop(frame.pts)
        samples = _samples(frame)
        yield Restored(truth.luma_of(samples), truth.luma, starts_shot)


def _info(small: Samples) -> VideoInfo:
    """What holds for frames of luma, or of RGB."""
    name = "gray" if small.ndim == 2 else "gbrp"
    height, width = small.shape[:2]
    color = ColorTags(range=ColorRange.FULL)
    return VideoInfo(width, height, _TIME_BASE, PIXEL_FORMATS[name], color)


def _planes(small: Samples) -> tuple[Samples, ...]:
    """Luma, or green, blue and red, of (H, W) or (H, W, 3) red, green and blue."""
    if small.ndim == 2:
        return (small,)
    red, green, blue = (np.ascontiguousarray(small[..., n]) for n in range(3))
    return green, blue, red


def _samples(frame: Frame) -> Samples:
    """The same back."""
    planes = [plane.astype(np.uint8, copy=False) for plane in frame.planes]
    if len(planes) == 1:
        return planes[0]
    green, blue, red = planes
    return np.stack([red, green, blue], -1)
