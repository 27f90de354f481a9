"""Fit a model to a camera by its footage: look, learn, judge, and keep what is better.

After Shocher, Cohen and Irani 2018, "'Zero-Shot' Super-Resolution using Deep Internal Learning":
there is no truth at the large size, so the footage itself is the truth, and what the camera would
have made of it, smaller still, the input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vsr.adaptation.bursts import LEAST, Burst, sample
from vsr.adaptation.degradation_estimate import Camera, estimate
from vsr.adaptation.finetune import Course, Learning, learn
from vsr.adaptation.holdout import Verdict, judge
from vsr.adaptation.pseudo_pairs import CameraPairs, recordings, smallest, truth
from vsr.core.commit import commit_bytes
from vsr.core.errors import ModelError, OutputError
from vsr.core.events import Warn, ignore
from vsr.core.paths import check_output
from vsr.datasets.ground_truth import Samples
from vsr.datasets.media import is_clip
from vsr.images.listing import is_series
from vsr.inference.engine import torch_device
from vsr.model_selection.analyze import SourceAnalysis, analyze
from vsr.networks.catalogue import adapted_model
from vsr.networks.community.community import Community
from vsr.networks.model import Model
from vsr.networks.registry import load_model
from vsr.pipeline.checks import check_footage
from vsr.training.checkpoint import model_file
from vsr.training.footage import Recording
from vsr.training.recipe import Recipe

_JUDGED = (360, 640)  # rows and columns, at most


@dataclass(frozen=True)
class Found:
    """What was seen of the footage before learning begins.

    Attributes:
        model: the name of the model that is begun from.
        learnt, held_back: how many bursts of frames are for learning and for judging.
        look: of the first video, None where there are still images alone.
        camera: what is thought to lie between the scene and the pictures.
    """

    model: str
    learnt: int
    held_back: int
    look: SourceAnalysis | None
    camera: Camera


@dataclass(frozen=True)
class Adapted:
    """What came of it.

    Attributes:
        output: the model file, adapted or as it was.
        model: what was begun from.
        verdict: on the held-back frames.
        steps: how many were learnt.
    """

    output: Path
    model: str
    verdict: Verdict
    steps: int


@dataclass(frozen=True)
class Watch:
    """Who is told on the way. What is raised in it ends the work, and nothing is written.

    Attributes:
        found: told once, before learning begins.
        learning: told after each step.
        warn: told what is amiss, in one line.
    """

    found: Callable[[Found], None] = ignore
    learning: Callable[[Learning], None] = ignore
    warn: Warn = ignore


_COURSE = Course()
_UNWATCHED = Watch()


def adapt(
    footage: Sequence[Path],
    output: Path,
    scale: int,
    model: str | None = None,
    course: Course = _COURSE,
    device: str = "auto",
    overwrite: bool = False,
    watch: Watch = _UNWATCHED,
) -> Adapted:
    """Fit `model` to the camera that took `footage`, and write it as the model file `output`.

    Where that is no better on frames that were held back, by `Verdict.is_better`, the model's own
    weights are written, so that `output` always serves. The file appears when it is complete.
    With `course.iterations` alone the same call gives the same weights, on the same machine and
    threads.

    Args:
        footage: videos, images and folders of them, all of one camera.
        model: a name of the catalogue or a model file; by default that for footage, where the
            package has one of this scale, else the default one.

    Raises InputError, ModelError, DeviceError, OutputError and TrainingError as each gives cause,
    TrainingError without any footage.
    """
    _check(footage, output, model, overwrite)
    began = _chosen(model, scale)
    place = torch_device(device)
    network = began.network
    random = np.random.default_rng(course.seed)
    seen = sample(footage, scale, network.color, random, watch.warn)
    video = next((b.path for b in seen.learnt if _is_video(b.path)), None)
    look = None if video is None else analyze(video)
    truths = [_sharpest(burst, scale) for burst in seen.learnt]
    camera = estimate([burst.frames for burst in seen.learnt], truths, scale, look, random)
    watch.found(Found(began.name, len(seen.learnt), len(seen.held_back), look, camera))

    pairs = CameraPairs(
        tuple(recordings(seen.learnt, camera, scale, random)), scale, network.context
    )
    steps = 0

    def count(learning: Learning) -> None:
        nonlocal steps
        steps = learning.step
        watch.learning(learning)

    network = network.to(place)
    better = learn(network, pairs, replace(course, patch=LEAST), place, count)
    bicubic = load_model("bicubic", scale).network.to(place)
    verdicts = [
        judge(_held_back(seen.held_back, one, scale, course.seed), bicubic, network, better, place)
        for one in camera.doubtful
    ]
    verdict = min(verdicts, key=lambda one: one.gain)
    kept = (better if verdict.is_better else network).cpu()
    commit_bytes(output, model_file(kept, _facts(began, course)), overwrite)
    return Adapted(output, began.name, verdict, steps)


def _check(footage: Sequence[Path], output: Path, model: str | None, overwrite: bool) -> None:
    if output.suffix != ".safetensors":
        raise OutputError(f"{output}: a model file must be named .safetensors")
    for path in footage:
        check_footage(path, output, overwrite)
    # No folder, and not the model to begin from: what has been learnt would be all that is left.
    check_output(output, overwrite, [Path(model)] if model else [])


def _chosen(name: str | None, scale: int) -> Model:
    """The model to begin from. Raises ModelError."""
    model = load_model(adapted_model() if name is None else name, scale)
    if isinstance(model.network, Community):
        raise ModelError(f"{model.name}: community models are not adapted; choose another model")
    if not any(True for _ in model.network.parameters()):
        raise ModelError(f"{model.name}: has no weights to adapt; choose another model")
    if model.network.state_channels:
        raise ModelError(
            f"{model.name}: recurrent models are told how a source was coded, and are not adapted; "
            "choose another model"
        )
    return model


def _facts(model: Model, course: Course) -> Recipe:
    """What the model file is to say of its network."""
    of = model.weights
    return Recipe(of.network, of.scale, (), options=of.options, seed=course.seed)


def _is_video(path: Path) -> bool:
    return is_clip(path) and not is_series(path)


def _sharpest(burst: Burst, scale: int) -> Samples:
    return truth(burst.frames, smallest(burst.frames, scale), scale)


def _held_back(bursts: Sequence[Burst], camera: Camera, scale: int, seed: int) -> list[Recording]:
    """What to judge by, as that camera would have recorded it.

    The truth is the footage at its full size, at which nothing is learnt: from there to
    the size that is wanted, the step is the same once more.
    """
    random = np.random.default_rng((seed, 1))
    found = []
    for burst in bursts:
        large = _middle(truth(burst.frames, 1.0, scale), scale)
        small = camera.degradation.apply(large, scale, random)
        found.append(Recording(large, small, camera.degradation))
    return found


def _middle(frames: Samples, scale: int) -> Samples:
    """The frames (T, H, W[, 3]) or the middle of them, which is judged faster."""
    sides = frames.shape[1:3]
    rows, columns = (
        min(side, most // scale * scale) for side, most in zip(sides, _JUDGED, strict=True)
    )
    y, x = (sides[0] - rows) // 2, (sides[1] - columns) // 2
    return np.ascontiguousarray(frames[:, y : y + rows, x : x + columns])
