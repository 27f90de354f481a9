"""The size that was asked for: one reduction before rounding, on every plane's own siting."""

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

from vsr.core.color import black
from vsr.core.crop import Box
from vsr.core.frame import PIXEL_FORMATS, ColorTags, Frame, VideoInfo
from vsr.core.geometry import Geometry, geometry_of
from vsr.core.picture import PictureOptions
from vsr.core.resample import resize
from vsr.inference.engine import Engine, restore
from vsr.inference.upscaler import Enlarger
from vsr.networks import Network
from vsr.networks.interpolation import Interpolation

WIDTH, HEIGHT = 44, 36


def info(pixels: str, siting: str = "left", **more: Any) -> VideoInfo:
    color = ColorTags(matrix=1, range=1, siting=siting)
    return VideoInfo(WIDTH, HEIGHT, Fraction(1, 25), PIXEL_FORMATS[pixels], color, **more)


def engine(tile: int = 0, workers: int = 1) -> Engine:
    return Engine((torch.device("cpu"),), "fp32", workers, tile)


def fitted(
    network: Network,
    frames: Sequence[Frame],
    about: VideoInfo,
    geometry: Geometry,
    tile: int = 0,
) -> list[Frame]:
    seen, chosen = iter(frames), engine(tile)
    return list(restore(seen, about, model(network), chosen, pytest.fail, geometry=geometry))


def of(about: VideoInfo, box: Box | None = None, **asked: Any) -> Geometry:
    return geometry_of(PictureOptions(**asked), about, box)


def networks() -> list[Network]:
    return [Interpolation(4), Interpolation(2), Blend(3, 1), RgbBicubic(3)]


FORMATS = ["gray", "yuv420p", "yuv422p", "yuv411p", "yuva420p", "yuv420p10le", "gbrp", "gbrap12le"]
ASKED: list[dict[str, Any]] = [
    {"scale": 1.5},
    {"scale": 1},
    {"scale": Fraction(5, 3)},
    {"size": "80x70", "fit": "pad"},
    {"size": "66x70", "fit": "cover"},
    {"size": "81x39", "fit": "stretch"},
]


@pytest.mark.parametrize("pixels", FORMATS)
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_every_plane_has_its_size(pixels: str, asked: dict[str, Any]) -> None:
    about = info(pixels)
    geometry = of(about, **asked)
    large = geometry.large(about)
    for network in networks():
        (frame,) = fitted(network, noise(1, about), about, geometry)
        sizes = [
            large.format.plane_size(n, large.width, large.height)
            for n in range(large.format.planes)
        ]
        assert [plane.shape for plane in frame.planes] == sizes
        assert all(plane.dtype == large.format.dtype for plane in frame.planes)


@pytest.mark.parametrize("pixels", FORMATS)
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_tiles_leave_no_seam(pixels: str, asked: dict[str, Any]) -> None:
    about = info(pixels)
    geometry = of(about, **asked)
    for network in networks():
        whole, tiled = (fitted(network, noise(2, about), about, geometry, t) for t in (0, 16))
        for one, other in zip(whole, tiled, strict=True):
            assert one.shows_same(other)


def test_running_out_of_memory_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    about, said = info("yuv420p"), []
    geometry = of(about, scale=1.5)
    whole = fitted(Interpolation(2), noise(2, about), about, geometry)
    unrounded = Enlarger.unrounded

    def refusing(self: Enlarger, planes: Sequence[torch.Tensor]) -> torch.Tensor:
        if planes[0].shape[-2] * planes[0].shape[-1] > 1200:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")
        return unrounded(self, planes)

    monkeypatch.setattr(Enlarger, "unrounded", refusing)
    chosen = model(Interpolation(2))
    seen = iter(noise(2, about))
    again = list(restore(seen, about, chosen, engine(), said.append, geometry=geometry))
    assert said
    assert all(one.shows_same(other) for one, other in zip(whole, again, strict=True))


@pytest.mark.parametrize("pixels", FORMATS)
@pytest.mark.parametrize("siting", ["left", "center", "topleft"])
def test_a_part_is_what_would_be_cut_out(pixels: str, siting: str) -> None:
    """Where it begins on a pixel of the large picture, and on its chroma's grid."""
    about, box = info(pixels, siting), Box(8, 16, 24, 16)
    for scale in (Fraction(3, 2), Fraction(1), Fraction(5, 2)):
        for network in networks():
            if scale > network.scale:
                continue
            (all_,) = fitted(network, noise(1, about), about, of(about, scale=scale))
            part = of(about, box, scale=scale)
            (cut,) = fitted(network, noise(1, about), about, part)
            for n, (mine, its) in enumerate(zip(cut.planes, all_.planes, strict=True)):
                down, across = about.format.steps(n)
                y, x = int(box.y * scale) // down, int(box.x * scale) // across
                assert np.array_equal(mine, its[y : y + mine.shape[0], x : x + mine.shape[1]])


