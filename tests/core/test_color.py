"""Chroma stays where it belongs over the larger luma; RGB is what it should be, and comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

import av
import numpy as np
import pytest
import torch
from support.chroma_sitings import FIRST
from torch import Tensor

from vsr.core.color import (
    SITINGS,
    enlarge_alpha,
    enlarge_chroma,
    from_rgb,
    known_matrix,
    to_rgb,
)
from vsr.core.frame import PIXEL_FORMATS, ColorTags, Plane, VideoInfo, find_format
from vsr.core.resample import to_samples
from vsr.networks.interpolation import Interpolation
from vsr.video.planes import converted, libav_frame

LAYOUTS = ("420", "422", "444")
SCALES = (2, 3, 4)
DEPTHS = {8: "", 10: "10le", 12: "12le", 16: "16le"}


def info(
    layout: str,
    depth: int,
    width: int,
    height: int,
    siting: str = "",
    range_: int = 1,
    matrix: int = 6,
) -> VideoInfo:
    format_ = PIXEL_FORMATS[f"yuv{layout}p{DEPTHS[depth]}"]
    tags = ColorTags(range=range_, matrix=matrix, siting=siting)
    return VideoInfo(width, height, Fraction(1, 25), format_, tags)


def tensors(planes: Sequence[Plane]) -> list[Tensor]:
    return [torch.from_numpy(plane)[None] for plane in planes]


def enlarged(planes: Sequence[Plane], about: VideoInfo, scale: int) -> list[Plane]:
    return [plane[0].numpy() for plane in enlarge_chroma(tensors(planes), about, scale)]


# Chroma by itself


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
    luma_found = to_samples(Interpolation(scale).subpixel(large) * 65535, scale, 65535)[0].numpy()
    given = np.rint(chroma).astype(np.uint16)
    # V is U upside down in value: planes must not be mixed
    u_found, v_found = enlarged((given, 65535 - given), about, scale)

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
                u, v = enlarged(planes, about, scale)
                assert (u == value).all()
                assert (v == about.format.peak - value).all()


@pytest.mark.parametrize("depth", DEPTHS)
def test_samples_keep_their_type_and_range(depth: int) -> None:
    about = info("420", depth, 24, 20, "left")
    size = about.format.plane_size(1, 24, 20)
    extremes = np.random.default_rng(1).integers(0, 2, (2, *size)) * about.format.peak
    u, v = enlarged(tuple(extremes.astype(about.format.dtype)), about, 3)
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
    for found in enlarged((plane, plane), about, scale):
        assert found.shape == (large.height, large.width)


def test_grey_has_no_chroma() -> None:
    about = VideoInfo(8, 8, Fraction(1, 25), PIXEL_FORMATS["gray"])
    assert enlarge_chroma((), about, 2) == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_planes_and_pictures_of_a_batch_are_not_mixed(layout: str) -> None:
    about = info(layout, 10, 17, 12, "topleft")
    size = about.format.plane_size(1, 17, 12)
    samples = np.random.default_rng(2).integers(0, 1024, (3, 5, *size), np.uint16)
    together = enlarge_chroma([torch.from_numpy(plane) for plane in samples], about, 2)
    for plane, found in zip(samples, together, strict=True):
        for n in range(5):
            (alone,) = enlarged((plane[n],), about, 2)
            assert np.array_equal(found[n].numpy(), alone)


@pytest.mark.parametrize("siting", ["left", "center", "topleft"])
@pytest.mark.parametrize("name", ["yuva420p16le", "yuva422p16le", "yuva444p16le", "gbrap16le"])
def test_alpha_is_enlarged_on_the_grid_of_luma(name: str, siting: str) -> None:
    """As luma itself by the same kernel, whatever chroma's size and siting are."""
    color = ColorTags(siting=siting)
    about = VideoInfo(9, 7, Fraction(1, 25), PIXEL_FORMATS[name], color)
    (alpha,) = np.random.default_rng(2).integers(0, 65536, (1, 7, 9), np.uint16)
    for scale in SCALES:
        (found,) = enlarge_alpha(tensors([alpha]), about, scale)
        samples = torch.from_numpy(alpha.astype(np.float32))[None, None]
        luma = to_samples(Interpolation(scale).subpixel(samples), scale, 65535)
        assert torch.equal(found.to(torch.int32), luma.to(torch.int32))


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "yuv444p16le", "yuv411p", "yuv410p"])
@pytest.mark.parametrize("siting", ["", *FIRST])
def test_nearest_chroma_is_repeated(name: str, siting: str) -> None:
    color = ColorTags(siting=siting)
    about = VideoInfo(11, 7, Fraction(1, 25), PIXEL_FORMATS[name], color)
    size = about.format.plane_size(1, 11, 7)
    plane = np.random.default_rng(2).integers(0, about.format.peak + 1, size, about.format.dtype)
    for scale in SCALES:
        (found,) = enlarge_chroma(tensors([plane]), about, scale, "nearest")
        rows, columns = about.format.plane_size(1, 11 * scale, 7 * scale)
        expected = plane.repeat(scale, 0).repeat(scale, 1)[:rows, :columns]
        assert np.array_equal(found[0].numpy(), expected)


