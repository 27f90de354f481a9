"""Score models on true pictures and clips, the way the papers' tables are made.

Each picture is cropped to a multiple of the scale, shrunk by MATLAB's bicubic, rounded to 8
bits, enlarged by the model and rounded again: its luma, or red, green and blue for a model that
works in RGB. The luma of the result is compared with the true luma, one and the same for all
models, without its border: `scale` pixels of an image, CLIP_BORDER of the frames of a clip.

With a `vsr.evaluation.degrade.Recording` the small pictures go through noise and an encoder
before they are enlarged, once for all models.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, tee
from os import PathLike
from pathlib import Path

from vsr.core.errors import InputError
from vsr.core.events import Warn, ignore
from vsr.core.options import ComputeOptions, Precision
from vsr.core.paths import as_path, quoted
from vsr.core.picture import USUAL_SCALE, PictureOptions, short
from vsr.datasets.ground_truth import Picture, Plane
from vsr.datasets.media import is_clip, list_items, read_pictures
from vsr.evaluation.clip import Restored, restore_clip
from vsr.evaluation.degrade import Recording, Seen, seen
from vsr.evaluation.flicker import Motion, motion_between
from vsr.evaluation.further import Further, check_further, least_side
from vsr.evaluation.metrics import SSIM_WINDOW, dtssd, mse, psnr, ssim
from vsr.evaluation.no_reference import Traces
from vsr.evaluation.resized import restore_resized
from vsr.evaluation.texture import LEAST_SIDE, texture_distance
from vsr.inference.engine import Engine, choose_engine, prepared
from vsr.inference.passes import first_model, going_on
from vsr.inference.self_test import proven
from vsr.networks.registry import Model, load_model

CLIP_BORDER = 8  # pixels, at every scale
PERFECT = 100.0
"""What a plane without any error (a black frame, say) counts in dB, so that means stay finite."""

_EXACT = ComputeOptions(precision="fp32")

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
        blockiness: `vsr.core.blockiness` for blocks of 8 small pixels, 1 where there are none;
            for a clip the mean over its frames. None for pictures of few pixels.
        flicker: of a clip, the mean of `flicker.flicker` over neighbouring frames of one shot,
            along the motion of the true frames, in sample values; None where dtssd is.
        true_blockiness: of the true pictures.
        true_flicker: of the true frames: what motion does not explain in them.
        mse: of the luma, in squared sample values of 0..255; for a clip the mean over its frames.
        texture: `texture.texture_distance` of the luma, in 0..1, 0 at best; for a clip the mean
            over its frames. None where it was not asked for, and for pictures of few pixels.
        vmaf_neg, xpsnr, erqa: as `vsr.evaluation.further.Figures` has them, xpsnr at most PERFECT;
            None where they were not asked for, or there is none.
    """

    path: Path
    psnr: float
    ssim: float
    frames: int = 1
    dtssd: float | None = None
    frame_psnr: tuple[float, ...] = ()
    cuts: tuple[int, ...] = ()
    blockiness: float | None = None
    flicker: float | None = None
    true_blockiness: float | None = None
    true_flicker: float | None = None
    mse: float | None = None
    texture: float | None = None
    vmaf_neg: float | None = None
    xpsnr: float | None = None
    erqa: float | None = None

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
        blockiness, flicker, true_blockiness, true_flicker: likewise, of the items that have one.
        texture: of the items that have one.
        mse: in squared sample values; not what `psnr` would be of, which is a mean of logarithms.
        vmaf_neg, xpsnr, erqa: of the items that have one.
    """

    psnr: float
    ssim: float
    items: int
    dtssd: float | None = None
    blockiness: float | None = None
    flicker: float | None = None
    true_blockiness: float | None = None
    true_flicker: float | None = None
    mse: float | None = None
    texture: float | None = None
    vmaf_neg: float | None = None
    xpsnr: float | None = None
    erqa: float | None = None


def evaluate(
    paths: Iterable[str | Path],
    model: Model | str | Path | None = None,
    device: str = "auto",
    precision: Precision = "fp32",
    warn: Warn = ignore,
    stills: bool = False,
    self_ensemble: bool = False,
    scale: float | Fraction | None = None,
    metrics: Sequence[str] = (),
) -> Iterator[Score]:
    """Yield the score of each image and clip in `paths` (folders are searched) when known.

    `model` is what `vsr.load_model` gives or takes: a name or a file, None for the default one,
    with `scale` as the factor (1 to 16; 4, or the model's own, if left out). `stills` keeps images
    of one size in a folder apart: see `vsr.datasets.media.list_items`. `device`, of which the first
    is taken, `precision` and `self_ensemble` are those of `vsr.inference.engine.choose_engine`.
    Videos of more than 8 bits are rounded to 8 before anything else, so that all scores share one
    peak. `metrics` are further ones to measure, of "vmaf-neg", "xpsnr" and "erqa"; they need the
    packages of the extra `metrics`.

    Raises InputError for a path that does not exist, a file that cannot be read or is too
    small, where there is nothing to score, for unknown `metrics` or such without their packages;
    DeviceError for a device that is not there. Raises at once ModelError where there is no such
    model, OutputError for a scale and DeviceError for a precision out of range, and TypeError for
    arguments of another kind.
    """
    compute = ComputeOptions(device=device, precision=precision, self_ensemble=self_ensemble)
    factor = None if scale is None else PictureOptions(scale=scale).scale  # type: ignore[arg-type]
    further = _as_metrics(metrics)
    return _scores(
        _as_paths(paths), _as_model(model, factor), compute, warn, stills, factor, further
    )


def _scores(
    paths: Sequence[Path],
    model: Model,
    compute: ComputeOptions,
    warn: Warn,
    stills: bool,
    factor: Fraction | None,
    metrics: Sequence[str],
) -> Iterator[Score]:
    items = find_items(paths, stills)
    check_further(metrics, any(is_clip(item) for item in items))
    for (score,) in compare(items, [model], compute, warn=warn, factor=factor, metrics=metrics):
        yield score


def _as_metrics(metrics: object) -> list[str]:
    if isinstance(metrics, str) or not isinstance(metrics, Iterable):
        raise TypeError(f"metrics {quoted(metrics)}: must be several, such as ['erqa']")
    return list(metrics)


def _as_paths(paths: object) -> list[Path]:
    if isinstance(paths, str | bytes | PathLike) or not isinstance(paths, Iterable):
        raise TypeError(f"paths {quoted(paths)}: must be several, such as ['truth.png', 'clips']")
    return [as_path(path, "path") for path in paths]


def _as_model(model: Model | str | Path | None, factor: Fraction | None) -> Model:
    if isinstance(model, Model):
        return model
    if not isinstance(model, str | Path | None):
        return load_model(model)  # says what it must be
    return first_model(None if model is None else str(model), factor or USUAL_SCALE)


def find_items(paths: Iterable[Path], stills: bool = False) -> list[Path]:
    """The items of `vsr.datasets.media.list_items`. Raises InputError where there is none, too."""
    paths = list(paths)
    items = list_items(paths, stills)
    if not items:
        places = ", ".join(str(path) for path in paths) or "no path given"
        raise InputError(f"nothing to evaluate ({places}): no image or video")
    return items


def compare(
    items: Iterable[Path],
    models: Sequence[Model],
    compute: ComputeOptions = _EXACT,
    *,
    warn: Warn = ignore,
    look: Look | None = None,
    recording: Recording | None = None,
    frames: int | None = None,
    factor: Fraction | None = None,
    texture: bool = False,
    metrics: Sequence[str] = (),
) -> Iterator[tuple[Score, ...]]:
    """Yield the scores of all `models` on each item of `find_items`, when known.

    The models, of one scale unless there is a `factor`, go through a clip side by side, so that
    `look` sees a frame of all at once. Those of one colour see the very same small frames; warnings
    come once. `recording` is what becomes of these before, `frames` how many of a clip are read at
    most. `texture` asks for that distance, too, which takes longer than all else; `metrics` are
    further ones that `check_further` has accepted. Errors are those of `evaluate`.
    """
    engine = choose_engine(compute)
    scale = factor or Fraction(models[0].scale)
    restorers = [_restorer(model, scale, engine, warn) for model in models]
    colors = [model.network.color for model in models]
    quantiser = recording.quantiser if recording else 0.0
    for item in items:
        window = max(SSIM_WINDOW, least_side(metrics, is_clip(item)))
        small = _small(item, colors, scale, warn, recording, frames, window)
        made = [restore(s, quantiser) for restore, s in zip(restorers, small, strict=True)]
        if is_clip(item):
            yield score_clip(item, made, scale, look, metrics, texture)
        else:
            yield _score_image(item, made, scale, look, metrics, texture)


Restorer = Callable[[Iterator[Seen], float], Iterator[Restored]]
"""Restores the small frames of a clip, or an image, of which it is told how they were coded."""


def _restorer(model: Model, factor: Fraction, engine: Engine, warn: Warn) -> Restorer:
    """A model at a factor: the network alone where that is its own."""
    if factor != model.scale:
        tools = going_on(model, factor, engine, warn)
        return lambda small, quantiser: restore_resized(tools, small, factor, quantiser)
    engine = proven([model], engine, warn)
    network = prepared(model.network, engine)
    return lambda small, quantiser: restore_clip(network, small, engine.device, quantiser)


def mean(scores: Sequence[Score]) -> Mean:
    """The mean of at least one score."""
    return Mean(
        psnr=_mean([score.psnr for score in scores]),
        ssim=_mean([score.ssim for score in scores]),
        items=len(scores),
        dtssd=_mean_of_known([score.dtssd for score in scores]),
        blockiness=_mean_of_known([score.blockiness for score in scores]),
        flicker=_mean_of_known([score.flicker for score in scores]),
        true_blockiness=_mean_of_known([score.true_blockiness for score in scores]),
        true_flicker=_mean_of_known([score.true_flicker for score in scores]),
        mse=_mean_of_known([score.mse for score in scores]),
        texture=_mean_of_known([score.texture for score in scores]),
        vmaf_neg=_mean_of_known([score.vmaf_neg for score in scores]),
        xpsnr=_mean_of_known([score.xpsnr for score in scores]),
        erqa=_mean_of_known([score.erqa for score in scores]),
    )


def _small(
    path: Path,
    colors: Sequence[str],
    scale: Fraction,
    warn: Warn,
    recording: Recording | None,
    frames: int | None,
    window: int,
) -> list[Iterator[Seen]]:
    """What each network sees of an item: read, shrunk and recorded once for each colour."""
    border = CLIP_BORDER if is_clip(path) else border_of(scale)
    shared: dict[str, Iterator[Iterator[Seen]]] = {}
    for color, heard in zip(dict.fromkeys(colors), _once(warn), strict=False):
        pictures = islice(read_pictures(path, color, warn=heard), frames)
        truths = _large_enough(pictures, path, scale, border, window)
        shared[color] = iter(tee(seen(truths, scale, recording), colors.count(color)))
    return [next(shared[color]) for color in colors]


def border_of(scale: Fraction) -> int:
    """Pixels of an image that are left out at each side."""
    return math.ceil(scale)


def _score_image(
    path: Path,
    images: Sequence[Iterator[Restored]],
    scale: Fraction,
    look: Look | None,
    metrics: Sequence[str],
    texture: bool,
) -> tuple[Score, ...]:
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
            psnr=_mean(self.psnrs),
            ssim=_mean(self.ssims),
            frames=len(self.psnrs),
            dtssd=_mean(self.changes) if self.changes else None,
            frame_psnr=tuple(self.psnrs),
            cuts=tuple(self.cuts),
            blockiness=self.traces.blockiness,
            flicker=self.traces.flicker,
            true_blockiness=true.blockiness,
            true_flicker=true.flicker,
            mse=_mean(self.mses),
            texture=_mean_of_known(self.textures),
            vmaf_neg=found.vmaf_neg,
            xpsnr=None if found.xpsnr is None else min(found.xpsnr, PERFECT),
            erqa=found.erqa,
        )


def _texture(made: Restored, border: int) -> float | None:
    """The texture distance; None where a picture is too small for it."""
    if min(made.truth.shape) - 2 * border < LEAST_SIDE:
        return None
    return texture_distance(made.picture, made.truth, border)


def _large_enough(
    truths: Iterable[Picture], path: Path, scale: Fraction, border: int, window: int
) -> Iterator[Picture]:
    """The pictures of `path`, unless one leaves no `window` square inside its border."""
    step = scale.numerator
    least = step * math.ceil((window + 2 * border) / step)
    for truth in truths:
        height, width = truth.luma.shape
        if min(height, width) < least:
            raise InputError(
                f"{path}: {width}x{height} is too small to measure at scale {short(scale)}: "
                f"both sides need {least} pixels"
            )
        yield truth


def bounded_psnr(picture: Plane, truth: Plane, border: int) -> float:
    """`metrics.psnr` in dB, at most PERFECT."""
    return min(psnr(picture, truth, border), PERFECT)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _mean_of_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _mean(known) if known else None


def _once(warn: Warn) -> Iterator[Warn]:
    """Where each reading's warnings go: those of the first say it all."""
    yield warn
    while True:
        yield ignore
