"""The closing line: what arrived, and what did not."""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path

import pytest

from vsr import Result
from vsr.cli.output.summary import summary
from vsr.core.damage import Damage
from vsr.core.result import Run
from vsr.core.stream_report import Others

RUN = Run(
    frames_in=50,
    frames_out=50,
    encoder="libx264",
    others=Others(("1 audio aac (eng)",)),
    duration_in=Fraction(2),
    duration_out=Fraction(2),
    sound_in=Fraction(-1024, 48000),
    sound_out=Fraction(-21, 1000),
)
RESULT = Result(Path("in.mkv"), Path("out.mp4"), RUN, False, 4.0, "espcn", 4, "cpu", "bf16", ())
HOW = ". x4 espcn on cpu (bf16), 4.0 s, 12.5 fps"


def test_the_summary_of_a_run_with_nothing_amiss() -> None:
    assert summary(RESULT) == (
        "out.mp4: 50 frames in, 50 out; 2.000 s, unchanged; A/V offset -21 ms, unchanged; "
        "1 other stream copied" + HOW
    )


def test_a_change_is_told_in_milliseconds() -> None:
    run = replace(RUN, duration_out=Fraction(203, 100), sound_out=Fraction(-23, 1000))
    line = summary(replace(RESULT, run=run))
    assert "; 2.000 s (+30 ms); " in line
    assert "A/V offset -21 ms (-2 ms)" in line


def test_images_have_neither_time_nor_sound() -> None:
    run = Run(1, 1, "", Others(("ICC profile",), (), ("EXIF",)))
    assert summary(replace(RESULT, run=run)).startswith(
        "out.mp4: 1 frame in, 1 out; 1 other stream copied; 1 other stream left out (EXIF). x4"
    )


def test_what_was_converted_left_out_and_verified() -> None:
    others = Others((), ("2 subtitle srt as mov_text",), ("3 data klv: .mp4 cannot hold it", "b"))
    line = summary(replace(RESULT, run=replace(RUN, others=others), verified=True))
    assert "1 other stream converted (2 subtitle srt as mov_text); " in line
    assert "2 other streams left out (3 data klv: .mp4 cannot hold it; b); verified. " in line


def test_what_stood_still_is_told_where_it_is_worth_telling() -> None:
    for share, told in ((None, ""), (0.0, ""), (0.004, ""), (0.231, "23% stood still, not")):
        line = summary(replace(RESULT, run=replace(RUN, stood_still=share)))
        assert told in line
        assert ("stood still" in line) == bool(told)


@pytest.mark.parametrize("kind", [field.name for field in fields(Damage)])
def test_every_kind_of_damage_has_words(kind: str) -> None:
    line = summary(replace(RESULT, run=replace(RUN, damage=Damage(**{kind: 7}))))
    assert "; damage: 7 " in line
    assert "_" not in line
