"""Recipe of adversarial training: that of the super-resolver, and what its adversary is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vsr.core.bounds import Bounds, check_bounds
from vsr.core.errors import TrainingError
from vsr.training.recipe import Recipe
from vsr.training.srgan_discriminator import LEAST_SIDE

ADVERSARIAL = Bounds(0, 1000, above=True)
DISCRIMINATORS = ("light", "srgan")


@dataclass(frozen=True)
class AdversarialRecipe:
    """All that decides an adversarial run. Raises TrainingError for values out of range.

    Attributes:
        generator: the super-resolver, its data and the course of the run, which should start
            warm. Its loss, mse_fraction and reparam_width play no part.
        adversarial: the weight of the adversarial loss beside the content loss.
        features: a safetensors file of VGG-19, as torchvision names its tensors, for the content
            loss; None takes EfficientNet-Lite0 from the extra `perceptual`.
        discriminator: "srgan" is the paper's, "light" a narrower one for any patch.
    """

    generator: Recipe
    adversarial: float = 1e-3  # Ledig et al. 2017, equation 3
    features: Path | None = None
    discriminator: str = "light"

    def __post_init__(self) -> None:
        check_bounds(TrainingError, self, {"adversarial": ADVERSARIAL})
        if self.discriminator not in DISCRIMINATORS:
            raise TrainingError(
                f"discriminator {self.discriminator!r}: must be {' or '.join(DISCRIMINATORS)}"
            )
        side = self.generator.patch * self.generator.scale
        if side < LEAST_SIDE:
            raise TrainingError(
                f"patch {self.generator.patch}: adversarial training at x{self.generator.scale} "
                f"needs at least {-(-LEAST_SIDE // self.generator.scale)}"
            )
        if self.discriminator == "srgan" and side % LEAST_SIDE:
            raise TrainingError(
                f"patch {self.generator.patch}: times the scale, {self.generator.scale}, it must "
                f"be a multiple of {LEAST_SIDE} for the discriminator 'srgan'"
            )
        if self.generator.batch < 2:  # batch normalisation
            raise TrainingError(
                f"batch {self.generator.batch}: adversarial training needs at least 2"
            )
        if self.generator.reparam_width:
            raise TrainingError(
                f"reparam_width {self.generator.reparam_width}: must be 0 for adversarial training"
            )

    @property
    def identity(self) -> dict[str, Any]:
        """What must not change between the beginning of a run and its continuation."""
        identity = self.generator.facts | {"discriminator": self.discriminator}
        if self.discriminator == "srgan":
            identity["patch"] = self.generator.patch
        return identity
