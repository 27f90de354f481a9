"""Messages name options by their flags; Python's names stand in a note."""

from __future__ import annotations

import ast
import copy
import pickle
import traceback

import pytest
from support.paths import ROOT

from vsr.cli.option_table import ROWS
from vsr.core.errors import InputError, ModelError, VsrError
from vsr.core.flags import _FLAG, IN_PYTHON, in_python
from vsr.core.limits import Limits, check_size
from vsr.core.options import GROUP_OF

# A sheet of style, and the way to another command: no options of a job.
_ELSEWHERE = {"--ratio"}


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("in.mp4: no such file", ""),
        ("a: cannot be had; --strict allows no damage", "strict=True"),
        ("choose a smaller --scale or another --codec", "scale=..., codec=..."),
        ("(--stall-timeout allows more)", "stall_timeout=..."),
        ("--strict, and --strict again", "strict=True"),
        ("there already; -y or overwrite=True replaces it", ""),
        ("there already; -y replaces it", "overwrite=True"),
        ("my--crf/--strict.mp4 and a-y: no such file", ""),
        ("--no-such-flag", ""),
    ],
)
def test_what_python_calls_them(message: str, names: str) -> None:
    assert in_python(message) == names
    notes = getattr(InputError(message), "__notes__", [])
    assert notes == ([f"in Python: {names}"] if names else [])


def test_a_traceback_tells_and_the_message_stays_one_line() -> None:
    with pytest.raises(InputError) as raised:
        check_size(ROOT, 4000, 4000, Limits(pixels=100))
    assert str(raised.value).endswith("--max-pixels raises it")
    last = traceback.format_exception_only(raised.value)[-1]
    assert last.strip() == "in Python: limits=vsr.Limits(pixels=...)"


def test_errors_travel_with_one_note() -> None:
    error = ModelError("x4 is too large: choose a smaller --scale")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is ModelError
        assert str(other) == str(error)
        assert other.__notes__ == ["in Python: scale=..."]
    assert str(VsrError()) == ""


def flags_in_messages() -> set[str]:
    """The flags in the library's strings that are no docstrings."""
    found: set[str] = set()
    for file in (ROOT / "vsr").rglob("*.py"):
        if file.name == "flags.py":
            continue
        tree = ast.parse(file.read_text("utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set() if id(node) in docs else set(_FLAG.findall(node.value))
    return found - _ELSEWHERE


def test_every_flag_in_a_message_has_a_name_in_python() -> None:
    assert flags_in_messages() == IN_PYTHON.keys()


def test_the_names_are_those_of_options() -> None:
    known = {name for row in ROWS for name in (row.flag, row.short)}
    for flag, name in IN_PYTHON.items():
        assert flag in known
        option = name.partition("=")[0]
        assert option in GROUP_OF
        assert flag in ("-y", "--max-hours", "--max-pixels", f"--{option.replace('_', '-')}")
