"""Which frames take part, how much each counts, and why others do not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.fusion.follow import Track, Window, levelled, typical
from vsr.fusion.sights import Luma

# Of a region, next to what is typical of it.
_HIDDEN = 0.10  # of its pixels, in coherent patches, are something else
_GLARE = 0.10  # are burnt out that are not so otherwise
_BURNT = 0.98  # of the range
_BLURRED = 0.45  # the detail that is left
_UNLIKE = 0.6  # the correlation

_FAR = 4.0  # deviations from the typical that noise does not reach
_PATCH = 5  # pixels a side, of which half must be far off
_STEP_NOISE = 0.16  # the deviation that a quantiser's step leaves, in steps
_LEAST_NOISE = 0.5 / 255


@dataclass(frozen=True)
class Verdict:
    """What becomes of a frame.

    Attributes:
        window: the region in it.
        reason: why it does not take part; "" where it does.
        deviation: of its samples from what is typical, in 0..1: noise, coding, misplacement.
        sharpness: its detail, in parts of what is typical.
        judged: the reason there was before a person decided otherwise; "" where there was none.
    """

    window: Window
    reason: str
    deviation: float = 0.0
    sharpness: float = 0.0
    judged: str = ""

    @property
    def used(self) -> bool:
        return not self.reason

    @property
    def weight(self) -> float:
        """Of each of its samples: the inverse of their variance; 0 where it does not take part."""
        return 1 / self.deviation**2 if self.used else 0.0


def judge(track: Track) -> tuple[Verdict, ...]:
    """A verdict on each frame of a track, in their order."""
    model = typical(track.region, track.windows)
    seen = [_look(window, model) for window in track.windows]
    noise = _typical_noise([look for look in seen if look])
    detail = float(np.median([look.detail for look in seen if look]))
    return tuple(
        _verdict(window, look, model, noise, detail)
        for window, look in zip(track.windows, seen, strict=True)
    )


@dataclass(frozen=True)
class _Look:
    """A frame's region against the typical one: what differs, (h, w), and its detail."""

    shown: Luma
    off: Luma
    detail: float
    likeness: float


def _look(window: Window, model: Luma) -> _Look | None:
    if window.found is None:
        return None
    shown = window.found.shown(model)
    off = levelled(shown, model) - model
    return _Look(shown, off, _detail(shown), _likeness(shown, model))


def _likeness(shown: Luma, model: Luma) -> float:
    spread = float(shown.std() * model.std())
    if spread < 1e-6:  # nothing to be alike in
        return 1.0
    return float(((shown - shown.mean()) * (model - model.mean())).mean()) / spread


def _detail(luma: Luma) -> float:
    """The mean step over two pixels, which noise hardly changes."""
    smooth = cv2.GaussianBlur(luma, (0, 0), 0.8)
    return float(np.abs(np.diff(smooth, axis=0)).mean() + np.abs(np.diff(smooth, axis=1)).mean())


def _typical_noise(seen: Sequence[_Look]) -> float:
    """The deviation that most frames have, robustly."""
    return max(_LEAST_NOISE, float(np.median([_deviation(look.off) for look in seen])))


def _deviation(off: NDArray[np.float32]) -> float:
    """Of what is normal, by the median: patches of something else do not count."""
    return 1.4826 * float(np.median(np.abs(off - np.median(off))))


def _verdict(
    window: Window, look: _Look | None, model: Luma, noise: float, detail: float
) -> Verdict:
    if look is None:
        return Verdict(window, window.lost)
    own = max(_deviation(look.off), noise / 2, _LEAST_NOISE)
    sharpness = look.detail / detail if detail else 1.0
    reason = _reason(look, model, max(own, noise), sharpness)
    return Verdict(window, reason, math.hypot(own, _coding_noise(window.quantiser)), sharpness)


def _reason(look: _Look, model: Luma, noise: float, sharpness: float) -> str:
    burnt = ((look.shown > _BURNT) & (model < _BURNT - 0.05)).mean()
    if burnt > _GLARE:
        return f"glare on {burnt:.0%}"
    if look.likeness < _UNLIKE:
        return f"unlike the others (correlation {look.likeness:.2f})"
    far = (np.abs(look.off) > _FAR * noise).astype(np.float32)
    hidden = float((cv2.blur(far, (_PATCH, _PATCH)) > 0.5).mean())
    if hidden > _HIDDEN:
        return f"something before {hidden:.0%} of it"
    if sharpness < _BLURRED:
        return f"blurred (detail {sharpness:.0%} of what is usual)"
    return ""


def _coding_noise(quantiser: float | None) -> float:
    """What coding leaves, by H.264's quantiser, whose step of 1 in 255 is at 4."""
    if quantiser is None:
        return 0.0
    return float(_STEP_NOISE * 2 ** ((quantiser - 4) / 6) / 255)
