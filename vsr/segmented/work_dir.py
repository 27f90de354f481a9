"""The work folder of a long job: its plan, its finished segments, and the journal of them.

It lies beside the output as `.{output}.{key}.work`, so that other settings have a folder of
their own and destroy nothing. The journal is the one truth: a segment that is not in it is not
done, whatever files there are. Each entry names the plan that it was made by, so that the two
together hold every frame once, or count for nothing.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from glob import escape
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Any, TypeGuard

from filelock import FileLock, Timeout

from vsr.core.damage import Damage
from vsr.core.errors import OutputError
from vsr.core.events import Warn
from vsr.provenance.diff import differences
from vsr.provenance.fingerprint import Fingerprint, fingerprint
from vsr.segmented.journal import Journal
from vsr.segmented.packet_file import least_bytes, read_decoding_times
from vsr.segmented.plan import Plan, Segment
from vsr.util.atomic import atomic_write

_JOURNAL = "journal.jsonl"
_KEY = 8  # digits of a key that a folder's name holds
_OF_DISKS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class SegmentRecord:
    """A finished segment.

    Attributes:
        segment: its number.
        frames: how many it holds.
        ticks: how many ticks of the plan's time base they are shown.
        bytes, sha256: of its file.
        damage: what was found damaged in its part of the source, by kind.
        host: the machine that made it.
        ended: when, in UTC, as ISO 8601.
        seconds: how long it took.
        stood_still: the share of its frames' pixels that were not computed again; None where that
            is not known.
    """

    segment: int
    frames: int
    ticks: int
    bytes: int
    sha256: str
    damage: dict[str, int]
    host: str
    ended: str
    seconds: float
    stood_still: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError or TypeError for what no segment is like."""
        counts = (self.segment, self.frames, self.ticks, self.bytes)
        if not all(map(_is_count, (*counts, *self.damage.values()))):
            raise ValueError("what is counted must be whole numbers from 0 on")
        # the last frame may be cut down to nothing by the span's end
        if self.ticks < self.frames - 1 or (self.ticks and not self.frames):
            raise ValueError(f"{self.frames} frames cannot be shown for {self.ticks} ticks")
        if self.bytes < least_bytes(self.frames):
            raise ValueError(f"{self.frames} frames do not fit in {self.bytes} bytes")
        if not isfinite(self.seconds) or self.seconds < 0:
            raise ValueError(f"it cannot have taken {self.seconds} seconds")
        share = self.stood_still
        if share is not None and not (type(share) is float and 0 <= share <= 1):
            raise ValueError(f"{self.stood_still}: is no share of a picture")
        Damage.of(self.damage)  # knows the kinds


_RECORD = {  # the types of a record's facts that its own checks take for granted
    **dict.fromkeys(("sha256", "host", "ended"), str),
    "damage": dict,
    "seconds": float,
}


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 2**63


def _record_of(fact: Mapping[str, Any]) -> SegmentRecord:
    """The segment that a fact of the journal tells of.

    Raises ValueError, TypeError or KeyError where it tells of none that can be.
    """
    for name, kind in _RECORD.items():
        if not isinstance(fact[name], kind):
            raise TypeError(f"{name} {fact[name]!r}: is no {kind.__name__}")
    told = {each.name: fact[each.name] for each in fields(SegmentRecord) if each.name in fact}
    return SegmentRecord(**told)


