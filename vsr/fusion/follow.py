"""A region is followed through a shot: first from frame to frame, then all against their mean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vsr.core.crop import Box
from vsr.core.events import ignore
from vsr.core.frame import VideoInfo
from vsr.fusion.placement import (
    MOTIONS,
    PARAMETERS,
    Matrix3,
    Placement,
    inverse,
    is_inside,
    motion_of,
    nearby,
    refined,
    seen_at,
    shift,
    simplified,
)
from vsr.fusion.progress import Tell, Work
from vsr.fusion.sights import Luma, Sight, Sights, colours_of

_REACH = 12  # pixels from frame to frame in which a region is looked for, or a quarter of its side
_MARGIN = 8  # pixels of the frame that are kept around it
_LOST_FOR = 60  # frames, until it is given up
_WIDEST = 10  # times the reach at most, while it is lost
_GRID = 4  # pixels: windows begin on chroma's
_FOLLOWED = ("euclidean", "affine")  # from frame to frame, besides translation
_LIKE = 0.6  # the least correlation of what counts as the region
_TURNS = 0.003  # by which the likeness must grow for a region to be followed so
_STRETCH = 0.1  # of a region's side, by which its corners may move from frame to frame
_INDEPENDENT = 0.06  # of a region's pixels: what coding leaves is alike over its blocks
_ROUNDS_OF_LIGHT = 6
_TUKEY = 4.685  # deviations, from which on a pixel has no say: 95 % efficient for noise
_LEAST_OFF = 0.5 / 255
_LEAST_SPREAD = 1e-9  # of luma in 0..1, squared: below what 16 bits show


@dataclass(frozen=True)
class Window:
    """A part of a frame with the region in it.

    Attributes:
        number: the frame's, in the span, counted from 0.
        pts: when the frame is shown, in ticks.
        quantiser: how coarsely it was coded, see `Frame`; None where nobody tells.
        found: None where the region was not found.
        lost: why not, "" where it was.
    """

    number: int
    pts: int
    quantiser: float | None
    found: Found | None = None
    lost: str = ""


@dataclass(frozen=True)
class Found:
    """What is seen of the region in a frame.

    Attributes:
        box: which part of the frame is kept.
        luma: (h, w) float32 of that part.
        colours: (C, h, w) float32 of that part, RGB or grey.
        placement: where the region lies in that part.
    """

    box: Box
    luma: Luma
    colours: Tensor
    placement: Placement

    def shown(self, region: Luma) -> Luma:
        """The part on the grid of the region."""
        return seen_at(self.luma, self.placement.matrix, region.shape[1], region.shape[0])


@dataclass(frozen=True)
class Track:
    """A region in the frames of a shot.

    Attributes:
        region: (h, w) float32, as the reference shows it.
        windows: by the frames' numbers.
        motion: one of MOTIONS, the plainest that tells how the region moves.
    """

    region: Luma
    windows: tuple[Window, ...]
    motion: str


def follow(
    seen: Sights, box: Box, info: VideoInfo, expected: int | None = None, tell: Tell = ignore
) -> Track:
    """Find what `box` holds in the reference in all frames of a shot, `expected` of them."""
    following = Work("following", tell)
    luma = seen.reference.luma
    rows, columns = (slice(box.y, box.y + box.height), slice(box.x, box.x + box.width))
    region = np.ascontiguousarray(luma[rows, columns])
    home = Placement(shift(box.x, box.y), 1.0)
    windows = [_window(seen.reference, home, region, info)]
    for direction in (seen.later, seen.earlier):
        for window in _chain(direction, home, region, info):
            windows.append(window)
            following(len(windows) / (expected or math.inf))
    windows.sort(key=lambda window: window.number)
    return _settled(region, windows, seen.reference.number, Work("registering", tell))


def _chain(
    frames: Iterator[Sight], home: Placement, region: Luma, info: VideoInfo
) -> Iterator[Window]:
    """From frame to frame, each from where it was last."""
    reach = max(_REACH, max(region.shape) // 4)
    last, missed = home, 0
    for sight in frames:
        if missed >= _LOST_FOR:
            yield _lost(sight, "lost before")
            continue
        found = _placed(region, sight.luma, last, reach * min(1 + missed, _WIDEST))
        if found is None:
            missed += 1
            yield _lost(sight, "not found")
            continue
        last, missed = found, 0
        yield _window(sight, found, region, info)


def _placed(region: Luma, luma: Luma, last: Placement, reach: int) -> Placement | None:
    """Near where it was last; turned and stretched where that is plainly more like it."""
    near = nearby(region, luma, last, reach)
    found = near and refined(region, luma, near, MOTIONS[0])
    for motion in _FOLLOWED:
        turned = found and refined(region, luma, found, motion)
        if not found or not turned or not _is_near(turned, found, region.shape):
            continue
        if turned.likeness > found.likeness + _TURNS:
            found = turned
    return found if found and found.likeness >= _LIKE else None


def _is_near(turned: Placement, found: Placement, shape: tuple[int, ...]) -> bool:
    """Whether corners have moved by no more than things do from frame to frame."""
    height, width = shape
    step = np.abs(turned.corners(width, height) - found.corners(width, height)).max()
    return bool(step <= _STRETCH * max(height, width) + 1)


def _lost(sight: Sight, why: str) -> Window:
    return Window(sight.number, sight.frame.pts, sight.frame.quantiser, lost=why)


def _window(sight: Sight, placement: Placement, region: Luma, info: VideoInfo) -> Window:
    height, width = region.shape
    rows, columns = sight.luma.shape
    if not is_inside(placement, width, height, (rows, columns)):
        return _lost(sight, "leaves the picture")
    corners = placement.corners(width, height)
    x, x1 = _kept(corners[:, 0], columns)
    y, y1 = _kept(corners[:, 1], rows)
    box = Box(x, y, x1 - x, y1 - y)
    found = Found(
        box,
        np.ascontiguousarray(sight.luma[y:y1, x:x1]),
        colours_of(sight.frame, info, box),
        Placement(shift(-x, -y) @ placement.matrix, placement.likeness),
    )
    return Window(sight.number, sight.frame.pts, sight.frame.quantiser, found)


def _kept(corners: NDArray[np.float64], length: int) -> tuple[int, int]:
    """Along an axis, the pixels with all corners and a margin, on chroma's grid."""
    first = max(0, int(corners.min()) - _MARGIN) // _GRID * _GRID
    last = -(-(math.ceil(corners.max()) + 1 + _MARGIN) // _GRID) * _GRID
    return first, min(length, last)


def _settled(region: Luma, windows: list[Window], reference: int, registering: Work) -> Track:
    """All once more against the mean of all, by the plainest motion that explains them."""
    (home,) = (window.found for window in windows if window.number == reference)
    assert home is not None
    model = typical(region, windows)
    costs, tried = {}, {}
    for number, motion in enumerate(MOTIONS):
        registering(number / len(MOTIONS))
        first = [_again(window, model, motion) for window in windows]
        own = typical(region, first)
        tried[motion] = [_again(window, own, motion) for window in first]
        costs[motion] = _cost(tried[motion], own, PARAMETERS[motion])
    chosen = tried[min(MOTIONS, key=costs.__getitem__)]
    (now,) = (window.found for window in chosen if window.number == reference)
    assert now is not None
    drift = inverse(now.placement.matrix) @ home.placement.matrix
    settled = tuple(_moved_by(window, drift) for window in chosen)
    placed = [window.found.placement.matrix for window in settled if window.found]
    return Track(region, settled, motion_of(placed))


def _moved_by(window: Window, drift: Matrix3) -> Window:
    """Against their mean all may have drifted alike: back to where the region was named."""
    if not window.found:
        return window
    placed = window.found.placement
    placed = Placement(placed.matrix @ drift, placed.likeness)
    return replace(window, found=replace(window.found, placement=placed))


def typical(region: Luma, windows: Sequence[Window]) -> Luma:
    """The median of what all windows show on the grid of the region."""
    shown = [window.found.shown(region) for window in windows if window.found]
    return np.asarray(np.median(shown, 0), np.float32)


def _again(window: Window, model: Luma, motion: str) -> Window:
    """Refined as such a motion; as it was where that does not come about."""
    found = window.found
    if not found:
        return window
    height, width = model.shape
    begin = simplified(found.placement, motion, width, height)
    placed = refined(model, found.luma, begin, motion)
    if not placed:
        return replace(window, found=replace(found, placement=begin))
    if not is_inside(placed, model.shape[1], model.shape[0], found.luma.shape):
        return window
    return replace(window, found=replace(found, placement=placed))


def _cost(windows: Sequence[Window], model: Luma, parameters: int) -> float:
    """The Bayesian information criterion: squared residuals, and a price for each parameter."""
    total = 0.0
    for window in windows:
        if window.found:
            off = levelled(window.found.shown(model), model) - model
            spread = float(np.square(off).mean()) + _LEAST_SPREAD
            count = off.size * _INDEPENDENT
            total += count * math.log(spread) + parameters * math.log(count)
    return total


def levelled(shown: Luma, model: Luma) -> Luma:
    """`shown` in the light of `model`: with a gain and an offset by least squares."""
    gain, offset = light(shown, model)
    return np.asarray(gain * shown + offset, np.float32)


def light(shown: Luma, model: Luma) -> tuple[float, float]:
    """The gain, of 1/2 to 2, and the offset that bring `shown` to `model`.

    What is of something else, as where a hand hides a part, has no say: least squares again and
    again, with Tukey's weights by how far each pixel was off.
    """
    weights = np.ones_like(shown)
    gain, offset = _fitted_light(shown, model, weights)
    for _ in range(_ROUNDS_OF_LIGHT):
        off = gain * shown + offset - model
        typical_off = max(1.4826 * float(np.median(np.abs(off))), _LEAST_OFF)
        weights = np.square(np.clip(1 - np.square(off / (_TUKEY * typical_off)), 0, None))
        gain, offset = _fitted_light(shown, model, weights)
    return gain, offset


def _fitted_light(shown: Luma, model: Luma, weights: Luma) -> tuple[float, float]:
    total = float(weights.sum())
    here, there = (float((weights * one).sum()) / total for one in (shown, model))
    off, own = shown - here, model - there
    power = float((weights * off * off).sum()) / total
    gain = float((weights * off * own).sum()) / total / power if power > _LEAST_SPREAD else 1.0
    gain = min(max(gain, 0.5), 2.0)
    return gain, there - gain * here
