"""Errors name options by their flags; a note says how Python writes them."""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import pickle
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from support.paths import ROOT

import vsr
from vsr.core.damage import Tally
from vsr.core.errors import InputError, ModelError, StalledError, VsrError
from vsr.core.limits import Limits, check_size
from vsr.core.options import GROUP_OF
from vsr.core.threads import within
from vsr.training.recipe import Recipe

_FLAG = re.compile(r"(?<![\w/.-])(?:--[a-z][a-z-]*[a-z]|-[a-z])(?![\w/.-])")


def test_a_traceback_tells_and_the_message_stays_one_line() -> None:
    with pytest.raises(InputError) as raised:
        check_size(ROOT, 4000, 4000, Limits(pixels=100))
    assert str(raised.value).endswith("--max-pixels raises it")
    last = traceback.format_exception_only(raised.value)[-1]
    assert last.strip() == "in Python: limits=vsr.Limits(pixels=...)"


def test_notes_of_others() -> None:
    with pytest.raises(InputError) as raised:
        Tally(Path("in.mp4"), strict=True).add("gaps")
    assert raised.value.__notes__ == ["in Python: strict=True"]
    forever = Event()
    with pytest.raises(StalledError) as stalled:
        within(0.01, forever.wait)
    forever.set()
    assert stalled.value.__notes__ == ["in Python: stall_timeout=..."]


def test_errors_travel_with_one_note() -> None:
    error = ModelError("x4 is too large: choose a smaller --scale", python="scale=...")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is ModelError
        assert str(other) == str(error)
        assert other.__notes__ == ["in Python: scale=..."]
    assert not hasattr(VsrError("no option"), "__notes__")


def errors(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The text of each error that is made in a module, and how Python writes its options."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error"):
            hints = [one.value for one in node.keywords if one.arg == "hint"]
            pieces = [piece for argument in (*node.args, *hints) for piece in ast.walk(argument)]
            words = [one.value for one in pieces if isinstance(one, ast.Constant)]
            python = [ast.literal_eval(one.value) for one in node.keywords if one.arg == "python"]
            yield "".join(map(str, words)), "".join(python)


def test_every_error_that_names_a_flag_says_how_python_writes_it() -> None:
    found = []
    known = {*GROUP_OF, *inspect.signature(vsr.export).parameters}
    known |= {field.name for field in dataclasses.fields(Recipe)}
    for file in sorted((ROOT / "vsr").rglob("*.py")):
        for text, python in errors(ast.parse(file.read_text("utf-8"))):
            names = [one.partition("=")[0] for one in python.split(", ") if one]
            assert set(names) <= known, text
            if _FLAG.search(text):
                found.append(text)
                assert names or "overwrite=True" in text, text
    assert len(found) > 5
