"""A finished file gets its name, unless something has appeared there meanwhile."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from vsr.core.commit import commit_all, commit_bytes
from vsr.core.errors import OutputError
from vsr.util.atomic import give_name


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


def test_several_files_come_all_or_none(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("a", "b", "c"))
    contents = {first: b"1", second: b"2", third: b"3"}
    second.write_bytes(b"theirs")
    with pytest.raises(OutputError, match="b: has been made by somebody else meanwhile, and stays"):
        commit_all(contents, overwrite=False)
    assert names(tmp_path) == ["b"]
    assert second.read_bytes() == b"theirs"
    commit_all(contents, overwrite=True)
    assert [path.read_bytes() for path in (first, second, third)] == [b"1", b"2", b"3"]


def test_a_full_disk_leaves_nothing_of_several_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if data == b"2":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    contents = {tmp_path / "a": b"1", tmp_path / "b": b"2", tmp_path / "c": b"3"}
    with pytest.raises(OutputError, match="b: cannot be written"):
        commit_all(contents, overwrite=False)
    assert names(tmp_path) == []


def test_an_interrupt_among_several_names_takes_them_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(part: Path, target: Path, overwrite: bool) -> None:
        give_name(part, target, overwrite)
        if target.name == "b":
            raise KeyboardInterrupt

    monkeypatch.setattr("vsr.core.commit.give_name", stopped)
    with pytest.raises(KeyboardInterrupt):
        commit_all({tmp_path / name: b"" for name in "abc"}, overwrite=False)
    assert names(tmp_path) == []
