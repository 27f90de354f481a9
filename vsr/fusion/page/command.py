"""The command that a page tells, which follows what people choose on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from vsr.core.options import READ_DEFAULTS
from vsr.fusion.options import FuseOptions


@dataclass(frozen=True)
class CommandLine:
    """A command with places for what is chosen on the page.

    Attributes:
        before: what it begins with.
        choices: by option, what is written for a value: {} stands for it. It follows `before`, in
            this order, where there is a value.
        after: what it ends with.
    """

    before: str
    choices: Mapping[str, str]
    after: str = ""

    def with_values(self, **values: str) -> str:
        """The command with these; an empty text leaves an option out."""
        chosen = [
            text.replace("{}", values[name])
            for name, text in self.choices.items()
            if values.get(name)
        ]
        return "".join([self.before, *chosen, self.after])

    def data(self) -> dict[str, object]:
        """As the page's script reads it."""
        return {"before": self.before, "choices": dict(self.choices), "after": self.after}


LineOf: TypeAlias = Callable[[Path, Path, FuseOptions], CommandLine]
"""How people are told to fuse: source, target and options, but for those that are chosen."""

CHOICES = ("crop", "at", "keep", "drop")
"""The options that may be chosen on a page."""


def python_line(source: Path, target: Path, options: FuseOptions) -> CommandLine:
    """The call of `vsr.fuse` with these options, but for the defaults."""
    words = [repr(str(source)), repr(str(target))]
    for name in ("scale", "frames", "prior", "model", "polish", "threads", "page", "overwrite"):
        value = getattr(options, name)
        if value != default_of(name):
            words.append(f"{name}={value!r}")
    if options.read != READ_DEFAULTS:
        asked = [
            f"{name}={written(value)}"
            for name, value in vars(options.read).items()
            if value != getattr(READ_DEFAULTS, name)
        ]
        words.append(f"read=vsr.ReadOptions({', '.join(asked)})")
    choices = {
        "crop": ", crop='{}'",
        "at": ", at={}",
        "keep": ", keep='{}'",
        "drop": ", drop='{}'",
    }
    return CommandLine(f"vsr.fuse({', '.join(words)}", choices, ")")


def default_of(name: str) -> object:
    """What a field of FuseOptions is where nobody says."""
    return FuseOptions.__dataclass_fields__[name].default


def written(value: object) -> str:
    """A value as it may stand in Python."""
    if isinstance(value, Fraction):  # floats are taken for the fractions they stand for
        return str(value).replace("/", " / ")
    return repr(value)