@pytest.mark.parametrize(("name", "columns", "rows"), [("yuv411p", 4, 1), ("yuv410p", 4, 4)])
@pytest.mark.parametrize(("siting", "place"), [("left", 0.0), ("center", 0.5)])
def test_a_ramp_in_chroma_of_a_quarter(
    name: str, columns: int, rows: int, siting: str, place: float
) -> None:
    """At the left it lies over the first of four luma samples, else over their middle."""
    about = VideoInfo(96, 80, Fraction(1, 25), PIXEL_FORMATS[name], ColorTags(siting=siting))
    first = place * (columns - 1), (rows - 1) / 2
    chroma = ramp(about.format.plane_size(1, 96, 80), first, (columns, rows), 160)
    for scale in SCALES:
        (found,) = enlarged([np.rint(chroma).astype(np.uint8)], about, scale)
        start = [(n + 0.5) / scale - 0.5 for n in first]
        step = columns / scale, rows / scale
        true = ramp(found.shape, (start[0], start[1]), step, 160)
        inner = slice(3 * scale, -3 * scale)
        assert np.abs(found - true)[inner, inner].max() < 1.3


@pytest.mark.parametrize("depth", [8, 9, 10, 12, 14, 16])
@pytest.mark.parametrize("planes", [3, 4])
def test_rgb_is_brought_in_order_and_back_exactly(depth: int, planes: int) -> None:
    about = VideoInfo(40, 30, Fraction(1, 25), find_format(depth, 1, 1, planes, rgb=True))
    samples = np.random.default_rng(6).integers(0, about.format.peak + 1, (planes, 30, 40))
    given = tensors(list(samples.astype(about.format.dtype)))
    rgb = to_rgb(given, about)
    for n, plane in zip((1, 2, 0), given, strict=False):  # of green, blue, red
        torch.testing.assert_close(rgb[:, n] * about.format.peak, plane.float(), atol=0.01, rtol=0)
    assert differences(from_rgb(rgb, about), given[:3]) == [0, 0, 0]


# To RGB and back

MATRICES = (1, 4, 5, 6, 7, 9, 10)
RANGES = (0, 1, 2)


def noise(about: VideoInfo, seed: int = 5) -> list[Tensor]:
    """All values there are, nominal or not."""
    random = np.random.default_rng(seed)
    sizes = [about.format.plane_size(n, about.width, about.height) for n in range(3)]
    return tensors(
        [random.integers(0, about.format.peak + 1, s, about.format.dtype) for s in sizes]
    )


