"""Finding the files of a batch, and naming their outputs."""

from __future__ import annotations

import os
import shutil
import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import pytest
from support.clips import Clip, make, picture

from vsr.batch.sources import Found, find, fixed_part, items, target_of
from vsr.core.errors import InputError, OutputError
from vsr.core.picture import PictureOptions

PLAIN = "{stem}_x{scale}{suffix}"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short video."""
    few = Clip(width=32, height=24, pts=(0, 512, 1024))
    return make(tmp_path_factory.mktemp("clip") / "clip.mp4", few)


def lay(folder: Path, clip: Path, *names: str) -> Path:
    """Copies of the clip in a folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, folder / name)
    return folder


def found(
    *sources: object,
    patterns: Sequence[str] = (),
    exclude: Sequence[str] = (),
    skip: Path | None = None,
) -> list[str]:
    """The relative paths that are found."""
    every = find([str(source) for source in sources], patterns, exclude, skip)
    assert all(each.path.is_file() for each in every)
    return [each.relative.as_posix() for each in every]


def test_a_folder_gives_its_tree(tmp_path: Path, clip: Path) -> None:
    lay(tmp_path, clip, "b/road.mp4", "b/deep/er/x.MKV", "a.mp4")
    assert found(tmp_path) == ["a.mp4", "b/deep/er/x.MKV", "b/road.mp4"]


def test_what_is_hidden_and_records_are_passed_over(tmp_path: Path, clip: Path) -> None:
    lay(tmp_path, clip, "a.mp4", ".a.part-1.mp4", ".a.mp4.12345678.work/000001.mkv")
    lay(tmp_path, clip, "a.mp4.record.json")
    assert found(tmp_path) == ["a.mp4"]
    assert found(tmp_path / "a.mp4", tmp_path / "a.mp4.record.json") == ["a.mp4"]
    assert found(f"{tmp_path}/*", f"{tmp_path}/**/*") == ["a.mp4"]


def test_small_copies_of_cameras_are_passed_over_and_told_of(tmp_path: Path, clip: Path) -> None:
    names = ("GX010001.MP4", "GL010001.LRV", "GX010001.THM", "DJI_1.MP4", "DJI_1.LRF")
    folder = lay(tmp_path / "card", clip, *names)
    told: list[Path] = []
    taken = find([str(folder)], [], [], None, told.append)
    assert [each.path.name for each in taken] == ["DJI_1.MP4", "GX010001.MP4"]
    assert {path.suffix for path in told} == {".LRV", ".THM", ".LRF"}
    asked = find([str(folder)], ["*.LRV"], [], None, pytest.fail)
    assert [each.path.name for each in asked] == ["GL010001.LRV"]
    named_ = find([str(folder / "GL010001.LRV")], [], [], None, pytest.fail)
    assert len(named_) == 1


def test_a_folder_of_small_copies_alone_says_how_to_take_them(tmp_path: Path, clip: Path) -> None:
    folder = lay(tmp_path / "card", clip, "GL010001.LRV", "GX010001.THM")
    how = r"; 2 files are a camera's small copies and thumbnails: --pattern '\*.LRV' takes them"
    with pytest.raises(InputError, match=f"no video or image found \\(looked at 0 files\\){how}$"):
        find([str(folder)], [], [], None)


def test_content_decides_where_the_suffix_does_not(tmp_path: Path, clip: Path) -> None:
    lay(tmp_path, clip, "recording", "camera.dat", "broken.mp4", "unfinished.mkv")
    (tmp_path / "broken.mp4").write_text("no video at all")
    (tmp_path / "unfinished.mkv").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("read me\n" * 1000)
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nrecording\n#EXT-X-ENDLIST\n")
    (tmp_path / "zeros.bin").write_bytes(bytes(200_000))  # libav takes it for text art
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe.mp4")
    cv2.imwrite(str(tmp_path / "photo.png"), picture(0, 32, 24))
    shutil.copy(tmp_path / "photo.png", tmp_path / "photo")
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    media = ["broken.mp4", "camera.dat", "photo", "photo.png", "recording", "unfinished.mkv"]
    assert found(tmp_path) == media
    assert found(f"{tmp_path}/*") == media
    assert found(tmp_path / "notes.txt", tmp_path / "sound.wav") == ["notes.txt", "sound.wav"]


def test_each_file_once(tmp_path: Path, clip: Path) -> None:
    lay(tmp_path, clip, "a/x.mp4", "b/y.mp4")
    (tmp_path / "b/again.mp4").symlink_to(tmp_path / "a/x.mp4")
    (tmp_path / "a/round").symlink_to(tmp_path)
    assert found(tmp_path / "a/x.mp4", tmp_path / "a", tmp_path / "b") == ["x.mp4", "round/b/y.mp4"]
    assert found(tmp_path, tmp_path) == ["a/x.mp4", "b/y.mp4"]


