"""The record in one line, for the metadata of the output itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vsr.provenance.described import Found
from vsr.provenance.fingerprint import digest_of

_NAME = 40  # characters of a version, and of a model's name, which may be a file's
_DIGITS = 16  # of the weights' SHA-256


def statement(settings: Mapping[str, Any], source: Found | None) -> str:
    """What an output says of itself: one line of less than 255 characters of ASCII.

    `settings` are `Job.settings(...)`. `source` is the file's identity, or those of a folder's
    files, and None for what comes by the net.
    """
    version, name = _plain(settings["version"]), _plain(settings["model"])
    weights = settings["weights"][:_DIGITS]
    parts = [
        f"Computed, not observed: vsr {version}",
        f"{name} {_size(settings)}" + (f", weights sha256 {weights}" if weights else ""),
    ]
    if source is not None:
        parts.append(f"source sha256 {digest_of(source)}")
    return "; ".join(parts)


def _size(settings: Mapping[str, Any]) -> str:
    """x4, or the size that was asked for: "to 1080p", "to height 1080"."""
    if settings["scale"] is not None:
        return f"x{settings['scale']}"
    asked = settings["to"] or settings["size"]
    sides = (f"{name} {settings[name]}" for name in ("width", "height") if settings[name])
    return f"to {asked or ' '.join(sides)}"


def _plain(text: str) -> str:
    """The beginning of a name in printable ASCII, without what would look like the next part."""
    safe = (c if c.isascii() and c.isprintable() and c not in ";," else "?" for c in text)
    return "".join(safe)[:_NAME]
