"""What a run began with: it may go on with other options, but not silently."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vsr.core.events import Warn
from vsr.datasets.media import list_media
from vsr.training.checkpoint import write_whole

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

BEGUN = "recipe.json"
"""The file, beside a checkpoint, of what its run began with."""

REFUSED = ("network", "scale", "options", "color")
"""Fields of recipes whose change every kind of run refuses."""
HARMLESS = ("iterations", "minutes", "device", "threads", "generator")
"""Fields that change no more than when and where a run goes on, and where its files are."""
OTHER_NAMES = {"data": "DATA", "validation": "--val", "degradation": "--recipe"}
"""Options that are not called as their fields are."""
_RECIPES = {"bicubic": "clean", "learned": "degradation-gan"}
"""Values of --recipe, likewise."""


def keep_options(recipe: DataclassInstance, folder: Path) -> None:
    """Write what a run begins with into its folder. Raises OutputError."""
    text = json.dumps(_options_of(recipe), indent=2) + "\n"
    write_whole(folder / BEGUN, text.encode())


def tell_changes(recipe: DataclassInstance, folder: Path, warn: Warn) -> None:
    """Warn, in one line, of each option that is another than that which the run began with.

    Of a run of early versions, which kept none, nothing is told.
    """
    begun: Any = None
    with suppress(OSError, ValueError):
        begun = json.loads((folder / BEGUN).read_bytes())
    if not isinstance(begun, dict):
        return
    now = json.loads(json.dumps(_options_of(recipe)))
    changes = [
        _change(name, begun[name], value)
        for name, value in now.items()
        if name in begun and begun[name] != value
    ]
    if changes:
        warn(f"{folder / 'checkpoint.pt'}: goes on {'; '.join(changes)}")


def _options_of(recipe: DataclassInstance) -> dict[str, Any]:
    """The options of a recipe, and of one within it, by their fields, in JSON's own types."""
    found: dict[str, Any] = {}
    for each in fields(recipe):
        value = getattr(recipe, each.name)
        if is_dataclass(value) and not isinstance(value, type):
            found |= _options_of(value)
        elif each.name not in REFUSED + HARMLESS:
            found[each.name] = _plain(value)
    return found


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value.resolve())
    if isinstance(value, tuple):
        return _files(value) if value else None
    return None if value is False else value


def _files(paths: Sequence[Path]) -> dict[str, Any]:
    """Which files there are in `paths`, told by their names and sizes."""
    digest, count = sha256(), 0
    for path in paths:
        for file in list_media([path]):
            name = os.path.relpath(file, path)
            digest.update(f"{name}\0{file.stat().st_size}\0".encode("utf-8", "surrogateescape"))
            count += 1
    places = [str(path.resolve()) for path in paths]
    return {"paths": places, "files": count, "sha256": digest.hexdigest()}


def _change(name: str, before: object, now: object) -> str:
    option = OTHER_NAMES.get(name, f"--{name.replace('_', '-')}")
    if name == "warm_start" and now is not None:
        return f"from where it is, not from {option} {_said(now)}"
    if now is None:
        return f"without {option}, begun with {_said(before)}"
    if before is None:
        return f"with {option}{'' if now is True else f' {_said(now)}'}, begun without"
    then = _said(before)
    return f"with {option} {_said(now)}, begun with {'others' if then == _said(now) else then}"


def _said(value: object) -> str:
    """A value as people give it."""
    if value is True:
        return "it"
    if isinstance(value, dict):
        files = value["files"]
        return f"{' '.join(value['paths'])} ({files} file{'' if files == 1 else 's'})"
    return _RECIPES.get(str(value), str(value))
