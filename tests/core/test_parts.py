"""Parts lists: written and read again, and refused where they are not what was written."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vsr.core.errors import InputError
from vsr.core.parts import (
    SUFFIX,
    Part,
    PartList,
    check_parts,
    is_part_list,
    read_parts,
    write_parts,
)
from vsr.provenance.fingerprint import fingerprint


def part(path: Path, start: int = 0) -> Part:
    facts = path.stat()
    known = (facts.st_size, facts.st_mtime_ns, "0")
    return Part(str(path), "2026-11-28T22:00:00Z", start, 5, 3, "matroska,webm", *known)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A list of two files, one of a name that is no text."""
    paths = [tmp_path / "it's a.mp4", Path(os.fsdecode(bytes(tmp_path) + b"/\xff.mp4"))]
    for number, path in enumerate(paths):
        path.write_bytes(b"x" * (number + 1))
    place = tmp_path / f"list{SUFFIX}"
    write_parts(place, PartList("door", "rule", tuple(map(part, paths, (0, 7)))))
    return place


def test_a_list_is_read_as_it_was_written(written: Path) -> None:
    parts = read_parts(written)
    assert (parts.camera, parts.rule, len(parts.parts)) == ("door", "rule", 2)
    assert [Path(one.path).stat().st_size for one in parts.parts] == [1, 2]
    assert parts.state[0] == 3
    assert check_parts(written) == parts
    assert written.stat().st_mtime_ns == parts.parts[-1].modified
    assert is_part_list(written)
    assert not is_part_list(written.with_name("list.json"))


def test_a_list_stands_for_its_parts(written: Path) -> None:
    known = fingerprint(written)
    last = Path(read_parts(written).parts[-1].path)
    last.write_bytes(b"yy")
    for when in (None, known):
        with pytest.raises(InputError, match=r"was changed since it was listed$"):
            fingerprint(written, when)
    last.unlink()
    with pytest.raises(InputError, match=r": No such file or directory$"):
        fingerprint(written, known)
    assert read_parts(written).state[0] == 1


def changed(place: Path, **facts: Any) -> None:
    """Write the list anew, with other facts of its second part."""
    held = json.loads(place.read_bytes())
    held["parts"][1].update(facts)
    place.write_text(json.dumps(held))


@pytest.mark.parametrize(
    "facts",
    [
        {"path": "b.mp4"},
        {"path": "/a\nfile 'file:/etc/passwd'"},
        {"path": "/a\rb"},
        {"path": "/a\0b"},
        {"path": 7},
        {"start": 4},  # before the first has ended
        {"start": -1},
        {"start": 7.0},
        {"start": True},
        {"start": 2**63},
        {"length": 0},
        {"begins": "yesterday"},
        {"size": "2"},
        {"format": "concat"},
    ],
)
def test_parts_that_cannot_be(written: Path, facts: dict[str, Any]) -> None:
    changed(written, **facts)
    with pytest.raises(InputError, match=r"is no parts list of vsr, or a damaged one$"):
        read_parts(written)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", "[" * 10**5, '{"schema": "vsr-parts", "schema_number": 2}', "\xff"],
)
def test_files_that_are_no_list(tmp_path: Path, text: str) -> None:
    place = tmp_path / f"list{SUFFIX}"
    place.write_text(text, "latin-1")
    with pytest.raises(InputError, match=r"is no parts list of vsr, or a damaged one$"):
        read_parts(place)
    place.unlink()
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        read_parts(place)


def test_a_list_without_parts(written: Path) -> None:
    held = json.loads(written.read_bytes())
    written.write_text(json.dumps(held | {"parts": []}))
    with pytest.raises(InputError, match="is no parts list"):
        read_parts(written)


def test_a_changed_list_is_read_again(written: Path) -> None:
    parts = read_parts(written)
    write_parts(written, replace(parts, camera="road"))
    assert read_parts(written).camera == "road"
