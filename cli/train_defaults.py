"""What `vsr train --help` says of an option's default: it is not the same for every network."""

from __future__ import annotations

from typing import Any

from vsr.training.recipe import Recipe
from vsr.training.shapes import LITERATURE_SHAPES, SHAPES


def with_default(text: str, field: str) -> str:
    """The help of an option for a field of Recipe, with its default.

    Networks that have another are named, but for those of the literature.
    """
    usual = getattr(Recipe, field)
    others: dict[Any, list[str]] = {}
    for name, shape in SHAPES.items():
        own = shape.defaults.get(field, usual)
        if own != usual and name not in LITERATURE_SHAPES:
            others.setdefault(own, []).append(name)
    parts = [_said(usual), *(f"{', '.join(names)}: {_said(own)}" for own, names in others.items())]
    return f"{text}  [default: {'; '.join(parts)}]"


def _said(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
