"""Metrics that are measured where they are asked for: they need the packages of an extra.

`metrics` is its name: `pip install "vsr-video[metrics]"`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from types import TracebackType

import cv2
import numpy as np

from vsr.core.errors import InputError
from vsr.core.paths import quoted
from vsr.datasets.ground_truth import Plane
from vsr.evaluation.ffmpeg_meter import (
    LEAST,
    XPSNR,
    Meter,
    check_filters,
    ffmpeg_binary,
    filter_of,
)

VMAF_NEG, ERQA = "vmaf-neg", "erqa"

FURTHER = (VMAF_NEG, XPSNR, ERQA)
"""The metrics, by the names that `vsr eval --metrics` knows."""

OF_CLIPS = (VMAF_NEG, XPSNR)
"""Those of FURTHER that look at motion: an image by itself has none of them."""

_CANNY = 100, 200  # the thresholds of ERQA's edges


@dataclass(frozen=True)
class Figures:
    """What was measured of an image or clip; None where it was not asked for, or there is none.

    Attributes:
        vmaf_neg: VMAF's model without enhancement gain, 0 to 100; the mean over the frames.
        xpsnr: of the luma in dB, inf without any error; see `ffmpeg_meter.Meter.scores`.
        erqa: in [0, 1], 1 at best; see `edges_restored`.
    """

    vmaf_neg: float | None = None
    xpsnr: float | None = None
    erqa: float | None = None


def least_side(metrics: Sequence[str], clip: bool) -> int:
    """Columns and rows that pictures need inside their border for `metrics`, of FURTHER."""
    return LEAST if clip and any(metric in OF_CLIPS for metric in metrics) else 1


def check_further(metrics: Sequence[str], clips: bool) -> None:
    """Raise InputError where `metrics`, of FURTHER, cannot be measured.

    That is where one is unknown or wants a package that is not there, or where there are no
    `clips` but images alone, which some have no figure of.
    """
    for metric in metrics:
        if metric not in FURTHER:
            raise InputError(f"metric {quoted(metric)}: must be one of {', '.join(FURTHER)}")
    still = [metric for metric in metrics if metric in OF_CLIPS]
    if still and not clips:
        raise InputError(f"metric {still[0]!r}: is of clips, and there are images alone")
    if ERQA in metrics and find_spec("erqa") is None:
        raise InputError(f'metric {ERQA!r}: needs erqa: pip install "vsr-video[metrics]"')
    if still:
        try:
            ffmpeg_binary()
        except InputError as error:
            raise InputError(f"metric {still[0]!r}: {error}") from None
        check_filters({metric: filter_of(metric) for metric in still})


def edges_restored(picture: Plane, truth: Plane) -> float | None:
    """ERQA 1.0: how much of the edges was restored, in [0, 1], of luma (H, W) uint8.

    Kirillova et al. 2022, "ERQA: Edge-restoration quality assessment for video super-resolution":
    the F1 score of the picture's Canny edges against the true ones, after the shift of at most 3
    pixels that fits best, where an edge may be one pixel off. It is computed by their package. An
    edge that was made up counts against it as one that is missing does. None where the truth has
    no edge.
    """
    from erqa import ERQA as Restored  # noqa: N811  # their class is in capitals

    if not cv2.Canny(truth, *_CANNY).any():
        return None
    colours = (np.repeat(plane[..., None], 3, axis=2) for plane in (picture, truth))
    return float(Restored()(*colours))


class Further:
    """Takes the pictures of a clip, or an image, and measures what was asked for.

    As a context manager: leaving it ends the process that measures.
    """

    def __init__(self, metrics: Sequence[str], clip: bool) -> None:
        """`metrics` are some of FURTHER that `check_further` has accepted."""
        measured = [metric for metric in metrics if metric in OF_CLIPS and clip]
        self._meter = Meter(*dict.fromkeys(measured)) if measured else None
        self._edges: list[float] | None = [] if ERQA in metrics else None
        self._owned = ExitStack()

    def __enter__(self) -> Further:
        if self._meter is not None:
            self._owned.enter_context(self._meter)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._owned.close()

    def add(self, picture: Plane, truth: Plane, border: int = 0) -> None:
        """The next picture and its truth, (H, W) uint8; `border` pixels each side are left out.

        Raises InputError where it cannot be measured.
        """
        if self._meter is None and self._edges is None:
            return
        height, width = truth.shape
        inside = np.s_[border : height - border, border : width - border]
        made, true = (np.ascontiguousarray(plane[inside]) for plane in (picture, truth))
        if self._meter is not None:
            self._meter.add(made, true)
        if self._edges is not None:
            found = edges_restored(made, true)
            self._edges += [] if found is None else [found]

    def figures(self) -> Figures:
        """Those of the pictures so far, the last of them; at least one. Raises InputError."""
        clip = self._meter.scores() if self._meter is not None else {}
        return Figures(
            vmaf_neg=clip.get(VMAF_NEG),
            xpsnr=clip.get(XPSNR),
            erqa=sum(self._edges) / len(self._edges) if self._edges else None,
        )
