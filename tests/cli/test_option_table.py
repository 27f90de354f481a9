"""The table of options: the command line both ways."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import get_args

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vsr.cli.option_table import ROWS, options_of, parse, to_argv, with_options
from vsr.cli.preview import command_of
from vsr.core.crop import CropRegion
from vsr.core.hours import Hours
from vsr.core.limits import Limits
from vsr.core.options import (
    ComputeOptions,
    Deinterlace,
    EncodeOptions,
    ReadOptions,
    RunOptions,
    StreamOptions,
    UpscaleOptions,
)
from vsr.core.picture import RESOLUTIONS, PictureOptions, Size

WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789_:/.", max_size=12)
SIDES = st.fractions(1, 40, max_denominator=50)
CROPS = st.builds(CropRegion, SIDES, SIDES, SIDES, SIDES, st.booleans())
TIMES = st.one_of(st.none(), st.fractions(0, 10**5))


@st.composite
def read_options(draw: st.DrawFn) -> ReadOptions:
    start, length = draw(TIMES), draw(st.one_of(st.none(), st.fractions("1/1000", 100)))
    return ReadOptions(
        start=start,
        end=None if length is None else (start or Fraction(0)) + length,
        crop=draw(st.one_of(st.none(), CROPS)),
        video_stream=draw(st.one_of(st.none(), st.integers(0, 99))),
        rate=draw(st.fractions("1/1000", 1000, max_denominator=10**6)),
        start_number=draw(st.one_of(st.none(), st.integers(0, 2**31 - 1))),
        stills=draw(st.booleans()),
        hwaccel=draw(st.booleans()),
        deinterlace=draw(st.sampled_from(get_args(Deinterlace))),
        strict=draw(st.booleans()),
        stall_timeout=draw(st.floats(0.001, 1e6)),
        limits=Limits(draw(st.integers(1, 2**31 - 1)), draw(st.integers(1, 10**9))),
    )


COMPUTE = st.builds(
    ComputeOptions,
    device=st.sampled_from(("auto", "cpu", "cuda", "cuda:0,cuda:1")),
    precision=st.sampled_from(("auto", "fp32", "bf16", "fp16", "int8")),
    threads=st.integers(0, 512) | st.floats(1e-5, 0.9999),
    tile=st.one_of(st.none(), st.integers(0, 4096)),
    self_ensemble=st.booleans(),
    strength=st.floats(0, 100),
    compiled=st.booleans(),
)
ENCODE = st.builds(
    EncodeOptions,
    codec=WORDS,
    crf=st.one_of(st.none(), st.floats(-100, 100)),
    preset=WORDS,
    pix_fmt=WORDS,
    output_format=st.sampled_from(("auto", "y4m", "nut", "mpegts", "matroska")),
)
STREAMS = st.builds(
    StreamOptions,
    audio=st.sampled_from(("copy", "transcode", "none")),
    subtitles=st.booleans(),
    other_videos=st.booleans(),
)
MINUTES = st.integers(0, 1439)
HOURS = st.lists(MINUTES, min_size=2, max_size=2, unique=True).map(lambda ends: Hours(*ends))
RUN = st.builds(
    RunOptions,
    overwrite=st.booleans(),
    verify=st.booleans(),
    resume=st.sampled_from(("auto", "always")),
    record=st.booleans(),
    keep_date=st.booleans(),
    cluster=WORDS,
) | st.builds(RunOptions, between=HOURS, resume=st.sampled_from(("auto", "always")))
SIDE = st.integers(1, 2**17)
SIZE = st.builds(Size, SIDE, SIDE)
FIT = st.sampled_from(("inside", "cover", "stretch", "pad"))
NAME = st.sampled_from(tuple(RESOLUTIONS))
PICTURE = st.one_of(
    st.builds(PictureOptions, scale=st.none() | st.fractions(1, 16), square_pixels=st.booleans()),
    st.builds(PictureOptions, width=SIDE) | st.builds(PictureOptions, height=SIDE),
    st.builds(PictureOptions, width=SIDE, height=SIDE, fit=FIT, square_pixels=st.booleans()),
    st.builds(PictureOptions, size=SIZE, fit=FIT) | st.builds(PictureOptions, to=NAME, fit=FIT),
)
OPTIONS = st.builds(
    UpscaleOptions,
    model=st.one_of(st.none(), WORDS.filter(bool)),
    picture=PICTURE,
    denoise=st.one_of(st.none(), st.floats(0, 100)),
    read=read_options(),
    compute=COMPUTE,
    encode=ENCODE,
    streams=STREAMS,
    run=RUN,
)


@settings(max_examples=150, deadline=None)
@given(OPTIONS, st.sampled_from(("auto", "clean", "footage")))
def test_command_lines_say_all_there_is(options: UpscaleOptions, content: str) -> None:
    if options.model is None and not (options.denoise and content == "clean"):
        options = options.but(content=content)
    assert parse(to_argv(options)) == options


def test_defaults_are_no_words() -> None:
    assert to_argv(UpscaleOptions()) == []
    assert parse([]) == UpscaleOptions()


def test_every_option_has_a_row() -> None:
    """`limits` has one for each of its numbers, and --record stands apart."""
    rows = {row.field.rpartition(".")[2] for row in ROWS} | {"limits", "record"}
    assert rows == {*UpscaleOptions().flat(), "limits", "pixels", "seconds"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["--for", "footage"], ["--content", "footage"]),
        (["--stall", "7"], ["--stall-timeout", "7"]),
    ],
)
def test_old_names_still_work_and_are_not_shown(old: list[str], new: list[str]) -> None:
    assert parse(old) == parse(new) != UpscaleOptions()
    command = click.command()(with_options(lambda **_: None))
    shown = command.get_help(click.Context(command))
    assert new[0] in shown
    assert f"{old[0]} " not in shown


def test_shorthands() -> None:
    assert parse(["--no-audio"]) == UpscaleOptions.of(audio="none")
    assert parse(["--start", "1:00", "--duration", "2.5"]) == UpscaleOptions.of(
        start=60, end=Fraction(125, 2)
    )
    with pytest.raises(click.UsageError, match="exclude each other"):
        parse(["--end", "3", "--duration", "1"])


@pytest.mark.parametrize(
    ("word", "threads"),
    [("4", 4), ("0", 0), ("0.5", 0.5), (".25", 0.25), ("50%", 0.5), ("12.5%", 0.125), ("100%", 0)],
)
def test_cores_are_counted_or_a_part(word: str, threads: float) -> None:
    assert parse(["--threads", word]) == UpscaleOptions.of(threads=threads)


@pytest.mark.parametrize("word", ["1.5", "-1", "0%", "101%", "%", "half", "0.0", "1.0", "5%%"])
def test_other_numbers_of_cores_are_refused(word: str) -> None:
    with pytest.raises(click.UsageError, match=r"or a part of them such as 0\.5 or 50%"):
        parse(["--threads", word])


def test_a_preview_takes_what_means_something_for_seconds() -> None:
    command = click.command()(with_options(lambda **given: options_of(given), preview=True))
    flags = {flag for option in command.params for flag in option.opts}
    assert {"--strict", "--stall-timeout", "--no-subs", "--max-pixels", "--max-hours"} <= flags
    assert not {"--start", "--model", "--resume", "--cluster"} & flags


def test_a_previews_command_drops_nothing() -> None:
    options = UpscaleOptions.of(
        **{"subtitles": False, "strict": True, "stall_timeout": 9, "limits": Limits(10**6, 7200)}
    )
    line = command_of(Path("my in.mp4"), Path("out.mkv"), replace(options, model="espcn"))
    assert line == (
        "vsr upscale 'my in.mp4' out.mkv --model espcn --no-subs "
        "--max-pixels 1000000 --max-hours 2 --strict --stall-timeout 9"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["--for", "clean", "--content", "footage"],
        ["--stall", "5", "--stall-timeout", "9"],
        ["--no-audio", "--audio", "transcode"],
    ],
)
def test_what_contradicts_itself_is_refused(words: list[str]) -> None:
    with pytest.raises(click.UsageError, match="exclude each other"):
        parse(words)
