"""PNGs tell of the mastering display and the light level, and videos made of them do again."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from hypothesis import given
from hypothesis import strategies as st
from support.clips import Clip, make

import vsr
from vsr.core.hdr import LightLevel, Mastering, light_of, mastering_of
from vsr.images.files import read_header
from vsr.images.hdr_chunks import clli_of, light_in, mastering_in, mdcv_of
from vsr.images.metadata import Metadata

PQ = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
DISPLAY = "G(13250,34501)B(7499,3000)R(34000,16000)WP(15635,16450)L(9999999,51)"
LIGHT = LightLevel(1013, 397)
CLIP = Clip(
    pix_fmt="yuv420p10le",
    codec="libx265",
    pts=(0, 512, 1024),
    color=PQ,
    options={"preset": "ultrafast", "x265-params": f"master-display={DISPLAY}:max-cll=1013,397"},
)
FIFTY_THOUSAND = st.integers(0, 50000).map(lambda step: Fraction(step, 50000))
POINT = st.tuples(FIFTY_THOUSAND, FIFTY_THOUSAND)


def first_frame(path: Path) -> Any:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def enlarge(source: Path, target: Path) -> list[str]:
    return list(vsr.upscale(source, target, scale=2, model="nearest", device="cpu").warnings)


@given(POINT, POINT, POINT, POINT, st.integers(1, 10**8), st.integers(0, 10**8))
def test_a_display_comes_back(red: Any, green: Any, blue: Any, white: Any, a: int, b: int) -> None:
    most, least = Fraction(max(a, b), 10000), Fraction(min(a, b), 10000)
    told = Mastering(red, green, blue, white, most, least)
    block = mdcv_of(told)
    assert len(block) == 24
    assert mastering_in(block) == (told if least < most else None)


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_a_level_comes_back(most: int, average: int) -> None:
    told = LightLevel(most, average)
    assert light_in(clli_of(told)) == (told if max(most, average) else None)


def test_nonsense_tells_nothing() -> None:
    assert mastering_in(b"") is mastering_in(bytes(24)) is mastering_in(b"\xff" * 24) is None
    assert light_in(b"") is light_in(bytes(8)) is light_in(b"\xff" * 8) is None
    assert mdcv_of(None) == clli_of(None) == b""


def test_pngs_of_hdr_tell_and_become_hdr_again(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", CLIP)
    said = first_frame(source)
    mastering, light = mastering_of(said), light_of(said)
    assert mastering and light == LIGHT
    assert enlarge(source, tmp_path / "frames") == []
    for file in sorted((tmp_path / "frames").iterdir()):
        metadata = read_header(file).metadata
        assert (mastering_in(metadata.mdcv), light_in(metadata.clli)) == (mastering, light)
        frame = first_frame(file)  # libav's own reader sees the same
        assert (mastering_of(frame), light_of(frame)) == (mastering, light)
    enlarge(tmp_path / "frames", tmp_path / "back.mkv")
    frame = first_frame(tmp_path / "back.mkv")
    assert (mastering_of(frame), light_of(frame)) == (mastering, light)
    still, *_ = sorted((tmp_path / "frames").iterdir())
    assert enlarge(still, tmp_path / "one.png") == []
    assert read_header(tmp_path / "one.png").metadata == read_header(still).metadata
    (warning,) = enlarge(still, tmp_path / "one.tif")
    assert warning.endswith("left out: cICP, mastering display, light level")


def test_pngs_of_other_videos_tell_nothing(tmp_path: Path) -> None:
    color = PQ | {"color_primaries": 1, "color_trc": 1, "colorspace": 1}
    enlarge(make(tmp_path / "in.mkv", replace(CLIP, color=color)), tmp_path / "frames")
    for file in (tmp_path / "frames").iterdir():
        assert read_header(file).metadata == Metadata()
