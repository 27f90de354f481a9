"""Tests of what decoders tell of the quantisers of their frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from statistics import fmean

import pytest
from support.clips import Clip, make

from vsr.core.events import ignore
from vsr.core.span import Span
from vsr.video.reader import open_video

WHOLE = Span()


def quantisers(path: Path, span: Span = WHOLE, warmup: int = 1) -> dict[int, float | None]:
    with open_video(path, span, ignore) as video:
        return {frame.pts: frame.quantiser for frame in video.frames(0, warmup)}


def h264(folder: Path, zones: str = "") -> Path:
    options = {"crf": "24", "g": "6", "x264-params": zones or "bframes=2"}
    clip = Clip(width=160, height=128, pts=range(0, 24 * 512, 512), options=options)
    return make(folder / "clip.mp4", clip)


def test_each_frame_has_its_own(tmp_path: Path) -> None:
    told = list(quantisers(h264(tmp_path, "zones=0,11,q=16/12,23,q=36")).values())
    assert len(told) == 24
    first, last = (fmean(q for q in half if q is not None) for half in (told[:12], told[12:]))
    assert first == pytest.approx(16, abs=3)
    assert last == pytest.approx(36, abs=3)


def test_a_span_tells_what_the_whole_does(tmp_path: Path) -> None:
    clip = h264(tmp_path)
    whole = quantisers(clip)
    assert None not in whole.values()
    part = quantisers(clip, Span(Fraction(1, 3), Fraction(2, 3)), warmup=4)
    assert part
    assert part.items() <= whole.items()


@pytest.mark.parametrize(("codec", "suffix"), [("mpeg2video", "ts"), ("mpeg4", "mp4")])
def test_older_codecs_count_in_steps(codec: str, suffix: str, tmp_path: Path) -> None:
    """Twice the step is 6 more."""
    means = []
    for q in (4, 8):
        options = {"qmin": str(q), "qmax": str(q)}
        clip = Clip(
            codec=codec,
            width=160,
            height=128,
            pts=range(12),
            time_base=Fraction(1, 25),
            options=options,
        )
        told = quantisers(make(tmp_path / f"{q}.{suffix}", clip))
        means.append(fmean(one for one in told.values() if one is not None))
    assert means[1] - means[0] == pytest.approx(6, abs=1)


def test_others_tell_nothing(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mkv", Clip(codec="ffv1"))
    assert set(quantisers(clip).values()) == {None}


def test_nothing_is_told_to_networks_without_a_state(tmp_path: Path) -> None:
    assert set(quantisers(h264(tmp_path), warmup=0).values()) == {None}
