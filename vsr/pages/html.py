"""HTML files that need nothing but a browser, nor the net: frame, texts, cards."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from json import dumps
from typing import Any

Rows = Sequence[tuple[str, str]]
"""Names and values, in the order in which they are read."""

# What HTML cannot hold: control characters, and the bytes of file names that are no text.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_PLACE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Parts:
    """What makes a page, besides what all have.

    Attributes:
        title: plain text, of any kind.
        kind: HTML: what stands under the title.
        body: HTML.
        style, script: CSS and JavaScript, after those of all pages.
        data: what the script reads of the element #data.
        media: whether it plays videos from memory.
        more: HTML at its end, such as the videos.
    """

    title: str
    kind: str
    body: str
    style: str
    script: str
    data: Mapping[str, Any]
    media: bool = False
    more: str = ""


def whole_page(parts: Parts) -> str:
    """The page, as the text of a file. What cannot be shown becomes U+FFFD."""
    style = f"{resource('vsr.pages', 'base.css')}\n{parts.style}"
    script = f"{resource('vsr.pages', 'base.js')}\n{parts.script}"
    return filled(
        resource("vsr.pages", "shell.html"),
        {
            "policy": _policy(style, script, parts.media),
            "title": text_of(parts.title),
            "style": style,
            "kind": parts.kind,
            "body": parts.body,
            "data": dumps(parts.data).replace("<", "\\u003c"),
            "more": parts.more,
            "script": script,
        },
    )


def filled(template: str, parts: Mapping[str, str]) -> str:
    """A template with each {{name}} replaced, in one go: no text put in is taken for a place."""
    return _PLACE.sub(lambda place: parts[place[1]], template)


def resource(package: str, name: str) -> str:
    """A text file of a package."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str, media: bool) -> str:
    """The Content-Security-Policy: this style, this script, pictures in it, no net at all."""
    allowed = {"style": style, "script": script}
    hashes = {
        kind: b64encode(sha256(text.encode()).digest()).decode() for kind, text in allowed.items()
    }
    return (
        f"default-src 'none'; script-src 'sha256-{hashes['script']}'; "
        f"style-src 'sha256-{hashes['style']}'; {'media-src blob:; ' if media else ''}"
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def clean(text: str) -> str:
    """Any text, with U+FFFD for what HTML cannot hold."""
    return _UNSHOWABLE.sub("\ufffd", text)


def text_of(text: str) -> str:
    """Any text, for HTML's texts and quoted attributes."""
    return escape(clean(text))


def card(kind: str, attributes: str, title: str, rows: Rows) -> str:
    """A box of names and values; `attributes` is HTML."""
    lines = "\n".join(
        f"<div><dt>{text_of(name)}</dt><dd>{text_of(value)}</dd></div>" for name, value in rows
    )
    return (
        f'<section class="card {kind}"{attributes}>\n<h2>{text_of(title)}</h2>\n'
        f"<dl>\n{lines}\n</dl>\n</section>"
    )


def command_card(attributes: str, title: str, command: str) -> str:
    """A command line with a button that copies it; `attributes` is HTML."""
    return (
        f'<section class="card command"{attributes}>\n<h2>{text_of(title)}</h2>\n'
        f'<pre tabindex="0" aria-label="Command line"><code>{text_of(command)}</code></pre>\n'
        '<button type="button" class="copy">Copy</button>\n</section>'
    )


def radios(name: str, labels: Sequence[str]) -> str:
    """A choice of one: inputs called `name`, of values from 0 on."""
    return "\n".join(
        f'<label><input type="radio" name="{name}" value="{n}"><span>{text_of(label)}</span>'
        "</label>"
        for n, label in enumerate(labels)
    )
