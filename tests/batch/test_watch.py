"""Following folders: what is there, what comes, what changes."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from support.clips import Clip, make

import vsr.batch.watch as watch
from vsr.batch.sources import Found
from vsr.batch.watch import arrivals
from vsr.core.errors import InputError

SETTLE = 0.2
SOON = 5.0  # seconds: what a busy machine may take
LATER = 2.5 * SETTLE  # seconds after which nothing more is expected


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short video."""
    few = Clip(width=32, height=24, pts=(0, 512, 1024))
    return make(tmp_path_factory.mktemp("clip") / "clip.mp4", few)


class Following:
    """What `arrivals` gives, with the times at which it gave it."""

    def __init__(self, items: Iterator[Found | None]) -> None:
        self._items = items
        self.given: list[tuple[str, float]] = []

    @property
    def names(self) -> list[str]:
        """The relative paths in their order."""
        return [name for name, _ in self.given]

    def until(self, done: Callable[[], bool], patience: float = SOON) -> None:
        """Take what comes until it is done. Fails after so many seconds."""
        end = time.monotonic() + patience
        while not done():
            assert time.monotonic() < end, self.names
            self.take()

    def names_after(self, *names: str) -> list[str]:
        """What was given in all once these are among it and nothing more comes."""
        self.until(lambda: set(names) <= set(self.names))
        end = time.monotonic() + LATER
        while time.monotonic() < end:
            self.take()
        return sorted(self.names)

    def take(self) -> None:
        """Take one item."""
        found = next(self._items)
        if found is not None:
            self.given.append((found.relative.as_posix(), time.monotonic()))


@contextmanager
def following(
    *sources: object,
    patterns: Sequence[str] = (),
    exclude: Sequence[str] = (),
    skip: Path | None = None,
    settle: float = SETTLE,
) -> Iterator[Following]:
    """Follow sources while the block runs; the iterator must end soon after."""
    stop = Event()
    items = arrivals([str(source) for source in sources], patterns, exclude, skip, settle, stop)
    yield Following(items)
    stop.set()
    began = time.monotonic()
    for _ in items:
        assert time.monotonic() - began < SOON


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Work in a thread while the block runs."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.mark.slow
def test_what_is_there_and_what_comes(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "road").mkdir()
    shutil.copy(clip, tmp_path / "road/a.mp4")
    shutil.copy(clip, tmp_path / "night")  # a video without a suffix
    (tmp_path / "notes.txt").write_text("no video")
    with following(tmp_path) as files:
        assert files.names_after("road/a.mp4", "night") == ["night", "road/a.mp4"]
        (tmp_path / "shop").mkdir()
        shutil.copy(clip, tmp_path / "shop/b.mp4")
        assert "shop/b.mp4" in files.names_after("shop/b.mp4")
        assert len(files.names) == 3


@pytest.mark.slow
def test_an_empty_folder_is_waited_at(tmp_path: Path, clip: Path) -> None:
    with following(tmp_path, settle=10) as files:
        began = time.monotonic()
        for _ in range(3):
            files.take()  # the third None comes at the latest after two ticks of a second
        assert time.monotonic() - began < SOON
        assert files.names == []


@pytest.mark.slow
def test_a_file_that_grows_is_given_when_it_has_stopped(tmp_path: Path, clip: Path) -> None:
    data = clip.read_bytes()
    stopped = 0.0

    def write() -> None:
        nonlocal stopped
        with (tmp_path / "a.mp4").open("wb") as file:
            for _ in range(12):
                file.write(data)
                file.flush()
                time.sleep(SETTLE / 2)
        stopped = time.monotonic()

    with following(tmp_path, settle=4 * SETTLE) as files, beside(write):
        files.until(lambda: bool(files.given))
        [(name, when)] = files.given
        assert name == "a.mp4"
        assert stopped
        assert when > stopped
        assert (tmp_path / "a.mp4").stat().st_size == 12 * len(data)


@pytest.mark.slow
def test_a_file_that_is_renamed_into_place(tmp_path: Path, clip: Path) -> None:
    with following(tmp_path) as files:
        part = shutil.copy(clip, tmp_path / ".a.mp4.part")
        assert files.names_after() == []
        Path(part).rename(tmp_path / "a.mp4")
        assert files.names_after("a.mp4") == ["a.mp4"]


@pytest.mark.slow
def test_a_file_that_changes_is_given_again(tmp_path: Path, clip: Path) -> None:
    shutil.copy(clip, tmp_path / "a.mp4")
    with following(tmp_path) as files:
        assert files.names_after("a.mp4") == ["a.mp4"]
        with (tmp_path / "a.mp4").open("ab") as file:
            file.write(bytes(8))
        files.until(lambda: len(files.names) == 2)
        assert files.names_after("a.mp4") == ["a.mp4", "a.mp4"]


