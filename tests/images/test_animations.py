"""GIF, animated PNG and animated WebP: all pictures, their own durations, transparency."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from support.clips import Clip, make

import vsr
from vsr.images.metadata import Shape
from vsr.images.plays import FOR_EVER, plays_of
from vsr.images.webp_animation import WebpWriter, read_webp_animation
from vsr.video.truncation import missing_bytes

DURATIONS = (40, 120, 500, 70)
STARTS = [0, 40, 160, 660]


def enlarge(source: Path, target: Path, **options: object) -> vsr.Result:
    return vsr.upscale(source, target, scale=2, model="nearest", device="cpu", **options)


def pictures(colors: int = 40, alpha: bool = True) -> list[Any]:
    """Noise of a few colours around which all is transparent: (24, 32, 4) blue, green, red."""
    random = np.random.default_rng(3)
    made = []
    for number in range(len(DURATIONS)):
        few = random.integers(0, 256, (colors, 4), dtype=np.uint8)
        picture = few[random.integers(0, colors, (24, 32))]
        picture[..., 3] = 255
        if alpha:
            picture[: 4 + number] = 0
        made.append(picture)
    return made


def webp(path: Path, made: list[Any]) -> Path:
    animation = cv2.Animation()
    animation.frames, animation.durations = made, list(DURATIONS)
    assert cv2.imwriteanimation(str(path), animation, [cv2.IMWRITE_WEBP_QUALITY, 101])  # lossless
    return path


def apng(path: Path, made: list[Any]) -> Path:
    with av.open(str(path), "w", format="apng") as out:
        stream: Any = out.add_stream("apng", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "rgba"
        stream.codec_context.time_base = Fraction(1, 1000)
        for start, picture in zip(STARTS, made, strict=True):
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(picture[..., [2, 1, 0, 3]]), "rgba"
            )
            frame.pts, frame.time_base = start, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def read(path: Path) -> tuple[list[Any], list[int], int]:
    """Pictures, starts and the last one's duration in milliseconds."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    base = frames[0].time_base
    starts = [round(frame.pts * base * 1000) for frame in frames]
    found = [frame.to_ndarray(format="bgra") for frame in frames]
    return found, starts, round(frames[-1].duration * base * 1000)


def large(picture: Any) -> Any:
    return picture.repeat(2, 0).repeat(2, 1)


@pytest.mark.parametrize("make_source", [webp, apng])
@pytest.mark.parametrize("suffix", [".gif", ".apng"])
def test_an_animation_keeps_pictures_times_and_transparency(
    tmp_path: Path, make_source: Any, suffix: str
) -> None:
    made = pictures()
    source = make_source(tmp_path / f"in.{make_source.__name__}", made)
    result = enlarge(source, tmp_path / f"out{suffix}")
    assert result.warnings == ()
    found, starts, last = read(tmp_path / f"out{suffix}")
    assert starts == STARTS
    if make_source is webp:  # the last frame's delay is lost where the source is made
        assert last == DURATIONS[-1]
    for picture, after in zip(made, found, strict=True):
        before = large(picture)
        np.testing.assert_array_equal(after[..., 3], before[..., 3])
        seen = before[..., 3] > 0
        np.testing.assert_array_equal(after[seen], before[seen])


def test_a_gif_of_many_colours_is_dithered(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    picture = np.stack([np.tile(ramp, (48, 1)), np.tile(ramp[::-1], (48, 1))] * 2, 2)[..., :3]
    (tmp_path / "images").mkdir()
    for number in range(2):
        shifted = np.ascontiguousarray(np.roll(picture, 5 * number, 1))
        shifted[..., 2] = np.linspace(0, 255, 48).astype(np.uint8)[:, None]
        cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), shifted)
    enlarge(tmp_path / "images", tmp_path / "out.gif")
    found, starts, _ = read(tmp_path / "out.gif")
    assert starts == [0, 40]
    true = large(cv2.imread(str(tmp_path / "images" / "1.png"))).astype(np.float32)
    smooth = cv2.blur(found[1][..., :3].astype(np.float32), (8, 8))
    assert np.abs(smooth - cv2.blur(true, (8, 8)))[8:-8, 16:-16].mean() < 6


def test_a_video_as_gif_rounds_each_time_by_itself(tmp_path: Path) -> None:
    times = (0, 33, 67, 100, 1100, 1133, 3000, 3016, 3033, 9000)
    clip = Clip(pts=times, time_base=Fraction(1, 1000), options={"bf": "0"})
    enlarge(make(tmp_path / "in.mkv", clip), tmp_path / "out.gif")
    _, starts, _ = read(tmp_path / "out.gif")
    assert starts == [0, 30, 70, 100, 1100, 1130, 3000, 3020, 3030, 9000]


def test_a_gif_faster_than_browsers_is_told_of(tmp_path: Path) -> None:
    clip = Clip(pts=tuple(range(0, 10)), time_base=Fraction(1, 60))
    result = enlarge(make(tmp_path / "in.mp4", clip), tmp_path / "out.gif")
    assert any("up to 50 frames a second" in warning for warning in result.warnings)