class WorkDir:
    """A work folder that is open, and nobody else's.

    Attributes:
        folder: where it is.
        plan: what is to be done.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        self._digest, self._count = plan.digest, len(plan.segments)
        self._journal = Journal(folder / _JOURNAL)

    @property
    def is_sound(self) -> bool:
        """Whether all that the journal says can be, and was said of this plan."""
        try:
            return all(self._can_be(fact) for fact in self._journal.facts)
        except (ValueError, TypeError, KeyError):
            return False

    def _can_be(self, fact: dict[str, Any]) -> bool:
        """Raises ValueError, TypeError or KeyError for some of what cannot be."""
        if "segment" in fact:
            return fact["plan"] == self._digest and _record_of(fact).segment < self._count
        if "lost" in fact:
            return _is_count(fact["lost"]) and fact["lost"] < self._count
        return isinstance(fact.get("warning", ""), str)

    def file(self, number: int) -> Path:
        """Where a segment's packets belong."""
        return self.folder / f"{number:06d}.packets"

    @property
    def done(self) -> dict[int, SegmentRecord]:
        """The finished segments by their numbers."""
        return {number: _record_of(fact) for number, fact in self._finished.items()}

    @property
    def _finished(self) -> dict[int, dict[str, Any]]:
        """What the journal, which may be another version's, says of them."""
        found: dict[int, dict[str, Any]] = {}
        for fact in self._journal.facts:
            number = fact.get("lost", fact.get("segment"))
            if not _is_count(number):
                continue
            if "lost" in fact:
                found.pop(number, None)
            else:
                found[number] = fact
        return found

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that was said on the way, each once."""
        said = (fact.get("warning") for fact in self._journal.facts)
        return tuple(dict.fromkeys(line for line in said if isinstance(line, str)))

    def add(self, done: SegmentRecord) -> None:
        """Enter a segment whose file is in place. Raises OutputError."""
        self._journal.add({**asdict(done), "plan": self._digest})

    def warn(self, message: str) -> None:
        """Keep a warning for whoever goes on. Raises OutputError."""
        if message not in self.warnings:
            self._journal.add({"warning": message})

    def pending(self) -> list[list[Segment]]:
        """The segments that are to be made: runs of neighbours, in order."""
        done = self.done
        missing = [segment for segment in self.plan.segments if segment.number not in done]
        places = groupby(enumerate(missing), lambda pair: pair[1].number - pair[0])
        return [[segment for _, segment in run] for _, run in places]

    def check(self, warn: Warn) -> None:
        """Look whether the finished segments' files are what was written; else they are to be
        made again, with a warning."""
        for number, done in self.done.items():
            file = self.file(number)
            if not self._holds(file, done):
                warn(f"{file}: is not as it was written; made again")
                self._journal.add({"lost": number})

    def _holds(self, file: Path, done: SegmentRecord) -> bool:
        """Whether a file is the one that was written, and holds what is said of it."""
        if not file.is_file() or file.stat().st_size != done.bytes:
            return False
        if fingerprint(file).sha256 != done.sha256:
            return False
        return sum(1 for _ in read_decoding_times(file)) == done.frames

    def arrives(self, part: Path) -> None:
        """Enter that the finished file is about to get its name. Raises OutputError."""
        facts = part.stat()
        self._journal.add({"arrived": [facts.st_size, facts.st_mtime_ns]})

    def has_arrived(self, target: Path) -> bool:
        """Whether `target` is the file that this work was for, finished."""
        if not target.is_file():
            return False
        facts = target.stat()
        marks = [fact["arrived"] for fact in self._journal.facts if "arrived" in fact]
        return [facts.st_size, facts.st_mtime_ns] in marks

    def remove(self) -> None:
        """Remove the folder: its work has arrived."""
        shutil.rmtree(self.folder, ignore_errors=True)


def folder_of(target: Path, key: str) -> Path:
    """The work folder of a target for a plan's key."""
    return target.with_name(f".{target.name}.{key[:_KEY]}.work")


def is_begun(target: Path) -> bool:
    """Whether there is a work folder, of whatever settings."""
    return bool(_folders(target))


def known_source(target: Path, source: Path) -> Fingerprint | None:
    """The source as a run before this one found it, under the same path."""
    plans = (_read(folder) for folder in _folders(target))
    path = str(source.resolve())
    return next((plan.source for plan in plans if plan and plan.path == path), None)


def clear_arrived(target: Path) -> list[Plan]:
    """Remove work folders that were left when their work had arrived, by a run that was killed.

    Returns their plans.
    """
    plans = []
    for folder in _folders(target):
        work = _left(folder)
        if work and work.has_arrived(target):
            work.remove()
            plans.append(work.plan)
    return plans


