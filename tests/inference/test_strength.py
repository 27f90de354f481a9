"""Strength: from the bicubic upscale to all that a network gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.clips import Clip, make
from support.noise_frames import assert_equal, described, model, noise
from support.random_weights import drawn
from support.rgb_networks import RgbBicubic

import vsr
from vsr.core.frame import Frame
from vsr.core.options import ComputeOptions
from vsr.inference.engine import choose_engine, restore
from vsr.networks import Network
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.recurrent import Recurrent
from vsr.networks.vespcn import Vespcn

MAKE: dict[str, Callable[[], Network]] = {
    "espcn": lambda: drawn(Espcn(2, (3, 3), (4,)), last=0.1),
    "vespcn": lambda: drawn(Vespcn(2, features=4, layers=3, flow_features=4), last=0.1),
    "edsr": lambda: drawn(Edsr(2, 1, 6, light=True), last=0.1),
    "edsr as published": lambda: drawn(Edsr(2, 1, 6), last=0.1),
    "recurrent": lambda: drawn(Recurrent(2, features=8, pairs=1, flow_features=4), last=0.1),
}


def made(network: Network, format_: str, **options: object) -> list[Frame]:
    info = described(format_, 50, 38, "left")
    frames = noise(3, info)
    frames[0] = Frame(frames[0].planes, frames[0].pts, frames[0].duration, starts_shot=True)
    given = {"device": "cpu", "precision": "fp32", "threads": 2}
    engine = choose_engine(ComputeOptions(**given | options))  # type: ignore[arg-type]
    return list(restore(iter(frames), info, model(network), engine, pytest.fail))


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("format_", ["yuv420p", "gbrp"])
def test_none_of_it_is_bicubic_and_all_is_the_network(name: str, format_: str) -> None:
    network = MAKE[name]()
    plain = RgbBicubic(2) if network.color == "rgb" else Interpolation(2)
    assert_equal(made(network, format_, strength=0), made(plain, format_), steps=1)
    whole, half = made(network, format_), made(network, format_, strength=50)
    assert_equal(made(network, format_, strength=100), whole)
    for frame, low, high in zip(half, made(plain, format_), whole, strict=True):
        for own, *ends in zip(frame.planes, low.planes, high.planes, strict=True):
            between = np.mean([end.astype(float) for end in ends], axis=0)
            inside = (between > 1) & (between < 254) & (np.abs(own - between) < 128)
            clipped = np.any([(end == 0) | (end == 255) for end in ends], axis=0)
            assert np.abs(own - between)[inside & ~clipped].max() <= 1.5


@pytest.mark.parametrize("name", ["vespcn", "recurrent"])
def test_tiles_change_nothing(name: str) -> None:
    network = MAKE[name]()
    assert_equal(
        made(network, "yuv420p", strength=40, tile=16),
        made(network, "yuv420p", strength=40, tile=0, threads=1),
    )


def test_with_self_ensemble() -> None:
    network = MAKE["espcn"]()
    some = made(network, "yuv420p", strength=0, self_ensemble=True)
    assert_equal(some, made(Interpolation(2), "yuv420p"), steps=1)


@pytest.mark.parametrize("wrong", [-1, 101, float("nan"), "much", True, None])
def test_what_is_no_strength_is_refused(wrong: object) -> None:
    with pytest.raises(vsr.VsrError, match=r"strength .*: must be"):
        ComputeOptions(strength=wrong)  # type: ignore[arg-type]


def test_takes_of_several_strengths(tmp_path: Path) -> None:
    clip = make(tmp_path / "in.mp4", Clip(pts=tuple(range(0, 20 * 512, 512))))
    shown = vsr.preview(
        clip,
        tmp_path / "takes",
        models=["espcn"],
        strengths=[30, 100],
        start=0.1,
        duration=0.3,
    )
    names = [made.take.label for made in shown.made]
    assert names == ["bicubic", "espcn, strength 30", "espcn"]
    assert "strength=30" in shown.commands[1]
    assert "strength=" not in shown.commands[2]
    with pytest.raises(TypeError, match="strengths 50: must be several"):
        vsr.preview(clip, tmp_path / "more", strengths=50)  # type: ignore[arg-type]


def test_the_base_is_on_the_networks_device() -> None:
    assert torch.device("cpu") == next(MAKE["edsr as published"]().parameters()).device
