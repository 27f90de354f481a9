"""Videos of takes: every frame at its time, every sample in its place, the source's sound."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.clips import Clip, held, make, planes

import vsr
from vsr.core.errors import InputError, OutputError
from vsr.core.span import Span
from vsr.encoding.codecs import Encoding
from vsr.previews.side_by_side import write_beside
from vsr.previews.variant import Take

LOSSLESS = Encoding(codec="ffv1")
SHOWN = Clip(96, 64, codec="ffv1", options={}, pts=range(0, 4 * 512, 512))
PART = Span(Fraction("0.2"), Fraction("0.44"))


def heard_nothing(message: str) -> None:
    raise AssertionError(message)


def make_takes(folder: Path, count: int, clip: Clip = SHOWN) -> list[Take]:
    """Takes that show different pictures; the first is the baseline."""
    takes = []
    for number in range(count):
        shown = range(100 * number, 100 * number + len(clip.pts))
        file = make(folder / f"take{number}.mkv", replace(clip, numbers=tuple(shown)))
        takes.append(Take(f"m{number}", file, is_baseline=not number))
    return takes


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    clip = Clip(
        32,
        24,
        pts=[512 * n + 128 * (n % 3) for n in range(16)],
        audio=["eng", "fra"],
        audio_start=Fraction("0.03"),
        subtitles=[(0, 0.6, "words")],
    )
    return make(folder / "clip.mp4", clip)


def written(
    target: Path, takes: list[Take], source: Path, how: str = "beside"
) -> list[list[np.ndarray]]:
    write_beside(target, takes, source, Span(end=Fraction("0.16")), how, heard_nothing, LOSSLESS)
    return planes(target)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("how", ["beside", "split"])
def test_all_frames_at_their_times_with_the_sound(
    source: Path, tmp_path: Path, suffix: str, how: str
) -> None:
    """As `upscale` would give that part, but for the picture and the subtitles."""
    takes, span = [], {"start": PART.start, "end": PART.end}
    for model in ("nearest", "bicubic"):
        file = tmp_path / f"{model}{suffix}"
        vsr.upscale(source, file, scale=2, model=model, **span, audio=False, subtitles=False)
        takes.append(Take(model, file))
    whole = tmp_path / f"whole{suffix}"
    vsr.upscale(source, whole, scale=2, model="nearest", **span)
    target = tmp_path / f"target{suffix}"
    output = write_beside(target, takes, source, PART, how, heard_nothing)
    expected, found = held(whole), held(target)
    assert found.pts == expected.pts
    assert found.packets["audio"] == expected.packets["audio"]
    assert found.times["audio"] == expected.times["audio"]
    assert "subtitle" not in found.packets
    assert found.sizes == {(64, 48) if how == "split" else (132, 48)}
    assert output.check is not None
    assert output.check.frames == len(expected.pts)


@pytest.mark.parametrize(
    "format_",
    [
        "yuv420p",
        "yuv420p10le",
        "yuv422p",
        "yuv444p",
        "yuv444p12le",
        "gray",
        "gray10le",
        "gbrp10le",
        "yuva420p",
    ],
)
def test_samples_stay_as_they_are(source: Path, tmp_path: Path, format_: str) -> None:
    """All but the labels, in each pixel format, lies bit for bit where it should."""
    takes = make_takes(tmp_path, 2, replace(SHOWN, pix_fmt=format_))
    found = written(tmp_path / "out.mkv", takes, source)
    assert held(tmp_path / "out.mkv").info["format"] == format_
    both = [planes(take.file) for take in takes]
    assert len(found) == len(both[0])
    for frame, *parts in zip(found, *both, strict=True):
        for plane, left, right in zip(frame, *parts, strict=True):
            rows, columns = left.shape
            below = rows // 2
            assert plane.shape[0] == rows
            assert np.array_equal(plane[below:, :columns], left[below:])
            assert np.array_equal(plane[below:, -columns:], right[below:])
            assert np.array_equal(plane[:, columns - 4 : columns], left[:, -4:])


def test_labels_are_light_on_dark_without_colour(source: Path, tmp_path: Path) -> None:
    takes = make_takes(tmp_path, 2)
    luma, u, v = written(tmp_path / "out.mkv", takes, source)[0]
    for left in (4, 100 + 4):
        box = luma[4:16, left : left + 20]
        assert box.min() < 50
        assert box.max() > 200
        assert (box < 80).mean() > 0.4
        for chroma in (u, v):
            assert (chroma[2:8, left // 2 : left // 2 + 10] == 128).all()
    one, other = (luma[4:20, left : left + 20] for left in (4, 104))
    assert not np.array_equal(one, other)  # m0 and m1


def test_a_split_picture(source: Path, tmp_path: Path) -> None:
    takes = make_takes(tmp_path, 3)
    found = written(tmp_path / "out.mkv", takes, source, "split")
    parts = [planes(take.file) for take in takes]
    for frame, *frames in zip(found, *parts, strict=True):
        for index, (plane, *shares) in enumerate(zip(frame, *frames, strict=True)):
            step = 2 if index else 1
            assert plane.shape == shares[0].shape
            below = np.s_[plane.shape[0] // 2 :]
            for number, share in enumerate(shares):
                inside = np.s_[(32 * number + 4) // step : (32 * number + 28) // step]
                assert np.array_equal(plane[below, inside], share[below, inside])
    luma = found[0][0]
    assert [(luma[:, n] > 220).all() for n in (31, 32, 63, 64)] == [False, True, False, True]


@pytest.mark.parametrize(
    ("count", "size"), [(1, (96, 64)), (3, (296, 64)), (4, (196, 132)), (5, (196, 200))]
)
def test_in_a_row_or_in_two_columns(
    source: Path, tmp_path: Path, count: int, size: tuple[int, int]
) -> None:
    takes = make_takes(tmp_path, count)
    found = written(tmp_path / "out.mkv", takes, source)
    assert held(tmp_path / "out.mkv").sizes == {size}
    columns = count if count < 4 else 2
    for number, take in enumerate(takes):
        row, column = divmod(number, columns)
        top, left = 68 * row + 32, 100 * column
        shown = planes(take.file)[1][0]
        assert np.array_equal(found[1][0][top : top + 32, left : left + 96], shown[32:])


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_odd_sides(source: Path, tmp_path: Path, suffix: str) -> None:
    """Pictures begin on chroma's grid, and encoders get sizes that they take."""
    takes = make_takes(tmp_path, 2, replace(SHOWN, width=95, height=63))
    found = written(tmp_path / "out.mkv", takes, source)
    first, second = (planes(take.file) for take in takes)
    for frame, left, right in zip(found, first, second, strict=True):
        assert np.array_equal(frame[0][32:63, :95], left[0][32:])
        assert np.array_equal(frame[0][32:63, 100:195], right[0][32:])
        assert np.array_equal(frame[1][16:, 50:], right[1][16:])
    assert held(tmp_path / "out.mkv").sizes == {(196, 64)}
    span = Span(end=Fraction("0.16"))
    write_beside(tmp_path / f"usual{suffix}", takes, source, span, "beside", heard_nothing)
    assert held(tmp_path / f"usual{suffix}").sizes == {(196, 64)}