def test_globs_mirror_what_lies_below_two_stars(tmp_path: Path, clip: Path) -> None:
    lay(tmp_path, clip, "cams/road/1.mp4", "cams/shop/back/2.mp4", "cams/shop/3.avi", "4.mp4")
    cams = tmp_path / "cams"
    assert found(f"{cams}/**/*.mp4") == ["road/1.mp4", "shop/back/2.mp4"]
    assert found(f"{cams}/*/*.mp4") == ["1.mp4"]
    assert found(f"{tmp_path}/c*") == ["road/1.mp4", "shop/3.avi", "shop/back/2.mp4"]
    assert found(f"{cams}/**/shop") == ["shop/3.avi", "shop/back/2.mp4"]
    assert sorted(found(f"{cams}/**")) == ["road/1.mp4", "shop/3.avi", "shop/back/2.mp4"]


def test_where_a_glob_begins() -> None:
    assert fixed_part("cams/**/*.mp4") == Path("cams")
    assert fixed_part("/srv/cam?/a") == Path("/srv")
    assert fixed_part("*.mp4") == Path()


def test_a_name_with_brackets_is_a_name_where_there_is_such_a_file(
    tmp_path: Path, clip: Path
) -> None:
    lay(tmp_path, clip, "cam[1].mp4", "cam1.mp4")
    assert found(tmp_path / "cam[1].mp4") == ["cam[1].mp4"]


def test_patterns_fit_the_relative_path_or_the_name(tmp_path: Path, clip: Path) -> None:
    lay(tmp_path, clip, "road/a.mp4", "road/old/b.mp4", "shop/c.mkv", "d.mp4")
    assert found(tmp_path, patterns=["*.mkv", "d.*"]) == ["d.mp4", "shop/c.mkv"]
    assert found(tmp_path, patterns=["road/*"]) == ["road/a.mp4", "road/old/b.mp4"]
    assert found(tmp_path, exclude=["*/old/*", "c.mkv"]) == ["d.mp4", "road/a.mp4"]
    assert found(tmp_path, patterns=["*.mp4"], exclude=["road/*"]) == ["d.mp4"]
    assert found(tmp_path, patterns=["D.MP4", "shop/*"]) == ["shop/c.mkv"]


def test_the_output_folder_is_passed_over_in_folders_and_globs(tmp_path: Path, clip: Path) -> None:
    out = lay(tmp_path / "cams/out", clip, "a_x4.mp4").parent / "out"
    lay(tmp_path / "cams", clip, "a.mp4")
    assert found(tmp_path / "cams", skip=out) == ["a.mp4"]
    assert found(f"{tmp_path}/cams/*", skip=out) == ["a.mp4"]
    assert found(f"{tmp_path}/cams/**/*.mp4", skip=out) == ["a.mp4"]
    assert found(out / "a_x4.mp4", skip=out) == ["a_x4.mp4"]
    assert found(f"{tmp_path}/cams/*.mp4", skip=tmp_path / "cams") == ["a.mp4"]
    with pytest.raises(InputError, match="it is the output folder itself"):
        found(out, skip=out)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere", "nowhere: no such file or folder"),
        ("none*.mp4", r"none\*\.mp4: matches no file"),
        ("rtsp://me:secret@camera/1", "^rtsp://me:.*@camera/1: is an address; batch takes files"),
        ("gopher://x/y", "gopher: is not read"),
        ("file:a.mp4", "is an address"),
        ("x" * 300, "no such file or folder"),
    ],
)
def test_a_wrong_source_is_an_error(source: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        find([source], [], [], None)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_nothing_found_says_what_was_looked_at(tmp_path: Path, clip: Path) -> None:
    lay(tmp_path, clip, "a.mp4")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match=r"looked at 0 files named like '\*\.mkv'\)$"):
        found(tmp_path, patterns=["*.mkv"])
    with pytest.raises(InputError, match=r"looked at 1 file, but for 'a\*'\)$"):
        found(tmp_path, exclude=["a*"])


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may list every folder")
def test_a_source_that_cannot_be_listed_is_an_error(tmp_path: Path, clip: Path) -> None:
    lay(tmp_path, clip, "shut/a.mp4", "b.mp4")
    (tmp_path / "shut").chmod(0)
    try:
        with pytest.raises(InputError, match="shut: cannot be listed"):
            found(tmp_path / "shut")
        listed = find([str(tmp_path)], (), (), None)
    finally:
        (tmp_path / "shut").chmod(0o700)
    assert [each.relative.as_posix() for each in listed] == ["b.mp4", "shut"]


