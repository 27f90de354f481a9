"""What differs between two settings is named, and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vsr.provenance.diff import differences

VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("aä \n\u2028")
)
SETTINGS = st.dictionaries(st.sampled_from(["model", "scale", "weights", "crf", "start"]), VALUES)


@given(SETTINGS, SETTINGS)
def test_it_is_empty_for_equal_ones_alone(old: dict[str, Any], new: dict[str, Any]) -> None:
    same = old == new and all(isinstance(old[k], bool) == isinstance(new[k], bool) for k in old)
    assert (not differences(old, new)) == same


@given(SETTINGS, SETTINGS)
def test_each_difference_is_one_line(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert all(len(line.splitlines()) == 1 for line in differences(old, new))


def test_they_are_told_in_the_order_of_the_new() -> None:
    old = {"crf": 18.0, "start": None, "stills": True, "self_ensemble": False, "codec": ""}
    new = {"codec": "hevc", "self_ensemble": True, "start": "5/2", "crf": 20.0, "crop": None}
    assert differences(old, new) == [
        "codec unset, not hevc",
        "self-ensemble off, not on",
        "start unset, not 5/2",
        "crf 18.0, not 20.0",
        "crop unknown, not unset",
        "stills on, not unknown",
    ]


def test_weights_are_told_where_the_model_is_the_same() -> None:
    old, new = {"model": "a", "weights": "0" * 64}, {"model": "a", "weights": "1" * 64}
    assert differences(old, new) == [f"weights {'0' * 16}, not {'1' * 16}"]
    assert differences(old, {**new, "model": "b"}) == ["model a, not b"]
