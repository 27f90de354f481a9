"""The tree of errors in the module's docstring is that of its classes."""

from __future__ import annotations

import re

from vsr.core import errors


def test_the_drawn_tree_is_that_of_the_classes() -> None:
    assert errors.__doc__ is not None
    drawn: list[tuple[str, str]] = []
    above: list[str] = []
    for line in errors.__doc__.splitlines():
        if found := re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line):
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            drawn.append((found[2], above[depth - 1] if depth else "Exception"))
    classes = [
        (name, kind.__bases__[0].__name__)
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ]
    assert sorted(drawn) == sorted(classes)