@pytest.mark.parametrize("pattern", ["", "/*", "/**/*"])
def test_what_cannot_be_looked_at_is_given_to_fail(
    tmp_path: Path, clip: Path, pattern: str
) -> None:
    lay(tmp_path, clip, "a.mp4", "c.mp4")
    bad = tmp_path / "b.mp4"
    bad.symlink_to(bad)
    listed = find([f"{tmp_path}{pattern}"], (), (), None)
    assert [each.relative.as_posix() for each in listed] == ["a.mp4", "b.mp4", "c.mp4"]
    listed = find([f"{tmp_path}{pattern}"], (), ["b*"], None)
    assert [each.relative.as_posix() for each in listed] == ["a.mp4", "c.mp4"]


def named(path: str, name: str = PLAIN, relative: str | None = None) -> str:
    each = Found(Path(path), Path(relative or Path(path).name))
    return target_of(each, Path("out"), name, PictureOptions(scale=Fraction(4))).as_posix()


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("a.mp4", "out/a_x4.mp4"),
        ("a.b.MKV", "out/a.b_x4.MKV"),
        ("a.ts", "out/a_x4.ts"),
        ("a", "out/a_x4.mkv"),
        ("a.dav", "out/a_x4.mkv"),
        ("a.gif", "out/a_x4.gif"),
        ("a.dat", "out/a_x4.mkv"),
        ("a.jpg", "out/a_x4.jpg"),
        ("a.pbm", "out/a_x4.png"),
    ],
)
def test_the_suffix_is_the_sources_where_it_is_written(path: str, target: str) -> None:
    assert named(path) == target


def test_the_tree_is_mirrored_and_the_name_a_pattern() -> None:
    assert named("cams/road/a.mp4", relative="road/a.mp4") == "out/road/a_x4.mp4"
    assert named("a.mp4", "{scale:02d}-{stem}.mkv") == "out/04-a.mkv"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("{model}{suffix}", r"no field \{model\}; allowed are \{stem\}, \{suffix\}, \{size\}"),
        ("{}{suffix}", r"no field \{\}"),
        ("{stem.upper}{suffix}", r"no field \{stem\.upper\}"),
        ("{stem", "is no pattern"),
        ("{stem:{width}}{suffix}", "is no pattern"),
        ("{stem:q}{suffix}", "is no pattern"),
        ("../{stem}{suffix}", "is no file's name"),
        ("/tmp/{stem}{suffix}", "is no file's name"),
        ("", "is no file's name"),
        ("..", "is no file's name"),
        ("{stem}", "has no suffix"),
    ],
)
def test_a_wrong_name_is_an_error(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        named("a.mp4", name)
    assert "\n" not in str(error.value)


def test_items_are_pairs() -> None:
    every = [Found(Path("in/a.mp4"), Path("a.mp4")), Found(Path("in/b/a.mp4"), Path("b/a.mp4"))]
    assert items(every, Path("out"), PLAIN, PictureOptions(scale=Fraction(2))) == [
        (Path("in/a.mp4"), Path("out/a_x2.mp4")),
        (Path("in/b/a.mp4"), Path("out/b/a_x2.mp4")),
    ]


def test_two_sources_for_one_output_are_an_error() -> None:
    every = [Found(Path("in/1/a.mp4"), Path("a.mp4")), Found(Path("in/2/a.mp4"), Path("a.mp4"))]
    with pytest.raises(OutputError, match=r"out/a_x4.mp4: .*in/1/a.mp4 and of in/2/a.mp4"):
        items(every, Path("out"), PLAIN, PictureOptions(scale=Fraction(4)))
    every = [Found(Path("in/a.dav"), Path("a.dav")), Found(Path("in/a.mkv"), Path("a.mkv"))]
    with pytest.raises(OutputError, match=r"a_x4.mkv"):
        items(every, Path("out"), PLAIN, PictureOptions(scale=Fraction(4)))


def test_an_output_that_is_a_source_is_an_error(tmp_path: Path, clip: Path) -> None:
    lay(tmp_path, clip, "a.mp4", "a_x4.mp4")
    (tmp_path / "link").symlink_to(tmp_path)
    every = find([str(tmp_path / "a.mp4"), str(tmp_path / "a_x4.mp4")], [], [], None)
    with pytest.raises(OutputError, match=r"link/a_x4.mp4: is an input itself"):
        items(every, tmp_path / "link", PLAIN, PictureOptions(scale=Fraction(4)))
