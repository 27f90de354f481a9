"""Recipe of cycle-in-cycle training: that of the super-resolver, and recordings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vsr.core.errors import TrainingError
from vsr.networks.cleaned import RESTORERS
from vsr.training.recipe import BLOCK, Recipe


@dataclass(frozen=True)
class CycleRecipe:
    """All that decides a cycle-in-cycle run. Raises TrainingError for values out of range.

    Attributes:
        restorer: the super-resolver, SR, its sharp pictures and the course of the run; it should
            start warm. Its loss, mse_fraction, reparam_width and validation play no part.
        real: recordings, videos, images and folders of them, as the network will get them. They
            need show nothing of the sharp pictures.
    """

    restorer: Recipe
    real: tuple[Path, ...]

    def __post_init__(self) -> None:
        plain = self.restorer
        if plain.network not in RESTORERS:
            raise TrainingError(
                f"network {plain.network!r}: cycle-in-cycle training takes {' or '.join(RESTORERS)}"
            )
        if plain.patch % BLOCK or plain.patch < 2 * BLOCK:
            raise TrainingError(
                f"patch {plain.patch}: must be a multiple of {BLOCK}, {2 * BLOCK} at least, for "
                "cycle-in-cycle training"
            )
        if plain.reparam_width or plain.degradation != "bicubic" or plain.validation:
            raise TrainingError(
                "cycle-in-cycle training takes no reparam_width, degradation or validation"
            )

    @property
    def whole(self) -> Recipe:
        """The recipe of what is kept: the cleaner and the super-resolver as one network."""
        plain = self.restorer
        options = {"restorer": plain.network, "restorer_options": plain.options}
        return Recipe(
            "cleaned",
            plain.scale,
            plain.data,
            options=options,
            iterations=plain.iterations,
            minutes=plain.minutes,
            reparam_width=0,
        )
