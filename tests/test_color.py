"""Chroma stays where it belongs over the larger luma, and in its own numbers."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from vsr.networks.baselines import Interpolation
from vsr.resample import to_samples
from vsr.video.color import SITINGS, enlarge_chroma
from vsr.video.frame import PIXEL_FORMATS, ColorTags, Plane, VideoInfo

LAYOUTS = ("420", "422", "444")
SCALES = (2, 3, 4)
DEPTHS = {8: "", 10: "10le", 12: "12le", 16: "16le"}

# Where libav and the standards put the first chroma sample, in luma samples from the first
# luma sample (x, y): ITU-T H.264 figure E-1.
FIRST = {
    "left": (0.0, 0.5),
    "center": (0.5, 0.5),
    "topleft": (0.0, 0.0),
    "top": (0.5, 0.0),
    "bottomleft": (0.0, 1.0),
    "bottom": (0.5, 1.0),
}


def info(layout: str, depth: int, width: int, height: int, siting: str) -> VideoInfo:
    format_ = PIXEL_FORMATS[f"yuv{layout}p{DEPTHS[depth]}"]
    return VideoInfo(width, height, Fraction(1, 25), format_, ColorTags(siting=siting))


def ramp(
    shape: tuple[int, int], first: tuple[float, float], step: tuple[float, float], peak: int
) -> np.ndarray:
    """Samples of one linear function of position; `first` and `step` are (x, y) places."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
    return peak * (0.15 + 0.011 * (first[0] + step[0] * x) + 0.006 * (first[1] + step[1] * y))


def chroma_grid(
    layout: str, siting: str, scale: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """First chroma sample and step (x, y), in samples of the small luma.

    With `scale` 1 the small picture's own; else that of the picture `scale` times as large,
    whose luma sample n lies at (n + 0.5) / scale - 0.5.
    """
    columns, rows = {"420": (2, 2), "422": (2, 1), "444": (1, 1)}[layout]
    x, y = FIRST[siting]
    x, y = (x if columns == 2 else 0.0), (y if rows == 2 else 0.0)
    return (
        ((x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5),
        (columns / scale, rows / scale),
    )


def test_every_known_siting_is_tested() -> None:
    assert SITINGS.keys() == FIRST.keys()


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("siting", ["", *FIRST])
def test_a_ramp_in_chroma_stays_on_the_ramp_in_luma(layout: str, siting: str, scale: int) -> None:
    # 16 bits: a thousandth of a luma sample off the mark would show
    place = siting or "left"
    about = info(layout, 16, 38, 33, siting)
    sizes = [about.format.plane_size(plane, 38, 33) for plane in range(2)]
    luma = ramp(sizes[0], (0, 0), (1, 1), 65535)
    chroma = ramp(sizes[1], *chroma_grid(layout, place, 1), 65535)

    large = torch.from_numpy(np.rint(luma) / 65535).float()[None, None]
    luma_found = to_samples(Interpolation(scale).phases(large) * 65535, scale, 65535)[0]
    given = np.rint(chroma).astype(np.uint16)
    # V is U upside down in value: planes must not be mixed
    u_found, v_found = enlarge_chroma((given, 65535 - given), about, scale)

    inner = slice(3 * scale, -3 * scale)  # mirrored borders are no ramp
    small = (0.5 / scale - 0.5,) * 2, (1 / scale,) * 2
    luma_true = ramp(luma_found.shape, *small, 65535)
    chroma_true = ramp(u_found.shape, *chroma_grid(layout, place, scale), 65535)
    for found, true in (
        (luma_found, luma_true),
        (u_found, chroma_true),
        (v_found, 65535 - chroma_true),
    ):
        assert np.abs(found.astype(np.float64) - true)[inner, inner].max() < 1.7


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_constant_chroma_stays_constant_up_to_the_borders(layout: str, depth: int) -> None:
    for siting in ("left", "center", "topleft", "bottom"):
        about = info(layout, depth, 21, 13, siting)
        size = about.format.plane_size(1, 21, 13)
        for value in (0, 1, about.format.peak // 3, about.format.peak // 2 + 1, about.format.peak):
            planes: tuple[Plane, ...] = (
                np.full(size, value, about.format.dtype),
                np.full(size, about.format.peak - value, about.format.dtype),
            )
            for scale in SCALES:
                u, v = enlarge_chroma(planes, about, scale)
                assert (u == value).all()
                assert (v == about.format.peak - value).all()


@pytest.mark.parametrize("depth", DEPTHS)
def test_samples_keep_their_type_and_range(depth: int) -> None:
    about = info("420", depth, 24, 20, "left")
    size = about.format.plane_size(1, 24, 20)
    extremes = np.random.default_rng(1).integers(0, 2, (2, *size)) * about.format.peak
    u, v = enlarge_chroma(tuple(extremes.astype(about.format.dtype)), about, 3)
    for plane in (u, v):
        assert plane.dtype == about.format.dtype
        assert (plane.min(), plane.max()) == (0, about.format.peak)  # overshoot is cut


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("width", "height"), [(16, 12), (17, 12), (16, 13), (17, 13), (1, 1)])
def test_planes_have_libavs_sizes(layout: str, width: int, height: int, scale: int) -> None:
    about = info(layout, 8, width, height, "left")
    large = av.VideoFrame(width * scale, height * scale, about.format.name).planes[1]
    plane = np.zeros(about.format.plane_size(1, width, height), np.uint8)
    for found in enlarge_chroma((plane, plane), about, scale):
        assert found.shape == (large.height, large.width)


def test_grey_has_no_chroma() -> None:
    about = VideoInfo(8, 8, Fraction(1, 25), PIXEL_FORMATS["gray"])
    assert enlarge_chroma((), about, 2) == ()