@pytest.mark.parametrize("alpha", [True, False])
def test_webp_is_written_as_it_is_read(tmp_path: Path, alpha: bool) -> None:
    made = pictures(alpha=alpha)
    source = webp(tmp_path / "in.webp", made if alpha else [p[..., :3].copy() for p in made])
    enlarge(source, tmp_path / "out.webp")
    known, animation = cv2.imreadanimation(str(tmp_path / "out.webp"))
    assert known
    assert [int(length) for length in animation.durations] == list(DURATIONS)
    own = read_webp_animation((tmp_path / "out.webp").read_bytes())
    assert own is not None
    assert own.durations == DURATIONS
    for picture, theirs, mine in zip(made, animation.frames, own.pictures(), strict=True):
        if alpha:
            np.testing.assert_array_equal(mine[..., 3], large(picture)[..., 3])
        np.testing.assert_array_equal(
            mine[..., :3][mine[..., 3:].all(2) if alpha else ...],
            (theirs[..., :3][mine[..., 3:].all(2) if alpha else ...]),
        )


def test_probe_tells_how_long_a_webp_lasts(tmp_path: Path) -> None:
    facts = vsr.probe(webp(tmp_path / "in.webp", pictures()))
    assert facts.duration == pytest.approx(sum(DURATIONS) / 1000)


def test_a_video_becomes_an_animated_webp(tmp_path: Path) -> None:
    times = (0, 33, 67, 100, 1100)
    clip = Clip(pts=times, time_base=Fraction(1, 1000), options={"bf": "0"})
    enlarge(make(tmp_path / "in.mkv", clip), tmp_path / "out.webp")
    _, animation = cv2.imreadanimation(str(tmp_path / "out.webp"))
    assert [int(n) for n in animation.durations][:4] == [33, 34, 33, 1000]


def test_a_webp_cut_short_is_an_error_in_one_line(tmp_path: Path) -> None:
    data = webp(tmp_path / "in.webp", pictures()).read_bytes()
    (tmp_path / "cut.webp").write_bytes(data[: len(data) // 2])
    with pytest.raises(vsr.InputError, match=r"cut\.webp: cannot be read as an image$"):
        enlarge(tmp_path / "cut.webp", tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("suffix", [".gif", ".apng"])
def test_an_animation_cut_short_is_told_of_wherever_it_is_cut(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"in{suffix}"
    enlarge(apng(tmp_path / "made.apng", pictures()), source)
    whole = source.read_bytes()
    container = suffix[1:]
    assert missing_bytes(source, container) == 0
    for length in range(20, len(whole), 7):
        source.write_bytes(whole[:length])
        assert 0 < missing_bytes(source, container) <= len(whole) - length
    source.write_bytes(whole + b"what comes after")
    assert missing_bytes(source, container) == 0


@pytest.mark.parametrize("suffix", [".gif", ".apng"])
def test_what_is_left_of_an_animation_comes_with_a_warning(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"in{suffix}"
    enlarge(apng(tmp_path / "made.apng", pictures()), source)
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) * 3 // 4])
    result = enlarge(source, tmp_path / "out.mkv")
    assert 0 < result.frames_out < len(DURATIONS)
    assert any("the file is truncated" in said for said in result.warnings)
    with pytest.raises(vsr.InputError, match="truncated"):
        enlarge(source, tmp_path / "strict.mkv", strict=True)


def played(path: Path, plays: int) -> Path:
    """An animation of two pictures that is to be played so many times; 0 is for ever."""
    if path.suffix == ".webp":
        with path.open("wb") as file:
            writer = WebpWriter(file, Shape(16, 8, 3, 8), plays)
            for level in (0, 200):
                writer.write(np.full((8, 16, 3), level, np.uint8), 100)
            writer.finish()
        return path
    gif = path.suffix == ".gif"
    loop = {0: "0", 1: "-1"}.get(plays, str(plays - 1))
    options = {"loop": loop} if gif else {"plays": str(plays)}
    with av.open(str(path), "w", format=path.suffix[1:], options=options) as out:
        stream: Any = out.add_stream(path.suffix[1:], rate=10)
        stream.width, stream.height = 16, 8
        stream.pix_fmt = "rgb8" if gif else "rgb24"
        for number, level in enumerate((0, 200)):
            frame = av.VideoFrame.from_ndarray(np.full((8, 16, 3), level, np.uint8), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            out.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("plays", [FOR_EVER, 1, 2, 7, 65535])
@pytest.mark.parametrize("before", [".gif", ".apng", ".webp"])
@pytest.mark.parametrize("after", [".gif", ".apng", ".webp"])
def test_how_often_it_is_played_is_kept(
    tmp_path: Path, before: str, after: str, plays: int
) -> None:
    source = played(tmp_path / f"in{before}", plays)
    assert plays_of(source) == plays
    enlarge(source, tmp_path / f"out{after}")
    assert plays_of(tmp_path / f"out{after}") == plays


@pytest.mark.parametrize("suffix", [".gif", ".apng", ".webp"])
def test_what_was_no_animation_is_played_for_ever(tmp_path: Path, suffix: str) -> None:
    enlarge(make(tmp_path / "in.mp4", Clip(pts=(0, 512, 1024))), tmp_path / f"out{suffix}")
    assert plays_of(tmp_path / f"out{suffix}") == FOR_EVER


@pytest.mark.parametrize("length", [0, 6, 12, 20, 40, 60])
@pytest.mark.parametrize("suffix", [".gif", ".apng", ".webp"])
def test_a_file_cut_short_says_nothing(tmp_path: Path, suffix: str, length: int) -> None:
    source = played(tmp_path / f"in{suffix}", 3)
    source.write_bytes(source.read_bytes()[:length])
    assert plays_of(source) in (FOR_EVER, 1, 3)
    assert plays_of(tmp_path) == plays_of(tmp_path / "nowhere") == FOR_EVER