def waves(about: VideoInfo) -> list[Tensor]:
    """Smooth, from 0 to the peak: beyond what is nominal, and beyond what RGB can show."""
    made = []
    for n in range(3):
        rows, columns = about.format.plane_size(n, about.width, about.height)
        y, x = np.mgrid[0:rows, 0:columns]
        y, x = (y + 0.5) / rows * np.pi, (x + 0.5) / columns * np.pi  # flat at the borders
        wave = np.cos((1 + n) * x) * np.cos((2 - n // 2) * y)
        samples = (0.5 + 0.5 * wave) * about.format.peak
        made.append(np.rint(samples).astype(about.format.dtype))
    return tensors(made)


def differences(found: Sequence[Tensor], given: Sequence[Tensor]) -> list[int]:
    worst = []
    for plane, expected in zip(found, given, strict=True):
        assert plane.dtype == expected.dtype
        assert plane.shape == expected.shape
        worst.append(int((plane.to(torch.int32) - expected.to(torch.int32)).abs().max()))
    return worst


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("range_", RANGES)
@pytest.mark.parametrize("depth", [8, 10])
def test_rgb_and_back_is_nothing_at_all_without_subsampling(
    matrix: int, range_: int, depth: int
) -> None:
    about = info("444", depth, 32, 24, range_=range_, matrix=matrix)
    rgb = to_rgb(noise(about), about)
    assert rgb.dtype == torch.float32
    assert rgb.shape == (1, 3, 24, 32)
    assert rgb.min() < -0.3  # nothing is cut
    assert rgb.max() > 1.3
    assert max(differences(from_rgb(rgb, about), noise(about))) == 0


@pytest.mark.parametrize("siting", ["", *FIRST])
@pytest.mark.parametrize("layout", ["420", "422"])
@pytest.mark.parametrize("depth", [8, 10])
def test_rgb_and_back_with_subsampling(layout: str, siting: str, depth: int) -> None:
    for matrix, range_ in product((1, 6, 9), RANGES):
        about = info(layout, depth, 64, 48, siting, range_, matrix)
        found = from_rgb(to_rgb(waves(about), about), about)
        assert max(differences(found, waves(about))) <= (1 if depth == 8 else 4)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 2), (5, 3), (33, 31)])
def test_odd_sides_keep_their_sizes(layout: str, width: int, height: int) -> None:
    about = info(layout, 8, width, height, "left")
    given = noise(about)
    rgb = to_rgb(given, about)
    assert rgb.shape == (1, 3, height, width)
    found = from_rgb(rgb, about)
    assert [plane.shape for plane in found] == [plane.shape for plane in given]
    assert torch.equal(found[0], given[0])  # luma knows nothing of chroma's size


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("range_", [1, 2])
def test_flat_colours_come_back_exactly(layout: str, depth: int, range_: int) -> None:
    random = np.random.default_rng(3)
    for siting, size in product(("left", "center", "topleft", "bottom"), ((16, 12), (13, 7))):
        about = info(layout, depth, *size, siting, range_)
        for values in random.integers(0, about.format.peak + 1, (8, 3)):
            flat = [
                torch.full((1, *about.format.plane_size(n, *size)), int(value)).to(
                    torch.uint8 if depth == 8 else torch.uint16
                )
                for n, value in enumerate(values)
            ]
            assert max(differences(from_rgb(to_rgb(flat, about), about), flat)) == 0


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("range_", [1, 2])
def test_rgb_is_libavs(matrix: int, range_: int) -> None:
    about = info("444", 8, 64, 48, range_=range_, matrix=matrix)
    given = [plane.clamp(16, 235) for plane in noise(about)]  # libav's numbers wrap beyond
    frame = libav_frame(tuple(plane[0].numpy() for plane in given), about)
    theirs = converted(frame, about, "rgb24", replace(about.color, range=2)).to_ndarray()
    ours = (to_rgb(given, about)[0] * 255).round().clamp(0, 255).permute(1, 2, 0).numpy()
    assert np.abs(ours - theirs).max() <= 2


# By hand, from 8-bit samples of ITU-T H.273's equations: (matrix, range), RGB, Y, U, V.
KNOWN = [
    ((6, 1), (0, 0, 0), (16, 128, 128)),
    ((6, 1), (1, 1, 1), (235, 128, 128)),
    ((1, 1), (0, 0, 0), (16, 128, 128)),
    ((1, 1), (1, 1, 1), (235, 128, 128)),
    ((6, 2), (0, 0, 0), (0, 128, 128)),
    ((6, 2), (1, 1, 1), (255, 128, 128)),
    ((6, 1), (1, 0, 0), (81, 90, 240)),  # 16 + 219 * 0.299; 128 - 224 * 0.299 / 1.772
    ((6, 1), (0, 1, 0), (145, 54, 34)),
    ((6, 1), (0, 0, 1), (41, 240, 110)),
    ((1, 1), (1, 0, 0), (63, 102, 240)),  # 16 + 219 * 0.2126; 128 - 224 * 0.2126 / 1.8556
    ((1, 1), (0, 1, 0), (173, 42, 26)),
    ((1, 1), (0, 0, 1), (32, 240, 118)),
    ((6, 2), (1, 0, 0), (76, 85, 255)),  # 255.5 is cut
    ((6, 2), (0, 0, 1), (29, 255, 107)),
    ((9, 1), (1, 0, 0), (74, 97, 240)),
    ((5, 0), (1, 0, 0), (81, 90, 240)),  # unsaid is limited
]


