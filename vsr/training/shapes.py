"""Shapes: what `vsr train` can build, and how each is trained unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Shape:
    """What `vsr train` can build, and how it is trained unless told otherwise.

    Attributes:
        network: a key of `vsr.networks.ARCHITECTURES`.
        options: its arguments besides the scale.
        defaults: fields of Recipe that have other defaults for it.
    """

    network: str
    options: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)


_AS_LIM = {"loss": "l1", "lr": 1e-4}  # et al. 2017, 4.2; their patches are Recipe's
_SMALL = {"loss": "l1", "lr": 8e-4}  # little to learn, in short runs
_STREAMS = {"patch": 56, "reparam_width": 0, "mse_fraction": 0.0, "loss": "relative"}

# Those of the literature are trained as they are, without re-parameterisation.
_PLAIN = {"reparam_width": 0}
_L2 = {**_PLAIN, "loss": "l2"}
_LARGE = {**_L2, "patch": 16}  # their layers work at the output's size

LITERATURE_SHAPES = {
    "srcnn": Shape("srcnn", {}, {**_LARGE, "lr": 4e-4}),
    "srcnn-915": Shape("srcnn", {"kernels": (9, 1, 5)}, {**_LARGE, "lr": 4e-4}),
    "fsrcnn": Shape("fsrcnn", {}, _L2),
    "fsrcnn-s": Shape("fsrcnn", {"features": 32, "shrunk": 5, "layers": 1}, _L2),
    "vdsr": Shape("vdsr", {}, {**_LARGE, "lr": 4e-4}),
}
"""The shapes of the literature's networks."""

SHAPES = {
    "espcn": Shape("espcn"),
    "espcn-deep": Shape("espcn", {"kernels": (3,) * 9, "features": (24,) * 8}),
    "vespcn": Shape("vespcn", {"features": 32}),
    "vespcn-wide": Shape("vespcn", {"features": 32, "layers": 12, "context": 2}),
    "recurrent": Shape("recurrent", {"hidden": 24, "grades": 3}, {"batch": 10, **_STREAMS}),
    "recurrent-large": Shape(
        "recurrent",
        {"features": 48, "pairs": 6, "grades": 3},
        {"batch": 8, "lr": 6e-4, **_STREAMS},
    ),
    "edsr-8x32": Shape("edsr", {"blocks": 8, "features": 32, "light": True}, _SMALL),
    "edsr-baseline": Shape("edsr", {}, _AS_LIM),
    "edsr": Shape("edsr", {"blocks": 32, "features": 256, "residual_scaling": 0.1}, _AS_LIM),
    **LITERATURE_SHAPES,
}
"""The shapes by the names that `vsr train` knows."""
