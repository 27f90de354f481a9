"""Where outputs are written until they are whole, and what killed processes leave there."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from vsr.util.atomic import part_of, remove_abandoned

TARGETS = ("out.mp4", "no suffix", "two.parts.mkv", "a[1]*?.mp4", ".hidden.mp4", "ä ö.mov")


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
