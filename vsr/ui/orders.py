"""From what the page asks for to a command line: the one that runs, and that a shell would take."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vsr.core.errors import InputError
from vsr.core.url import Url, as_source
from vsr.networks import shelf
from vsr.networks.catalogue import catalogue
from vsr.util.text import shown

from .folder import ServedFolder
from .names import shell_line
from .refused import RefusedError
from .shell import OptionFacts, Shell

COMMANDS = ("upscale", "preview", "batch", "fuse", "check")
"""What a job may be."""

_MODELS = {"model", "compare"}  # options that take a name or a file
_NOT_HERE = ("file", "udp", "tcp")  # schemes: files lie in the folder, the others listen
_MOST_SOURCES = 1000
_LONGEST = 4000  # characters of a value


@dataclass(frozen=True)
class Order:
    """A command line that can be run.

    Attributes:
        command: one of COMMANDS.
        words: what follows it, with absolute paths.
        sources, target: as the page writes them; an address has no password.
        live: whether the source is an address.
    """

    command: str
    words: tuple[str, ...]
    sources: tuple[str, ...]
    target: str
    live: bool

    @property
    def line(self) -> str:
        """As it is typed in a shell, but for an address's password."""
        return shell_line(["vsr", self.command, *self.public])

    @property
    def public(self) -> tuple[str, ...]:
        """The words, without an address's password."""
        return (*self.sources, *self.words[1:]) if self.live else self.words


def make_order(
    body: Mapping[str, Any], folder: ServedFolder, shell: Shell, taken: Collection[str] = ()
) -> Order:
    """The command line for a request. Raises RefusedError.

    If left out, its target gets a name that is neither there nor `taken`.
    """
    command = body.get("command")
    if command not in COMMANDS:
        raise RefusedError(400, f"command {shown(command)}: must be one of {', '.join(COMMANDS)}")
    texts = _sources(body, many=command == "batch")
    sources = [_source(text, folder, address=command == "upscale") for text in texts]
    options = list(_options(body.get("options", {}), shell.options(command), folder))
    first = sources[0]
    given = body.get("target") or ""
    if not isinstance(given, str):
        raise RefusedError(400, f"target {shown(given)}: must be text")
    if command == "check":
        if not given:
            raise RefusedError(400, "target: name the output to check")
        output = folder.place(given)
        words = [str(output), "--source", str(first), *options]
        _check(shell, command, words)
        return Order(command, tuple(words), tuple(texts), given, False)
    if given:
        target = folder.new(given)
    else:
        usual = _usual_target(command, first, options, folder, shell)
        named = folder.text_of(usual) or ""
        target = folder.new(named) if command == "batch" else _free(usual, folder, taken)
    named = folder.text_of(target) or ""
    words = [*map(_written, sources), str(target), *options]
    _check(shell, command, words)
    if target.is_file() and "--overwrite" not in words:
        raise RefusedError(409, f"{named}: exists already; take another name, or overwrite it")
    live = isinstance(first, Url)
    said = tuple(str(s) if isinstance(s, Url) else t for s, t in zip(sources, texts, strict=True))
    return Order(command, tuple(words), said, named, live)


def _check(shell: Shell, command: str, words: Sequence[str]) -> None:
    complaint = shell.complaint(command, words)
    if complaint:
        raise RefusedError(400, complaint)


def _sources(body: Mapping[str, Any], many: bool) -> list[str]:
    given = body.get("sources", body.get("source"))
    found = [given] if isinstance(given, str) else given
    if not isinstance(found, list) or not found:
        raise RefusedError(400, "source: name a file of the served folder")
    if not all(isinstance(one, str) and one for one in found):
        raise RefusedError(400, "source: must be text, and name a file of the served folder")
    most = _MOST_SOURCES if many else 1
    if len(found) > most:
        raise RefusedError(400, f"{len(found)} sources: take at most {most}")
    return found


def _source(text: str, folder: ServedFolder, address: bool) -> Path | Url:
    if "://" not in text:
        return folder.place(text)
    try:
        url = as_source(text)
    except InputError as error:
        raise RefusedError(400, str(error)) from None
    scheme = text.partition("://")[0].lower()
    if not isinstance(url, Url) or scheme in _NOT_HERE:
        raise RefusedError(400, f"{scheme}: is no address to take frames from here")
    if not address:
        raise RefusedError(400, f"{url}: an address can only be upscaled")
    return url


def _written(source: Path | Url) -> str:
    return source.text if isinstance(source, Url) else str(source)


def _usual_target(
    command: str, source: Path | Url, options: Sequence[str], folder: ServedFolder, shell: Shell
) -> Path:
    """Beside the source; of an address, and of the served folder itself, in that folder."""
    path = None if isinstance(source, Url) else source
    parent = folder.root if path is None or path == folder.root else path.parent
    return parent / shell.usual_name(command, path, options)


def _free(usual: Path, folder: ServedFolder, taken: Collection[str]) -> Path:
    """The first of out.mp4, out_2.mp4, ... that is neither there nor taken."""
    found, number = usual, 1
    while os.path.lexists(found) or folder.text_of(found) in taken:
        number += 1
        found = usual.with_name(f"{usual.stem}_{number}{usual.suffix}")
    return folder.new(folder.text_of(found) or "")


def _options(given: Any, known: Sequence[OptionFacts], folder: ServedFolder) -> Iterator[str]:
    if not isinstance(given, dict):
        raise RefusedError(400, "options: must be an object of names and values")
    by_name = {option.name: option for option in known}
    for name, value in given.items():
        option = by_name.get(name)
        if option is None:
            raise RefusedError(400, f"option {shown(name)}: is not one of this command's")
        yield from _option(option, value, folder)


def _option(option: OptionFacts, value: Any, folder: ServedFolder) -> Iterator[str]:
    flag = option.flags[0]
    if option.kind == "flag":
        if not isinstance(value, bool):
            raise RefusedError(400, f"{flag} {shown(value)}: must be true or false")
        if value != option.default:
            yield flag if value else option.off
        return
    if value is None or value in ("", []):
        return
    values = value if isinstance(value, list) and option.multiple else [value]
    for one in values:
        if isinstance(one, bool) or not isinstance(one, str | int | float):
            raise RefusedError(400, f"{flag} {shown(one)}: must be text or a number")
        text = _text(flag, one)
        if text != str(option.default):
            yield from (flag, _value(option, text, folder))


def _text(flag: str, value: str | float) -> str:
    text = f"{value:.15g}" if isinstance(value, float) else str(value)
    if len(text) > _LONGEST or "\0" in text:
        raise RefusedError(400, f"{flag}: is too long, or holds a NUL")
    return text


def _value(option: OptionFacts, text: str, folder: ServedFolder) -> str:
    """A value as the command takes it: what names a file is one of the served folder."""
    if option.kind == "path":
        return str(folder.new(text))
    if option.name in _MODELS and text and text not in model_names():
        try:
            return str(folder.file(text))
        except RefusedError as refused:
            why = "is no model with a name, and no file of the served folder"
            raise RefusedError(refused.status, f"{option.flags[0]} {shown(text)}: {why}") from None
    return text


def model_names() -> set[str]:
    """The models that have names, those of the user's shelf too."""
    return {card.name for card in catalogue(True)} | set(shelf.names())