@pytest.mark.slow
def test_a_file_that_is_deleted_is_forgotten(tmp_path: Path, clip: Path) -> None:
    shutil.copy2(clip, tmp_path / "a.mp4")
    with following(tmp_path) as files:
        assert files.names_after("a.mp4") == ["a.mp4"]
        (tmp_path / "a.mp4").unlink()
        assert files.names_after() == ["a.mp4"]
        shutil.copy2(clip, tmp_path / "a.mp4")  # its size and time are as they were
        files.until(lambda: len(files.names) == 2)


def test_an_empty_file_has_not_come_yet(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with following(tmp_path) as files:
        assert files.names_after() == []
        shutil.copy(clip, tmp_path / "a.mp4")
        assert files.names_after("a.mp4") == ["a.mp4"]


def test_what_changes_before_its_turn_settles_again(tmp_path: Path, clip: Path) -> None:
    shutil.copy(clip, tmp_path / "a.mp4")
    shutil.copy(clip, tmp_path / "b.mp4")
    shutil.copy(clip, tmp_path / "c.mp4")
    with following(tmp_path) as files:
        files.until(lambda: files.names == ["a.mp4"])  # the others have settled as well
        (tmp_path / "b.mp4").unlink()
        with (tmp_path / "c.mp4").open("ab") as file:
            file.write(bytes(8))
        changed = time.monotonic()
        assert files.names_after("c.mp4") == ["a.mp4", "c.mp4"]
        assert files.given[1][1] >= changed + SETTLE


def test_names_are_chosen_as_by_find(tmp_path: Path, clip: Path) -> None:
    for name in ("a.mp4", "b.mkv", "old.mp4", "out/a_x4.mp4", "a.mp4.record.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(clip, tmp_path / name)
    with following(tmp_path, patterns=["*.mp4"], exclude=["old*"], skip=tmp_path / "out") as files:
        assert files.names_after("a.mp4") == ["a.mp4"]


def test_a_glob_takes_what_comes_to_match(tmp_path: Path, clip: Path) -> None:
    with following(f"{tmp_path}/*/day*.mp4") as files:
        (tmp_path / "cam").mkdir()
        shutil.copy(clip, tmp_path / "cam/day1.mp4")
        shutil.copy(clip, tmp_path / "cam/night.mp4")
        assert files.names_after("day1.mp4") == ["day1.mp4"]


@pytest.mark.slow
def test_a_folder_may_go_away_for_a_while(tmp_path: Path, clip: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    with following(share) as files:
        assert files.names_after() == []
        share.rename(tmp_path / "away")
        assert files.names_after() == []
        (tmp_path / "away").rename(share)
        shutil.copy(clip, share / "a.mp4")
        assert files.names_after("a.mp4") == ["a.mp4"]


def test_folders_that_tell_nothing_are_looked_through(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_paths: Path, **_settings: object) -> Iterator[None]:
        raise OSError("no watches left")
        yield

    monkeypatch.setattr("watchfiles.watch", refused)
    with following(tmp_path) as files:
        shutil.copy(clip, tmp_path / "a.mp4")
        assert files.names_after("a.mp4") == ["a.mp4"]


@pytest.mark.slow
def test_contents_are_looked_at_once(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    holds_picture = watch.holds_picture

    def counted(path: Path) -> bool:
        looked.append(path.name)
        return holds_picture(path)

    monkeypatch.setattr(watch, "holds_picture", counted)
    (tmp_path / "notes.txt").write_text("no video")
    shutil.copy(clip, tmp_path / "night")
    shutil.copy(clip, tmp_path / "day.mp4")
    with following(tmp_path) as files:
        assert files.names_after("day.mp4", "night") == ["day.mp4", "night"]
        assert sorted(looked) == ["night", "notes.txt"]
        shutil.copy(clip, tmp_path / "notes.txt")
        assert "notes.txt" in files.names_after("notes.txt")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere", "no such file or folder"),
        ("nowhere/*.mp4", "matches no file"),
        ("rtsp://camera/1", "is an address"),
    ],
)
def test_a_wrong_source_is_an_error_at_once(source: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        arrivals([source], [], [], None, SETTLE, Event())


def test_without_watchfiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(InputError, match=r"pip install 'vsr-video\[watch\]'"):
        arrivals([str(tmp_path)], [], [], None, SETTLE, Event())
