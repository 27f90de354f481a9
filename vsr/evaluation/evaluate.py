"""Score models on true pictures and clips, the way the papers' tables are made.

Each picture is cropped to a multiple of the scale, shrunk by MATLAB's bicubic, rounded to 8
bits, enlarged by the model and rounded again: its luma, or red, green and blue for a model that
works in RGB. The luma of the result is compared with the true luma, one and the same for all
models, without its border: `scale` pixels of an image, CLIP_BORDER of the frames of a clip.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from vsr.errors import InputError
from vsr.evaluation.clip import Restored, restore_clip
from vsr.evaluation.metrics import SSIM_WINDOW, dtssd, psnr, ssim
from vsr.evaluation.protocol import cropped, reconstruct
from vsr.inference.engine import choose_engine, prepared
from vsr.media import is_clip, list_items, read_pictures
from vsr.networks import Network
from vsr.networks.catalogue import Model
from vsr.picture import Picture, Plane

CLIP_BORDER = 8  # pixels, at every scale
PERFECT = 100.0
"""What a plane without any error (a black frame, say) counts in dB, so that means stay finite."""

Warn = Callable[[str], None]
Look = Callable[[Path, int, Sequence[Restored]], None]
"""Told of an item's frame, by its number from 0, and what each model made of it."""


@dataclass(frozen=True)
class Score:
    """How well one image or clip was restored.

    Attributes:
        path: the true image, video or folder of frames.
        psnr: of the luma in dB, at most PERFECT; for a clip the mean over its frames.
        ssim: of the luma, in [-1, 1]; for a clip the mean over its frames.
        frames: how many frames were measured, 1 for an image.
        dtssd: how wrongly the clip changes from frame to frame, in sample values, 0 at best:
            the mean of `metrics.dtssd` over neighbouring frames of one shot. None for an
            image, and for a clip without two such frames.
        frame_psnr: of each frame of a clip, in dB; empty for an image.
        cuts: the frames, counted from 0, that begin a new shot; the first frame is not named.
    """

    path: Path
    psnr: float
    ssim: float
    frames: int = 1
    dtssd: float | None = None
    frame_psnr: tuple[float, ...] = ()
    cuts: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class Mean:
    """The mean of some scores, each image or clip counting the same.

    Attributes:
        psnr: in dB.
        ssim: in [-1, 1].
        items: how many images and clips it is of.
        dtssd: of the clips that have one, in sample values; None where none has.
    """

    psnr: float
    ssim: float
    items: int
    dtssd: float | None = None


def evaluate(
    paths: Iterable[Path],
    model: Model,
    device: str = "auto",
    precision: str = "fp32",
    warn: Warn = lambda message: None,
    stills: bool = False,
    self_ensemble: bool = False,
) -> Iterator[Score]:
    """Yield the score of each image and clip in `paths` (folders are searched) when known.

    `stills` keeps images of one size in a folder apart: see `vsr.media.list_items`. `device`,
    of which the first is taken, `precision` and `self_ensemble` are those of
    `vsr.inference.engine.choose_engine`. Videos of more than 8 bits are rounded to 8 before
    anything else, so that all scores share one peak.

    Raises InputError for a path that does not exist, a file that cannot be read or is too
    small, or where there is nothing to score; DeviceError for a device that is not there.
    """
    items = find_items(paths, stills)
    for (score,) in compare(items, [model], device, precision, warn, self_ensemble):
        yield score


def find_items(paths: Iterable[Path], stills: bool = False) -> list[Path]:
    """The items of `vsr.media.list_items`. Raises InputError where there is none, too."""
    paths = list(paths)
    items = list_items(paths, stills)
    if not items:
        places = ", ".join(str(path) for path in paths) or "no path given"
        raise InputError(f"nothing to evaluate ({places}): no image or video")
    return items


def compare(
    items: Iterable[Path],
    models: Sequence[Model],
    device: str = "auto",
    precision: str = "fp32",
    warn: Warn = lambda message: None,
    self_ensemble: bool = False,
    look: Look | None = None,
) -> Iterator[tuple[Score, ...]]:
    """Yield the scores of all `models` on each item of `find_items`, when known.

    The models go through a clip side by side, so that `look` sees a frame of all at once. Each
    reads the item anew; warnings come once. Errors are those of `evaluate`.
    """
    engine = choose_engine(device, precision, self_ensemble=self_ensemble)
    networks = [prepared(model.network, engine) for model in models]
    for item in items:
        score = _score_clip if is_clip(item) else _score_image
        yield score(item, networks, engine.device, warn, look)


