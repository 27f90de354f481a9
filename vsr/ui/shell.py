"""What the server must know of the command line, which stands above it and hands it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

Kind: TypeAlias = Literal["choice", "number", "flag", "text", "path"]


@dataclass(frozen=True)
class OptionFacts:
    """An option of a command, for a control in a page.

    Attributes:
        name: by which requests name it.
        flags: as typed, the long one first.
        off: the flag that switches it off, or "".
        kind: of control.
        choices: of a choice.
        least, most: of a number, where it is bounded.
        whole: whether a number has no fraction.
        default: of a command without it.
        hint: how its value is written, such as "X,Y,W,H".
        help: one line.
        multiple: whether it may be given several times.
        group: what it belongs to: picture, read, compute, encode, streams, run or command.
    """

    name: str
    flags: tuple[str, ...]
    off: str
    kind: Kind
    choices: tuple[str, ...]
    least: float | None
    most: float | None
    whole: bool
    default: Any
    hint: str
    help: str
    multiple: bool
    group: str


class Shell(Protocol):
    """The command line, as far as the server needs it."""

    def options(self, command: str) -> Sequence[OptionFacts]:
        """The options of a command that a job may have."""
        ...

    def complaint(self, command: str, words: Sequence[str]) -> str:
        """What is wrong with a command line, in one line; "" where nothing is."""
        ...

    def usual_name(self, command: str, source: Path | None, words: Sequence[str]) -> str:
        """What an output is called where nobody says; `words` are the options alone."""
        ...

    def program(self) -> list[str]:
        """The words that start `vsr` itself."""
        ...
