"""The record in one line, for the metadata of the output itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vsr.jobs.described import Found
from vsr.jobs.fingerprint import digest_of

_NAME = 40  # characters of a version, and of a model's name, which may be a file's
_DIGITS = 16  # of the weights' SHA-256

# Tags for it, the first that is free. Where libav keeps few, or takes two for the same, others.
_KEYS = ("comment", "description", "synopsis")
_OTHER_KEYS = {"avi": ("comment", "encoded_by"), "asf": ("synopsis", "encoded_by")}


def statement(settings: Mapping[str, Any], source: Found | None) -> str:
    """What an output says of itself: one line of less than 255 characters of ASCII.

    `settings` are `Job.settings(...)`. `source` is the file's identity, or those of a folder's
    files, and None for what comes by the net.
    """
    version, name = _plain(settings["version"]), _plain(settings["model"])
    weights = settings["weights"][:_DIGITS]
    parts = [
        f"Computed, not observed: vsr {version}",
        f"{name} x{settings['scale']}" + (f", weights sha256 {weights}" if weights else ""),
    ]
    if source is not None:
        parts.append(f"source sha256 {digest_of(source)}")
    return "; ".join(parts)


def with_statement(tags: Mapping[str, str], text: str, format_name: str = "") -> dict[str, str]:
    """Global tags with the statement in the first that is free for it; all others as they are.

    `format_name` is libav's name of the muxer. Where none is free the tags stay as they are.
    """
    taken = {key.lower() for key in tags}
    taken |= {key.rpartition("-")[0] for key in taken}  # in one language: comment-eng
    free = [key for key in _OTHER_KEYS.get(format_name, _KEYS) if key not in taken]
    return {**tags, free[0]: text} if free else dict(tags)


def _plain(text: str) -> str:
    """The beginning of a name in printable ASCII, without what would look like the next part."""
    safe = (c if c.isascii() and c.isprintable() and c not in ";," else "?" for c in text)
    return "".join(safe)[:_NAME]
