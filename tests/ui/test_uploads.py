"""Files that are sent, by real HTTP."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from support.ui_servers import TOKEN, Page, served

from vsr.ui.folder import ServedFolder
from vsr.ui.refused import RefusedError
from vsr.ui.uploads import Uploads

pytestmark = pytest.mark.network

LIMIT = 3_000_000
_Usage = namedtuple("_Usage", "total used free")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "served"
    (made / "sub").mkdir(parents=True)
    return made


@pytest.fixture
def page(folder: Path, tmp_path: Path) -> Iterator[Page]:
    with served(folder, tmp_path / "state", max_upload=LIMIT) as found:
        yield found


def begin(page: Page, name: str, size: int, folder: str = "", **facts: int) -> Any:
    body = {"name": name, "bytes": size, "folder": folder, **facts}
    answer = page.ask("POST", "/api/uploads", body)
    assert answer.status == 201, answer.body
    return answer.json


def put(page: Page, upload: Any, offset: int, data: bytes) -> Any:
    return page.ask("PUT", f"/api/uploads/{upload['id']}?offset={offset}", data)


def _put_head(upload: Any, size: int) -> bytes:
    """What precedes a piece of so many bytes."""
    return (
        f"PUT /api/uploads/{upload['id']}?offset=0 HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Length: {size}\r\n\r\n"
    ).encode()


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_a_file_comes_in_pieces(page: Page, folder: Path) -> None:
    data = os.urandom(1_000_003)
    upload = begin(page, "ä b.mp4", len(data), "sub")
    assert (upload["offset"], upload["path"]) == (0, None)
    assert put(page, upload, 0, data[:400_000]).json == {"offset": 400_000}
    assert page.get("/api/files?path=sub")["entries"] == []  # not before it is whole
    last = put(page, upload, 400_000, data[400_000:]).json
    assert last == {"offset": len(data), "path": "sub/ä b.mp4"}
    assert (folder / "sub" / "ä b.mp4").read_bytes() == data
    assert left(folder / "sub") == ["ä b.mp4"]
    assert page.ask("GET", f"/api/uploads/{upload['id']}").status == 404


def test_an_empty_file_is_done_at_once(page: Page, folder: Path) -> None:
    assert begin(page, "none.mp4", 0)["path"] == "none.mp4"
    assert left(folder) == ["none.mp4"]


def test_what_broke_off_goes_on_with_the_next_server_too(folder: Path, tmp_path: Path) -> None:
    data = os.urandom(300_000)
    with served(folder, tmp_path / "state") as page:
        upload = begin(page, "a.mp4", len(data))
        with socket.create_connection((page.host, page.port)) as raw:
            raw.sendall(_put_head(upload, len(data)) + data[:100_000])
        until = time.monotonic() + 20
        while (stand := page.get(f"/api/uploads/{upload['id']}"))["offset"] < 100_000:
            assert time.monotonic() < until, stand
            time.sleep(0.05)
        assert page.ask("HEAD", f"/api/uploads/{upload['id']}").headers["upload-offset"] == "100000"
    with served(folder, tmp_path / "state") as page:
        again = begin(page, "a.mp4", len(data))
        assert (again["id"], again["offset"]) == (upload["id"], 100_000)
        wrong = put(page, again, 0, data[:5])
        assert (wrong.status, wrong.json["offset"]) == (409, 100_000)
        assert put(page, again, 100_000, data[100_000:]).json["path"] == "a.mp4"
    assert (folder / "a.mp4").read_bytes() == data
    assert left(folder) == ["a.mp4"]


def test_a_piece_that_stalls_gives_way(
    page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a lost network, of which the server is told nothing."""
    monkeypatch.setattr("vsr.ui.upload_routes.PATIENCE", 0.5)
    data = os.urandom(300_000)
    upload = begin(page, "a.mp4", len(data))
    with socket.create_connection((page.host, page.port)) as raw:
        raw.sendall(_put_head(upload, len(data)) + data[:100_000])
        raw.settimeout(20)
        answer = raw.recv(4096)
        assert answer.startswith(b"HTTP/1.1 409 ")
        assert put(page, upload, 100_000, data[100_000:]).json["path"] == "a.mp4"
    assert (folder / "a.mp4").read_bytes() == data
    assert left(folder) == ["a.mp4"]