def mean(scores: Sequence[Score]) -> Mean:
    """The mean of at least one score."""
    changes = [score.dtssd for score in scores if score.dtssd is not None]
    return Mean(
        psnr=_mean([score.psnr for score in scores]),
        ssim=_mean([score.ssim for score in scores]),
        items=len(scores),
        dtssd=_mean(changes) if changes else None,
    )


def _score_image(
    path: Path, networks: Sequence[Network], device: torch.device, warn: Warn, look: Look | None
) -> tuple[Score, ...]:
    border = networks[0].scale
    made = []
    for network, heard in zip(networks, _once(warn), strict=False):
        pictures = read_pictures(path, network.color, warn=heard)
        (truth,) = _large_enough(pictures, path, network.scale, border)
        truth = cropped(truth, network.scale)
        made.append(Restored(reconstruct(network, truth, device), truth.luma, starts_shot=True))
    if look:
        look(path, 0, made)
    return tuple(
        Score(path, bounded_psnr(m.picture, m.truth, border), ssim(m.picture, m.truth, border))
        for m in made
    )


def _score_clip(
    path: Path, networks: Sequence[Network], device: torch.device, warn: Warn, look: Look | None
) -> tuple[Score, ...]:
    clips = []
    for network, heard in zip(networks, _once(warn), strict=False):
        pictures = read_pictures(path, network.color, warn=heard)
        truths = _large_enough(pictures, path, network.scale, CLIP_BORDER)
        clips.append(restore_clip(network, truths, device))
    measured = [_Measured() for _ in networks]
    for number, frames in enumerate(zip(*clips, strict=True)):
        for so_far, frame in zip(measured, frames, strict=True):
            so_far.add(frame)
        if look:
            look(path, number, frames)
    return tuple(so_far.score(path) for so_far in measured)


@dataclass
class _Measured:
    """What one model's frames of a clip have scored so far."""

    psnrs: list[float] = field(default_factory=list)
    ssims: list[float] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    before: Restored | None = None

    def add(self, frame: Restored) -> None:
        """Measure the next frame."""
        before = self.before
        if before is not None and frame.starts_shot:
            self.cuts.append(len(self.psnrs))
        elif before is not None:
            made, true = (before.picture, frame.picture), (before.truth, frame.truth)
            self.changes.append(dtssd(made, true, CLIP_BORDER))
        self.psnrs.append(bounded_psnr(frame.picture, frame.truth, CLIP_BORDER))
        self.ssims.append(ssim(frame.picture, frame.truth, CLIP_BORDER))
        self.before = frame

    def score(self, path: Path) -> Score:
        """The clip's. Raises InputError where it has no frame."""
        if not self.psnrs:
            raise InputError(f"{path}: holds no frame")
        return Score(
            path,
            psnr=_mean(self.psnrs),
            ssim=_mean(self.ssims),
            frames=len(self.psnrs),
            dtssd=_mean(self.changes) if self.changes else None,
            frame_psnr=tuple(self.psnrs),
            cuts=tuple(self.cuts),
        )


def _large_enough(
    truths: Iterable[Picture], path: Path, scale: int, border: int
) -> Iterator[Picture]:
    """The pictures of `path`, unless one leaves no SSIM window inside its border."""
    least = scale * math.ceil((SSIM_WINDOW + 2 * border) / scale)
    for truth in truths:
        height, width = truth.luma.shape
        if min(height, width) < least:
            raise InputError(
                f"{path}: {width}x{height} is too small to measure at scale {scale}: "
                f"both sides need {least} pixels"
            )
        yield truth


def bounded_psnr(picture: Plane, truth: Plane, border: int) -> float:
    """`metrics.psnr` in dB, at most PERFECT."""
    return min(psnr(picture, truth, border), PERFECT)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _once(warn: Warn) -> Iterator[Warn]:
    """Where each model's warnings go: those of the first say it all."""
    yield warn
    while True:
        yield _unheard


def _unheard(message: str) -> None:
    """Where a warning goes that was given before."""
