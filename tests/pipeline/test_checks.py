"""Paths that a job cannot end well with are refused before any work."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from support.clips import Clip, make

from vsr import preview, upscale
from vsr.core.errors import InputError, OutputError
from vsr.core.options import ReadOptions
from vsr.core.paths import check_output_folder
from vsr.core.url import Pipe, Url
from vsr.pipeline.checks import check_paths, idle_options


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.mp4"
    path.write_bytes(b"not looked into")
    return path


def test_a_new_file_beside_the_source(source: Path) -> None:
    check_paths(source, source.with_name("out.mp4"), overwrite=False)


def test_relative_paths(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(source.parent)
    check_paths(Path("in.mp4"), Path("out.mp4"), overwrite=False)


def test_a_missing_source(source: Path) -> None:
    missing = source.with_name("missing.mp4")
    with pytest.raises(InputError, match=r"missing\.mp4: no such file"):
        check_paths(missing, source.with_name("out.mp4"), overwrite=False)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("alias", ["same", "dotted", "symbolic link", "hard link"])
def test_the_source_is_never_the_target(source: Path, alias: str, overwrite: bool) -> None:
    target = source.with_name("out.mp4")
    if alias == "same":
        target = source
    elif alias == "dotted":
        target = source.parent / ".." / source.parent.name / "in.mp4"
    elif alias == "symbolic link":
        target.symlink_to(source)
    else:
        target.hardlink_to(source)
    with pytest.raises(OutputError, match="is the input itself; choose another name"):
        check_paths(source, target, overwrite)


def test_an_existing_target_is_replaced_on_demand_alone(source: Path) -> None:
    target = source.with_name("out.mp4")
    target.touch()
    with pytest.raises(OutputError, match="exists already; -y or overwrite=True replaces it"):
        check_paths(source, target, overwrite=False)
    check_paths(source, target, overwrite=True)


def test_a_folder_that_does_not_exist(source: Path) -> None:
    with pytest.raises(OutputError, match=r"the folder .*new does not exist"):
        check_paths(source, source.parent / "new" / "out.mp4", overwrite=False)


def test_a_file_in_the_folders_place(source: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        check_paths(source, source / "out.mp4", overwrite=False)


def test_an_image_of_the_input_folder_is_never_the_target(tmp_path: Path) -> None:
    for name in ("1.png", "2.png", "out.mp4"):
        (tmp_path / name).touch()
    with pytest.raises(OutputError, match=r"2\.png: is the input itself"):
        check_paths(tmp_path, tmp_path / "2.png", overwrite=True)
    check_paths(tmp_path, tmp_path / "out.mp4", overwrite=True)


def test_the_folder_of_an_image_is_never_its_target(tmp_path: Path) -> None:
    for name in ("1.png", "1.mp4"):
        (tmp_path / name).touch()
        with pytest.raises(OutputError, match="holds the input itself; choose another folder"):
            check_paths(tmp_path / name, tmp_path, overwrite=True)


def test_a_folder_that_a_linked_input_lies_in_is_never_the_target(tmp_path: Path) -> None:
    real, links = tmp_path / "real", tmp_path / "links"
    for folder in (real, links):
        folder.mkdir()
    (real / "1.mp4").touch()
    (links / "1.mp4").symlink_to(real / "1.mp4")
    for target in (real, links):
        with pytest.raises(OutputError, match="holds the input itself"):
            check_output_folder(target, [links / "1.mp4"])
    check_output_folder(tmp_path, [links / "1.mp4"])  # which lies further down
    check_output_folder(tmp_path / "none", [links / "1.mp4"])


@pytest.mark.parametrize("name", ["in.mp4", "%d.png", ""])
def test_what_a_stream_was_redirected_from_is_never_the_target(tmp_path: Path, name: str) -> None:
    source = tmp_path / "in.mp4"
    source.write_bytes(b"not looked into")
    (tmp_path / "1.png").hardlink_to(source)
    with source.open("rb") as file:
        pipe = Pipe(f"/dev/fd/{file.fileno()}")
        with pytest.raises(OutputError, match=r"(the|an) input itself"):
            check_paths(pipe, tmp_path / name, overwrite=True)
        check_paths(pipe, tmp_path / "out.mp4", overwrite=True)


def test_a_descriptor_that_leads_to_the_input_is_never_the_target(tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    source.write_bytes(b"not looked into")
    for file, is_input in ((source, True), (tmp_path / "out.y4m", False)):
        with file.open("ab") as opened:
            target = Path(f"/dev/fd/{opened.fileno()}")
            with pytest.raises(OutputError) if is_input else nullcontext() as refused:
                check_paths(source, target, overwrite=True)
        if refused:
            assert "leads to the input itself; choose another name" in str(refused.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write anywhere")
def test_a_folder_without_permission(source: Path) -> None:
    folder = source.parent / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="is not writable"):
        check_paths(source, folder / "out.mp4", overwrite=False)


@pytest.mark.parametrize(
    ("source", "target", "options", "words"),
    [
        ("in.mp4", "out.mp4", {}, []),
        ("in.mp4", "out.mp4", {"rate": 25}, ["in.mp4: rate does nothing"]),
        ("in.mp4", "out", {"rate": 30}, ["in.mp4: rate does nothing"]),
        ("in.mp4", "out.mp4", {"stills": True}, ["in.mp4: stills does nothing"]),
        (
            "in.mp4",
            "out.mp4",
            {"stills": True, "rate": 50},
            ["in.mp4: stills does nothing", "in.mp4: rate does nothing"],
        ),
        ("rtsp://camera/a", "out.mp4", {"rate": 25}, ["rtsp://camera/a: rate does nothing"]),
        ("images", "out.mp4", {"rate": 25}, []),
        ("images", "out", {"stills": True}, []),
        ("images", "out", {"video_stream": 0}, ["images: video_stream does nothing"]),
        ("in.mp4", "out.mp4", {"video_stream": 0}, []),
        ("images", "out", {"rate": 25}, ["out: rate does nothing"]),
        ("a.png", "b.png", {"rate": 25}, ["b.png: rate does nothing"]),
        ("a.png", "b.mp4", {"rate": 25}, []),
    ],
)
def test_options_for_images_that_do_nothing_are_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    target: str,
    options: dict[str, Any],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("images").mkdir()
    given = Url(source) if "://" in source else Path(source)
    lines = list(idle_options(given, Path(target), ReadOptions(**options)))
    assert [line.partition(": it is")[0] for line in lines] == words


def test_a_job_tells_of_them(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(width=32, height=16))
    fast: dict[str, Any] = {"scale": 2, "model": "nearest", "preset": "ultrafast"}
    said: list[str] = []
    for number, resume in enumerate(("never", "always")):
        target = tmp_path / f"{number}.mp4"
        asked = {"stills": True, "rate": 50, "resume": resume, **fast}
        result = upscale(source, target, warn=said.append, **asked)
        assert [line.split(": ")[1] for line in result.warnings] == [
            "stills does nothing",
            "rate does nothing",
        ]
    assert len(said) == 4


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(width=32, height=16))
    (tmp_path / "elsewhere").mkdir()
    file, link = tmp_path / "elsewhere" / "old.mkv", tmp_path / "out.mkv"
    file.write_bytes(b"old")
    link.symlink_to(file)
    for resume in ("never", "always"):
        result = upscale(source, link, scale=2, model="nearest", overwrite=True, resume=resume)
        assert result.target == file
        assert link.is_symlink()
        assert file.stat().st_size > 3
        assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
            "in.mp4",
            "old.mkv",
            "out.mkv",
        ]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("make_it", [upscale, preview])
def test_a_link_to_nothing_is_no_target(
    tmp_path: Path, make_it: Callable[..., object], overwrite: bool
) -> None:
    source = make(tmp_path / "in.mp4", Clip(width=32, height=16))
    link = tmp_path / "out.mp4"
    link.symlink_to("gone.mp4")
    with pytest.raises(OutputError, match=r"out\.mp4: is a link to .*gone\.mp4, which does not"):
        make_it(source, link, scale=2, model="nearest", overwrite=overwrite)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


@pytest.mark.parametrize("resume", ["never", "always"])
@pytest.mark.parametrize("record", [False, True])
def test_a_file_that_appears_meanwhile_stays(tmp_path: Path, resume: str, record: bool) -> None:
    source, target = make(tmp_path / "in.mp4", Clip(width=32, height=16)), tmp_path / "out.mkv"
    asked: dict[str, Any] = {"scale": 2, "model": "nearest", "resume": resume, "record": record}

    def progress(_: object) -> None:
        target.write_bytes(b"theirs")

    with pytest.raises(OutputError, match=r"stays; the finished output is kept as .*out\.1\.mkv$"):
        upscale(source, target, progress=progress, **asked)
    assert target.read_bytes() == b"theirs"
    assert (tmp_path / "out.1.mkv").stat().st_size > 100
    assert not list(tmp_path.glob("*.record.json"))


def test_a_folder_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    source, target = make(tmp_path / "in.mp4", Clip(width=32, height=16)), tmp_path / "out"

    def progress(_: object) -> None:
        target.mkdir(exist_ok=True)

    with pytest.raises(OutputError, match=r"the finished output is kept as .*out\.1$"):
        upscale(source, target, progress=progress, scale=2, model="nearest")
    assert not list(target.iterdir())
    assert list((tmp_path / "out.1").iterdir())
