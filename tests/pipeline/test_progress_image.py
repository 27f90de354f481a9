"""A picture of a run's last frame: true to the frame, whole at all times, no burden."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Event, Thread

import cv2
import numpy as np
import pytest
from support.clips import Clip, make, picture

from vsr import InputError, OutputError, upscale
from vsr.core.frame import PIXEL_FORMATS, ColorTags, Frame, VideoInfo
from vsr.core.span import Span
from vsr.images.files import read_picture
from vsr.pipeline.progress_image import ProgressImage, as_shown, check_progress_image
from vsr.util.atomic import part_of
from vsr.video.reader import open_video

RED, GREEN, BLUE, BLACK = (0, 0, 255), (0, 255, 0), (255, 0, 0), (0, 0, 0)  # blue, green, red
QUARTER = {  # libav's matrices, in 1/65536: how the stored picture is to be turned to be upright
    "left": (0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30),
    "right": (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30),
    "half": (-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30),
    "mirror": (-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30),
}


def info_of(name: str, width: int = 64, height: int = 48, **more: object) -> VideoInfo:
    return replace(
        VideoInfo(width, height, Fraction(1, 25), PIXEL_FORMATS[name], ColorTags(1, 1)), **more
    )


def drawn(info: VideoInfo, number: int = 0) -> Frame:
    """A frame whose planes are the moving picture."""
    sizes = [
        info.format.plane_size(plane, info.width, info.height)
        for plane in range(info.format.planes)
    ]
    planes = [picture(number + 31 * n, w, h, info.format.peak) for n, (h, w) in enumerate(sizes)]
    return Frame(tuple(plane.astype(info.format.dtype) for plane in planes), number, 1)


def filled(info: VideoInfo, values: tuple[int, ...]) -> Frame:
    """A frame of one colour: 8-bit sample values, one a plane."""
    planes = []
    for number, value in enumerate(values):
        plane = info.format.blank(number, info.width, info.height)
        plane[:] = value << (info.format.depth - 8)
        planes.append(plane)
    return Frame(tuple(planes), 0, 1)


def seen(path: Path) -> np.ndarray:
    return read_picture(path).pixels


@pytest.mark.parametrize("size", [(64, 48), (33, 17), (1, 1), (3000, 20), (20, 3000), (2562, 7)])
@pytest.mark.parametrize("name", sorted(PIXEL_FORMATS))
def test_every_format_and_size_becomes_a_picture(name: str, size: tuple[int, int]) -> None:
    info = info_of(name, *size)
    frame = drawn(info)
    before = [plane.copy() for plane in frame.planes]
    shown = as_shown(frame.planes, info)
    share = min(1, 1280 / size[0], 2560 / size[1])
    assert shown.shape == (max(1, int(size[1] * share)), max(1, int(size[0] * share)), 3)
    assert shown.dtype == np.uint8
    assert all(map(np.array_equal, before, frame.planes))


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "yuv444p16le", "yuv410p"])
@pytest.mark.parametrize(
    ("color", "red"),
    [
        (ColorTags(1, 1), (63, 102, 240)),  # BT.709, as H.273 has it
        (ColorTags(1, 6), (81, 90, 240)),
        (ColorTags(2, 6), (76, 85, 255)),
    ],
)
@pytest.mark.parametrize("size", [(40, 30), (1500, 12)])
def test_colours_are_by_matrix_and_range(
    name: str, color: ColorTags, red: tuple[int, ...], size: tuple[int, int]
) -> None:
    info = info_of(name, *size, color=color)
    shown = as_shown(filled(info, red).planes, info)
    assert np.abs(shown.astype(int) - RED).max() <= 3


def test_a_matrix_unsaid_is_by_the_height_before_reduction() -> None:
    info = info_of("yuv444p", 4000, 720, color=ColorTags())
    shown = as_shown(filled(info, (63, 102, 240)).planes, info)
    assert shown.shape[0] < 720
    assert np.abs(shown.astype(int) - RED).max() <= 3


@pytest.mark.parametrize("depth", ["", "10le", "16le"])
def test_rgb_is_green_blue_red(depth: str) -> None:
    info = info_of(f"gbrp{depth}", color=ColorTags(2, 0))
    frame = filled(info, (0, 255, 0))
    assert np.abs(as_shown(frame.planes, info).astype(int) - BLUE).max() <= 1


@pytest.mark.parametrize(("name", "step"), [("gray", 1), ("gray10le", 4), ("gray16le", 257)])
def test_grey_of_full_range_stays_what_it_is(name: str, step: int) -> None:
    info = info_of(name, color=ColorTags(2))
    plane = np.arange(64 * 4, dtype=np.uint32).reshape(4, 64)
    frame = Frame(((plane * step).astype(info.format.dtype),), 0)
    shown = as_shown(frame.planes, replace(info, height=4))
    apart = np.abs(shown.astype(int) - np.repeat(plane[..., None], 3, 2).astype(int))
    assert apart.max() <= (step > 1)


@pytest.mark.parametrize("name", ["yuva420p", "yuva444p16le", "gbrap"])
def test_what_is_transparent_is_black(name: str) -> None:
    info = info_of(name, color=ColorTags(2, 6))
    frame = filled(info, (255, 128, 128, 255) if name != "gbrap" else (255, 255, 255, 255))
    alpha = frame.planes[3]
    alpha[:] = info.format.peak
    alpha[:, :32] = 0
    shown = as_shown(frame.planes, info)
    assert (shown[:, :32] == 0).all()
    assert (shown[:, 32:] >= 254).all()


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("turn", QUARTER)
def test_the_picture_is_turned_as_players_turn_it(turn: str, wide: bool) -> None:
    width, height = (2600, 40) if wide else (40, 30)
    info = info_of("gbrp", width, height, color=ColorTags(2, 0), display_matrix=QUARTER[turn])
    stored = np.zeros((height, width, 3), np.uint8)
    stored[: height // 2, : width // 2] = RED
    stored[: height // 2, width // 2 :] = GREEN
    stored[height // 2 :, : width // 2] = BLUE
    planes = tuple(np.ascontiguousarray(stored[..., n]) for n in (1, 0, 2))
    shown = as_shown(planes, info)
    expected = {
        "left": np.rot90(stored, 1),
        "right": np.rot90(stored, -1),
        "half": np.rot90(stored, 2),
        "mirror": stored[:, ::-1],
    }[turn]
    share = min(1, 1280 / expected.shape[1], 2560 / expected.shape[0])
    assert shown.shape[:2] == tuple(int(side * share) for side in expected.shape[:2])
    for y in (0, -1):
        for x in (0, -1):
            assert tuple(shown[y, x]) == tuple(expected[y, x])


def test_a_turned_file_is_shown_upright(tmp_path: Path) -> None:
    path = make(tmp_path / "turned.mp4", Clip(width=64, height=32, matrix=QUARTER["right"]))
    with open_video(path, Span(), lambda _: None) as video:
        frame, info = next(video.frames()), video.info
    stored = as_shown(frame.planes, replace(info, display_matrix=None))
    assert np.array_equal(as_shown(frame.planes, info), np.rot90(stored, -1))


@pytest.mark.parametrize(
    ("aspect", "size"),
    [("16/11", (64, 33)), ("1/2", (32, 48)), ("1", (64, 48)), ("100", (64, 1))],
)
def test_pixels_become_square(aspect: str, size: tuple[int, int]) -> None:
    info = info_of("yuv420p", pixel_aspect=Fraction(aspect))
    assert as_shown(drawn(info).planes, info).shape[1::-1] == size


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".webp", ".JPG"])
def test_the_suffix_chooses_the_format(tmp_path: Path, suffix: str) -> None:
    info, path = info_of("yuv420p"), tmp_path / f"now{suffix}"
    frame = drawn(info)
    check_progress_image(path)
    ProgressImage(path).see(frame, info)
    apart = np.abs(seen(path).astype(int) - as_shown(frame.planes, info)).mean()
    assert apart == 0 if suffix == ".png" else apart < 6
    assert list(tmp_path.iterdir()) == [path]


def test_one_picture_every_so_many_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    info, path = info_of("gray", color=ColorTags(2)), tmp_path / "now.png"
    image = ProgressImage(path, every=5)
    shown = []
    for number in range(24):
        image.see(filled(info, (number,)), info)
        shown.append(int(seen(path)[0, 0].max()))
        now += 1
    assert shown == [number // 5 * 5 for number in range(24)]


def test_slow_pictures_come_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def late() -> float:  # each look at the clock finds a second gone
        nonlocal now
        now += 1
        return now

    monkeypatch.setattr("time.monotonic", late)
    info, path = info_of("gray"), tmp_path / "now.png"
    image = ProgressImage(path, every=5)
    written = 0
    for _ in range(1000):
        image.see(drawn(info), info)
        written += path.exists()
        path.unlink(missing_ok=True)
    assert 9 <= written <= 11


def test_a_reader_finds_a_whole_picture_at_any_time(tmp_path: Path) -> None:
    info, path = info_of("yuv420p", 320, 240), tmp_path / "now.jpg"
    image, done, broken = ProgressImage(path, every=0), Event(), []
    looks = 0
    image.see(drawn(info), info)

    def look() -> None:
        nonlocal looks
        while not done.wait(0.001):  # on one core it would leave the writer no turn
            data = path.read_bytes()
            looks += 1
            if not (data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9")):
                broken.append(len(data))

    reader = Thread(target=look)
    reader.start()
    try:
        for number in range(40):
            image._due = 0.0  # as if long ago
            image.see(drawn(info, number), info)
    finally:
        done.set()
        reader.join()
    assert looks
    assert not broken
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "now.png"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = part_of(path)
    left = left.with_name(left.name.replace(f"-{os.getpid()}-", f"-{ended.pid}-"))
    left.write_bytes(b"half a picture")
    ProgressImage(path)
    assert not left.exists()


def test_a_folder_that_is_gone_is_told_once(tmp_path: Path) -> None:
    folder, said = tmp_path / "there", []
    folder.mkdir()
    info, path = info_of("yuv420p"), folder / "now.jpg"
    image = ProgressImage(path, every=0, warn=said.append)
    image.see(drawn(info), info)
    path.unlink()
    folder.rmdir()
    for number in range(3):
        if number == 0:
            image._due = 0.0
        image.see(drawn(info), info)
    assert said == [f"{path}: no progress is shown any more (No such file or directory)"]
    folder.mkdir()
    image.see(drawn(info), info)
    assert not path.exists()


def test_a_full_disk_is_told_once_and_leaves_the_last_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    info, path, said = info_of("yuv420p"), tmp_path / "now.png", []
    image = ProgressImage(path, every=0, warn=said.append)
    frame = drawn(info)
    image.see(frame, info)
    before = path.read_bytes()
    image._due = 0.0

    def fails(*_: object) -> None:
        full.write_bytes(b"picture")

    monkeypatch.setattr("vsr.pipeline.progress_image.commit_bytes", fails)
    for number in range(3):
        image.see(drawn(info, number), info)
    assert said == [f"{path}: no progress is shown any more (No space left on device)"]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_that_appears_before_the_first_stays(tmp_path: Path) -> None:
    info, path, said = info_of("yuv420p"), tmp_path / "now.png", []
    path.write_bytes(b"somebody's")
    image = ProgressImage(path, every=0, overwrite=False, warn=said.append)
    image.see(drawn(info), info)
    assert path.read_bytes() == b"somebody's"
    assert len(said) == 1 and str(tmp_path / "now.1.png") in said[0]
    assert read_picture(tmp_path / "now.1.png")


@pytest.mark.parametrize("name", ["now", "now.gif", "now.mp4", "now.tif", ".png"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"allowed: \.jpg, \.jpeg, \.png, \.webp$"):
        check_progress_image(tmp_path / name)


def test_places_where_nothing_can_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        check_progress_image(tmp_path / "none" / "now.jpg")
    folder = tmp_path / "folder.png"
    folder.mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        check_progress_image(folder)


def test_the_runs_own_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    cv2.imwrite(str(source), np.zeros((4, 4), np.uint8))
    for path in (Path("in.png"), Path("out.png"), source):
        with pytest.raises(OutputError, match="own input or output"):
            check_progress_image(path, source, target)
    with pytest.raises(OutputError, match="own folder"):
        check_progress_image(Path("now.png"), tmp_path, target)
    check_progress_image(Path("now.png"), source, target)


@pytest.mark.slow
@pytest.mark.parametrize("resume", ["never", "always"])
def test_a_run_shows_its_frames(tmp_path: Path, resume: str) -> None:
    source, target, shown = make(tmp_path / "in.mp4"), tmp_path / "out.mp4", tmp_path / "now.png"
    seen: list[bool] = []
    upscale(
        source,
        target,
        scale=2,
        model="nearest",
        resume=resume,
        progress_preview=shown,
        progress=lambda _: seen.append(shown.exists()),
    )
    assert not seen[0] and all(seen[1:])
    with open_video(source, Span(), print) as video:
        first = next(video.frames())
        small = as_shown(first.planes, video.info)
    large = cv2.imread(str(shown))
    assert large.shape == (96, 128, 3)
    assert np.abs(large[::2, ::2].astype(int) - small).mean() < 4  # chroma is enlarged otherwise


def test_what_cannot_be_shown(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4")
    for image, words in ((tmp_path / "a.txt", ".png"), (tmp_path / "no" / "a.png", "no")):
        with pytest.raises(OutputError, match=words):
            upscale(source, tmp_path / "out.mp4", progress_preview=image)
    with pytest.raises(InputError, match="cluster"):
        upscale(source, tmp_path / "out.mp4", progress_preview=tmp_path / "a.png", cluster="auto")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_file_that_is_there_is_replaced_on_demand_alone(tmp_path: Path) -> None:
    path = tmp_path / "now.png"
    path.touch()
    with pytest.raises(OutputError, match="exists already; -y or overwrite=True replaces it"):
        check_progress_image(path, overwrite=False)
    check_progress_image(path, overwrite=True)
