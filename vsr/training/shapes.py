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
_STREAMS = {
    "patch": 56,
    "reparam_width": 0,
    "mse_fraction": 0.0,
    "motion_fraction": 0.0,
    "loss": "relative",
}

# Those of the literature are trained as they are, without re-parameterisation.
_PLAIN = {"reparam_width": 0}
_L2 = {**_PLAIN, "loss": "l2"}
_LARGE = {**_L2, "patch": 16}  # their layers work at the output's size

_AS_PUBLISHED = {**_PLAIN, "loss": "l1", "lr": 1e-4}  # for Adam, as most of them were
_LIGHT = {**_PLAIN, "loss": "l1", "lr": 8e-4, "batch": 8}  # what one core bears
_BACK_AND_FORTH = {"patch": 32}  # half of their layers work at the output's size

LITERATURE_SHAPES = {
    "srcnn": Shape("srcnn", {}, {**_LARGE, "lr": 4e-4}),
    "srcnn-915": Shape("srcnn", {"kernels": (9, 1, 5)}, {**_LARGE, "lr": 4e-4}),
    "fsrcnn": Shape("fsrcnn", {}, _L2),
    "fsrcnn-s": Shape("fsrcnn", {"features": 32, "shrunk": 5, "layers": 1}, _L2),
    "vdsr": Shape("vdsr", {}, {**_LARGE, "lr": 4e-4}),
    "srresnet": Shape("srresnet", {}, {**_AS_PUBLISHED, "loss": "l2"}),
    "srresnet-light": Shape("srresnet", {"features": 32, "light": True}, _LIGHT),
    "dbpn-ss": Shape("dbpn", {"features": 64, "projected": 18}, {**_LIGHT, **_BACK_AND_FORTH}),
    "dbpn-s": Shape("dbpn", {}, {**_AS_PUBLISHED, **_BACK_AND_FORTH}),
    "dbpn-m": Shape("dbpn", {"stages": 4}, {**_AS_PUBLISHED, **_BACK_AND_FORTH}),
    "dbpn-l": Shape("dbpn", {"stages": 6}, {**_AS_PUBLISHED, **_BACK_AND_FORTH}),
    "d-dbpn": Shape("d-dbpn", {}, {**_AS_PUBLISHED, **_BACK_AND_FORTH}),
    "rcan": Shape("rcan", {}, _AS_PUBLISHED),
    "rcan-light": Shape(
        "rcan",
        {
            **{"groups": 2, "blocks": 5, "features": 40, "reduction": 8},
            **{"window": 2, "light": True},
        },
        _LIGHT,
    ),
    "srdensenet": Shape("srdensenet", {}, _AS_PUBLISHED),
    "srdensenet-light": Shape("srdensenet", {"layers": 5, "bottleneck": 64, "light": True}, _LIGHT),
    "rdn": Shape("rdn", {}, _AS_PUBLISHED),
    "rdn-light": Shape(
        "rdn",
        {"blocks": 5, "layers": 4, "growth": 24, "features": 32, "light": True},
        _LIGHT,
    ),
    "idn": Shape("idn", {}, _AS_PUBLISHED),
    "idn-light": Shape("idn", {"features": 48, "kept": 12}, _LIGHT),
    "carn": Shape("carn", {}, _AS_PUBLISHED),
    "carn-m": Shape("carn", {"groups": 4, "mobile": True}, _AS_PUBLISHED),
    "carn-light": Shape(
        "carn", {"features": 48, "groups": 4, "mobile": True, "light": True}, _LIGHT
    ),
    "dilated": Shape("dilated", {}, _LIGHT),
    "wavelet": Shape("wavelet", {"widths": (48, 64)}, _LIGHT),
    "drrn": Shape("drrn", {}, {**_LARGE, "lr": 4e-4}),
    "drrn-u25": Shape("drrn", {"units": 25}, {**_LARGE, "lr": 4e-4}),
    "drrn-light": Shape("drrn", {"features": 32, "supervise_all": True}, {**_LARGE, "lr": 4e-4}),
    "lapsrn": Shape("lapsrn", {}, {**_PLAIN, "patch": 24, "lr": 4e-4}),  # Charbonnier, as theirs
    "mdsr": Shape("mdsr", {"blocks": 80}, {**_PLAIN, **_AS_LIM}),
    "mdsr-baseline": Shape("mdsr", {}, {**_PLAIN, **_AS_LIM}),
    "mdsr-light": Shape("mdsr", {"blocks": 8, "features": 32}, {**_PLAIN, **_SMALL, "patch": 24}),
}
"""The shapes of the literature's networks."""

SHAPES = {
    "espcn": Shape("espcn"),
    "espcn-deep": Shape("espcn", {"kernels": (3,) * 9, "features": (24,) * 8}),
    "vespcn": Shape("vespcn", {"features": 32}),
    "vespcn-wide": Shape("vespcn", {"features": 32, "layers": 12, "context": 2}),
    "recurrent": Shape(
        "recurrent",
        {"hidden": 24, "grades": 3, "coming_aligned": True},
        {"batch": 10, **_STREAMS},
    ),
    "recurrent-large": Shape(
        "recurrent",
        {"features": 64, "hidden": 48, "grades": 3, "coming_aligned": True},
        {"batch": 8, "lr": 6e-4, "symmetry": 2, **_STREAMS},
    ),
    "edsr-8x32": Shape("edsr", {"blocks": 8, "features": 32, "light": True}, _SMALL),
    "edsr-baseline": Shape("edsr", {}, _AS_LIM),
    "edsr": Shape("edsr", {"blocks": 32, "features": 256, "residual_scaling": 0.1}, _AS_LIM),
    **LITERATURE_SHAPES,
}
"""The shapes by the names that `vsr train` knows."""
