"""Where one network is not enough, another goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from support.context_network import Blend
from support.noise_frames import model, noise
from support.rgb_networks import RgbBicubic

from vsr.core.crop import Box
from vsr.core.errors import ModelError, OutputError
from vsr.core.frame import PIXEL_FORMATS, ColorTags, Frame, VideoInfo
from vsr.core.geometry import geometry_of
from vsr.core.picture import PictureOptions
from vsr.inference import passes
from vsr.inference.engine import Engine, restore
from vsr.inference.passes import GOES_ON, LoadedModel, enlarge, load_for, scale_for
from vsr.networks import Network
from vsr.networks.interpolation import Interpolation

ENGINE = Engine((torch.device("cpu"),), "fp32", 1, 0)
INFO = VideoInfo(40, 32, Fraction(1, 25), PIXEL_FORMATS["yuv420p"], ColorTags(matrix=1, range=1))


@pytest.mark.parametrize(
    ("name", "factor", "scales"),
    [
        ("vespcn", 1, [2]),
        ("vespcn", Fraction(9, 4), [3]),
        ("vespcn", 4, [4]),
        ("vespcn", Fraction(17, 4), [4, 2]),
        ("vespcn", 8, [4, 2]),
        ("vespcn", 9, [4, 3]),
        ("vespcn", 16, [4, 4]),
        ("recurrent", 2, [2]),
        ("recurrent", 3, [3]),
        ("recurrent", 5, [4, 2]),
        (None, 3, [3]),
    ],
)
def test_the_least_that_is_enough_is_taken(
    name: str | None, factor: int | Fraction, scales: list[int]
) -> None:
    tools = load_for(name, Fraction(factor), ENGINE)
    assert [one.scale for one in (tools.model, *tools.then)] == scales
    assert tools.scale >= factor
    assert all(one.name == GOES_ON for one in tools.then)
    assert all(one.network.context == 0 for one in tools.then)


def test_of_a_scale_without_weights_the_next_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "scales_of", lambda name: (2, 4))
    assert [scale_for("some", Fraction(factor)) for factor in (1, 2, 3, 5)] == [2, 2, 4, 4]


def test_interpolation_goes_on_by_itself() -> None:
    tools = load_for("bicubic", Fraction(10), ENGINE)
    assert [(one.name, one.scale) for one in (tools.model, *tools.then)] == [
        ("bicubic", 4),
        ("bicubic", 3),
    ]


def test_unknown_models_are_named() -> None:
    with pytest.raises(ModelError, match="unknown model 'nothing'"):
        scale_for("nothing", Fraction(2))


def tools_of(*networks: Network) -> LoadedModel:
    first, *others = (model(network) for network in networks)
    return LoadedModel(first, ENGINE, tuple(others))


def made(
    frames: Sequence[Frame], info: VideoInfo, tools: LoadedModel, box: Box | None, **asked: Any
) -> list[Frame]:
    geometry = geometry_of(PictureOptions(**asked), info, box)
    return list(enlarge(iter(frames), info, tools, geometry, box, warn=pytest.fail))


CHAINS = [
    (Blend(3, 1), Interpolation(3)),
    (Interpolation(4), Interpolation(2)),
    (Interpolation(2), RgbBicubic(3)),
    (Interpolation(2), Interpolation(2), Interpolation(2)),
]


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("pixels", ["yuv420p", "gray", "gbrp", "yuva420p10le"])
def test_it_is_one_after_the_other(chain: tuple[Network, ...], pixels: str) -> None:
    about = replace(INFO, format=PIXEL_FORMATS[pixels])
    tools, frames = tools_of(*chain), noise(3, about)
    found = made(frames, about, tools, None, scale=tools.scale)
    expected, now = frames, about
    for network in chain:
        expected = list(restore(iter(expected), now, model(network), ENGINE, pytest.fail))
        now = now.enlarged(network.scale)
    for one, other in zip(found, expected, strict=True):
        assert (one.pts, one.duration) == (other.pts, other.duration)
        assert all(a.shape == b.shape for a, b in zip(one.planes, other.planes, strict=True))
        # the last pass's chroma is resampled at its own place, which is the same
        for mine, its in zip(one.planes, other.planes, strict=True):
            assert np.abs(mine.astype(int) - its).max() <= 1
            assert np.mean(mine != its) < 0.002


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("box", [Box(0, 0, 40, 32), Box(16, 8, 12, 16), Box(28, 20, 12, 12)])
@pytest.mark.parametrize("scale", [5, Fraction(13, 2)])
def test_a_part_is_what_would_be_cut_out(
    chain: tuple[Network, ...], box: Box, scale: int | Fraction
) -> None:
    tools, frames = tools_of(*chain), noise(2, INFO)
    if scale > tools.scale:
        pytest.skip("not so large")
    whole = made(frames, INFO, tools, None, scale=scale)
    part = made(frames, INFO, tools, box, scale=scale)
    for one, other in zip(part, whole, strict=True):
        for n, (mine, its) in enumerate(zip(one.planes, other.planes, strict=True)):
            down, across = INFO.format.steps(n)
            y, x = int(box.y * scale) // down, int(box.x * scale) // across
            assert np.array_equal(mine, its[y : y + mine.shape[0], x : x + mine.shape[1]])


def test_one_side_may_grow_further_than_the_other() -> None:
    found = made(noise(1, INFO), INFO, tools_of(*CHAINS[1]), None, size="40x200", fit="stretch")
    assert found[0].planes[0].shape == (200, 40)


def test_what_is_too_large_for_them_is_refused() -> None:
    with pytest.raises(OutputError, match=r"2\.5 times as large, more than 2: ask for a smaller"):
        made(noise(1, INFO), INFO, tools_of(Interpolation(2)), None, scale=2.5)
