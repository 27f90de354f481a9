"""Consecutive files of a camera become one source: which belong together, and where each stands."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path

from vsr.batch.made import made_of
from vsr.batch.recorders import recording_of
from vsr.batch.sources import Found, target_of
from vsr.batch.watch import SETTLE
from vsr.core.bounds import Bounds
from vsr.core.errors import InputError, OutputError, VsrError
from vsr.core.folders import make_folder
from vsr.core.parts import FORMATS, SUFFIX, Part, PartList, read_parts, write_parts
from vsr.core.picture import PictureOptions
from vsr.provenance.fingerprint import Fingerprint, fingerprint
from vsr.util.text import counted, one_line
from vsr.video.joined import Measured, difference, measure
from vsr.video.open import open_input

GAP = Bounds(0, 86_400)
HOURS = Bounds(1, 24, whole=True)
LOOSE = 2
"""Seconds by which a name's clock and the pictures may differ: names tell whole seconds."""

LAP = 0.25
"""Seconds of sound that two files may both hold where they meet, as encoders fill packets up."""

_MICROSECOND = 10**6
_NAMED = 3  # files that a line names


@dataclass(frozen=True)
class Joining:
    """What belongs together.

    Attributes:
        gap: the longest pause, in seconds, after which a file still belongs to those before it.
        hours: at each multiple of so many hours of the local day a new output begins.
    """

    gap: float = 60
    hours: int = 1

    @property
    def rule(self) -> str:
        """In words, for the list."""
        return f"gap {self.gap:g} s, {counted(self.hours, 'hour')}"

    def bucket(self, begins: datetime) -> tuple[str, int]:
        """What files that may be joined have in common: the day, with its offset, and the hours."""
        local = begins.astimezone()
        return f"{local:%Y-%m-%d%z}", local.hour // self.hours


@dataclass(frozen=True)
class Joined:
    """A source of several files.

    Attributes:
        camera: whose they are.
        source: the list of them.
        target: what becomes of them.
    """

    camera: str
    source: Path
    target: Path


@dataclass
class Plan:
    """What became of the files that were found.

    Attributes:
        joined: those that are done together.
        single: those that are done by themselves.
        notes: what to tell people, a line each.
    """

    joined: list[Joined] = field(default_factory=list)
    single: list[Found] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    """A camera's file: where it is, when it begins, its size and when it was changed last."""

    found: Found
    begins: datetime
    size: int
    modified: int

    @property
    def path(self) -> str:
        return str(self.found.path.absolute())


def join(
    found: Sequence[Found],
    joining: Joining,
    folder: Path,
    name: str,
    picture: PictureOptions,
    now: datetime,
    overwrite: bool = False,
) -> Plan:
    """Put each camera's files together, and write the lists of them below `folder`.

    A list stands in the camera's folder, `door/2026-11-28_22-00-00+0100.parts.json`, beside the
    output that `name` makes of it. Files whose beginning no path tells are done by themselves, as
    are those that cannot be read, and other containers than mp4 and Matroska. A recording that
    may go on, or is being written, is left for the next call. What was made of files of which
    some are gone or not among `found` stays. So does, with its list, an output that more files
    belong to by now, unless `overwrite` is set.

    Raises OutputError where two would have one output, or a list cannot be written: a file of its
    name that is no list is replaced with `overwrite` alone.
    """
    plan, cameras = Plan(), dict[str, list[_File]]()
    unknown = 0
    for each in found:
        file = _file(each)
        if file is None:
            plan.single.append(each)
            unknown += recording_of(each.path, each.relative).begins is None
        else:
            cameras.setdefault(recording_of(each.path, each.relative).camera, []).append(file)
    if unknown:
        plan.notes.append(
            f"{counted(unknown, 'file')} of which no path tells the beginning: done one by one"
        )
    for camera, files in sorted(cameras.items()):
        _Camera(camera, joining, folder, name, picture, now, plan, overwrite).join(files)
    for target, times in Counter(each.target for each in plan.joined).items():
        if times > 1:
            raise OutputError(f"{target}: would be the output of several recordings")
    return plan


def _file(found: Found) -> _File | None:
    """A file that may be joined; None for one that is done by itself."""
    said = recording_of(found.path, found.relative)
    if said.begins is None or said.apart or said.camera in ("", ".", ".."):
        return None
    if any(mark in str(found.path.absolute()) for mark in "\n\r"):  # libav reads lists by lines
        return None
    try:
        facts = found.path.stat()
    except OSError:
        return None
    return _File(found, said.begins, facts.st_size, facts.st_mtime_ns)


