"""Files that are sent: streamed to the disk in pieces, and gone on with where they broke off."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO, TypeGuard

from vsr.util.atomic import atomic_write, give_name
from vsr.util.text import size_text

from .folder import ServedFolder
from .names import to_name
from .refused import RefusedError

PIECE = 8 << 20
"""Bytes that a page had better send at once."""

_RESERVE = 64 << 20  # bytes that are left free
_QUIET = 60.0  # seconds without a byte after which one has broken off
_KEPT = 7 * 86400  # seconds after which what is not gone on with is removed
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_PART = ".upload-"
_MOST = 100  # at a time


@dataclass(frozen=True)
class Upload:
    """A file that is being sent.

    Attributes:
        id: by which the pieces name it.
        path: where it will be, as the page writes it.
        bytes: how long it is.
        part: where it is written meanwhile: a hidden file of the same folder.
        modified: when it was changed last, as its sender says: by which files of one name and
            length are told apart.
    """

    id: str
    path: str
    bytes: int
    part: str
    modified: int | None = None


class Uploads:
    """All files that are being sent to a folder.

    Args:
        folder: takes them.
        state: keeps what they are, so that they are gone on with after a restart.
        most: bytes of a file.
    """

    def __init__(self, folder: ServedFolder, state: Path, most: int) -> None:
        self._folder, self._state, self._most = folder, state, most
        self._busy: set[str] = set()
        self._lock = Lock()
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._known = {upload.id: upload for upload in self._load()}

    def begin(
        self, name: object, size: object, folder: str = "", modified: object = None
    ) -> Upload:
        """A new file, or the same that has broken off. Raises RefusedError.

        Recorders give many files one name and length: when it was changed tells them apart. One
        that has broken off gives way to another file of its name.
        """
        if not isinstance(name, str) or not _is_whole(size):
            raise RefusedError(400, "an upload needs a name and its bytes, a whole number")
        if modified is not None and not _is_whole(modified):
            raise RefusedError(400, "modified: must be a whole number")
        _check_name(name)
        if not 0 <= size <= self._most:
            raise RefusedError(413, f"{size_text(size)}: at most {size_text(self._most)} are taken")
        path = f"{folder}/{name}" if folder else name
        target = self._folder.new(path)
        if os.path.lexists(target):
            raise RefusedError(409, f"{path}: is there already")
        with self._lock:
            for upload in [one for one in self._known.values() if one.path == path]:
                if (upload.bytes, upload.modified) == (size, modified):
                    return upload
                if self._comes(upload):
                    raise RefusedError(409, f"{path}: another file of that name is being sent")
                self.give_up(upload.id)
            if len(self._known) >= _MOST:
                raise RefusedError(409, f"{_MOST} files are being sent already")
            _check_room(target.parent, size)
            return self._new(path, size, modified, target)

    def one(self, upload_id: str) -> tuple[Upload, int]:
        """One of them, and how much of it is there. Raises RefusedError."""
        upload = self._known.get(upload_id)
        if upload is None:
            raise RefusedError(404, "there is no such upload: it is done, or was given up")
        try:
            return upload, Path(upload.part).stat().st_size
        except OSError:
            self._forget(upload)
            raise RefusedError(404, "there is no such upload: its file is gone") from None

    @contextmanager
    def piece(self, upload_id: str, offset: int) -> Iterator[tuple[BinaryIO, int]]:
        """The file to write a piece to, and how much may come. Raises RefusedError.

        Where the disk is full, all that came of the file is removed.
        """
        with self._lock:
            upload, at = self.one(upload_id)  # here: another request may be at it
            if upload_id in self._busy:
                raise RefusedError(409, "another piece of it is being written", offset=at)
            if offset != at:
                raise RefusedError(409, f"the next piece begins at byte {at}", offset=at)
            self._busy.add(upload_id)
        try:
            with Path(upload.part).open("ab") as file:
                yield file, upload.bytes - at
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self.give_up(upload_id)
            raise RefusedError(507, f"the disk is full: {upload.path} was given up") from None
        finally:
            self._busy.discard(upload_id)

    def finish(self, upload_id: str) -> tuple[int, str | None]:
        """How much is there, and the file's path once it is whole. Raises RefusedError."""
        upload, at = self.one(upload_id)
        if at < upload.bytes:
            return at, None
        target = self._folder.new(upload.path)
        try:
            give_name(Path(upload.part), target, overwrite=False)
        except FileExistsError:
            raise RefusedError(409, f"{upload.path}: has appeared meanwhile; it stays") from None
        self._forget(upload)
        return at, upload.path

    def give_up(self, upload_id: str) -> None:
        """Remove what came of a file."""
        upload = self._known.get(upload_id)
        if upload is not None:
            with suppress(OSError):
                Path(upload.part).unlink(missing_ok=True)
            self._forget(upload)

    def _comes(self, upload: Upload) -> bool:
        """Whether somebody is still sending it."""
        if upload.id in self._busy:
            return True
        try:
            return time.time() - Path(upload.part).stat().st_mtime < _QUIET
        except OSError:
            return False

    def _new(self, path: str, size: int, modified: int | None, target: Path) -> Upload:
        upload_id = secrets.token_hex(16)
        part = target.with_name(f"{_PART}{upload_id}.part")
        upload = Upload(upload_id, path, size, str(part), modified)
        try:
            part.touch(mode=0o600, exist_ok=False)
            atomic_write(self._facts(upload_id), json.dumps(asdict(upload)).encode())
        except OSError as error:
            part.unlink(missing_ok=True)
            status = 507 if error.errno in _FULL else 403
            raise RefusedError(status, f"{path}: cannot be written ({error.strerror})") from None
        self._known[upload_id] = upload
        return upload

    def _forget(self, upload: Upload) -> None:
        self._known.pop(upload.id, None)
        self._facts(upload.id).unlink(missing_ok=True)

    def _facts(self, upload_id: str) -> Path:
        return self._state / f"{upload_id}.json"

    def _load(self) -> Iterator[Upload]:
        """Those of earlier servers; what nobody has gone on with for a week is removed."""
        for path in sorted(self._state.glob("*.json")):
            try:
                upload = Upload(**json.loads(path.read_bytes()))
                since = Path(upload.part).stat().st_mtime
            except (OSError, ValueError, TypeError):
                path.unlink(missing_ok=True)
                continue
            if not _ID.fullmatch(upload.id) or time.time() - since > _KEPT:
                Path(upload.part).unlink(missing_ok=True)
                path.unlink(missing_ok=True)
                continue
            yield upload


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_name(name: str) -> None:
    """One name, that all systems can show, and that is not hidden."""
    to_name(name)
    if not name or name != name.strip() or name.startswith("."):
        raise RefusedError(400, "the name must not be empty, hidden, or begin or end with a space")
    if "/" in name or "\\" in name or not name.isprintable():
        raise RefusedError(400, "the name must hold no slashes and no control characters")


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size + _RESERVE > free:
        raise RefusedError(
            507, f"the disk has {size_text(free)} free: too little for {size_text(size)}"
        )
