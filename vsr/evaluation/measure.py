"""What is measured of the restored pictures of an image or a clip."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from vsr.core.errors import InputError
from vsr.datasets.ground_truth import Plane
from vsr.evaluation.clip import Restored
from vsr.evaluation.flicker import Motion, motion_between
from vsr.evaluation.further import Further
from vsr.evaluation.metrics import dtssd, mse, psnr, ssim
from vsr.evaluation.no_reference import Traces
from vsr.evaluation.score import PERFECT, Score, mean_of_known, mean_value
from vsr.evaluation.texture import LEAST_SIDE, texture_distance

CLIP_BORDER = 8  # pixels, at every scale

Look = Callable[[Path, int, Sequence[Restored]], None]
"""Told of an item's frame, by its number from 0, and what each model made of it."""


def border_of(scale: Fraction) -> int:
    """Pixels of an image that are left out at each side."""
    return math.ceil(scale)


def score_image(
    path: Path,
    images: Sequence[Iterator[Restored]],
    scale: Fraction,
    look: Look | None,
    metrics: Sequence[str],
    texture: bool,
) -> tuple[Score, ...]:
    """The scores of what was made of the image at `path`, several times over: see `score_clip`."""
    made = [next(image) for image in images]
    if look:
        look(path, 0, made)
    true = Traces(scale)
    true.add(made[0].truth)
    return tuple(_image_score(path, one, scale, true, metrics, texture) for one in made)


def _image_score(
    path: Path,
    made: Restored,
    scale: Fraction,
    true: Traces,
    metrics: Sequence[str],
    texture: bool,
) -> Score:
    border = border_of(scale)
    traces = Traces(scale)
    traces.add(made.picture)
    with Further(metrics, clip=False) as further:
        further.add(made.picture, made.truth, border)
        found = further.figures()
    return Score(
        path,
        psnr=bounded_psnr(made.picture, made.truth, border),
        ssim=ssim(made.picture, made.truth, border),
        blockiness=traces.blockiness,
        true_blockiness=true.blockiness,
        mse=mse(made.picture, made.truth, border),
        texture=_texture(made, border) if texture else None,
        erqa=found.erqa,
    )


def score_clip(
    path: Path,
    clips: Sequence[Iterator[Restored]],
    scale: int | Fraction,
    look: Look | None = None,
    metrics: Sequence[str] = (),
    texture: bool = False,
) -> tuple[Score, ...]:
    """The scores of what was made of the clip at `path`, several times over, side by side.

    Everyone's frames are of the same truths. Arguments and errors are those of `compare`.
    """
    true = Traces(scale)
    before: Plane | None = None
    with ExitStack() as stack:
        furthers = [stack.enter_context(Further(metrics, clip=True)) for _ in clips]
        measured = [_Measured(Traces(scale), texture, further) for further in furthers]
        for number, frames in enumerate(zip(*clips, strict=True)):
            truth = frames[0].truth
            within = before is not None and not all(frame.starts_shot for frame in frames)
            motion = motion_between(before, truth) if before is not None and within else None
            true.add(truth, motion, CLIP_BORDER)
            for so_far, frame in zip(measured, frames, strict=True):
                so_far.add(frame, motion)
            if look:
                look(path, number, frames)
            before = truth
        return tuple(so_far.score(path, true) for so_far in measured)


@dataclass
class _Measured:
    """What one model's frames of a clip have scored so far."""

    traces: Traces
    texture: bool
    further: Further
    psnrs: list[float] = field(default_factory=list)
    ssims: list[float] = field(default_factory=list)
    mses: list[float] = field(default_factory=list)
    textures: list[float | None] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    before: Restored | None = None

    def add(self, frame: Restored, motion: Motion | None) -> None:
        """Measure the next frame, and how it goes on from the last one if `motion` is known."""
        before = self.before
        if before is not None and frame.starts_shot:
            self.cuts.append(len(self.psnrs))
        elif before is not None:
            made, true = (before.picture, frame.picture), (before.truth, frame.truth)
            self.changes.append(dtssd(made, true, CLIP_BORDER))
        self.psnrs.append(bounded_psnr(frame.picture, frame.truth, CLIP_BORDER))
        self.mses.append(mse(frame.picture, frame.truth, CLIP_BORDER))
        self.ssims.append(ssim(frame.picture, frame.truth, CLIP_BORDER))
        if self.texture:
            self.textures.append(_texture(frame, CLIP_BORDER))
        self.traces.add(frame.picture, None if frame.starts_shot else motion, CLIP_BORDER)
        self.further.add(frame.picture, frame.truth, CLIP_BORDER)
        self.before = frame

    def score(self, path: Path, true: Traces) -> Score:
        """The clip's. Raises InputError where it has no frame."""
        if not self.psnrs:
            raise InputError(f"{path}: holds no frame")
        found = self.further.figures()
        return Score(
            path,
            psnr=mean_value(self.psnrs),
            ssim=mean_value(self.ssims),
            frames=len(self.psnrs),
            dtssd=mean_value(self.changes) if self.changes else None,
            frame_psnr=tuple(self.psnrs),
            cuts=tuple(self.cuts),
            blockiness=self.traces.blockiness,
            flicker=self.traces.flicker,
            true_blockiness=true.blockiness,
            true_flicker=true.flicker,
            mse=mean_value(self.mses),
            texture=mean_of_known(self.textures),
            vmaf_neg=found.vmaf_neg,
            xpsnr=None if found.xpsnr is None else min(found.xpsnr, PERFECT),
            erqa=found.erqa,
        )


def _texture(made: Restored, border: int) -> float | None:
    """The texture distance; None where a picture is too small for it."""
    if min(made.truth.shape) - 2 * border < LEAST_SIDE:
        return None
    return texture_distance(made.picture, made.truth, border)


def bounded_psnr(picture: Plane, truth: Plane, border: int) -> float:
    """`metrics.psnr` in dB, at most PERFECT."""
    return min(psnr(picture, truth, border), PERFECT)
