"""What a run's network is asked at each step."""

from __future__ import annotations

from vsr.core.errors import TrainingError
from vsr.core.events import Warn
from vsr.networks import Network
from vsr.networks.recurrent import Recurrent
from vsr.networks.vespcn import Vespcn
from vsr.training.beginning import first_motion_of
from vsr.training.lessons import Lesson, StillLesson, WindowLesson
from vsr.training.losses import MARGIN
from vsr.training.material import least_side, patches, windows
from vsr.training.recipe import Recipe
from vsr.training.stream_lesson import StreamLesson
from vsr.training.streams import Streams
from vsr.training.takes import SIDE
from vsr.training.teacher import Teacher
from vsr.training.window_pairs import WindowPairs

_SIZES = (1.0, 0.7, 0.5)
"""What recurrent networks learn from, as parts of a clip's own size."""


def lesson_of(recipe: Recipe, network: Network, warn: Warn) -> Lesson:
    """What suits the network. Raises TrainingError where it cannot learn, or from nothing."""
    if isinstance(network, Recurrent):
        lesson, side = _stream_lesson(recipe, network, warn), SIDE
    else:
        side = least_side(recipe)
        lesson = (_window_lesson if network.context else _still_lesson)(recipe, network, warn)
    if lesson:
        return lesson
    places = ", ".join(str(path) for path in recipe.data) or "no path given"
    hint = f", nor {2 * network.context + 1} such frames without a cut" if network.context else ""
    raise TrainingError(
        f"nothing to learn from ({places}): no image or video with sides of at least "
        f"{side * recipe.scale} pixels{hint}"
    )


def _stream_lesson(recipe: Recipe, network: Recurrent, warn: Warn) -> Lesson | None:
    if recipe.patch > SIDE:
        raise TrainingError(f"patch {recipe.patch}: must be at most {SIDE} for recurrent")
    pairs = WindowPairs.load(recipe.data, recipe.scale, 1, SIDE, reductions=_SIZES, warn=warn)
    if not (pairs.stills or pairs.clips):
        return None
    streams = Streams(pairs, recipe.batch, recipe.patch, network.future)
    if recipe.recorded_only:
        streams.clean = 0.0
    if teacher := _teacher(recipe):
        streams.taught = teacher.taught
    first = first_motion_of(recipe, network) if recipe.motion_fraction else None
    return StreamLesson(streams, recipe.mse_fraction, recipe.loss, recipe.motion_fraction, first)


def _teacher(recipe: Recipe) -> Teacher | None:
    if recipe.teacher is None:
        return None
    how = (recipe.device, recipe.teacher_share, recipe.teacher_ensemble)
    return Teacher.load(recipe.teacher, recipe.scale, *how)


def _window_lesson(recipe: Recipe, network: Network, warn: Warn) -> Lesson | None:
    if not isinstance(network, Vespcn):
        raise TrainingError(
            f"{recipe.network} sees neighbouring frames: of such networks only vespcn can learn"
        )
    if recipe.patch <= 2 * MARGIN:
        raise TrainingError(
            f"patch {recipe.patch}: must be above {2 * MARGIN} for {recipe.network}, whose "
            f"windows are not judged within {MARGIN} pixels of their edge"
        )
    pairs = windows(recipe, network, warn)
    parts = (recipe.motion_fraction, recipe.guided_fraction)
    return WindowLesson(pairs, *_common(recipe), *parts) if pairs else None


def _still_lesson(recipe: Recipe, network: Network, warn: Warn) -> Lesson | None:
    pairs = patches(recipe, network, warn)
    return StillLesson(pairs, *_common(recipe)) if pairs else None


def _common(recipe: Recipe) -> tuple[int, int, float, str]:
    return recipe.batch, recipe.patch, recipe.mse_fraction, recipe.loss