def test_another_file_of_the_same_name_and_length_is_never_mixed_in(
    page: Page, folder: Path
) -> None:
    """Recorders write files of one length, and each card begins with the same names."""
    one, other = os.urandom(1000), os.urandom(1000)
    first = begin(page, "hiv00001.mp4", 1000, modified=1_700_000_000_000)
    assert put(page, first, 0, one[:400]).json == {"offset": 400}
    later = 1_700_000_060_000
    body = {"name": "hiv00001.mp4", "bytes": 1000, "modified": later}
    refused = page.ask("POST", "/api/uploads", body)  # from another card, as the first comes
    assert (refused.status, "another file" in refused.json["error"]) == (409, True)
    (part,) = folder.glob(".upload-*")
    os.utime(part, (0, 0))  # nothing has come for long: it broke off
    again = begin(page, "hiv00001.mp4", 1000, modified=1_700_000_000_000)
    assert (again["id"], again["offset"]) == (first["id"], 400)
    second = begin(page, "hiv00001.mp4", 1000, modified=later)
    assert second["offset"] == 0
    assert page.ask("GET", f"/api/uploads/{first['id']}").status == 404
    assert put(page, second, 0, other).json["path"] == "hiv00001.mp4"
    assert (folder / "hiv00001.mp4").read_bytes() == other
    assert left(folder) == ["hiv00001.mp4"]


def test_what_broke_off_gives_way_to_a_file_of_another_length(page: Page, folder: Path) -> None:
    begin(page, "a.mp4", 1000)
    refused = page.ask("POST", "/api/uploads", {"name": "a.mp4", "bytes": 5})
    assert refused.status == 409
    (part,) = folder.glob(".upload-*")
    os.utime(part, (0, 0))
    assert put(page, begin(page, "a.mp4", 5), 0, b"12345").json["path"] == "a.mp4"
    assert left(folder) == ["a.mp4"]


def test_a_piece_is_written_once_however_many_send_it(folder: Path, tmp_path: Path) -> None:
    """Two pages send one file: the second asks as the first is just about to be through."""
    uploads = Uploads(ServedFolder(folder), tmp_path / "uploads", LIMIT)
    upload = uploads.begin("a.mp4", 8)
    first = uploads.piece(upload.id, 0)
    file, _ = first.__enter__()
    file.write(b"0123")
    file.flush()

    def second() -> None:
        with suppress(RefusedError), uploads.piece(upload.id, 4) as (more, room):
            more.write(b"4567"[:room])

    with uploads._lock:  # as where a third file is just begun
        thread = Thread(target=second)
        thread.start()
        time.sleep(0.3)  # it has come to the lock
        file.write(b"4567")
        first.__exit__(None, None, None)
    thread.join()
    assert uploads.finish(upload.id) == (8, "a.mp4")
    assert (folder / "a.mp4").read_bytes() == b"01234567"


def test_nothing_is_written_over(page: Page, folder: Path) -> None:
    (folder / "a.mp4").write_text("old")
    refused = page.ask("POST", "/api/uploads", {"name": "a.mp4", "bytes": 3})
    assert (refused.status, refused.json["error"]) == (409, "a.mp4: is there already")
    upload = begin(page, "b.mp4", 3)
    (folder / "b.mp4").write_text("old")  # it appears meanwhile
    assert put(page, upload, 0, b"new").status == 409
    assert (folder / "b.mp4").read_text() == "old"
    page.ask("DELETE", f"/api/uploads/{upload['id']}")
    assert left(folder) == ["a.mp4", "b.mp4"]


