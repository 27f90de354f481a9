"""What differs between the settings of two jobs, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vsr.util.text import one_line

_MISSING = object()
_SHA256 = 64  # hexadecimal digits
_SHOWN = 16  # of these


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Each setting that is not the same, in the order of `new`: "crf 18.0, not 20.0".

    None is "unset", and what one of the two does not know at all "unknown". Weights are told
    where the model and scale are the same, as with others they must differ. Empty where the
    two are equal, and only there.
    """
    keys = [*new, *(key for key in old if key not in new)]
    apart = [key for key in keys if not _same(old.get(key, _MISSING), new.get(key, _MISSING))]
    if {"model", "scale"} & set(apart):
        apart = [key for key in apart if key != "weights"]
    return [
        f"{key.replace('_', '-')} {_word(old.get(key, _MISSING))}, "
        f"not {_word(new.get(key, _MISSING))}"
        for key in apart
    ]


def _same(old: object, new: object) -> bool:
    """Equal, where True is not 1."""
    return old == new and isinstance(old, bool) == isinstance(new, bool)


def _word(value: object) -> str:
    if value is _MISSING:
        return "unknown"
    if value is None or value == "":
        return "unset"
    if isinstance(value, bool):
        return "on" if value else "off"
    text = one_line(value)
    return text[:_SHOWN] if len(text) == _SHA256 else text
