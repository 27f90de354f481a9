"""Names as text: every name there and back, and lines that a shell takes."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsr.ui.names import shell_line, to_name, to_text
from vsr.ui.refused import RefusedError

_NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name)


@given(_NAMES)
def test_every_name_has_a_text_and_comes_back(raw: bytes) -> None:
    name = os.fsdecode(raw)
    text = to_text(name)
    text.encode()  # no halves of characters
    assert os.fsencode(to_name(text)) == raw


@given(_NAMES, _NAMES)
def test_no_two_names_have_one_text(one: bytes, other: bytes) -> None:
    same = to_text(os.fsdecode(one)) == to_text(os.fsdecode(other))
    assert same == (one == other)


@pytest.mark.parametrize("text", ["\ufffd", "\ufffdzz", "\ufffd41", "\udcff", "a\ud800"])
def test_a_text_of_no_name_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        to_name(text)


@given(st.lists(_NAMES, min_size=1, max_size=4))
def test_a_line_is_one_line(raw: list[bytes]) -> None:
    line = shell_line([os.fsdecode(word) for word in raw])
    assert line.isprintable()
    assert json.loads(json.dumps(line)) == line


def test_bash_reads_the_words_that_were_written() -> None:
    raw = [
        b"plain",
        b"two words",
        b"-x",
        b"it's",
        b"a\nb",
        b"\xff\xfe",
        "ü→".encode(),
        b"$(id)`",
        b"\\n",
    ]
    line = shell_line([os.fsdecode(word) for word in [b"printf", rb"%s\0", *raw]])
    ran = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    assert ran.stdout.split(b"\0")[:-1] == raw