@dataclass(frozen=True)
class _Camera:
    """One camera's files, on their way into the plan."""

    camera: str
    joining: Joining
    folder: Path
    name: str
    picture: PictureOptions
    now: datetime
    plan: Plan
    overwrite: bool

    def join(self, files: Sequence[_File]) -> None:
        buckets: dict[tuple[str, int], list[_File]] = {}
        for file in sorted(files, key=lambda file: (file.begins, file.path)):
            buckets.setdefault(self.joining.bucket(file.begins), []).append(file)
        known = self._known()
        for number, every in enumerate(buckets.values(), 1):
            bucket = self._without_kept(every, known)
            if not bucket:
                continue
            lists = self._as_before(bucket, known)
            if lists is None:
                self._anew(bucket, known, number == len(buckets))
            for path in lists or ():
                self._add(path, bucket[0].found.path.suffix)

    def _known(self) -> dict[str, tuple[Path, Part]]:
        """The parts of the lists of earlier runs by the same rule, by their paths."""
        known: dict[str, tuple[Path, Part]] = {}
        place = self.folder / self.camera
        for path in sorted(place.glob(f"*{SUFFIX}")) if place.is_dir() else ():
            try:
                parts = read_parts(path)
            except InputError:
                continue
            if parts.rule == self.joining.rule:
                known.update({part.path: (path, part) for part in parts.parts})
        return known

    def _without_kept(
        self, bucket: Sequence[_File], known: dict[str, tuple[Path, Part]]
    ) -> list[_File]:
        """The files but those of outputs that stay, as not all that they hold is among the files.

        Made anew, such an output would lose pictures, whether the rest is gone or not asked for.
        """
        here = {file.path for file in bucket}
        lists = dict.fromkeys(known[path][0] for path in sorted(here & known.keys()))
        kept = set[Path]()
        for path in lists:
            target = self._target(path, bucket[0].found.path.suffix)
            if not target.exists():
                continue
            held = made_of(target) or _identity(read_parts(path).parts)
            if missing := [Path(part) for part, _ in held if part not in here]:
                kept.add(path)
                gone = not all(part.exists() for part in missing)
                why = "are not here" if gone else "are left out by what is asked for"
                self.plan.notes.append(
                    f"{path}: {len(missing)} of its {counted(len(held), 'file')} {why}; "
                    "its output stays"
                )
        return [
            file for file in bucket if file.path not in known or known[file.path][0] not in kept
        ]

    def _as_before(
        self, bucket: Sequence[_File], known: dict[str, tuple[Path, Part]]
    ) -> list[Path] | None:
        """The lists that hold these files, and no other; None where new ones are to be made."""
        lists: dict[Path, int] = {}
        for file in bucket:
            path, part = known.get(file.path, (None, None))
            if path is None or part is None:
                return None
            if (part.size, part.modified) != (file.size, file.modified):
                return None
            lists[path] = lists.get(path, 0) + 1
        for path, there in lists.items():
            parts = read_parts(path).parts
            made = made_of(self._target(path, bucket[0].found.path.suffix))
            if there != len(parts) or made not in (None, _identity(parts)):
                return None
        return [*lists]

    def _anew(
        self, bucket: Sequence[_File], known: dict[str, tuple[Path, Part]], is_last: bool
    ) -> None:
        """Look at the files, and write the lists of those that belong together."""
        written = max(file.modified for file in bucket) / 1e9
        if self.now.timestamp() - written < SETTLE:
            self._wait(bucket)
            return
        groups = list(self._groups(bucket))
        for number, group in enumerate(groups, 1):
            files = [file for file, _, _ in group]
            last, measured, _ = group[-1]
            # What begins within the gap is there once it has ended, and been put away.
            seconds = 2 * float(measured.length) + self.joining.gap + SETTLE
            may_go_on = self.now < last.begins + timedelta(seconds=seconds)
            if is_last and number == len(groups) and may_go_on:
                self._wait(files)
                continue
            parts = PartList(self.camera, self.joining.rule, tuple(self._parts(group, known)))
            path = self.folder / self.camera / f"{_stem(files[0].begins)}{SUFFIX}"
            if not self.overwrite and self._is_of_others(path, parts):
                continue
            make_folder(path.parent)
            write_parts(path, parts, self.overwrite)
            self._add(path, files[0].found.path.suffix)

    def _is_of_others(self, path: Path, parts: PartList) -> bool:
        """Whether there is an output of other files, which is told: its list stays with it."""
        target = self._target(path, Path(parts.parts[0].path).suffix)
        made = made_of(target)
        if made is None or made == _identity(parts.parts):
            return False
        held = {part for part, _ in made}
        late = [Path(part.path).name for part in parts.parts if part.path not in held]
        names = ", ".join(late[:_NAMED]) + (", ..." if len(late) > _NAMED else "")
        why = f"{counted(len(late), 'file')} came later ({names})" if late else "its files changed"
        self.plan.notes.append(f"{target}: {why}; it stays as it is, -y makes it anew")
        return True

    def _groups(self, bucket: Sequence[_File]) -> Iterator[list[tuple[_File, Measured, int]]]:
        """Files that belong together, each with where it starts, in microseconds."""
        group: list[tuple[_File, Measured, int]] = []
        for file in bucket:
            try:
                with open_input(file.found.path) as container:
                    measured = measure(container, file.found.path)
            except VsrError:
                self.plan.single.append(file.found)  # doing it tells why
                continue
            if measured.format not in FORMATS:
                self.plan.single.append(file.found)
                self.plan.notes.append(f"{file.found.path}: is no mp4 or Matroska: done by itself")
                continue
            start = self._start(group, file, measured) if group else 0
            if start is None:
                yield group
                group, start = [], 0
            group.append((file, measured, start))
        if group:
            yield group

    def _start(
        self, group: Sequence[tuple[_File, Measured, int]], file: _File, measured: Measured
    ) -> int | None:
        """Where a file starts on the clock of a group; None where it is no part of it."""
        last, before, start = group[-1]
        if apart := difference(before, measured):
            self._tell_apart(file, f"another kind than {last.found.path.name}: {apart}")
            return None
        at_once = start + _microseconds(measured.follows(before))
        clear = start + _microseconds(measured.clear_of(before)) - round(LAP * _MICROSECOND)
        clock = round((file.begins - group[0][0].begins).total_seconds()) * _MICROSECOND
        loose = LOOSE * _MICROSECOND
        if clock < at_once - loose:
            lasts = float(before.length) - LOOSE
            if (file.begins - last.begins).total_seconds() < lasts:
                why = f"begins before {last.found.path.name} ends"
            else:
                ahead = (at_once - clock) / _MICROSECOND
                why = f"the pictures run {ahead:.1f} s ahead of the clock"
            self._tell_apart(file, why)
            return None
        next_to = max(at_once, min(clear, clock + loose))
        if clock <= next_to + loose:
            return measured.placed(next_to)
        far = clock - next_to > self.joining.gap * _MICROSECOND
        return None if far else measured.placed(clock)

    def _tell_apart(self, file: _File, why: str) -> None:
        self.plan.notes.append(f"{file.found.path}: begins a new output, {one_line(why)}")

    def _parts(
        self,
        group: Sequence[tuple[_File, Measured, int]],
        known: dict[str, tuple[Path, Part]],
    ) -> Iterator[Part]:
        nexts = [start for _, _, start in group[1:]]
        for (file, measured, start), end in zip_longest(group, nexts):
            length = _microseconds(measured.length)
            _, before = known.get(file.path, (None, None))
            hashed = None
            if before is not None:
                hashed = Fingerprint(before.size, before.modified, before.sha256)
            identity = fingerprint(file.found.path, hashed)
            yield Part(
                path=file.path,
                begins=f"{file.begins:%Y-%m-%dT%H:%M:%SZ}",
                start=start,
                length=length if end is None else min(length, end - start),
                frames=measured.frames,
                format=measured.format,
                size=identity.size,
                modified=identity.modified,
                sha256=identity.sha256,
            )

    def _wait(self, files: Sequence[_File]) -> None:
        first = files[0].begins.astimezone()
        self.plan.notes.append(
            f"{self.camera}: the recording of {first:%Y-%m-%d %H:%M:%S} may go on; "
            f"{counted(len(files), 'file')} left for the next run"
        )

    def _target(self, path: Path, suffix: str) -> Path:
        stem = path.name.removesuffix(SUFFIX)
        named = Found(Path(f"{stem}{suffix}"), Path(self.camera, f"{stem}{suffix}"))
        return target_of(named, self.folder, self.name, self.picture)

    def _add(self, path: Path, suffix: str) -> None:
        self.plan.joined.append(Joined(self.camera, path, self._target(path, suffix)))


def _identity(parts: Sequence[Part]) -> tuple[tuple[str, str], ...]:
    """The files of a list by their paths and contents, as `made_of` tells them of an output."""
    return tuple((part.path, part.sha256) for part in parts)


def _stem(begins: datetime) -> str:
    """The local time with its offset: no two are alike, not even in autumn."""
    return f"{begins.astimezone():%Y-%m-%d_%H-%M-%S%z}"


def _microseconds(seconds: Fraction) -> int:
    """Rounded up: nothing begins before what comes before it has ended."""
    return math.ceil(seconds * _MICROSECOND)
