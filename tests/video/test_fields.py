"""--deinterlace: found by itself, told, and the same for a part as for the whole."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.clips import held, planes
from support.interlaced import encode, progressive, woven

from vsr import InputError, upscale
from vsr.core.frame import Frame
from vsr.core.options import ReadOptions
from vsr.core.span import Span
from vsr.video.field_vote import FieldOrder
from vsr.video.reader import open_video

LOSSLESS = {"model": "nearest", "scale": 2, "codec": "ffv1", "device": "cpu"}
X264 = {"preset": "ultrafast", "crf": "12", "g": "5"}
FRAMES = 30


@pytest.fixture(scope="module", params=FieldOrder)
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("woven")
    return encode(folder / "in.mp4", woven(request.param, FRAMES), options=X264)


def read(path: Path, mode: str, span: Span, context: int = 0) -> list[Frame]:
    with open_video(path, span, lambda _: None, ReadOptions(deinterlace=mode)) as video:
        return list(video.frames(context))


def test_fields_are_found_told_and_made_whole(clip: Path, tmp_path: Path) -> None:
    result = upscale(clip, tmp_path / "out.mkv", **LOSSLESS)
    (warning,) = result.warnings
    assert "interlaced" in warning
    assert "--deinterlace off" in warning
    assert result.frames_in == result.frames_out == FRAMES
    assert [t - held(tmp_path / "out.mkv").pts[0] for t in held(tmp_path / "out.mkv").pts] == [
        Fraction(n, 25) for n in range(FRAMES)
    ]
    combed = upscale(clip, tmp_path / "off.mkv", deinterlace="off", **LOSSLESS)
    assert combed.warnings == ()

    true = planes(encode(tmp_path / "true.mkv", progressive(FRAMES), "ffv1"))

    def error(path: Path) -> float:
        """How far the rows are from what the camera saw at the earlier field's moment."""
        pairs = zip(planes(path), true, strict=True)
        shown = [np.abs(mine[0][::2, ::2] - its[0].astype(float)) for mine, its in pairs]
        return float(np.mean(shown))

    assert error(tmp_path / "out.mkv") < 0.5 * error(tmp_path / "off.mkv")


def test_progressive_video_is_left_as_it_is_but_when_told(tmp_path: Path) -> None:
    path = encode(tmp_path / "in.mp4", progressive(FRAMES), options=X264)
    left = read(path, "auto", Span())
    told = read(path, "on", Span())
    assert all(a.shows_same(b) for a, b in zip(left, read(path, "off", Span()), strict=True))
    assert [frame.pts for frame in told] == [frame.pts for frame in left]
    assert not all(a.shows_same(b) for a, b in zip(told, left, strict=True))


@pytest.mark.parametrize("context", [0, 1, 2])
@pytest.mark.parametrize(("first", "last"), [(0, 3), (1, 4), (7, 12), (13, 29), (29, 30)])
def test_a_part_has_the_bits_of_the_whole(clip: Path, first: int, last: int, context: int) -> None:
    whole = read(clip, "auto", Span())
    part = read(clip, "auto", Span(Fraction(first, 25), Fraction(last, 25)), context)
    inside = [frame for frame in part if not frame.is_context]
    assert [frame.pts for frame in inside] == [frame.pts for frame in whole[first:last]]
    by_time = {frame.pts: frame for frame in whole}
    before = sum(frame.is_context and frame.pts < whole[first].pts for frame in part)
    assert before >= min(context, first)
    for frame in part:
        assert frame.shows_same(by_time[frame.pts])


def test_pictures_that_are_single_fields_are_told_of(tmp_path: Path) -> None:
    fields = [rows[n % 2 :: 2] for n, rows in enumerate(progressive(24))]
    alone = {"x265-params": "interlace=tff:log-level=error"}
    whole = {"x265-params": "log-level=error"}
    for options, count in ((alone, 1), (whole, 0)):
        path = encode(tmp_path / "in.mkv", fields, "libx265", options, rate=Fraction(50))
        told: list[str] = []
        with open_video(path, Span(), told.append) as video:
            assert len(list(video.frames())) == 24
        assert len(told) == count
        assert all("single fields" in line for line in told)


def test_another_word_is_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be one of auto, on, field, ivtc, off"):
        upscale(clip, tmp_path / "out.mkv", deinterlace="maybe", **LOSSLESS)
