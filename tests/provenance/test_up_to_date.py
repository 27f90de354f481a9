"""An output is done where its record, its source and its settings say so; else it is told why."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from vsr.core.errors import OutputError
from vsr.core.job import Job
from vsr.core.options import UpscaleOptions
from vsr.core.result import Result, Run
from vsr.core.stream_report import Others
from vsr.inference.engine import choose_engine
from vsr.inference.passes import load_for
from vsr.provenance.fingerprint import fingerprints
from vsr.provenance.settings import job_settings
from vsr.provenance.sidecar import make_record, read_record, record_path, write_record
from vsr.provenance.up_to_date import standing

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def settings_for(model: str = "nearest", **changes: Any) -> dict[str, Any]:
    options = UpscaleOptions.of(model=model, device="cpu", precision="fp32")
    tools = load_for(model, Fraction(4), choose_engine(options.compute))
    settings = job_settings(options, tools)
    return {**settings, **changes}


SETTINGS = settings_for(crf=18.0)


def work(source: Path, target: Path, settings: Mapping[str, Any] = SETTINGS) -> dict[str, Any]:
    """Enter an output that is there, as if a job had made it."""
    job = Job(source, target, UpscaleOptions.of(model="nearest"))
    run = Run(1, 1, "libx264", Others())
    result = Result(source, target, run, False, 1.0, "nearest", Fraction(4), "cpu", "fp32", ())
    tools = load_for("nearest", Fraction(4), choose_engine(job.options.compute))
    record = make_record(
        *(job, settings, tools, result),
        *(fingerprints(source), fingerprints(target), NOW, NOW),
    )
    write_record(record_path(target), record)
    return record


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A source and its output, with a record."""
    source, target = tmp_path / "in.mp4", tmp_path / "out.mp4"
    source.write_bytes(b"source")
    target.write_bytes(b"output")
    work(source, target)
    return source, target


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of images and another made of it, with a record."""
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.png").write_bytes(f"{name} {number}".encode())
    work(tmp_path / "in", tmp_path / "out")
    return tmp_path / "in", tmp_path / "out"


def refused(source: Path, target: Path, settings: Mapping[str, Any] = SETTINGS) -> str:
    with pytest.raises(OutputError) as raised:
        standing(source, target, settings)
    line = str(raised.value)
    assert line.startswith(f"{target}: exists already, ")
    assert line.endswith("; -y or overwrite=True replaces it")
    assert "\n" not in line
    return line


def touched(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))


def with_a_changed_byte(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    touched(path)


def test_what_is_done_stands(pair: tuple[Path, Path]) -> None:
    assert standing(*pair, SETTINGS) == read_record(record_path(pair[1]))


def test_where_nothing_is_there_is_work(pair: tuple[Path, Path]) -> None:
    source, target = pair
    target.unlink()
    assert standing(source, target, SETTINGS) is None  # whatever its record says
    (target.parent / "empty").mkdir()
    assert standing(source, target.parent / "empty", SETTINGS) is None


@pytest.mark.parametrize("which", [0, 1])
def test_the_same_bytes_written_again_are_the_same(pair: tuple[Path, Path], which: int) -> None:
    touched(pair[which])
    assert standing(*pair, SETTINGS)


@pytest.mark.parametrize(
    ("which", "words"), [(0, "made from another input"), (1, "changed since it was made")]
)
@pytest.mark.parametrize(
    "change",
    [
        with_a_changed_byte,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"x" * 9),
    ],
)
def test_a_change_is_told(
    pair: tuple[Path, Path], which: int, words: str, change: Callable[[Path], Any]
) -> None:
    change(pair[which])
    assert words in refused(*pair)


@pytest.mark.parametrize("which", [0, 1])
def test_size_and_time_are_trusted_in_their_place(pair: tuple[Path, Path], which: int) -> None:
    when = pair[which].stat().st_mtime_ns
    with_a_changed_byte(pair[which])
    os.utime(pair[which], ns=(0, when))
    assert standing(*pair, SETTINGS)


def test_elsewhere_the_contents_alone_count(pair: tuple[Path, Path]) -> None:
    source, target = pair
    other = Path(shutil.copy2(source, source.with_name("other.mp4")))
    assert standing(other, target, SETTINGS)
    when = other.stat().st_mtime_ns
    with_a_changed_byte(other)
    os.utime(other, ns=(0, when))
    assert "another input" in refused(other, target)


def test_a_tree_may_be_moved(pair: tuple[Path, Path]) -> None:
    moved = pair[0].parent.with_name("moved")
    pair[0].parent.rename(moved)
    assert standing(moved / "in.mp4", moved / "out.mp4", SETTINGS)


def test_the_way_to_a_file_does_not_matter(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pair[0].parent)
    assert standing(Path("in.mp4"), Path("out.mp4"), SETTINGS)
    record = read_record(record_path(pair[1]))
    assert record == work(Path("in.mp4"), Path("out.mp4"))


@pytest.mark.parametrize("key", sorted(SETTINGS.keys() - {"version", "libav"}))
def test_every_setting_counts(pair: tuple[Path, Path], key: str) -> None:
    assert "made with other settings" in refused(*pair, {**SETTINGS, key: "another"})


@pytest.mark.parametrize("key", ["version", "libav"])
def test_what_an_older_version_made_is_done(pair: tuple[Path, Path], key: str) -> None:
    assert standing(*pair, {**SETTINGS, key: "another"})


def test_what_differs_is_named(pair: tuple[Path, Path]) -> None:
    line = refused(*pair, settings_for("bicubic", crf=20.0))
    assert "(model nearest, not bicubic; crf 18.0, not 20.0)" in line


def test_without_a_record_nothing_is_known(pair: tuple[Path, Path]) -> None:
    record_path(pair[1]).unlink()
    assert "without a record" in refused(*pair)


def test_a_damaged_record_is_named(pair: tuple[Path, Path]) -> None:
    record_path(pair[1]).write_text("{")
    assert f"{record_path(pair[1])}: is no record" in refused(*pair)


def test_a_folder_stands(folders: tuple[Path, Path]) -> None:
    assert standing(*folders, SETTINGS)
    for folder in folders:
        (folder / "notes.txt").write_text("no image")
        touched(folder / "1.png")
    assert standing(*folders, SETTINGS)


@pytest.mark.parametrize(
    ("which", "words"), [(0, "made from another input"), (1, "changed since it was made")]
)
def test_a_folders_files_are_looked_at_one_by_one(
    folders: tuple[Path, Path], which: int, words: str
) -> None:
    with_a_changed_byte(folders[which] / "1.png")
    assert words in refused(*folders)
    with_a_changed_byte(folders[which] / "1.png")  # back
    assert standing(*folders, SETTINGS)
    (folders[which] / "1.png").unlink()
    assert words in refused(*folders)


def test_one_more_image_is_another_source(folders: tuple[Path, Path]) -> None:
    source, target = folders
    (target / "poster.png").write_bytes(b"beside what was made")
    assert standing(source, target, SETTINGS)
    (source / "4.png").write_bytes(b"new")
    assert "another input" in refused(source, target)


def test_a_file_is_no_folder(pair: tuple[Path, Path], tmp_path: Path) -> None:
    source, target = pair
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "in.mp4.png").write_bytes(b"source")
    assert "another input" in refused(folder, target)
    target.unlink()
    target.mkdir()
    (target / "1.png").write_bytes(b"output")
    assert "changed since" in refused(source, target)


@pytest.mark.parametrize("block", ["source", "output", "settings", "tool", "run"])
@pytest.mark.parametrize(
    "nonsense",
    [
        *({}, {"sha256": None}, {"files": {"a": None}}, {"files": 1, "sha256": ""}, [], "a", 7),
        {"size": float("inf"), "modified": "NaT.000000000Z", "sha256": 3, "path": []},
    ],
)
def test_nonsense_in_a_record_is_no_crash(
    pair: tuple[Path, Path], block: str, nonsense: object
) -> None:
    record = read_record(record_path(pair[1]))
    assert record is not None
    write_record(record_path(pair[1]), {**record, block: nonsense})
    refused(*pair)
