"""What may be read and written is told from what stands at a path, before anything is opened."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vsr.core.errors import InputError, OutputError
from vsr.core.paths import check_input, check_output, place_of
from vsr.util.atomic import followed

AS_NOBODY = """
import os, sys
from pathlib import Path
from vsr.core.errors import VsrError
from vsr.core.paths import check_input, check_output
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
for check in (check_input, lambda path: check_output(path, True)):
    try:
        check(Path(sys.argv[1]))
    except VsrError as error:
        print(error)
"""


def loop(path: Path) -> None:
    path.symlink_to(path)


def to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def to_fifo(path: Path) -> None:
    os.mkfifo(path.with_name("fifo"))
    path.symlink_to("fifo")


def to_nothing(path: Path) -> None:
    path.symlink_to("gone")


def to_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


ODD: list[tuple[Callable[[Path], None], str]] = [
    (loop, "is a link that leads back to itself"),
    (to_device, "is a device, not a"),
    (to_fifo, "is a FIFO, not a"),
    (os.mkfifo, "is a FIFO, not a"),
    (to_nothing, "is a link to .*gone, which does not exist"),
    (to_socket, "is a socket, not a"),
]


@pytest.mark.skipif(os.name == "nt", reason="FIFOs and devices are no files there")
@pytest.mark.parametrize(("made", "says"), ODD)
def test_what_is_no_file_is_called_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Callable[[Path], None], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("x.png")
    made(path)
    with pytest.raises(InputError, match=f"^x.png: {says}"):
        check_input(path)
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=f"^x.png: {says}"):
            check_output(path, overwrite)


@pytest.mark.parametrize("alias", ["same", "symbolic link", "hard link"])
def test_an_input_is_never_written_over(tmp_path: Path, alias: str) -> None:
    source, path = tmp_path / "1.png", tmp_path / "out.png"
    source.write_bytes(b"mine")
    if alias == "same":
        path = source
    elif alias == "hard link":
        path.hardlink_to(source)
    else:
        path.symlink_to(source)
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="is the input itself; choose another name"):
            check_output(path, overwrite, [tmp_path / "0.png", source])


def test_a_link_stands_for_what_it_leads_to(tmp_path: Path) -> None:
    file, link = tmp_path / "file.mp4", tmp_path / "link.mp4"
    file.touch()
    link.symlink_to(file)
    assert followed(link) == followed(file) == file.resolve()
    assert followed(tmp_path / "new.mp4") == tmp_path / "new.mp4"
    with pytest.raises(OutputError, match="exists already"):
        check_output(link, overwrite=False)
    check_output(link, overwrite=True)


def test_what_is_written_where_a_link_is_named(tmp_path: Path) -> None:
    for name, to in (("link", "file"), ("nowhere", "gone"), ("loop", "loop")):
        (tmp_path / name).symlink_to(to)
    (tmp_path / "file").touch()
    assert place_of(tmp_path / "link") == (tmp_path / "file").resolve()
    assert place_of(tmp_path / "new") == tmp_path / "new"
    gone = (tmp_path / "gone").resolve()
    with pytest.raises(OutputError, match=f"nowhere: is a link to {gone}, which does not exist"):
        place_of(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="loop: is a link that leads back to itself"):
        place_of(tmp_path / "loop")


@pytest.mark.skipif(os.name == "nt", reason="permissions differ there")
def test_what_may_not_be_looked_at_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "shut" / "x.png"
    file.parent.mkdir()
    file.touch()
    file.parent.chmod(0)
    try:
        words = [sys.executable, "-c", AS_NOBODY, str(file)]
        told = subprocess.check_output(words, text=True).splitlines()
    finally:
        file.parent.chmod(0o700)
    assert told == [
        f"{file}: cannot be read (Permission denied)",
        f"{file}: cannot be written (Permission denied)",
    ]
