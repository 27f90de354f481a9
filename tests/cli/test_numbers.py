"""Every number on every command line: what it may be is said, and nothing else gets through."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import pytest

from vsr.batch.sources import Found, target_of
from vsr.cli.commands import all_commands
from vsr.cli.option_table import ROWS, options_of, with_options
from vsr.cli.param_types import (
    CropType,
    Hours,
    Number,
    Pixels,
    Rate,
    ScaleType,
    Strength,
    Tile,
    Time,
)
from vsr.core.errors import InputError, TrainingError, VsrError
from vsr.core.limits import Limits
from vsr.core.options import UpscaleOptions
from vsr.core.picture import PictureOptions
from vsr.training.recipe import BOUNDS, Recipe
from vsr.util.text import shown

OURS = (Number, CropType, Hours, Pixels, Rate, ScaleType, Strength, Tile, Time)
CLICKS = (click.types.IntParamType, click.types.FloatParamType)  # and their ranges
NEVER = ("nan", "inf", "-inf", "-1", "1e30", "9" * 4001, "9" * 5000, "1e99999999", "-1e99999999")
NEVER += ("1" + "0" * 4000, "0." + "0" * 5000 + "1", "1/" + "9" * 5000, "", " ", "text", "0x10")
NEVER += ("9" * 5000 + ":00", "1" * 5000 + "M", "\u0669", "1_0", "--5", "1e", "9999999999999")
NEVER += (",".join(["9" * 5000] * 4), "1,1,1", "0,0,0,0", "nan,nan,nan,nan")
MAY_BE_NEGATIVE = {"--crf"}  # of some encoders


def numbers() -> Iterator[tuple[str, click.Option]]:
    for name, command in all_commands().items():
        for option in command.params:
            if isinstance(option, click.Option) and isinstance(option.type, OURS):
                yield name, option


NUMBERS = [pytest.param(*found, id=f"{found[0]} {found[1].opts[0]}") for found in numbers()]


def test_no_number_is_read_by_click() -> None:
    """Its types take NaN, infinity and numbers of any size, and show all that they refuse."""
    for name, command in all_commands().items():
        for option in command.params:
            assert not isinstance(option.type, CLICKS), (name, option.name)
    assert len(NUMBERS) > 50


@pytest.mark.parametrize(("command", "option"), NUMBERS)
def test_what_is_no_number_is_refused_in_one_line(command: str, option: click.Option) -> None:
    flag = max(option.opts, key=len)
    for text in NEVER:
        if text == "-1" and flag in MAY_BE_NEGATIVE and command != "eval":
            continue
        with pytest.raises(click.BadParameter) as caught:
            option.type.convert(text, option, None)
        message = caught.value.message
        assert "\n" not in message
        assert len(message) < 200, message
        assert any(word in message for word in ("must be", "write", "is not one of")), message


@pytest.mark.parametrize(("command", "option"), NUMBERS)
def test_defaults_and_the_least_are_taken(command: str, option: click.Option) -> None:
    """The bounds leave out nothing that is usual."""
    kind = option.type
    if isinstance(kind, Number):
        most = kind.bounds.most
        assert kind.convert(str(most), option, None) == kind.bounds.most
        with pytest.raises(click.BadParameter):
            kind.convert(str(kind.bounds.most + 1), option, None)
    if option.default is not None and isinstance(option.default, int | float | str):
        assert kind.convert(str(option.default), option, None) is not None


NUMBERS_OF_PYTHON: tuple[Any, ...] = (
    *(float("nan"), float("inf"), -float("inf"), 10**4000, -(10**4000), 10**5000, 1e30, -1, True),
    *("", "text", b"1", [], {}, Fraction(10**4000), Fraction(1, 10**4000), Fraction(10**5000, 7)),
    *(2**31, 2**63, 1j),
)


@pytest.mark.parametrize("value", NUMBERS_OF_PYTHON, ids=lambda value: shown(value, 12))
def test_python_is_told_in_one_line_too(value: Any) -> None:
    names = ("start", "end", "rate", "stall_timeout", "threads", "tile", "crf", "denoise", "scale")
    made = [lambda name=name: UpscaleOptions.of(**{name: value}) for name in names]
    made += [lambda name=name: Limits(**{name: value}) for name in ("pixels", "seconds")]
    made += [lambda name=name: Recipe("espcn", 2, (), **{name: value}) for name in BOUNDS]
    for make in made:
        try:
            make()
        except VsrError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 200


def test_what_is_left_out_is_left_to_others() -> None:
    with pytest.raises(TrainingError, match="batch 0: must be a whole number of 1 to 4096"):
        Recipe("espcn", 2, (), batch=0)
    with pytest.raises(InputError, match="its parts must be at most"):
        UpscaleOptions.of(rate=Fraction(10**12 + 1, 10**12))


def test_the_table_is_the_same_for_all_commands() -> None:
    """Whatever the command line takes, the options take."""
    command = click.command()(with_options(lambda **given: given))
    for row in ROWS:
        if isinstance(row.type, Number):
            words = [row.flag, f"{row.type.bounds.most:.0f}"]
            options_of(command.make_context("options", words).params)


@pytest.mark.parametrize(
    "name",
    [
        "{stem:>2000000000}{suffix}",
        "{stem:{scale}}{suffix}",
        "{scale:.999999999f}{suffix}",
        "{scale:02000000000}{suffix}",
        "{stem!r:>99999}{suffix}",
        "{stem:>" + "9" * 5000 + "}{suffix}",
        "{" + "a" * 5000 + "}",
    ],
    ids=lambda name: name[:20],
)
def test_a_name_may_not_be_of_any_width(name: str) -> None:
    found = Found(Path("any.mp4"), Path("any.mp4"))
    with pytest.raises(InputError) as caught:
        target_of(found, Path("out"), name, PictureOptions(scale=Fraction(2)))
    assert str(caught.value).startswith("name '")
    assert len(str(caught.value)) < 200
    assert (
        target_of(
            found, Path("out"), "{stem:>12}_{scale:03}{suffix}", PictureOptions(scale=Fraction(2))
        ).suffix
        == ".mp4"
    )
