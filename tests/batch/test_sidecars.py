"""What lies beside a video is copied beside its output."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.clips import Clip, make

from vsr.batch import sidecars as sidecars_module
from vsr.batch.outcome import Item
from vsr.batch.sidecars import copy_sidecars, sidecars
from vsr.batch.worker import upscale_file
from vsr.core.events import Reporter
from vsr.core.options import UpscaleOptions


def filled(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(f"words of {name}")
    return folder


def copied(source: Path, target: Path, overwrite: bool = False) -> tuple[list[str], list[str]]:
    """The names of the copies, and the warnings."""
    said: list[str] = []
    made = copy_sidecars(source, target, overwrite, said.append)
    return [path.name for path in made], said


def test_names_say_what_belongs_to_a_video(tmp_path: Path) -> None:
    theirs = [
        *("clip.ASS", "clip.chapters.txt", "clip.chapters.xml", "clip.en.forced.srt"),
        *("clip.lrc", "clip.pt-BR.vtt", "clip.srt", "clip.ssa"),
    ]
    others = [
        "clip.txt",
        "clip.a.b.c.srt",
        "clip2.srt",
        "clip_x4.srt",
        "clip.mp4.srt.bak",
        "Clip.srt",
    ]
    filled(tmp_path, "clip.mp4", *theirs, *others)
    (tmp_path / "clip.de.srt").mkdir()
    assert [path.name for path in sidecars(tmp_path / "clip.mp4")] == theirs


def test_the_longest_name_has_it(tmp_path: Path) -> None:
    filled(tmp_path, "clip.mp4", "clip.v2.mp4", "clip.srt", "clip.v2.srt", "clip.v2.en.srt")
    assert [path.name for path in sidecars(tmp_path / "clip.mp4")] == ["clip.srt"]
    longer = [path.name for path in sidecars(tmp_path / "clip.v2.mp4")]
    assert longer == ["clip.v2.en.srt", "clip.v2.srt"]


def test_still_images_have_none(tmp_path: Path) -> None:
    filled(tmp_path, "clip.png", "clip.srt")
    assert sidecars(tmp_path / "clip.png") == []


def test_they_take_the_outputs_stem(tmp_path: Path) -> None:
    source = filled(tmp_path / "in", "clip.dav", "clip.srt", "clip.en.srt") / "clip.dav"
    out = filled(tmp_path / "out")
    assert copied(source, out / "clip_x4.mkv") == (["clip_x4.en.srt", "clip_x4.srt"], [])
    assert (out / "clip_x4.en.srt").read_text() == "words of clip.en.srt"
    assert copied(source, out / "clip_x4.mkv") == ([], [])  # they are there
    assert len(list(out.iterdir())) == 2


def test_another_file_is_replaced_only_where_that_is_asked_for(tmp_path: Path) -> None:
    source = filled(tmp_path / "in", "clip.mp4", "clip.srt") / "clip.mp4"
    out = filled(tmp_path / "out", "clip_x4.srt", "clip_x4.mp4")
    made, (line,) = copied(source, out / "clip_x4.mp4")
    assert made == []
    assert "exists already and stays" in line
    assert "\n" not in line
    assert (out / "clip_x4.srt").read_text() == "words of clip_x4.srt"
    assert copied(source, out / "clip_x4.mp4", overwrite=True) == (["clip_x4.srt"], [])
    assert (out / "clip_x4.srt").read_text() == "words of clip.srt"


def test_never_over_what_is_another_videos(tmp_path: Path) -> None:
    folder = filled(tmp_path, "clip.mp4", "clip.srt", "clip_x4.avi", "clip_x4.srt")
    made, (line,) = copied(folder / "clip.mp4", folder / "clip_x4.mp4", overwrite=True)
    assert made == []
    assert "belongs to" in line
    assert (folder / "clip_x4.srt").read_text() == "words of clip_x4.srt"


def test_never_over_itself_or_through_a_link(tmp_path: Path) -> None:
    folder = filled(tmp_path, "clip.dav", "clip.srt", "other.srt")
    assert copied(folder / "clip.dav", folder / "clip.mkv", overwrite=True) == ([], [])
    (folder / "out.srt").symlink_to(folder / "other.srt")
    made, (line,) = copied(folder / "clip.dav", folder / "out.mkv", overwrite=True)
    assert (made, "no plain file" in line) == ([], True)
    assert (folder / "other.srt").read_text() == "words of other.srt"


def test_a_copy_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = filled(tmp_path / "in", "clip.mp4", "clip.srt") / "clip.mp4"
    out = filled(tmp_path / "out")

    def full(_file: Path, part: Path) -> None:
        part.write_text("wor")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sidecars_module.shutil, "copyfile", full)
    made, (line,) = copied(source, out / "clip_x4.mp4")
    assert made == []
    assert line.endswith("(No space left on device)")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("wanted", [True, False])
def test_a_batch_copies_them_when_the_video_is_done(tmp_path: Path, wanted: bool) -> None:
    folder = filled(tmp_path / "in", "clip.en.srt")
    source = make(folder / "clip.mp4", Clip(width=32, height=24))
    item = Item(source, tmp_path / "out" / "clip_x2.mp4", wanted)
    options = UpscaleOptions.of(scale=2, model="nearest", preset="ultrafast", record=True)
    done = upscale_file(item, options, Reporter())
    copy = tmp_path / "out" / "clip_x2.en.srt"
    assert copy.exists() == wanted
    assert done.facts.get("sidecars") == ([str(copy)] if wanted else None)
    shutil.copy(folder / "clip.en.srt", folder / "clip.srt")
    later = upscale_file(item, options, Reporter())
    assert later.status == "skipped"
    expected = [str(copy.with_name("clip_x2.srt"))] if wanted else None
    assert later.facts.get("sidecars") == expected
