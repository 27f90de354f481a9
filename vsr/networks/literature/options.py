"""What the options of a network may be, said in one line where they are not."""

from __future__ import annotations

SCALES = (2, 3, 4)
_DEEPEST = 1024  # layers: several times what any published network has


def check_scale(scale: int) -> None:
    """Raise ValueError for a scale that a network of one scale has no shape for."""
    if scale not in SCALES:
        raise ValueError(f"scale {scale}: must be 2, 3 or 4")


def check_positive(**options: int) -> None:
    """Raise ValueError unless all are at least 1."""
    if min(options.values()) < 1:
        said = ", ".join(f"{name} {value}" for name, value in options.items())
        raise ValueError(f"{said}: {'all must' if len(options) > 1 else 'must'} be positive")


def check_depth(**options: int) -> None:
    """Raise ValueError where layers within layers are too many: a few words must not ask for hours.

    Their number is the product of the options.
    """
    layers = 1
    for value in options.values():
        layers *= value
    if layers > _DEEPEST:
        said = " times ".join(f"{name} {value}" for name, value in options.items())
        raise ValueError(f"{said}: must be at most {_DEEPEST}")
