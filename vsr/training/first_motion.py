"""The motion net that a recurrent network begins with: it does not learn with the cell."""

from __future__ import annotations

import inspect
from dataclasses import replace

from safetensors import SafetensorError, safe_open

from vsr.networks.recurrent import Recurrent
from vsr.networks.registry import load_model
from vsr.networks.vespcn import Motion
from vsr.training.recipe import Recipe

_FIRST_LAYER = "motion.coarse.0.weight"
_USUAL: int = inspect.signature(Recurrent).parameters["flow_features"].default


def as_wide_as_known(recipe: Recipe) -> Recipe:
    """The recipe of a network whose motion net is as wide as the one that it begins with.

    As it is, where its options say how wide, or the network has none. A file that cannot be read
    is told when the run begins.
    """
    if recipe.network != "recurrent" or "flow_features" in recipe.options:
        return recipe
    width = _known_width(recipe)
    if width in (None, _USUAL):
        return recipe
    return replace(recipe, options=recipe.options | {"flow_features": width})


def take_motion(network: Recurrent) -> None:
    """Give a network the bundled one's motion net, if that fits."""
    found, own = bundled_motion().state_dict(), network.motion.state_dict()
    if all(found[name].shape == value.shape for name, value in own.items()):
        network.motion.load_state_dict(found)


def bundled_motion() -> Motion:
    """That of the network that comes with vsr."""
    bundled = load_model("recurrent", 4).network
    assert isinstance(bundled, Recurrent)
    return bundled.motion


def _known_width(recipe: Recipe) -> int | None:
    """Channels of the motion net that a run begins with; None where there is none."""
    if recipe.warm_start is None:
        return len(bundled_motion().state_dict()[_FIRST_LAYER.removeprefix("motion.")])
    try:
        with safe_open(recipe.warm_start, "pt") as file:
            held = file.keys()
            return file.get_slice(_FIRST_LAYER).get_shape()[0] if _FIRST_LAYER in held else None
    except (OSError, SafetensorError):
        return None
