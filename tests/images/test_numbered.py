"""Numbered images, as frame_%04d.png, in and out."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli_runner import vsr as cli
from support.clips import Clip, make

import vsr
from vsr import DoneError, InputError, OutputError
from vsr.datasets.media import list_items, read_pictures
from vsr.images.images import open_images
from vsr.images.listing import list_images
from vsr.images.numbered import Numbered, pattern_of


def image(path: Path, level: int, width: int = 8) -> Path:
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), np.full((6, width, 3), level, np.uint8))
    return path


def levels(*paths: Path) -> list[int]:
    return [int(cv2.imread(str(path))[0, 0, 0]) for path in paths]


def clip(folder: Path, count: int) -> Path:
    return make(folder / "in.mp4", Clip(pts=range(0, 512 * count, 512)))


def enlarge(source: object, target: object, **options: object) -> list[str]:
    """The warnings."""
    said: list[str] = []
    asked = {"scale": 2, "model": "nearest", "device": "cpu", **options}
    vsr.upscale(str(source), str(target), warn=said.append, **asked)
    return said


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@given(st.integers(0, 10**6), st.integers(1, 9), st.text("a1%_", max_size=4))
def test_a_name_tells_its_number(number: int, digits: int, text: str) -> None:
    form = f"{text.replace('%', '%%')}x%0{digits}dy.png"
    pattern = pattern_of(Path("nowhere", form))
    assert pattern is not None
    assert pattern.number_of(pattern.name(number)) == number
    assert pattern.name(number) == f"{text}x{number:0{digits}d}y.png"


def test_what_a_name_must_be_to_have_a_number() -> None:
    pattern = Numbered(Path(), "f", ".png", 3)
    assert pattern.number_of("f1234.png") == 1234
    for other in (
        "f01.png",
        "f0001.png",
        "f.png",
        "f-01.png",
        "f\u0660\u0660\u0661.png",
        "f001.PNG",
        "g001.png",
    ):
        assert pattern.number_of(other) is None
    assert Numbered(Path(), "f", "f").number_of("f") is None


@pytest.mark.parametrize("name", ["a.png", "100%.png", "a%20d.png", "%s.png", "%%d.png", "%d.mp4"])
def test_other_names_are_taken_as_they_are(name: str) -> None:
    assert pattern_of(Path(name)) is None


def test_only_the_name_of_the_file_has_a_number() -> None:
    assert pattern_of(Path("in_%d", "a.png")) is None
    assert pattern_of(Path("in_%d", "%d.png")) == Numbered(Path("in_%d"), "", ".png")


def test_a_file_of_the_very_name_is_that_file(tmp_path: Path) -> None:
    source = image(tmp_path / "f%d.png", 9)
    image(tmp_path / "f1.png", 50)
    enlarge(source, tmp_path / "out%d.png")  # one image needs no number
    assert levels(tmp_path / "out%d.png") == [9]


def test_several_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has 2 numbers; a pattern has one"):
        enlarge(tmp_path / "%d_%d.png", tmp_path / "out.mp4")
    with pytest.raises(OutputError, match=r"has 2 numbers; a pattern has one"):
        enlarge(clip(tmp_path, 2), tmp_path / "%d_%03d.png")


def test_images_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for number in (10, 9, 2, 11):
        image(folder / f"f{number}_v2.png", number)
    image(folder / "f03_v2.png", 3)
    image(folder / "g4_v2.png", 4)
    found = list_images(folder / "f%d_v2.png")
    assert levels(*found) == [2, 9, 10, 11]
    assert list_images(folder / "f%d_v2.png", 10) == found[2:]


def test_gaps_are_told_of(tmp_path: Path) -> None:
    for number in (1, 2, 5):
        image(tmp_path / f"f{number}_v2.png", number)
    said: list[str] = []
    with open_images(tmp_path / "f%d_v2.png", said.append) as images:
        assert images.expected_frames == 3
    assert len(said) == 1
    assert "f%d_v2.png: 2 images missing between 1 and 5 (3 to 4)" in said[0]


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    image(tmp_path / "f001.png", 1)
    with pytest.raises(
        InputError, match=r"f%d\.png: no such .* f1\.png .*but f001\.png has another"
    ):
        enlarge(tmp_path / "f%d.png", out)
    with pytest.raises(InputError, match=r"no image from number 7 on; the last is 1$"):
        enlarge(tmp_path / "f%03d.png", out, start_number=7)
    with pytest.raises(InputError, match=r"none: cannot be listed"):
        enlarge(tmp_path / "none" / "f%d.png", out)
    assert not out.exists()


def test_images_become_a_video(tmp_path: Path) -> None:
    for number in range(1, 13):
        image(tmp_path / f"{number}.png", 20 * number)
    target = tmp_path / "out.mkv"
    enlarge(tmp_path / "%d.png", target, rate=5, start_number=3, codec="ffv1")
    with av.open(str(target)) as container:
        shown = [int(f.to_ndarray(format="bgr24")[0, 0, 0]) for f in container.decode(video=0)]
        assert container.streams.video[0].average_rate == 5
    assert shown == [20 * number for number in range(3, 13)]


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize(("first", "numbers"), [(None, [1, 2, 3, 4]), (9, [9, 10, 11, 12])])
def test_a_video_becomes_images(
    tmp_path: Path, exists: bool, first: int | None, numbers: list[int]
) -> None:
    folder = tmp_path / "out"
    if exists:
        image(folder / "f_00.png", 7)
        image(folder / "other.png", 8)
    source = clip(tmp_path, 4)
    assert not enlarge(source, folder / "f_%02d.png", start_number=first)
    beside = ["f_00.png", "other.png"] if exists else []
    assert names(folder) == sorted([f"f_{n:02d}.png" for n in numbers] + beside)
    enlarge(source, tmp_path / "whole")
    pairs = zip(numbers, sorted((tmp_path / "whole").iterdir()), strict=True)
    for number, same in pairs:
        assert np.array_equal(
            cv2.imread(str(folder / f"f_{number:02d}.png")), cv2.imread(str(same))
        )


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif", ".bmp", ".ppm"])
def test_a_video_becomes_images_of_any_kind(tmp_path: Path, suffix: str) -> None:
    source = clip(tmp_path, 2)
    enlarge(source, tmp_path / f"%d{suffix}")
    assert all(cv2.imread(str(tmp_path / f"{n}{suffix}")) is not None for n in (1, 2))


@pytest.mark.parametrize("stills", [False, True])
@pytest.mark.parametrize(("first", "numbers"), [(None, [2, 5, 10]), (1, [1, 2, 3])])
def test_numbers_are_kept_unless_others_are_asked_for(
    tmp_path: Path, stills: bool, first: int | None, numbers: list[int]
) -> None:
    for number in (2, 5, 10):
        image(tmp_path / "a" / f"{number}.jpg", 20 * number)
    said = enlarge(
        tmp_path / "a" / "%d.jpg", tmp_path / "b" / "%03d.png", start_number=first, stills=stills
    )
    assert names(tmp_path / "b") == [f"{number:03d}.png" for number in numbers]
    assert levels(*sorted((tmp_path / "b").iterdir())) == [40, 100, 200]
    assert all("missing" in line for line in said)


def test_images_of_several_sizes(tmp_path: Path) -> None:
    image(tmp_path / "a" / "1.png", 1, width=8)
    image(tmp_path / "a" / "2.png", 2, width=10)
    enlarge(tmp_path / "a" / "%d.png", tmp_path / "b")
    assert names(tmp_path / "b") == ["1.png", "2.png"]
    enlarge(tmp_path / "a", tmp_path / "c_%d.png", start_number=5)
    assert levels(tmp_path / "c_5.png", tmp_path / "c_6.png") == [1, 2]


@pytest.mark.parametrize("stills", [False, True])
def test_nothing_is_replaced_unasked(tmp_path: Path, stills: bool) -> None:
    for number in (1, 2):
        image(tmp_path / "a" / f"{number}.png", number)
    there = image(tmp_path / "b" / "2.png", 99)
    source, target = tmp_path / "a" / "%d.png", tmp_path / "b" / "%d.png"
    with pytest.raises(OutputError, match=r"2\.png: exists already; -y"):
        enlarge(source, target, stills=stills)
    assert names(tmp_path / "b") == ["2.png"]
    assert levels(there) == [99]
    enlarge(source, target, stills=stills, start_number=3)  # others may lie there
    enlarge(source, target, stills=stills, overwrite=True)
    assert levels(*sorted((tmp_path / "b").iterdir())) == [1, 2, 1, 2]


def test_of_a_video_no_number_may_be_taken(tmp_path: Path) -> None:
    source = clip(tmp_path, 2)
    image(tmp_path / "b" / "400.png", 9)
    with pytest.raises(OutputError, match=r"400\.png: exists already"):
        enlarge(source, tmp_path / "b" / "%d.png")
    enlarge(source, tmp_path / "b" / "%d.png", start_number=401)
    assert names(tmp_path / "b") == ["400.png", "401.png", "402.png"]


def test_inputs_are_never_replaced(tmp_path: Path) -> None:
    one = image(tmp_path / "a" / "1.png", 50)
    image(tmp_path / "a" / "2.png", 60)
    for source in (tmp_path / "a" / "%d.png", tmp_path / "a"):
        with pytest.raises(OutputError, match=r"1\.png: is an input itself"):
            enlarge(source, tmp_path / "a" / "%d.png", overwrite=True)
    assert levels(one) == [50]


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    image(tmp_path / "a" / "1.png", 50)
    image(tmp_path / "a" / "2.png", 60).write_bytes(
        (tmp_path / "a" / "1.png").read_bytes()[:-20]  # a whole header
    )
    (tmp_path / "b").mkdir()
    for folder in (tmp_path / "b", tmp_path / "new"):
        with pytest.raises(InputError, match=r"2\.png"):
            enlarge(tmp_path / "a" / "%d.png", folder / "%d.png")
    assert names(tmp_path) == ["a", "b"]
    assert names(tmp_path / "b") == []


def test_what_appears_meanwhile_stays(tmp_path: Path) -> None:
    source = clip(tmp_path, 3)
    (tmp_path / "b").mkdir()

    def progress(now: vsr.Progress) -> None:
        if now.frames == 3:
            image(tmp_path / "b" / "2.png", 99)

    with pytest.raises(OutputError, match=r"2\.png: has been made by .* is kept as .*b\.1$"):
        enlarge(source, tmp_path / "b" / "%d.png", progress=progress)
    assert names(tmp_path / "b") == ["2.png"]
    assert levels(tmp_path / "b" / "2.png") == [99]
    assert names(tmp_path / "b.1") == ["1.png", "2.png", "3.png"]


def test_an_empty_folder_in_which_something_appears_stays_as_it_is(tmp_path: Path) -> None:
    source, target = clip(tmp_path, 3), tmp_path / "b"
    target.mkdir()

    def progress(now: vsr.Progress) -> None:
        if now.frames == 3:
            image(target / "00000002.png", 99)

    with pytest.raises(OutputError, match=r"2\.png: has been made by .* is kept as .*b\.1$"):
        enlarge(source, target, progress=progress)
    assert names(target) == ["00000002.png"]
    assert levels(target / "00000002.png") == [99]
    assert names(tmp_path / "b.1") == [f"0000000{number}.png" for number in (1, 2, 3)]


def test_a_folder_that_is_missing_is_made_and_those_above_are_not(tmp_path: Path) -> None:
    source = clip(tmp_path, 1)
    with pytest.raises(OutputError, match="does not exist"):
        enlarge(source, tmp_path / "b" / "c" / "%d.png")
    assert not (tmp_path / "b").exists()


def test_other_names_that_stand_in_the_way(tmp_path: Path) -> None:
    source, taken = clip(tmp_path, 1), tmp_path / "a.png"
    with pytest.raises(OutputError, match=r"7\.png: may be one of"):
        enlarge(source, tmp_path / "%d.png", progress_preview=tmp_path / "7.png")
    images = image(tmp_path / "in" / "1.png", 0).with_name("%d.png")
    for name in ("1.png", "2.png"):  # one that is there, and one that would join it
        with pytest.raises(OutputError, match=r"\d\.png: may be one of .*in/%d"):
            shown = images.with_name(name)
            enlarge(images, tmp_path / "o.mp4", progress_preview=shown, overwrite=True)
    with pytest.raises(OutputError, match=r"a\.png: is a file; name a folder"):
        enlarge(source, image(taken, 1) / "%d.png", overwrite=True)


def test_a_record_tells_of_them(tmp_path: Path) -> None:
    for number in (3, 4, 5):
        image(tmp_path / "in" / f"{number}.png", 10 * number)
    job = (tmp_path / "in" / "%d.png", tmp_path / "out" / "o%03d.png")
    (tmp_path / "out").mkdir()
    enlarge(*job, record=True)
    record = json.loads((tmp_path / "out" / "o%03d.png.record.json").read_bytes())
    assert sorted(record["source"]["files"]) == ["3.png", "4.png", "5.png"]
    assert sorted(record["output"]["files"]) == ["o003.png", "o004.png", "o005.png"]
    with pytest.raises(DoneError):
        enlarge(*job, record=True)
    with pytest.raises(OutputError, match=r"made with other settings \(.*start-number"):
        enlarge(*job, record=True, start_number=7)
    image(tmp_path / "in" / "6.png", 60)
    with pytest.raises(OutputError, match="made from another input"):
        enlarge(*job, record=True)
    enlarge(*job, record=True, overwrite=True)
    image(tmp_path / "out" / "o004.png", 1)
    with pytest.raises(OutputError, match="changed since it was made"):
        enlarge(*job, record=True)


def test_the_first_number_is_part_of_what_was_read(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        image(tmp_path / f"{number}.png", 10 * number)
    job = (tmp_path / "%d.png", tmp_path / "out.mkv")
    enlarge(*job, record=True, start_number=2)
    image(tmp_path / "1.png", 99)  # which was not read
    with pytest.raises(DoneError):
        enlarge(*job, record=True, start_number=2)
    with pytest.raises(OutputError, match="made from another input"):
        enlarge(*job, record=True)


def test_several_images_have_no_one_date(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="keep_date is for files, and this is several"):
        enlarge(clip(tmp_path, 1), tmp_path / "o%d.png", keep_date=True)


def test_python_opens_them_as_a_video(tmp_path: Path) -> None:
    for number in (8, 9, 10):
        image(tmp_path / f"f{number}.png", 10 * number)
    up = vsr.Upscaler("nearest", scale=2, device="cpu")
    with vsr.open_video(tmp_path / "f%d.png", start_number=9, rate=50) as video:
        frames = list(up.frames(video))
    assert [frame.image[0, 0, 0] // 257 for frame in frames] == [90, 100]
    assert [frame.seconds for frame in frames] == [0, 0.02]
    assert [frame.image[0, 0, 0] // 257 for frame in up.frames(tmp_path)] == [80, 90, 100]
    with (
        pytest.raises(InputError, match=r"g1\.png would be one"),
        vsr.open_video(tmp_path / "g%d.png"),
    ):
        pytest.fail("there are none")


def test_probing_tells_of_them(tmp_path: Path) -> None:
    for number in (8, 9, 10):
        image(tmp_path / f"f{number}.png", 10 * number)
    facts = vsr.probe(tmp_path / "f%d.png", start_number=9)
    assert (facts.container, facts.duration, facts.streams) == ("images", 2 / 25, ())
    assert (facts.video.width, facts.video.height, facts.video.expected_frames) == (8, 6, 2)
    assert vsr.probe(tmp_path).video.expected_frames == 3
    assert vsr.probe(tmp_path / "f8.png").container == "image"
    ran = cli("probe", str(tmp_path / "f%d.png"), "--start-number", "9", "--json")
    assert ran.events[0]["video"]["expected_frames"] == 2
    ran = cli("probe", str(tmp_path / "g%d.png"))
    assert (ran.code, len(ran.err.splitlines())) == (1, 1)


def test_a_batch_takes_them_as_one_clip(tmp_path: Path) -> None:
    for number in (8, 9, 10):
        image(tmp_path / "in" / f"f{number}.png", 10 * number)
    order = ("batch", str(tmp_path / "in" / "f%d.png"), str(tmp_path / "out"))
    asked = ("--scale", "2", "--model", "nearest", "--json")
    for status in ("done", "skipped"):
        ran = cli(*order, *asked)
        assert ran.code == 0, ran.err
        assert ran.events[-1][status] == 1
    made = ["f%d_x2.png.record.json", "f10_x2.png", "f8_x2.png", "f9_x2.png"]
    assert names(tmp_path / "out") == made
    ran = cli("batch", str(tmp_path / "in" / "g%d.png"), str(tmp_path / "out"), *asked)
    assert "no such image; g1.png would be one" in ran.err
    ran = cli(*order, *asked, "--watch")
    assert "is one clip of images, which is not waited for" in ran.err


def test_scores_take_them_as_one_clip(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    for number in range(4):
        pixels = random.integers(0, 255, (32, 32, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"f{number}.png"), pixels)
    assert list_items([tmp_path / "f%d.png"]) == [tmp_path / "f%d.png"]
    assert len(list_items([tmp_path / "f%d.png"], stills=True)) == 4
    found, folder = (
        [picture.luma for picture in read_pictures(item, "y")]
        for item in (tmp_path / "f%d.png", tmp_path)
    )
    assert np.array_equal(found, folder)


def test_other_commands_say_so_in_one_line(tmp_path: Path) -> None:
    image(tmp_path / "1.png", 50)
    pattern = tmp_path / "%d.png"
    with pytest.raises(InputError, match="a preview is of a video file"):
        vsr.preview(pattern, tmp_path / "out.html")
    video = clip(tmp_path, 1)
    with pytest.raises(OutputError, match="a preview is one file"):
        vsr.preview(video, tmp_path / "o%d.png")
    for pair in ((pattern, tmp_path / "out.mp4"), (video, tmp_path / "o%d.png")):
        (told,) = vsr.estimate([pair])
        assert "numbered images have no estimate" in told.reason


def test_copies_of_images_may_have_any_name(tmp_path: Path) -> None:
    source = image(tmp_path / "100%d_%d.png", 50)
    (told,) = vsr.estimate([(source, tmp_path / "out%d_%d.png")], model="nearest", device="cpu")
    assert not told.reason


def test_a_number_without_a_pattern_is_told_of(tmp_path: Path) -> None:
    source = image(tmp_path / "a.png", 50)
    (said,) = enlarge(source, tmp_path / "b.png", start_number=3)
    assert "start_number does nothing" in said


@pytest.mark.parametrize("number", [-1, 2**31, 1.5, True])
def test_numbers_that_are_none(tmp_path: Path, number: object) -> None:
    with pytest.raises((InputError, TypeError), match="start_number"):
        enlarge(tmp_path / "a.png", tmp_path / "b.png", start_number=number)


@pytest.mark.parametrize("name", ["out.png", "out_%5d.png"])
def test_one_image_for_several_names_what_is_allowed(tmp_path: Path, name: str) -> None:
    for source in (clip(tmp_path, 3), tmp_path / "%d.png"):
        image(tmp_path / "1.png", 50)
        image(tmp_path / "2.png", 50)
        with pytest.raises(OutputError, match=r"one image cannot hold .* such as f_%04d\.png"):
            vsr.upscale(source, tmp_path / name, scale=1, model="nearest")
