"""Which camera took a file, and when: what recorders say in their folders' and files' names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_DAY = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
_STAMP = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
_CLOCK = r"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)"
_VIDEO = r"\.(?:mp4|mkv|avi|mov|ts|m4v|mpg|dav|h264|h265)"
_SHIFT = timedelta(hours=1)  # by which clocks go back in autumn


@dataclass(frozen=True)
class Layout:
    """How a recorder names what it stores.

    Attributes:
        name: the recorder's.
        pattern: of the end of a file's path, with forward slashes, capital or small; its group
            `camera`, and those of the time down to `second`, where the path has them all.
        utc: whether that time is UTC; else it is local time.
        apart: whether each file stands for itself, as what a person has exported.
    """

    name: str
    pattern: re.Pattern[str]
    utc: bool = False
    apart: bool = False


def _layout(name: str, pattern: str, utc: bool = False, apart: bool = False) -> Layout:
    return Layout(name, re.compile(rf"/{pattern}\Z", re.ASCII | re.IGNORECASE), utc, apart)


LAYOUTS = (
    # docs.frigate.video/configuration/record: YYYY-MM-DD/HH/<camera_name>/MM.SS.mp4 in UTC
    _layout(
        "frigate",
        rf"{_DAY}/(?P<hour>\d\d)/(?P<camera>[^/]+)/(?P<minute>\d\d)\.(?P<second>\d\d)\.mp4",
        utc=True,
    ),
    # Frigate's record/export.py names these by local times: camera_begin-end_id.mp4
    _layout(
        "frigate-export",
        rf"(?P<camera>[\w-]+?)_{_STAMP}_{_CLOCK}-\d{{8}}_\d{{6}}_[^/]*\.mp4",
        apart=True,
    ),
    # axis-SERIAL/DATE/HH/recording/DATE_HH/block.mkv, on a network share or an SD card
    _layout(
        "axis",
        r"axis-(?P<camera>[0-9a-f]{12})/\d{8}/\d\d/[^/]+/\d{8}_\d\d/"
        rf"{_STAMP}_{_CLOCK}_[0-9a-f]{{4}}{_VIDEO}",
    ),
    # zoneminder, Deep: monitor/yy/mm/dd/HH/MM/SS/
    _layout(
        "zoneminder",
        r"(?P<camera>\d+)/(?P<year>\d\d)/(?P<month>\d\d)/(?P<day>\d\d)/"
        rf"(?P<hour>\d\d)/(?P<minute>\d\d)/(?P<second>\d\d)/[^/]*{_VIDEO}",
    ),
    # zoneminder, Medium and Shallow: monitor/date/event/ and monitor/event/, without a time
    _layout(
        "zoneminder",
        rf"(?P<camera>\d+)/(?:\d{{4}}-\d\d-\d\d/)?(?P<event>\d+)/(?P=event)-video[^/]*{_VIDEO}",
    ),
    # motionEye's default, %Y-%m-%d/%H-%M-%S in a folder for each camera; MediaMTX adds -%f
    _layout(
        "motioneye",
        rf"(?P<camera>[^/]+)/{_DAY}/(?P<hour>\d\d)-(?P<minute>\d\d)-(?P<second>\d\d)"
        rf"(?:-\d+)?{_VIDEO}",
    ),
    # Blue Iris: &CAM.%Y%m%d_%H%M%S, or the camera behind
    _layout("blue-iris", rf"(?P<camera>[^/]+?)\.{_STAMP}_{_CLOCK}(?:[._-][^/]*)?{_VIDEO}"),
    _layout("blue-iris", rf"{_STAMP}_{_CLOCK}\.(?P<camera>[^/]+?){_VIDEO}"),
    # Hikvision's clients: camera_begin_end.mp4, to the second or the millisecond
    _layout(
        "hikvision",
        rf"(?P<camera>[^/]+?)_{_STAMP}{_CLOCK}(?:\d{{3}})?(?:[_-]\d{{14,17}})?(?:[_-][^/]*)?{_VIDEO}",
    ),
)
"""Tried in this order; the first that fits, and gives a time that there is, holds."""


@dataclass(frozen=True)
class Recording:
    """What a path says of a file.

    Attributes:
        camera: its name, or the first folder's where no layout fits; "" where there is none.
        begins: when it begins, in UTC, to the second; None where the path does not say.
        layout: whose layout it is; "" where none fits.
        apart: whether the file stands for itself, and is no part of a longer recording.
    """

    camera: str
    begins: datetime | None = None
    layout: str = ""
    apart: bool = False


def recording_of(path: Path, relative: Path) -> Recording:
    """What a file's path says; `relative` is the part of it below the source folder.

    The whole path is looked at, as a source may lie anywhere within a recorder's tree. Nothing
    is opened. Local time is the system's (`TZ`); of the hour that comes twice in autumn, see
    `_of_fold`.
    """
    whole = Path(os.path.abspath(path)).as_posix()  # noqa: PTH100 (links stay)
    for layout in LAYOUTS:
        found = layout.pattern.search(whole)
        if found is None:
            continue
        said = found.groupdict()
        if "second" not in said:
            return Recording(said["camera"], None, layout.name)
        moment = _moment(said)
        if moment is not None:
            begins = moment.replace(tzinfo=UTC) if layout.utc else _of_fold(moment, path)
            return Recording(said["camera"], begins, layout.name, layout.apart)
    return Recording(relative.parts[0] if len(relative.parts) > 1 else "")


def _moment(said: Mapping[str, str]) -> datetime | None:
    """The time that a path names; None for one that no calendar or clock has."""
    year = said["year"] if len(said["year"]) == 4 else f"20{said['year']}"
    month, day, hour = int(said["month"]), int(said["day"]), int(said["hour"])
    try:
        return datetime(int(year), month, day, hour, int(said["minute"]), int(said["second"]))
    except ValueError:
        return None


def _of_fold(local: datetime, path: Path) -> datetime:
    """A local time in UTC; of an hour that comes twice, the first.

    It is the second where the file was written last within an hour of that, as it is where it
    lies as the recorder left it.
    """
    try:
        first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    except (OverflowError, ValueError, OSError):  # years that no system's clock has
        return local.replace(tzinfo=UTC)
    if first < second:
        try:
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except (OSError, OverflowError, ValueError):
            return first
        if second <= written < second + _SHIFT:
            return second
    return first
