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
from vsr.images.webp_animation import read_webp_animation

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
