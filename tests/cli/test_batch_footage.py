"""`vsr batch` on what recorders store: choosing by time, options of single cameras."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.cli_runner import vsr
from support.clips import Clip, held, make

FAST = ["--scale", "2", "--model", "nearest", "--preset", "ultrafast"]
SMALL = Clip(width=32, height=24, pts=(0, 512, 1024))


def frigate(root: Path, camera: str, begins: datetime) -> Path:
    """Where Frigate stores a file that begins at a time in UTC."""
    return root / f"{begins:%Y-%m-%d/%H}" / camera / f"{begins:%M.%S}.mp4"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Frigate's folders: the last hours of two cameras."""
    clip = make(tmp_path / "clip.mp4", SMALL)
    root = tmp_path / "recordings"
    now = datetime.now(UTC).replace(microsecond=0)
    for hours in (1, 5):
        for camera in ("door", "road"):
            path = frigate(root, camera, now - timedelta(hours=hours))
            path.parent.mkdir(parents=True)
            shutil.copy(clip, path)
    return root


def sources(out: str) -> set[str]:
    """The cameras and the hours of what a dry run lists, as the path says them."""
    events = [json.loads(line) for line in out.splitlines()]
    return {event["source"] for event in events if event["event"] == "estimate"}


def test_footage_is_chosen_by_its_time(tree: Path, tmp_path: Path) -> None:
    words = ["batch", tree, tmp_path / "out", *FAST, "--dry-run", "--json"]
    every = sources(vsr(*words).out)
    late = sources(vsr(*words, "--taken-since", "2h").out)
    assert len(every) == 4
    assert len(late) == 2
    assert late < every
    (tmp_path / "names").write_text("*/road/*\n")
    doors = sources(vsr(*words, "--taken-since", "2h", "--exclude-from", tmp_path / "names").out)
    assert {Path(path).parent.name for path in doors} == {"door"}
    assert doors < late


def test_nothing_of_that_time(tree: Path, tmp_path: Path) -> None:
    """A quiet day is no failure; a folder without files is one."""
    words = ["batch", tree, tmp_path / "out", *FAST, "--taken-since", "1m"]
    ran = vsr(*words, "--report", tmp_path / "report.json")
    assert (ran.code, ran.out) == (0, "")
    said = f"vsr: {tree}: 4 files, none of the time that is asked for"
    assert ran.err.splitlines()[0] == said
    assert json.loads((tmp_path / "report.json").read_text()) == []
    joined = vsr(*words, "--join", "camera")
    assert (joined.code, joined.err.splitlines()[0]) == (0, said)
    told = vsr(*words, "--dry-run")
    assert (told.code, "0 files to do" in told.out) == (0, True)
    shutil.rmtree(tree)
    tree.mkdir()
    ran = vsr(*words)
    assert (ran.code, ran.out) == (1, "")
    assert "no video or image found (looked at 0 files)" in ran.err


@pytest.mark.slow
def test_a_camera_has_a_region_of_its_own(tree: Path, tmp_path: Path) -> None:
    cameras = tmp_path / "cameras.toml"
    cameras.write_text('[door]\ncrop = "0,0,16,12"\n\n[gate]\nmodel = "bicubic"\n')
    words = ["batch", tree, tmp_path / "out", *FAST, "--taken-since", "2h", "--cameras", cameras]
    ran = vsr(*words)
    assert ran.code == 0
    assert f"{cameras}: no file of gate; there are files of: door, road" in ran.err
    sizes = {path.parent.name: held(path).sizes for path in (tmp_path / "out").rglob("*.mp4")}
    assert sizes == {"door": {(32, 24)}, "road": {(64, 48)}}
    assert vsr(*words).err.splitlines()[-2].startswith("skipped       2")


@pytest.mark.parametrize("flag", ["--exclude-from", "--cameras"])
@pytest.mark.parametrize("watch", [[], ["--watch"]])
def test_a_report_never_replaces_a_list_that_was_read(
    tree: Path, tmp_path: Path, flag: str, watch: list[str]
) -> None:
    names = tmp_path / "names.csv"
    names.write_text("")
    words = ("-y", flag, names, "--report", names, *watch)
    ran = vsr("batch", tree, tmp_path / "out", *FAST, *words)
    assert (ran.code, ran.out) == (1, "")
    assert "names.csv: is the input itself; choose another name" in ran.err
    assert names.read_text() == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (["--taken-since", "yesterday"], 2, "must be a time back such as 90m, 2h or 3d"),
        (["--taken", "22-06"], 2, "must be two times such as '22:00-06:00'"),
        (["--exclude-from", "none.txt"], 1, "none.txt: cannot be read (No such file"),
        (["--cameras", "none.toml"], 1, "none.toml: cannot be read (No such file"),
        (["--cameras", "bad.toml"], 1, "[door]: no entry 'zoom'; allowed are"),
        (["--cameras", "model.toml"], 1, "unknown model 'nosuch'"),
    ],
)
def test_bad_choices(
    tree: Path, tmp_path: Path, options: list[str], code: int, reason: str
) -> None:
    (tmp_path / "bad.toml").write_text("[door]\nzoom = 2\n")
    (tmp_path / "model.toml").write_text('[door]\nmodel = "nosuch"\n')
    words = [tmp_path / word if "." in word else word for word in options]
    ran = vsr("batch", tree, tmp_path / "out", *FAST, *words)
    assert (ran.code, ran.out) == (code, "")
    assert reason in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "out").exists()