@pytest.mark.parametrize(
    ("name", "size", "status"),
    [
        ("a.mp4", LIMIT + 1, 413),
        ("a.mp4", -1, 413),
        ("a.mp4", 10**30, 413),
        ("a.mp4", "5", 400),
        ("a.mp4", True, 400),
        (None, 5, 400),
        ("", 5, 400),
        ("..", 5, 400),
        ("../a.mp4", 5, 400),
        ("sub/a.mp4", 5, 400),
        ("sub\\a.mp4", 5, 400),
        ("/etc/a.mp4", 5, 400),
        (".bashrc", 5, 400),
        ("a\nb.mp4", 5, 400),
        ("a\0b.mp4", 5, 400),
        ("\ud800.mp4", 5, 400),
        ("\ufffd2Fetc", 5, 400),
        ("x" * 300, 5, 400),
    ],
)
def test_what_is_not_taken(page: Page, folder: Path, name: Any, size: Any, status: int) -> None:
    refused = page.ask("POST", "/api/uploads", {"name": name, "bytes": size})
    assert refused.status == status, refused.body
    assert "\n" not in refused.json["error"]
    assert left(folder) == []


@pytest.mark.parametrize("where", ["..", "/tmp", "nowhere", 5])
def test_no_folder_but_those_served(page: Page, where: Any) -> None:
    body = {"name": "a.mp4", "bytes": 5, "folder": where}
    assert page.ask("POST", "/api/uploads", body).status in (400, 403, 404)


def test_more_than_was_said_is_refused_and_nothing_of_it_kept(page: Page, folder: Path) -> None:
    upload = begin(page, "a.mp4", 10)
    assert put(page, upload, 0, b"x" * 11).status == 413
    assert page.get(f"/api/uploads/{upload['id']}")["offset"] == 0
    assert put(page, upload, 0, b"x" * 10).json["path"] == "a.mp4"


def test_a_disk_that_is_too_small_is_told_before(
    page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(10**8, 0, 10**8 - 5))
    refused = page.ask("POST", "/api/uploads", {"name": "a.mp4", "bytes": LIMIT})
    monkeypatch.undo()
    assert refused.status == 201  # there is room
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(10**8, 10**8, 10**6))
    refused = page.ask("POST", "/api/uploads", {"name": "b.mp4", "bytes": LIMIT})
    monkeypatch.undo()
    assert refused.status == 507
    assert refused.json["error"] == "the disk has 1.0 MB free: too little for 3.0 MB"


def test_a_disk_that_fills_up_leaves_nothing(
    page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(page, "a.mp4", 1000)
    assert put(page, upload, 0, b"x" * 500).status == 200

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vsr.ui.upload_routes._write", full)
    refused = put(page, upload, 500, b"x" * 500)
    monkeypatch.undo()
    assert (refused.status, refused.json["error"]) == (507, "the disk is full: a.mp4 was given up")
    assert left(folder) == []
    assert page.ask("GET", f"/api/uploads/{upload['id']}").status == 404


def test_one_that_was_given_up_leaves_nothing(page: Page, folder: Path, tmp_path: Path) -> None:
    upload = begin(page, "a.mp4", 1000)
    put(page, upload, 0, b"x")
    assert page.ask("DELETE", f"/api/uploads/{upload['id']}").status == 204
    assert left(folder) == []
    assert list((tmp_path / "state" / "uploads").iterdir()) == []


def test_what_nobody_goes_on_with_is_removed(folder: Path, tmp_path: Path) -> None:
    with served(folder, tmp_path / "state") as page:
        upload = begin(page, "a.mp4", 1000)
        (part,) = folder.glob(".upload-*")
        assert upload["id"] in part.name
    os.utime(part, (0, 0))
    with served(folder, tmp_path / "state") as page:
        assert page.ask("GET", f"/api/uploads/{upload['id']}").status == 404
    assert list(folder.glob(".upload-*")) == []
