"""Options: one value made of groups, checked when made."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vsr.core.crop import parse_crop
from vsr.core.errors import DeviceError, EncoderError, InputError, ModelError, OutputError
from vsr.core.limits import Limits
from vsr.core.options import (
    GROUP_OF,
    ComputeOptions,
    EncodeOptions,
    ReadOptions,
    RunOptions,
    StreamOptions,
    UpscaleOptions,
)
from vsr.core.picture import PictureOptions


def test_flat_keywords_find_their_groups() -> None:
    options = UpscaleOptions.of(scale=2, codec="hevc", threads=3, audio=False, verify=True, end=2)
    assert options == UpscaleOptions(
        picture=PictureOptions(scale=Fraction(2)),
        encode=EncodeOptions(codec="hevc"),
        compute=ComputeOptions(threads=3),
        streams=StreamOptions(audio="none"),
        run=RunOptions(verify=True),
        read=ReadOptions(end=Fraction(2)),
    )


def test_no_two_options_share_a_name() -> None:
    groups = (
        *(PictureOptions, ReadOptions, ComputeOptions),
        *(EncodeOptions, StreamOptions, RunOptions),
    )
    names = [one.name for group in groups for one in fields(group)]
    own = [one.name for one in fields(UpscaleOptions)]
    assert len(names + own) == len(set(names + own))
    assert len(GROUP_OF) == len(names) + len(own) - len(groups)


def test_flat_and_back() -> None:
    options = UpscaleOptions.of(scale=3, crop="0,0,10,20", limits=Limits(100), start=1.5)
    assert UpscaleOptions.of(**options.flat()) == options


def test_changes_leave_the_rest() -> None:
    options = UpscaleOptions.of(scale=3, codec="av1", crf=20)
    changed = options.but(crf=30, model="espcn")
    assert changed.flat() == {**options.flat(), "crf": 30.0, "model": "espcn"}
    assert options.encode.crf == 20


def test_options_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        UpscaleOptions().content = "clean"  # type: ignore[misc]


def test_equal_options_are_one_key() -> None:
    same = UpscaleOptions.of(crop=parse_crop("1,2,3,4"), rate=25)
    assert hash(same) == hash(UpscaleOptions.of(crop="1,2,3,4", rate=Fraction(25)))


def test_unknown_keywords_are_named() -> None:
    with pytest.raises(TypeError, match=r"unknown option 'colour'; known: model, content"):
        UpscaleOptions.of(colour="red")


@pytest.mark.parametrize(
    ("error", "keywords"),
    [
        (OutputError, {"scale": 17}),
        (OutputError, {"scale": 0.5}),
        (OutputError, {"scale": float("nan")}),
        (OutputError, {"scale": 10**400}),
        (OutputError, {"scale": True}),
        (OutputError, {"scale": "4"}),
        (OutputError, {"width": 0}),
        (OutputError, {"height": 10**9}),
        (OutputError, {"height": 10.5}),
        (OutputError, {"size": "1920"}),
        (OutputError, {"size": "0x5"}),
        (OutputError, {"size": (1920, 1080)}),
        (OutputError, {"to": "1080"}),
        (OutputError, {"fit": "fill", "to": "1080p"}),
        (OutputError, {"fit": "pad", "height": 1080}),
        (OutputError, {"scale": 2, "height": 1080}),
        (OutputError, {"size": "2x2", "to": "4k"}),
        (OutputError, {"square_pixels": "yes"}),
        (ModelError, {"model": 7}),
        (DeviceError, {"threads": 2.5}),
        (DeviceError, {"threads": True}),
        (DeviceError, {"tile": "auto"}),
        (DeviceError, {"device": 0}),
        (DeviceError, {"precision": None}),
        (EncoderError, {"crf": "18"}),
        (EncoderError, {"codec": None}),
        (OutputError, {"audio": None}),
        (OutputError, {"subtitles": "no"}),
        (InputError, {"start": "1:00"}),
        (InputError, {"crop": 5}),
        (InputError, {"limits": 10}),
        (InputError, {"rate": "25"}),
        (InputError, {"strict": 1}),
        (InputError, {"stall_timeout": "long"}),
        (InputError, {"overwrite": None}),
        (ModelError, {"model": ""}),
        (DeviceError, {"threads": 10**20}),
        (DeviceError, {"self_ensemble": "x"}),
        (InputError, {"overwrite": "no"}),
        (InputError, {"stall_timeout": 1e300}),
        (InputError, {"start": 1e300}),
        (InputError, {"cluster": None}),
        (ModelError, {"content": "cartoon"}),
        (ModelError, {"model": "espcn", "content": "clean"}),
        (DeviceError, {"precision": "fp8"}),
        (DeviceError, {"threads": -1}),
        (DeviceError, {"tile": -4}),
        (OutputError, {"audio": "flac"}),
        (InputError, {"deinterlace": "maybe"}),
        (InputError, {"stall_timeout": 0}),
        (InputError, {"video_stream": -1}),
        (InputError, {"video_stream": "1"}),
        (OutputError, {"other_videos": 1}),
        (InputError, {"rate": 0}),
        (InputError, {"rate": float("inf")}),
        (InputError, {"start": -1}),
        (InputError, {"start": 3, "end": 2}),
        (InputError, {"end": float("nan")}),
        (InputError, {"crop": "all of it"}),
        (InputError, {"resume": "perhaps"}),
        (InputError, {"cluster": "auto", "resume": "never"}),
    ],
)
def test_bad_values_are_refused_in_one_line(
    error: type[Exception], keywords: dict[str, Any]
) -> None:
    with pytest.raises(error) as caught:
        UpscaleOptions.of(**keywords)
    assert "\n" not in str(caught.value)
    assert any(name in str(caught.value) or name == "end" for name in keywords)


def test_a_path_may_name_a_model() -> None:
    assert UpscaleOptions.of(model=Path("a.safetensors")).model == "a.safetensors"


def test_whole_numbers_of_others_become_pythons_own() -> None:
    options = UpscaleOptions.of(scale=np.int64(2), tile=np.int32(64))
    assert type(options.compute.tile) is int
    assert options.picture.scale == Fraction(2)


def test_groups_are_groups() -> None:
    with pytest.raises(TypeError, match=r"read None: must be vsr\.ReadOptions"):
        UpscaleOptions(read=None)  # type: ignore[arg-type]