@pytest.mark.parametrize("network", [Interpolation(2), Interpolation(4)])
def test_luma_is_reduced_as_imresize_does(network: Network) -> None:
    """Of the network's unrounded picture."""
    about = info("gray")
    (frame,) = noise(1, about)
    (found,) = fitted(network, [frame], about, of(about, size="58x50", fit="stretch"))
    with torch.inference_mode():
        large = network(torch.from_numpy(frame.planes[0])[None, None].float())
    expected = resize(large[0, 0], 50, 58).round().clamp(0, 255)
    assert np.abs(found.planes[0].astype(int) - expected.numpy()).max() <= 1
    assert np.mean(found.planes[0] != expected.numpy()) < 0.001


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv411p", "yuva444p", "gbrp"])
@pytest.mark.parametrize("siting", ["left", "topleft", "bottom"])
def test_a_whole_factor_is_as_without_it(scale: int, pixels: str, siting: str) -> None:
    """The reduction by 1 leaves luma as it is, and chroma lies where it lay."""
    about = info(pixels, siting)
    network, frames = Interpolation(scale), noise(1, about)
    (plain,) = restore(iter(frames), about, model(network), engine(), pytest.fail)
    (found,) = fitted(network, frames, about, of(about, scale=scale))
    for mine, its in zip(found.planes, plain.planes, strict=True):
        assert np.abs(mine.astype(int) - its.astype(int)).max() <= 1
        assert np.mean(mine != its) < 0.002


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p10le", "yuva420p"])
def test_scale_1_leaves_chroma_and_alpha_alone(pixels: str) -> None:
    about = info(pixels)
    (frame,) = noise(1, about)
    (found,) = fitted(Interpolation(2), [frame], about, of(about, scale=1))
    for mine, its in zip(found.planes[1:], frame.planes[1:], strict=True):
        assert np.array_equal(mine, its)
    assert np.abs(found.planes[0].astype(int) - frame.planes[0]).max() > 0


def ramp(about: VideoInfo) -> Frame:
    """Every sample tells where it lies, in luma columns and rows from the border, times 2."""
    planes = []
    for n in range(3):
        _, across = about.format.steps(n)
        rows, columns = about.format.plane_size(n, about.width, about.height)
        shift = -0.5 if about.color.siting in ("left", "topleft") else 0.0
        x = (np.arange(columns) + 0.5) * across + (shift * (across - 1) if n else 0)
        planes.append(np.rint(np.tile(2 * x, (rows, 1))).astype(np.uint8))
    return Frame(tuple(planes), 0, 1)


@pytest.mark.parametrize("siting", ["left", "center"])
@pytest.mark.parametrize("asked", [{"scale": 1.5}, {"size": "70x36", "fit": "cover"}], ids=str)
def test_chroma_stays_over_the_luma_that_it_belongs_to(siting: str, asked: dict[str, Any]) -> None:
    about = info("yuv420p", siting)
    geometry = of(about, **asked)
    (found,) = fitted(Interpolation(2), [ramp(about)], about, geometry)
    shift = -0.5 if siting == "left" else 0.0
    inside = slice(8, -8)
    for n, plane in enumerate(found.planes):
        across = 2 if n else 1
        places = (np.arange(plane.shape[1]) + 0.5) * across + (shift if n else 0)
        expected = [2 * float(geometry.columns.place(Fraction(p))) for p in places]
        assert np.abs(plane[9, inside] - np.array(expected)[inside]).max() <= 1


@pytest.mark.parametrize("pixels", ["gray", "yuv420p", "yuv420p10le", "yuva444p", "gbrp"])
def test_borders_are_black(pixels: str) -> None:
    about = info(pixels)
    geometry = of(about, size="100x72", fit="pad")
    (found,) = fitted(Interpolation(4), noise(1, about), about, geometry)
    before, length = geometry.columns.before, geometry.columns.length
    assert before > 0
    values = black(about)
    for n, plane in enumerate(found.planes):
        across = about.format.steps(n)[1]
        border = np.delete(plane, np.s_[before // across : (before + length) // across], axis=1)
        assert np.all(border == values[n])
        assert plane.std() > 0


def test_a_turned_picture_is_padded_as_it_is_shown() -> None:
    turned = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
    about = replace(info("gray"), display_matrix=turned)
    (found,) = fitted(Interpolation(4), noise(1, about), about, of(about, size="100x72", fit="pad"))
    assert found.planes[0].shape == (100, 72)