@contextmanager
def open_work(target: Path, key: str, make_plan: Callable[[], Plan]) -> Iterator[WorkDir]:
    """The work folder of `key`, as it was left, or a new one with the plan that is made.

    What was left is begun anew, with a warning, where it is not wholly what was written there.
    Nobody else gets it until the block ends. Files of segments that were not finished are
    removed, and where an error ends the block before any is, the folder. Raises OutputError where
    somebody else is at work, or where it cannot be written.
    """
    folder = folder_of(target, key)
    if folder.is_symlink():  # what it leads to is somebody's, and would be written into
        raise OutputError(f"{folder}: is a link, and no work folder; remove it")
    try:
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            if path.is_symlink():  # no run makes any: what they lead to would be written over
                path.unlink(missing_ok=True)
        lock = FileLock(folder / "lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise OutputError(f"{target}: somebody is at work on it already ({folder})") from None
        try:
            for left in folder.glob("*.part"):
                left.unlink()
            work = _opened(folder, key, make_plan)
            try:
                yield work
            except BaseException:
                _forget_if_unused(work)
                raise
        finally:
            lock.release()
            _remove_if_new(folder)
    except OSError as error:
        if not _is_of_disk(error, folder):
            raise  # of whoever is told on the way
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error})") from error


def _is_of_disk(error: OSError, folder: Path) -> bool:
    """Whether the system says it of a file in the folder, or of the disk."""
    names = (error.filename, error.filename2)
    return error.errno in _OF_DISKS or any(
        isinstance(name, str) and folder in (Path(name), *Path(name).parents) for name in names
    )


def others(target: Path, key: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """A line for each work folder of the same target that is of another key: what differs."""
    for folder in _folders(target):
        work = _left(folder)
        if work is None or work.plan.key == key:
            continue
        differ = differences(work.plan.settings, settings) or ["the input is another"]
        count = f"{len(work._finished)} of {len(work.plan.segments)} segments"
        yield (
            f"unfinished work with other settings is kept, {count} ({'; '.join(differ)}): the same "
            f"settings continue it; {folder} may be deleted"
        )


def _folders(target: Path) -> Sequence[Path]:
    names = target.parent.glob(f".{escape(target.name)}.{'?' * _KEY}.work")
    return sorted(path for path in names if path.is_dir() and not path.is_symlink())


def _read(folder: Path) -> Plan | None:
    """The plan in a folder; None where there is none, or half of one."""
    plan = folder / "plan.json"
    try:
        return Plan.from_json(plan.read_text("utf-8")) if plan.is_file() else None
    except (OSError, ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        return None


def _left(folder: Path) -> WorkDir | None:
    """What a run left in a folder; None where its plan or journal cannot be read."""
    plan = _read(folder)
    try:
        return WorkDir(folder, plan) if plan else None
    except OSError:
        return None


def _opened(folder: Path, key: str, make_plan: Callable[[], Plan]) -> WorkDir:
    """What was left in a folder for a plan of `key`, if all of it is sound; else a new plan."""
    left = _left(folder)
    if left and left.plan.key == key and left.is_sound:
        return left
    changed = (folder / "plan.json").exists()
    work = WorkDir(folder, _write(folder, make_plan()))
    if changed:
        work.warn(f"{folder}: is not as it was written; begun anew")
    return work


def _write(folder: Path, plan: Plan) -> Plan:
    """Bring a plan to the disk, in place of one that is lost, with its journal."""
    journal = folder / _JOURNAL
    if journal.is_dir():
        shutil.rmtree(journal)
    journal.unlink(missing_ok=True)
    atomic_write(folder / "plan.json", plan.to_json().encode(), durable=True)
    return plan


def _forget_if_unused(work: WorkDir) -> None:
    """Take the plan away where no segment was finished: it saves nobody anything."""
    if work.folder.is_dir() and not work.done:
        (work.folder / "plan.json").unlink(missing_ok=True)


def _remove_if_new(folder: Path) -> None:
    """Remove a folder in which nothing was begun."""
    if folder.is_dir() and _read(folder) is None:
        shutil.rmtree(folder, ignore_errors=True)
