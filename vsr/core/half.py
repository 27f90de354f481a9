"""Scene-linear light as half floats in samples of 16 bits, and what networks and displays see.

A sample is a half float's place in the order of all of them, so that it holds every value that an
EXR can, and a larger one is lighter. What networks see of it is as it would be shown: sRGB's curve
(IEC 61966-2-1) from 0 to 1, continued by a logarithm of the same slope above 1, and mirrored below
0. The curve and its inverse are exact to half precision.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsr.core.frame import Plane

MOST_LIGHT = 65504.0
"""The largest half float."""
BLACK = 0x8000
"""The sample of no light."""

_PEAK = 0xFFFF
_SIGN = 0x8000
_TOE, _TOE_SLOPE = 0.0031308, 12.92
_OFFSET, _GAMMA = 0.055, 2.4
_LOG_SLOPE = (1 + _OFFSET) / _GAMMA  # of the curve at 1


def samples_of(light: NDArray[np.float16]) -> NDArray[np.uint16]:
    """Finite half floats of any shape as samples."""
    bits = np.ascontiguousarray(light).view(np.uint16)
    # ~ rather than a difference: the two zeros are neighbours
    return np.where(bits & _SIGN, ~bits, bits | _SIGN).astype(np.uint16)


def light_of_samples(samples: NDArray[np.uint16]) -> NDArray[np.float16]:
    """The half floats of samples."""
    bits = np.where(samples & _SIGN, samples & ~np.uint16(_SIGN), ~samples)
    return np.ascontiguousarray(bits.astype(np.uint16)).view(np.float16)


def shown_of(light: Tensor) -> Tensor:
    """Light, any floats, as it is shown: 0 to 1 nominally."""
    size = light.abs()
    curved = torch.where(
        size <= _TOE, size * _TOE_SLOPE, (1 + _OFFSET) * size ** (1 / _GAMMA) - _OFFSET
    )
    beyond = 1 + _LOG_SLOPE * size.clamp(min=1).log()
    return torch.where(size > 1, beyond, curved).copysign(light)


def light_of(shown: Tensor) -> Tensor:
    """The inverse of `shown_of`, at most MOST_LIGHT."""
    size = shown.abs()
    curved = torch.where(
        size <= _TOE * _TOE_SLOPE, size / _TOE_SLOPE, ((size + _OFFSET) / (1 + _OFFSET)) ** _GAMMA
    )
    beyond = ((size - 1).clamp(max=math.log(MOST_LIGHT) / _LOG_SLOPE) / _LOG_SLOPE).exp()
    light = torch.where(size > 1, beyond, curved).clamp(max=MOST_LIGHT)
    return light.copysign(shown)


def shown_of_samples(samples: Tensor) -> Tensor:
    """Samples, uint16, as networks see them: float32."""
    return _table().to(samples.device)[samples.to(torch.int32)]


def samples_of_shown(shown: Tensor) -> Tensor:
    """What networks give, float32, as samples: uint16."""
    bits = light_of(shown).to(torch.float16).view(torch.int16).to(torch.int32)
    return torch.where(bits < 0, -1 - bits, bits + _SIGN).to(torch.uint16)


@cache
def _table() -> Tensor:
    """What is shown of each sample; those of no number are never met."""
    light = light_of_samples(np.arange(_PEAK + 1, dtype=np.uint16))
    return shown_of(torch.from_numpy(light.astype(np.float64))).to(torch.float32)


@cache
def _to_display() -> NDArray[np.uint16]:
    return (_table().nan_to_num(0.0).clamp(0, 1).double() * _PEAK).round().numpy().astype(np.uint16)


@cache
def _from_display() -> NDArray[np.uint16]:
    shown = torch.arange(_PEAK + 1, dtype=torch.float64) / _PEAK
    return samples_of(light_of(shown).numpy().astype(np.float16))


def displayed(planes: Sequence[Plane]) -> list[Plane]:
    """Samples of light as those of a display, 0 to 65535, clipped.

    Of light, alpha (in 0..65535) is multiplied into the colours; of what is displayed it is not.
    """
    colours, alpha = planes[:3], planes[3:]
    if not alpha or int(alpha[0].min()) == _PEAK:
        return [*(_to_display()[plane] for plane in colours), *alpha]
    opacity = np.maximum(alpha[0], 1) / np.float32(_PEAK)
    straight = [_divided(plane, opacity) for plane in colours]
    return [*(_to_display()[plane] for plane in straight), *alpha]


def displayed_light(light: NDArray[Any]) -> NDArray[np.uint16]:
    """float16 of any shape as samples of a display."""
    return _to_display()[samples_of(light)]


def of_display(planes: Sequence[Plane]) -> list[Plane]:
    """The way back of `displayed`, of uint16."""
    colours, alpha = [_from_display()[plane] for plane in planes[:3]], planes[3:]
    if alpha and int(alpha[0].min()) < _PEAK:
        opacity = np.float32(_PEAK) / np.maximum(alpha[0], 1)
        dark: NDArray[np.uint16] = np.full_like(colours[0], BLACK)
        colours = [np.where(alpha[0] == 0, dark, _divided(plane, opacity)) for plane in colours]
    return [*colours, *alpha]


def _divided(plane: Plane, divisor: NDArray[Any]) -> NDArray[np.uint16]:
    light = light_of_samples(plane.astype(np.uint16)).astype(np.float32) / divisor
    return samples_of(light.clip(-MOST_LIGHT, MOST_LIGHT).astype(np.float16))
