"""Checkpoints: the state of a training run, and the two files that it leaves behind."""

from __future__ import annotations

import errno
import json
import math
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors.torch import save

from vsr.core.errors import OutputError, TrainingError
from vsr.networks import Network
from vsr.training.loop import Taken
from vsr.training.recipe import Recipe
from vsr.util.atomic import atomic_write
from vsr.util.text import one_line

UNFIT = (
    OSError,
    EOFError,
    pickle.UnpicklingError,
    RuntimeError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
)
"""What torch.load, and taking over what it gives, raise for a file that is no such checkpoint."""


@dataclass
class Run:
    """A training run between two steps.

    Attributes:
        network: what is trained, widened.
        average: a plain copy that follows it slowly; the model that is measured and kept.
        optimizer: over the network's parameters.
        step: steps taken.
        elapsed: seconds spent on them.
        best: the highest validation PSNR so far in dB, None before the first.
        pixels: small pixels restored in them; counted for recurrent networks alone.
    """

    network: Network
    average: Network
    optimizer: torch.optim.Optimizer
    step: int = 0
    elapsed: float = 0.0
    best: float | None = None
    pixels: int = 0


def model_file(network: Network, recipe: Recipe) -> bytes:
    """A model file that `load_model` reads: the tensors, and which network they are of."""
    metadata = {"vsr": json.dumps(recipe.facts)}
    return save(network.state_dict(), metadata)  # save_file would make it private to the user


def save_weights(average: Network, recipe: Recipe, path: Path) -> None:
    """Write `model_file(...)`, in place of the one before. Raises OutputError."""
    write_whole(path, model_file(average, recipe))


def save_checkpoint(run: Run, recipe: Recipe, path: Path) -> None:
    """Write everything that `load_checkpoint` needs to go on exactly from here."""
    more = {"best": run.best, "pixels": run.pixels}
    save_parts(_parts(run), run, _identity(recipe), path, more)


def load_checkpoint(run: Run, recipe: Recipe, path: Path, device: torch.device) -> None:
    """Bring `run`, just begun from `recipe`, to where the checkpoint stands.

    Raises TrainingError where the file is no checkpoint, or one of another model.
    """
    saved = read_checkpoint(path, device)
    saved["recipe"] = _in_todays_names(saved["recipe"])
    load_parts(_parts(run), run, _identity(recipe), saved, path)
    run.best, run.pixels = saved.get("best"), saved.get("pixels", 0)
    if run.best == -math.inf:  # how early versions wrote None
        run.best = None


def read_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """What a run of any kind saved: "step", "elapsed", "recipe", and the states of its parts.

    Raises TrainingError where the file is no checkpoint, or a damaged one.
    """
    saved = None
    try:
        saved = torch.load(path, map_location=device, weights_only=True)
    except UNFIT as error:
        unread = isinstance(error, OSError) and error.errno != errno.EINVAL  # as of a file cut off
        if unread or isinstance(error, torch.OutOfMemoryError):
            raise TrainingError(f"{path}: cannot be read ({_cause(error)})") from None
    if isinstance(saved, dict):
        saved = {"recipe": {}} | saved  # early versions wrote none
        kinds = {"step": int, "elapsed": float, "recipe": dict}
        if all(isinstance(saved.get(name), kind) for name, kind in kinds.items()):
            return saved
    raise TrainingError(
        f"{path}: is no checkpoint, or a damaged one; remove it to begin anew, or choose another "
        "folder"
    )


def save_parts(
    parts: Mapping[str, Any],
    run: Taken,
    identity: Mapping[str, Any],
    path: Path,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint of a run of any kind.

    Args:
        parts: what learns, by the names in the checkpoint.
        run: how far it is.
        identity: what must not change until it goes on.
        more: what else it goes on with.
    """
    state = {name: part.state_dict() for name, part in parts.items()}
    state |= {"step": run.step, "elapsed": run.elapsed, "recipe": dict(identity)} | dict(more or {})
    write_whole(path, lambda file: torch.save(state, file))


def load_parts(
    parts: Mapping[str, Any],
    run: Taken,
    identity: Mapping[str, Any],
    saved: Mapping[str, Any],
    path: Path,
) -> None:
    """Bring a run, just begun, to where a checkpoint stands that `read_checkpoint` gave.

    Raises TrainingError where it is of another run, or does not fit.
    """
    compare(saved["recipe"], identity, path)
    if any(name not in saved for name in parts):
        raise TrainingError(f"{path}: is of another kind of run; choose another folder")
    try:
        for name, part in parts.items():
            part.load_state_dict(saved[name])
    except UNFIT as error:
        raise TrainingError(
            f"{path}: the run cannot be continued from it ({one_line(error, 200)})"
        ) from None
    run.step, run.elapsed = saved["step"], saved["elapsed"]


def _parts(run: Run) -> dict[str, Any]:
    return {"network": run.network, "average": run.average, "optimizer": run.optimizer}


def _identity(recipe: Recipe) -> dict[str, Any]:
    """What must not change between the beginning of a run and its continuation."""
    names = ("reparam_width", "optimizer", "symmetry")
    return recipe.facts | {name: getattr(recipe, name) for name in names}


def _in_todays_names(identity: dict[str, Any]) -> dict[str, Any]:
    """An identity, where early versions wrote "width" for reparam_width."""
    return {{"width": "reparam_width"}.get(name, name): value for name, value in identity.items()}


def compare(saved: Mapping[str, Any], asked: Mapping[str, Any], path: Path) -> None:
    """Raise TrainingError where what a checkpoint is of, and what is asked for, differ."""
    differing = [
        f"{name} {saved[name]} there, {asked[name]} here"
        for name in asked
        if name in saved and saved[name] != asked[name]
    ]
    if differing:
        raise TrainingError(
            f"{path}: is of another run ({'; '.join(differing)}); choose another folder"
        )


def write_whole(path: Path, data: bytes | Callable[[BinaryIO], object]) -> None:
    """As `atomic_write`: whoever stops us leaves the old file whole. Raises OutputError."""
    try:
        atomic_write(path, data)
    except (OSError, RuntimeError) as error:  # torch and safetensors raise RuntimeErrors of theirs
        raise OutputError(f"{path}: cannot be written ({_cause(error)})") from None


def _cause(error: BaseException) -> str:
    """What the system said; torch says something else of its own after that."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, OSError):
            return cause.strerror or str(cause)
        cause = cause.__context__
    return one_line(error, 200)
