"""A file's identity follows its contents, and is not taken again without need."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vsr.core.errors import InputError
from vsr.provenance.fingerprint import Fingerprint, digest_of, fingerprint, fingerprints


def test_it_is_what_sha256sum_says(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(os.urandom(300_001))
    said = subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True).stdout
    found = fingerprint(file)
    assert found.sha256 == said.split()[0]
    assert (found.size, found.modified) == (300_001, file.stat().st_mtime_ns)


@given(st.binary(min_size=1, max_size=200), st.data())
@settings(max_examples=30)
def test_a_changed_byte_is_seen(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, draw: st.DataObject
) -> None:
    file = tmp_path_factory.mktemp("one") / "a.bin"
    file.write_bytes(data)
    before = fingerprint(file)
    at = draw.draw(st.integers(0, len(data) - 1))
    file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    os.utime(file, ns=(before.modified, before.modified))
    after = fingerprint(file)
    assert (after.size, after.modified) == (before.size, before.modified)
    assert after.sha256 != before.sha256


def test_what_is_known_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"one")
    known = Fingerprint(3, file.stat().st_mtime_ns, "as it was told")
    assert fingerprint(file, known) is known
    os.utime(file, ns=(0, known.modified + 1))
    assert fingerprint(file, known).sha256 == hashlib.sha256(b"one").hexdigest()
    file.write_bytes(b"three")
    os.utime(file, ns=(0, known.modified))
    assert fingerprint(file, known).sha256 == hashlib.sha256(b"three").hexdigest()


def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path / "missing", pipe, tmp_path):
        with pytest.raises(InputError) as raised:
            fingerprint(path)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_file_that_grows_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"some")
    digest = hashlib.file_digest

    def while_it_grows(opened: Any, name: str) -> Any:
        with file.open("ab") as camera:
            camera.write(b"more")
        return digest(opened, name)

    monkeypatch.setattr(hashlib, "file_digest", while_it_grows)
    with pytest.raises(InputError, match="still being written"):
        fingerprint(file)


def test_it_can_be_interrupted(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    with file.open("wb") as large:
        large.truncate(2**33)  # takes seconds to read
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fingerprint(file)
    assert time.monotonic() - began < 2


def test_a_folder_is_its_images(tmp_path: Path) -> None:
    for name in ("frame10.png", "frame2.png", "Ä.png", "notes.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "deeper").mkdir()
    found = fingerprints(tmp_path)
    assert isinstance(found, dict)
    assert list(found) == ["frame10.png", "frame2.png", "Ä.png"]
    assert found["Ä.png"] == fingerprint(tmp_path / "Ä.png")
    assert fingerprints(tmp_path / "Ä.png") == found["Ä.png"]


def test_a_folders_digest_is_that_of_its_list(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "Ä.png", "B.png"):
        (tmp_path / name).write_bytes(name.encode())
    listed = "LC_ALL=C; export LC_ALL; sha256sum *.png | sha256sum"
    said = subprocess.run(listed, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert digest_of(fingerprints(tmp_path)) == said.stdout.split()[0]
    assert digest_of(fingerprint(tmp_path / "a.png")) == fingerprint(tmp_path / "a.png").sha256


def test_an_empty_folder_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no image"):
        fingerprints(tmp_path)