@pytest.mark.parametrize(("tags", "rgb", "yuv"), KNOWN)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_known_colours(
    tags: tuple[int, int], rgb: tuple[int, ...], yuv: tuple[int, ...], layout: str
) -> None:
    about = info(layout, 8, 6, 4, "left", tags[1], tags[0])
    flat = torch.tensor(rgb).float()[None, :, None, None].expand(1, 3, 4, 6)
    samples = from_rgb(flat, about)
    assert [int(plane.min()) for plane in samples] == list(yuv)
    assert [int(plane.max()) for plane in samples] == list(yuv)
    # a rounded sample is half a step off, of which blue takes twice as many in chroma
    torch.testing.assert_close(to_rgb(samples, about), flat.contiguous(), atol=0.007, rtol=0)


@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("range_", [1, 2])
def test_grey_is_equal_channels_in_rgb_and_comes_back(depth: int, range_: int) -> None:
    format_ = PIXEL_FORMATS["gray" + DEPTHS[depth]]
    about = VideoInfo(16, 16, Fraction(1, 25), format_, ColorTags(range=range_, matrix=1))
    ramp_ = np.linspace(0, format_.peak, 256).astype(format_.dtype).reshape(16, 16)
    rgb = to_rgb(tensors([ramp_]), about)
    assert torch.equal(rgb[:, 0], rgb[:, 1])
    assert torch.equal(rgb[:, 0], rgb[:, 2])
    assert differences(from_rgb(rgb, about), tensors([ramp_])) == [0]
    with_chroma = info("444", depth, 16, 16, range_=range_, matrix=1)
    neutral = np.full_like(ramp_, 2 ** (depth - 1))
    torch.testing.assert_close(to_rgb(tensors([ramp_, neutral, neutral]), with_chroma), rgb)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("siting", ["", *FIRST])
def test_a_ramp_in_chroma_is_a_ramp_in_rgb(layout: str, siting: str) -> None:
    """Both ways: chroma is read and written where its siting says."""
    about = info(layout, 16, 48, 40, siting, 2, 6)
    size = about.format.plane_size(1, 48, 40)
    chroma = np.rint(ramp(size, *chroma_grid(layout, siting or "left", 1), 65535))
    samples = chroma.astype(np.uint16)
    luma = np.full((40, 48), 30000, np.uint16)
    rgb = to_rgb(tensors([luma, samples, 65535 - samples]), about)
    true = ramp((40, 48), (0, 0), (1, 1), 65535)  # at the places of luma
    found = (rgb[0, 2].numpy() * 65535 - 30000) / 1.772 + 32768  # blue is Y + 1.772 U
    inner = slice(6, -6)
    assert np.abs(found - true)[inner, inner].max() < 1.7
    # the ramp in RGB, over all of the picture, gives the samples at the places of chroma
    u = torch.from_numpy((true - 32768) / 65535).float()
    blue, red = 1.772 * u, -1.402 * u
    green = -(0.299 * red + 0.114 * blue) / 0.587
    back = from_rgb(torch.stack([red, green, blue])[None] + 0.5, about)
    difference = np.abs(back[1][0].numpy().astype(float) - chroma)
    assert difference[inner, inner].max() < 4


def test_an_unknown_matrix_is_what_players_take_it_for() -> None:
    for matrix, height, expected in (
        (2, 719, 6),
        (2, 720, 1),
        (0, 480, 6),
        (8, 2160, 1),
        (9, 480, 9),
        (5, 1080, 5),
    ):
        about = info("420", 8, 1280, height, matrix=matrix)
        assert known_matrix(about) == replace(about, color=replace(about.color, matrix=expected))


def test_a_batch_of_pictures_is_each_of_them() -> None:
    about = info("420", 8, 20, 14, "left")
    pictures = [noise(about, seed) for seed in range(3)]
    together = to_rgb([torch.cat(planes) for planes in zip(*pictures, strict=True)], about)
    back = from_rgb(together, about)
    for n, planes in enumerate(pictures):
        alone = to_rgb(planes, about)
        torch.testing.assert_close(together[n], alone[0], atol=1e-6, rtol=0)
        found = from_rgb(together[n : n + 1], about)
        assert max(differences([plane[n : n + 1] for plane in back], found)) == 0
