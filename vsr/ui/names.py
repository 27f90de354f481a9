"""Names of files as text that any JSON and any address can hold, and back.

A name on a disk is bytes. Where they are no UTF-8, each stands as U+FFFD and two hexadecimal
digits; so does U+FFFD itself, byte by byte. Every name has one such text, and every such text one
name.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable

from .refused import RefusedError

_MARK = "\ufffd"
_BYTES = re.compile(rf"(?:{_MARK}[0-9A-F]{{2}})+")
_ODD = re.compile("[\udc80-\udcff\ufffd]")
_PLAIN = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\", "'": r"\'"}


def to_text(name: str | os.PathLike[str]) -> str:
    """A name, as Python has it, as text of Unicode characters alone."""
    return _ODD.sub(lambda odd: _marked(os.fsencode(odd[0])), os.fspath(name))


def to_name(text: str) -> str:
    """The name that a text of `to_text` stands for. Raises RefusedError for any other text."""
    try:
        name = _BYTES.sub(lambda found: os.fsdecode(_unmarked(found[0])), text)
        os.fsencode(name)
    except UnicodeError:
        raise RefusedError(400, "a name holds half a character") from None
    if to_text(name) != text:
        raise RefusedError(400, "a name holds U+FFFD, which must stand before each of its bytes")
    return name


def shell_line(words: Iterable[str]) -> str:
    """Words as one line to type into bash or zsh: what cannot be seen is escaped."""
    return " ".join(shlex.quote(word) if word.isprintable() else _escaped(word) for word in words)


def _marked(raw: bytes) -> str:
    return "".join(f"{_MARK}{byte:02X}" for byte in raw)


def _unmarked(text: str) -> bytes:
    return bytes.fromhex(text.replace(_MARK, ""))


def _escaped(word: str) -> str:
    return f"$'{''.join(map(_escape, word))}'"


def _escape(character: str) -> str:
    if character in _PLAIN:
        return _PLAIN[character]
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
