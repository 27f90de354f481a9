"""Where outputs are written until they are whole, and what killed processes leave there."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from vsr.util.atomic import (
    atomic_path,
    atomic_write,
    give_name,
    new_part,
    part_of,
    put_aside,
    remove_abandoned,
)

LONGEST = ("x" * 251 + ".mp4", "é" * 125 + ".mp4", "x" * 255)
TARGETS = (
    *LONGEST,
    "out.mp4",
    "no suffix",
    "two.parts.mkv",
    "a[1]*?.mp4",
    ".hidden.mp4",
    "ä ö.mov",
)


def ended_pid() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def part_by(target: Path, pid: int) -> Path:
    mine = part_of(target)
    return mine.with_name(mine.name.replace(f"-{os.getpid()}", f"-{pid}"))


@pytest.mark.parametrize("name", TARGETS)
def test_it_lies_beside_the_target_with_its_suffix(tmp_path: Path, name: str) -> None:
    part = part_of(tmp_path / name)
    assert part.parent == tmp_path
    assert part.name.endswith((tmp_path / name).suffix)
    assert part.name.startswith(".")
    assert part != tmp_path / name
    assert part == part_of(tmp_path / name)


def test_targets_and_processes_have_their_own(tmp_path: Path) -> None:
    parts = {part_of(tmp_path / name) for name in TARGETS}
    code = "import sys; from pathlib import Path; from vsr.util.atomic import part_of\n"
    code += "print(part_of(Path(sys.argv[1])))"
    asked = [sys.executable, "-c", code, str(tmp_path / TARGETS[0])]
    parts.add(Path(subprocess.check_output(asked, text=True).strip()))
    assert len(parts) == len(TARGETS) + 1


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("folder", [False, True])
def test_what_killed_processes_left_goes(tmp_path: Path, name: str, folder: bool) -> None:
    target = tmp_path / name
    left = part_by(target, ended_pid())
    if folder:
        left.mkdir()
        (left / "1.png").touch()
    else:
        left.touch()
    remove_abandoned(target)
    assert not left.exists()


def test_files_that_no_ended_process_left_stay(tmp_path: Path) -> None:
    target, ended = tmp_path / "out.mp4", ended_pid()
    kept = [
        target,
        part_of(target),  # of this process
        part_by(target, os.getppid()),
        part_by(target, 1),  # perhaps another user's
        part_by(tmp_path / "other.mp4", ended),
        part_by(tmp_path / "out.mkv", ended),
        tmp_path / f".out.part-elsewhere-{ended}.mp4",  # another machine's
        tmp_path / f".out.part-{platform.node()}-x{ended}.mp4",
        tmp_path / f".out.part-{platform.node()}-.mp4",
    ]
    for path in kept:
        path.touch()
    remove_abandoned(target)
    assert set(tmp_path.iterdir()) == set(kept)  # an orphan's parent is 1, too


def test_nothing_there_is_no_error(tmp_path: Path) -> None:
    remove_abandoned(tmp_path / "out.mp4")
    remove_abandoned(tmp_path / "missing" / "out.mp4")


def fails(file: BinaryIO) -> None:
    file.write(b"half of it")
    raise ValueError("no more")


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("name", TARGETS)
def test_a_file_is_written_and_replaced(tmp_path: Path, name: str, durable: bool) -> None:
    path = tmp_path / name
    atomic_write(path, b"old", durable)
    assert path.read_bytes() == b"old"
    atomic_write(path, lambda file: file.write(b"new"), durable)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("durable", [False, True])
def test_a_failure_leaves_the_old_file_alone(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "out.json"
    with pytest.raises(ValueError, match="no more"):
        atomic_write(path, fails, durable)
    assert not list(tmp_path.iterdir())
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="no more"):
        atomic_write(path, fails, durable)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_or_a_name_that_is_taken_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        atomic_write(tmp_path / "missing" / "out.json", b"new")
    taken = tmp_path / "out.json"
    taken.mkdir()
    with pytest.raises(OSError):
        atomic_write(taken, b"new")
    assert list(tmp_path.iterdir()) == [taken]


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_bytes(b"old")

    def write(file: BinaryIO) -> None:
        file.write(b"new")
        file.flush()
        (other,) = set(tmp_path.iterdir()) - {path}
        assert other == part_of(path)  # which `remove_abandoned` finds if we are killed now
        assert path.read_bytes() == b"old"

    atomic_write(path, write)
    assert path.read_bytes() == b"new"


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    part_by(path, ended_pid()).write_bytes(b"half of it")
    atomic_write(path, b"new")
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_may_write_the_file_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    with atomic_path(path) as part:
        part.write_bytes(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    with atomic_path(path):
        pass  # nothing was written
    assert path.read_bytes() == b""
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be opened there")
def test_a_durable_file_and_its_name_are_brought_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, settled = tmp_path / "out.json", []

    def fsync(number: int) -> None:
        info = os.fstat(number)
        place = next(p for p in (tmp_path, *tmp_path.iterdir()) if p.stat().st_ino == info.st_ino)
        settled.append((place, info.st_size if place.is_file() else -1))

    monkeypatch.setattr(os, "fsync", fsync)
    atomic_write(path, b"new", durable=True)
    assert settled == [(part_of(path), 3), (tmp_path, -1)]
    settled.clear()
    atomic_write(path, b"newer")
    assert not settled


def test_a_part_is_nobody_elses(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with new_part(target) as part:
        assert part == part_of(target)
        with pytest.raises(FileExistsError), new_part(target):
            pass
    assert not part.exists()


@pytest.mark.skipif(os.name == "nt", reason="there are no locks like these")
@pytest.mark.parametrize("folder", [False, True])
def test_what_another_container_writes_is_not_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: bool
) -> None:
    """Its process is none of those that can be looked up here, and its host may be called alike."""
    target = tmp_path / "out.mp4"
    with new_part(target, folder) as part:
        monkeypatch.setattr("vsr.util.atomic._runs", lambda _: False)
        remove_abandoned(target)
        assert part.exists()
    (part.mkdir if folder else part.touch)()
    remove_abandoned(target)
    assert not part.exists()


@pytest.mark.parametrize("by_call", [True, False])
@pytest.mark.parametrize("folder", [False, True])
def test_what_appears_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_call: bool, folder: bool
) -> None:
    if not by_call:  # as on other systems and disks
        monkeypatch.setattr("vsr.util.atomic._renamed", lambda *_: False)
    target = tmp_path / "out.mkv"
    with new_part(target, folder) as part:
        if folder:
            (part / "1.png").touch()
        target.write_bytes(b"theirs")
        with pytest.raises(FileExistsError):
            give_name(part, target, overwrite=False)
        assert target.read_bytes() == b"theirs"
        (tmp_path / "out.1.mkv").touch()
        aside = put_aside(part, target)
        assert aside == tmp_path / "out.2.mkv"
        assert aside.is_dir() == folder
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.1.mkv",
        "out.2.mkv",
        target.name,
    ]


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    file, link = tmp_path / "there" / "file.json", tmp_path / "link.json"
    file.parent.mkdir()
    file.write_bytes(b"old")
    link.symlink_to(file)
    atomic_write(link, b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert list(file.parent.iterdir()) == [file]
