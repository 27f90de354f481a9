"""spandrel imported, with torchvision where there is one, and without where there is none.

spandrel takes three names of torchvision, for LaMa and RestoreFormer alone, neither of which
enlarges whole pictures. PyPI's torchvision wants one release of torch exactly, and may bring a CUDA
build of it: several GB for three names. While spandrel is imported, and only where torchvision is
missing or does not load beside this torch, three names of the same meaning stand in for it.
"""

from __future__ import annotations

import enum
import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

_NAMES = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
_importing = Lock()


class InterpolationMode(enum.Enum):
    """torchvision's names of the two ways that LaMa may ask for."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"


def normalize(
    tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    """(..., C, H, W): each channel less its mean, over its standard deviation."""
    shape = (-1, 1, 1)
    means = torch.as_tensor(mean, dtype=tensor.dtype, device=tensor.device).view(shape)
    deviations = torch.as_tensor(std, dtype=tensor.dtype, device=tensor.device).view(shape)
    made = tensor if inplace else tensor.clone()
    return made.sub_(means).div_(deviations)


def rotate(*_: object, **__: object) -> Tensor:
    """What LaMa learns with; it is not called when a network is run. Raises RuntimeError."""
    raise RuntimeError("rotating pictures needs torchvision")


def import_spandrel() -> Any:
    """The package spandrel. Raises ImportError where it, or what it needs, is not installed."""
    with _importing:
        if "spandrel" in sys.modules:
            return sys.modules["spandrel"]
        if _torchvision_loads():
            return importlib.import_module("spandrel")
        with _standing_in():
            return importlib.import_module("spandrel")


def _torchvision_loads() -> bool:
    """Whether the names can be had. One that is built for another torch raises what it likes."""
    before = set(sys.modules)
    try:
        importlib.import_module(_NAMES[-1])
    except Exception:
        for name in set(sys.modules) - before:
            if name.split(".")[0] == _NAMES[0]:
                del sys.modules[name]
        return False
    return True


@contextmanager
def _standing_in() -> Iterator[None]:
    """The three names in place of torchvision, for as long as the block runs."""
    modules = [ModuleType(name, __doc__) for name in _NAMES]
    functional: Any = modules[-1]
    functional.InterpolationMode = InterpolationMode
    functional.normalize = normalize
    functional.rotate = rotate
    sys.modules.update(zip(_NAMES, modules, strict=True))
    try:
        yield
    finally:
        for name in _NAMES:
            del sys.modules[name]