def test_turned_pictures_stand_beside_each_other_as_shown(source: Path, tmp_path: Path) -> None:
    one = 65536
    matrix = (0, one, 0, -one, 0, 0, 0, 0, 2**30)  # shown turned to the right
    takes = make_takes(tmp_path, 2, replace(SHOWN, matrix=matrix))
    found = written(tmp_path / "out.mkv", takes, source)
    assert held(tmp_path / "out.mkv").sizes == {(96, 132)}
    assert held(tmp_path / "out.mkv").info["display_matrix"] is not None
    for frame, left, right in zip(found, *(planes(take.file) for take in takes), strict=True):
        for plane, a, b in zip(frame, left, right, strict=True):
            shown, one_, other = (np.rot90(p, -1) for p in (plane, a, b))
            below, width = shown.shape[0] // 2, one_.shape[1]
            assert np.array_equal(shown[below:, :width], one_[below:])
            assert np.array_equal(shown[below:, -width:], other[below:])
    upright = np.rot90(found[0][0], -1)
    assert (upright[4:16, 4:24] < 80).mean() > 0.4  # the label, as it is read


def test_an_untagged_matrix_stays_what_players_took_it_for(source: Path, tmp_path: Path) -> None:
    """A grid of small pictures is as high as one for which players guess another matrix."""
    takes = make_takes(tmp_path, 4, replace(SHOWN, width=16, height=400, pts=(0, 512)))
    written(tmp_path / "out.mkv", takes, source)
    assert held(tmp_path / "out.mkv").info["matrix"] in (5, 6)


def test_labels_of_hdr_are_no_lamps(source: Path, tmp_path: Path) -> None:
    color = {"color_trc": 16, "color_primaries": 9, "colorspace": 9, "color_range": 1}
    takes = make_takes(tmp_path, 2, replace(SHOWN, pix_fmt="yuv420p10le", color=color))
    luma = written(tmp_path / "out.mkv", takes, source)[0][0]
    assert 500 < luma[4:16, 4:24].max() < 600


def test_takes_that_are_not_alike(source: Path, tmp_path: Path) -> None:
    good, other = make_takes(tmp_path, 2)
    target = tmp_path / "out.mkv"
    bad = {
        "short": (
            replace(SHOWN, pts=SHOWN.pts[:3]),
            "short has 3 frames and another take has more",
        ),
        "long": (replace(SHOWN, pts=range(0, 6 * 512, 512)), "m0 has 4 frames"),
        "small": (replace(SHOWN, width=64), r"small is 64x64 .*, m0 is 96x64 .* alike"),
        "late": (replace(SHOWN, pts=[0, 512, 1024, 1600]), "frame 3 at different times"),
    }
    for name, (clip, message) in bad.items():
        take = Take(name, make(tmp_path / f"{name}.mkv", clip))
        with pytest.raises(OutputError, match=message):
            write_beside(target, [good, other, take], source, PART, "beside", heard_nothing)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match="shown 'above'; allowed: beside, split"):
        write_beside(target, [good], source, PART, "above", heard_nothing)
    with pytest.raises(OutputError, match="nothing to show"):
        write_beside(target, [], source, PART, "beside", heard_nothing)
    with pytest.raises(InputError, match="no frame"):
        write_beside(target, [good], source, Span(Fraction(9)), "beside", heard_nothing)
    assert sorted(tmp_path.iterdir()) == before
    assert not target.exists()
    assert not [file for file in before if ".part" in file.name]
