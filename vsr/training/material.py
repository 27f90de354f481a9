"""The pictures that a run learns from, as its recipe has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vsr.core.events import Warn
from vsr.datasets.media import list_media
from vsr.networks import Network
from vsr.training.checkpoint import write_whole
from vsr.training.data import MixedScales, Patches, StillPairs
from vsr.training.footage import FootagePairs, FootageStills, degradations
from vsr.training.learned import LearnedPairs
from vsr.training.lessons import Windows
from vsr.training.recipe import Recipe
from vsr.training.window_pairs import WindowPairs


def inputs(recipe: Recipe) -> list[Path]:
    """The files that a run reads, as they are given and within the folders that are."""
    given = [path for path in (recipe.warm_start, recipe.teacher) if path]
    return [*given, *list_media((*recipe.data, *recipe.validation))]


def least_side(recipe: Recipe) -> int:
    """Small pixels a side that a picture must have, so that other networks learn from it."""
    if recipe.degradation == "footage":
        return FootagePairs.least(recipe.scale, recipe.patch)
    return LearnedPairs.least(recipe.patch) if recipe.generator else recipe.patch


def windows(recipe: Recipe, network: Network, warn: Warn) -> Windows | None:
    """What to learn from with neighbours, None where there is nothing."""
    if recipe.degradation == "footage":
        return _footage(recipe, network, warn)
    if recipe.generator:
        return _learned(recipe, recipe.generator, network, warn)
    pairs = WindowPairs.load(recipe.data, recipe.scale, network.context, recipe.patch, warn=warn)
    return pairs if pairs.stills or pairs.clips else None


def patches(recipe: Recipe, network: Network, warn: Warn) -> Patches | None:
    """What to learn from without them, likewise; of each scale that is learnt."""
    found = [
        _patches_of(replace(recipe, scale=scale), network, warn) for scale in sorted(recipe.scales)
    ]
    pairs = tuple(each for each in found if each)
    if len(pairs) < len(found):
        return None
    return pairs[0] if len(pairs) == 1 else MixedScales(pairs)


def _patches_of(recipe: Recipe, network: Network, warn: Warn) -> Patches | None:
    """The same of the recipe's scale."""
    if recipe.degradation == "footage":
        recordings = _footage(recipe, network, warn)
        return FootageStills(recordings) if recordings else None
    if recipe.generator:
        scenes = _learned(recipe, recipe.generator, network, warn)
        return FootageStills(scenes) if scenes else None
    pairs = StillPairs.load(recipe.data, recipe.scale, recipe.patch, network.color, warn=warn)
    return pairs if pairs.large else None


def _footage(recipe: Recipe, network: Network, warn: Warn) -> FootagePairs | None:
    pairs = FootagePairs.load(
        recipe.data, recipe.scale, network.context, recipe.patch, network.color, recipe.seed, warn
    )
    return pairs if pairs.source.stills or pairs.source.clips else None


def _learned(recipe: Recipe, generator: Path, network: Network, warn: Warn) -> LearnedPairs | None:
    pairs = LearnedPairs.load(
        recipe.data,
        generator,
        recipe.scale,
        network.context,
        recipe.patch,
        network.color,
        recipe.seed,
        warn,
    )
    return pairs if pairs.source.stills or pairs.source.clips else None


def tell_recordings(seed: int, path: Path) -> None:
    lines = [f"{number}: {made}\n" for number, made in enumerate(degradations(seed))]
    write_whole(path, "".join(lines).encode())
