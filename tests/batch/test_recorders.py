"""What recorders' paths say: the camera, and when a file begins."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vsr.batch.recorders import LAYOUTS, recording_of

pytestmark = pytest.mark.usefixtures("berlin")


def said(path: str) -> tuple[str, str, str]:
    """The layout, the camera and the time in UTC that a path says."""
    whole = Path("/srv/nvr") / path
    found = recording_of(whole, Path(path))
    return found.layout, found.camera, f"{found.begins:%Y-%m-%d %H:%M:%S}" if found.begins else ""


AXIS = "axis-ACCC8E0000AA/20261128/22/20261128_220000_D60B_ACCC8E0000AA/20261128_22"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # Frigate's folders are UTC, its exports local
        (
            "recordings/2026-11-28/22/front_door/05.09.mp4",
            ("frigate", "front_door", "2026-11-28 22:05:09"),
        ),
        (
            "exports/front_door_20261128_220000-20261128_223000_k2x9ab.mp4",
            ("frigate-export", "front_door", "2026-11-28 21:00:00"),
        ),
        (
            "exports/front-door_2_20260728_220000-20260728_223000_k2x9ab.mp4",
            ("frigate-export", "front-door_2", "2026-07-28 20:00:00"),
        ),
        ("Camera1/2026-11-28/22-00-01.mp4", ("motioneye", "Camera1", "2026-11-28 21:00:01")),
        ("gate/2026-11-28/22-00-01-123456.mp4", ("motioneye", "gate", "2026-11-28 21:00:01")),
        ("events/3/26/11/28/22/00/01/17-video.mp4", ("zoneminder", "3", "2026-11-28 21:00:01")),
        ("events/3/2026-11-28/17/17-video.mp4", ("zoneminder", "3", "")),
        ("events/3/17/17-video.h264.mp4", ("zoneminder", "3", "")),
        ("New/Drive.20261128_220001.mp4", ("blue-iris", "Drive", "2026-11-28 21:00:01")),
        ("New/20261128_220001.Drive.mp4", ("blue-iris", "Drive", "2026-11-28 21:00:01")),
        (
            f"{AXIS}/20261128_220005_25CE.mkv",
            ("axis", "ACCC8E0000AA", "2026-11-28 21:00:05"),
        ),
        (
            "Camera 01_20261128220000_20261128221000.mp4",
            ("hikvision", "Camera 01", "2026-11-28 21:00:00"),
        ),
        (
            "10.0.0.64_01_20261128220000123.mp4",
            ("hikvision", "10.0.0.64_01", "2026-11-28 21:00:00"),
        ),
        # no recorder's: the first folder is the camera
        ("entrance/2024-05-02/2200.mp4", ("", "entrance", "")),
        ("2200.mp4", ("", "", "")),
        # no such day, hour or second
        ("recordings/2026-02-30/22/front_door/05.09.mp4", ("", "recordings", "")),
        ("recordings/2026-11-28/24/front_door/05.09.mp4", ("", "recordings", "")),
        ("recordings/0000-11-28/22/front_door/05.09.mp4", ("", "recordings", "")),
        ("New/Drive.20261128_226001.mp4", ("", "New", "")),
        # digits of other scripts, line breaks and bytes that are no text are letters of a name
        (
            "recordings/2026-11-28/22/a\nb'c \udcff/05.09.mp4",
            ("frigate", "a\nb'c \udcff", "2026-11-28 22:05:09"),
        ),
        ("Camera1/٢٠٢٦-11-28/22-00-01.mp4", ("", "Camera1", "")),
        ("recordings/2026-11-28/22/front_door/05.09.mp4\n", ("", "recordings", "")),
    ],
)
def test_paths_of_recorders(path: str, expected: tuple[str, str, str]) -> None:
    assert said(path) == expected


def test_a_source_within_the_tree_says_the_same() -> None:
    whole = Path("/media/frigate/recordings/2026-11-28/22/front_door/05.09.mp4")
    for above in whole.parents:
        found = recording_of(whole, whole.relative_to(above))
        assert (found.camera, found.layout) == ("front_door", "frigate")


def test_each_layout_names_its_parts() -> None:
    for layout in LAYOUTS:
        groups = set(layout.pattern.groupindex)
        times = groups & {"year", "month", "day", "hour", "minute", "second"}
        assert "camera" in groups
        assert len(times) in (0, 6)


def test_the_hour_that_comes_twice(tmp_path: Path) -> None:
    """On 25 October 2026 it is 02:30 in Berlin at 00:30 and again at 01:30 in UTC."""
    path = tmp_path / "Camera1" / "2026-10-25" / "02-30-00.mp4"
    path.parent.mkdir(parents=True)

    def begins(written: datetime) -> str:
        os.utime(path, (written.timestamp(), written.timestamp()))
        found = recording_of(path, path.relative_to(tmp_path))
        return f"{found.begins:%H:%M}"

    assert recording_of(path, path.relative_to(tmp_path)).begins == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )
    path.touch()
    assert begins(datetime(2026, 10, 25, 0, 40, tzinfo=UTC)) == "00:30"
    assert begins(datetime(2026, 10, 25, 1, 40, tzinfo=UTC)) == "01:30"
    assert begins(datetime(2026, 10, 26, 1, 40, tzinfo=UTC)) == "00:30"  # copied on another day


def test_frigate_does_not_follow_local_time(tmp_path: Path) -> None:
    """An hour of the clock change is two different hours in UTC."""
    for hour in ("00", "01"):
        path = tmp_path / "2026-10-25" / hour / "door" / "30.00.mp4"
        found = recording_of(path, path.relative_to(tmp_path))
        assert found.begins is not None
        assert f"{found.begins.astimezone():%H:%M}" == "02:30"
        assert f"{found.begins:%H}" == hour


def test_the_hour_that_does_not_come(tmp_path: Path) -> None:
    """On 29 March 2026 there is no 02:30 in Berlin: the instant is still one, and no error."""
    path = tmp_path / "Camera1" / "2026-03-29" / "02-30-00.mp4"
    begins = recording_of(path, path.relative_to(tmp_path)).begins
    assert begins is not None
    assert f"{begins:%m-%d %H:%M}" in ("03-29 00:30", "03-29 01:30")  # by either offset
