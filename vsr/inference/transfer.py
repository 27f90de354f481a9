"""Planes on their way to a device and back: 16 bits are more numbers where it has no uint16."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsr.core.frame import Plane
from vsr.core.resample import sample_type


def as_sent(samples: NDArray[Any], device: torch.device) -> Tensor:
    """uint8 or uint16 samples as the tensor, still in the host's memory, that goes to a device."""
    tensor = torch.from_numpy(samples)
    if samples.dtype == np.uint8:
        return tensor
    return tensor.to(sample_type(np.iinfo(np.uint16).max, device))


def sent(samples: NDArray[Any], device: torch.device) -> Tensor:
    """uint8 or uint16 samples on a device, as `sample_type` has them there."""
    return as_sent(samples, device).to(device)


def as_planes(samples: Tensor) -> Plane:
    """Samples in the host's memory as uint8 or uint16."""
    array = samples.numpy()
    return array if array.dtype != np.int32 else array.astype(np.uint16)


def fetched(samples: Tensor) -> Plane:
    """A device's samples in the host's memory, as uint8 or uint16."""
    return as_planes(samples.cpu())
