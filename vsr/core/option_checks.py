"""What a value among the options must be, and how it is made exact."""

from __future__ import annotations

import math
from dataclasses import fields
from fractions import Fraction
from numbers import Integral, Real
from operator import index
from typing import Any, get_args

from vsr.core.bounds import LONGEST, PART, THREADS
from vsr.core.errors import InputError, VsrError
from vsr.util.text import shown

_MOST_DIGITS = 60  # of a fraction's parts: what is exact need not be endless


def set_fields(options: object, **values: object) -> None:
    """Set fields of a frozen value that is just being made."""
    for name, value in values.items():
        object.__setattr__(options, name, value)


def check_types(error: type[VsrError], options: Any) -> None:
    """Raise `error` where a field that holds a plain value holds one of another type.

    Whole numbers of other libraries become Python's own.
    """
    for one in fields(options):
        kinds, value = str(one.type).split(" | "), getattr(options, one.name)
        if value is None and "None" in kinds:
            continue
        if "bool" in kinds and not isinstance(value, bool):
            raise error(f"{one.name} {shown(value)}: must be True or False")
        if "str" in kinds and not isinstance(value, str):
            raise error(f"{one.name} {shown(value)}: must be text")
        if "int" in kinds:
            set_fields(options, **{one.name: whole(error, one.name, value)})


def whole(error: type[VsrError], name: str, value: Any) -> int:
    """The value as an int, if it is a whole number."""
    if not isinstance(value, bool):
        try:
            return index(value)
        except TypeError:
            pass
    raise error(f"{name} {shown(value)}: must be a whole number")


def number(error: type[VsrError], name: str, value: Any) -> int | float | Fraction:
    """The value, if it is a finite number; those of other libraries as Python's own."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise error(f"{name} {shown(value)}: must be a number")
    if not isinstance(value, int | float | Fraction):
        value = index(value) if isinstance(value, Integral) else float(value)
    try:
        finite = math.isfinite(value)
    except OverflowError:  # of what no float holds; the caller's bounds are far below that
        raise error(f"{name} {shown(value)}: must be at most {LONGEST}") from None
    if not finite:
        raise error(f"{name} {value}: must be a finite number")
    if isinstance(value, Fraction) and value.denominator >= 10**_MOST_DIGITS:
        raise error(f"{name} {float(value):g}: must be of at most {_MOST_DIGITS} digits")
    found: int | float | Fraction = value
    return found


def threads_of(error: type[VsrError], value: Any) -> float:
    """A number of cores, or a part of them as a float, if the value is one of the two."""
    if value in THREADS:
        return index(value)
    if value in PART:
        return float(value)
    raise error(f"threads {shown(value)}: must be {THREADS}, or a part of them such as 0.5")


def check_choice(error: type[VsrError], name: str, value: object, allowed: Any) -> None:
    """Raise `error` where a value is none of a Literal's."""
    choices = get_args(allowed)
    if isinstance(value, bool) or value not in choices:
        raise error(f"{name} {shown(value)}: must be one of {', '.join(map(str, choices))}")


def seconds(name: str, time: float | Fraction | None) -> Fraction | None:
    """A time that was given as the argument `name`, made exact. Raises InputError."""
    if time is None:
        return None
    if (found := number(InputError, name, time)) > LONGEST:
        raise InputError(f"{name} {float(found):g} s: must be at most {LONGEST}")
    return exact(found)


def exact(value: float | Fraction) -> Fraction:
    """Floats as what was meant: 0.1 is a tenth."""
    found = Fraction(value)
    return found.limit_denominator(10**6) if isinstance(value, float) else found
