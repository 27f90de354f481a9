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
from fractions import Fraction
from itertools import islice, tee
from os import PathLike
from pathlib import Path

from vsr.core.errors import InputError
from vsr.core.events import Warn, ignore
from vsr.core.options import ComputeOptions, Precision
from vsr.core.paths import as_path, quoted
from vsr.core.picture import USUAL_SCALE, PictureOptions, short
from vsr.datasets.ground_truth import Picture
from vsr.datasets.media import is_clip, list_items, read_pictures
from vsr.evaluation.clip import Restored, restore_clip
from vsr.evaluation.degrade import Recording, Seen, seen
from vsr.evaluation.further import check_further, least_side
from vsr.evaluation.measure import CLIP_BORDER, Look, border_of, score_clip, score_image
from vsr.evaluation.metrics import SSIM_WINDOW
from vsr.evaluation.resized import restore_resized
from vsr.evaluation.score import Score
from vsr.inference.engine import Engine, choose_engine, prepared
from vsr.inference.passes import first_model, going_on
from vsr.inference.self_test import proven
from vsr.networks.model import Model
from vsr.networks.registry import load_model

_EXACT = ComputeOptions(precision="fp32")


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
            yield score_image(item, made, scale, look, metrics, texture)


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


def _once(warn: Warn) -> Iterator[Warn]:
    """Where each reading's warnings go: those of the first say it all."""
    yield warn
    while True:
        yield ignore
