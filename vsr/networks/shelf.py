"""The user's shelf: model files that were given names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from vsr.core.errors import ModelError
from vsr.util.atomic import atomic_write
from vsr.util.places import data_folder
from vsr.util.text import shown

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]{0,63}")


@dataclass(frozen=True)
class Shelved:
    """A model on the shelf.

    Attributes:
        name: what the user calls it.
        file: the name of its file on the shelf.
        sha256: of that file.
        bytes: its size.
        scales: the factors that its weights are for.
        architecture: of the network.
        licence: what the user, or the file, said of its terms; "" where nobody did.
        tiles: what parts of a picture need around them, in words.
        fps: frames per second to 1920x1080, as they were measured when it was added; 0 where they
            were not.
        measured_on: where, and in which precision.
    """

    name: str
    file: str
    sha256: str
    bytes: int
    scales: tuple[int, ...]
    architecture: str
    licence: str = ""
    tiles: str = ""
    fps: float = 0.0
    measured_on: str = ""

    @property
    def path(self) -> Path:
        """Where its file lies."""
        return folder() / self.file


def folder() -> Path:
    """Where the shelf is. It need not exist."""
    return data_folder() / "models"


def check_name(name: str) -> None:
    """Raise ModelError for what cannot be a model's name on the shelf."""
    if not _NAME.fullmatch(name):
        raise ModelError(
            f"name {shown(name)}: must be of letters, digits, _, + and -, at most 64, and begin "
            "with a letter or a digit"
        )


def find(name: str) -> Shelved | None:
    """What the shelf holds by a name; None for nothing. Raises ModelError if that is damaged."""
    if not _NAME.fullmatch(name):
        return None
    place = _facts(name)
    if not place.is_file():
        return None
    try:
        held = json.loads(place.read_bytes())
        known = {each.name: held[each.name] for each in fields(Shelved)}
        found = Shelved(**known | {"scales": tuple(known["scales"])})
        kinds = {each.name: str(each.type) for each in fields(Shelved)}
        sound = all(_is(getattr(found, field), kind) for field, kind in kinds.items())
        if not sound or found.name != name or Path(found.file).name != found.file:
            raise ValueError
    except (OSError, ValueError, LookupError, TypeError):
        raise ModelError(f"{place}: is damaged; remove {name!r}, and add it again") from None
    return found


def names() -> list[str]:
    """The names on the shelf, sorted."""
    try:
        places = sorted(place.stem for place in folder().glob("*.json"))
    except OSError:
        return []
    return [name for name in places if _NAME.fullmatch(name)]


def shelved() -> Iterator[Shelved]:
    """What is on the shelf, by name. Raises ModelError where some of it is damaged."""
    yield from (found for name in names() if (found := find(name)))


def add(entry: Shelved, data: bytes) -> Shelved:
    """Put a model on the shelf: its file, and then the facts. Raises ModelError."""
    check_name(entry.name)
    try:
        folder().mkdir(parents=True, exist_ok=True)
        atomic_write(entry.path, data)
        update(entry)
    except OSError as error:
        raise ModelError(f"{folder()}: cannot be written to ({error.strerror})") from None
    return entry


def update(entry: Shelved) -> None:
    """Replace the facts of a model that is there. Raises OSError."""
    atomic_write(_facts(entry.name), json.dumps(asdict(entry), indent=1).encode())


def remove(name: str) -> None:
    """Take a model off the shelf, with its file. Raises ModelError where there is none."""
    place = _facts(name)
    if not _NAME.fullmatch(name) or not place.is_file():
        there = ", ".join(names()) or "nothing"
        raise ModelError(f"model {shown(name)}: is not on the shelf, which holds {there}")
    try:
        for file in folder().glob(f"{name}.*"):  # a name has no dot: they are all of this model
            file.unlink()
    except OSError as error:
        raise ModelError(f"{place}: cannot be removed ({error.strerror})") from None


def _facts(name: str) -> Path:
    return folder() / f"{name}.json"


def _is(value: object, kind: str) -> bool:
    """Whether a value of JSON is of a field's type."""
    if isinstance(value, tuple):
        return bool(value) and all(_is(each, "int") for each in value)
    kinds = {"str": str, "int": int, "float": (int, float)}[kind]
    return isinstance(value, kinds) and not isinstance(value, bool)  # type: ignore[arg-type]
