"""A run before its first step: its network, what that begins as, and its optimizer."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from vsr.core.errors import ModelError, TrainingError
from vsr.networks import ARCHITECTURES, Network
from vsr.networks.graded import Graded
from vsr.networks.recurrent import Recurrent
from vsr.networks.vespcn import Motion
from vsr.training.checkpoint import Run
from vsr.training.first_motion import take_motion
from vsr.training.mirror import doubled
from vsr.training.net2net import grown
from vsr.training.recipe import Recipe
from vsr.training.reparam import widen
from vsr.training.rescale import rescaled
from vsr.training.symmetry import Symmetry
from vsr.training.widen import widened


def begin(recipe: Recipe, device: torch.device) -> Run:
    """The run before its first step. The caller's random numbers are left alone."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(recipe.seed)
        try:
            average, network = (
                ARCHITECTURES[recipe.network](recipe.scale, **recipe.options) for _ in range(2)
            )
        except (TypeError, ValueError) as error:
            raise TrainingError(f"{recipe.network} {recipe.options}: {error}") from None
        if recipe.warm_start:
            _warm_start(network, recipe.warm_start)
        elif isinstance(network, Recurrent):
            take_motion(network)
        symmetry = _symmetry(network, recipe)
        average.load_state_dict(network.state_dict())
        if recipe.recorded_only:
            _hold_flawless(network)
        if recipe.reparam_width:
            widen(network, recipe.reparam_width)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average.to(device).eval().requires_grad_(False)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise TrainingError(f"network {recipe.network!r} has nothing to learn")
    optimizer = optimizer_of(network, recipe)
    if symmetry:
        optimizer.register_step_pre_hook(lambda *_: symmetry.keep())
    return Run(network, average, optimizer)


def first_motion_of(recipe: Recipe, network: Recurrent) -> Motion:
    """The motion net that a run begins with, wherever it stands by now."""
    began = copy.deepcopy(network)
    if recipe.warm_start:
        _warm_start(began, recipe.warm_start)
    else:
        take_motion(began)
    return began.motion.eval().requires_grad_(False)


def _symmetry(network: Network, recipe: Recipe) -> Symmetry | None:
    """What a recurrent network's cell is to bear; it is made so."""
    if recipe.symmetry == 1:
        return None
    assert isinstance(network, Recurrent)
    symmetry = Symmetry(network, recipe.symmetry)
    symmetry.begin(anew=not recipe.warm_start)
    return symmetry


def optimizer_of(network: Network, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), lr=recipe.lr, momentum=0.9)
    return torch.optim.Adam(network.parameters(), lr=recipe.lr, betas=(0.9, 0.99))


def _hold_flawless(network: Network) -> None:
    """Keep the weights for flawless sources as they are, where others have sets of their own."""
    for module in network.modules():
        if isinstance(module, Graded) and module.grades > 1:
            module.held = 1


def _warm_start(network: Network, path: Path) -> None:
    """Begin as the network of a model file, as far as that one fits."""
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read as a model file ({error})") from None
    if isinstance(network, Recurrent):
        state = widened(doubled(rescaled(state, network), network), network)
    fitted = grown(state, network.state_dict())
    if not fitted:
        raise ModelError(f"{path}: no layer of it fits this network")
    network.load_state_dict(fitted, strict=False)
