"""A finished file gets its name, unless something has appeared there meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from vsr.core.commit import commit_bytes
from vsr.core.errors import OutputError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_there_stays_and_what_is_finished_is_kept_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "a.html"
    commit_bytes(target, b"first", overwrite=False)
    for number in (1, 2):
        with pytest.raises(OutputError) as caught:
            commit_bytes(target, b"second", overwrite=False)
        aside = tmp_path / f"a.{number}.html"
        assert str(caught.value) == (
            f"{target}: has been made by somebody else meanwhile, and stays; the finished output "
            f"is kept as {aside}"
        )
        assert (target.read_bytes(), aside.read_bytes()) == (b"first", b"second")
    commit_bytes(target, b"third", overwrite=True)
    assert target.read_bytes() == b"third"
    assert names(tmp_path) == ["a.1.html", "a.2.html", "a.html"]


def test_a_link_stands_for_what_it_leads_to(tmp_path: Path) -> None:
    place, link = tmp_path / "real" / "a.html", tmp_path / "b.html"
    place.parent.mkdir()
    place.write_bytes(b"old")
    link.symlink_to(place)
    commit_bytes(link, b"new", overwrite=True)
    assert link.is_symlink()
    assert place.read_bytes() == b"new"
    with pytest.raises(OutputError, match=r"kept as .*real/a\.1\.html"):
        commit_bytes(link, b"newer", overwrite=False)


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.html: cannot be written"):
        commit_bytes(tmp_path / "none" / "a.html", b"", overwrite=False)
    assert names(tmp_path) == []
