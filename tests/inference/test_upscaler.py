"""One picture enlarged: luma and RGB networks, all layouts, exact but for rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.context_network import Blend
from support.noise_frames import described, noise
from support.random_weights import drawn
from support.rgb_networks import RgbBicubic
from torch import Tensor

from vsr.core.color import (
    CHROMA_REACH,
    RGB_REACH,
    enlarge_alpha,
    enlarge_chroma,
    from_rgb,
    known_matrix,
    luma_of,
    to_rgb,
)
from vsr.core.frame import Frame, Plane, VideoInfo
from vsr.inference.engine import Engine, restore
from vsr.inference.upscaler import Enlarger, enlarge_planes, stacked
from vsr.inference.windows import Window, windows
from vsr.networks import Network
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.registry import load_model
from vsr.networks.vespcn import Vespcn

CPU = torch.device("cpu")
SIZE = 22, 14
NAMES = ["yuv420p", "yuv422p10le", "yuv444p16le", "gray", "gray12le", "yuva420p", "yuva444p16le"]
RGB = ["gbrp", "gbrp10le", "gbrap16le"]


def enlarged(network: Network, info: VideoInfo, window: Window) -> list[Plane]:
    enlarger = Enlarger(network, info, CPU)
    planes = enlarger(stacked(enlarger.gathered(window), CPU))
    assert all(len(plane) == 1 for plane in planes)
    return [plane[0].numpy() for plane in planes]


def seen(frames: list[Frame], context: int = 0) -> list[Window]:
    return list(windows(iter(frames), context))


def tensors(frame: Frame) -> list[Tensor]:
    return [torch.from_numpy(plane)[None] for plane in frame.planes]


def assert_chroma(found: list[Plane], frame: Frame, info: VideoInfo, scale: int) -> None:
    """All but luma is what `enlarge_chroma` and `enlarge_alpha` make of the frame."""
    _, *others = tensors(frame)
    others = enlarge_chroma(others[:2], info, scale) + enlarge_alpha(others[2:], info, scale)
    for plane, expected in zip(found[1:], others, strict=True):
        assert np.array_equal(plane, expected[0].numpy())


# Luma


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_float32_is_the_network_rounded(name: str, scale: int) -> None:
    info = described(name, *SIZE)
    network = drawn(Espcn(scale, (5, 3, 3), (16, 8)), last=0.2)
    for window in seen(noise(2, info)):
        found = enlarged(network, info, window)
        peak = info.format.peak
        luma = torch.from_numpy(window.centre.planes[0].astype(np.float32) / np.float32(peak))
        with torch.inference_mode():
            exact = network(luma[None, None])[0, 0].double().numpy() * peak
        assert all(plane.dtype == info.format.dtype for plane in found)
        # half a step of rounding, and what float32 sums differ by
        assert np.abs(found[0] - exact.clip(0, peak)).max() <= 0.5 + peak * 2e-6
        assert_chroma(found, window.centre, info, scale)


def blended(planes: list[Plane], scale: int) -> np.ndarray:
    """What Blend makes of a window, in double precision, not rounded."""
    weights = np.arange(1, len(planes) + 1)
    mean = np.tensordot(weights / weights.sum(), np.stack(planes).astype(float), 1)
    return mean.repeat(scale, 0).repeat(scale, 1)


@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le", "gray", "gray16le"])
@pytest.mark.parametrize("context", [0, 1, 2])
def test_the_network_sees_the_window_oldest_first(name: str, context: int) -> None:
    info = described(name, *SIZE)
    source = noise(6, info)
    for n, window in enumerate(seen(source, context)):
        found = enlarged(Blend(3, context), info, window)
        near = [min(max(k, 0), 5) for k in range(n - context, n + context + 1)]
        exact = blended([source[k].planes[0] for k in near], 3)
        assert np.abs(found[0] - exact).max() <= 0.5 + info.format.peak * 1e-6
        assert_chroma(found, source[n], info, 3)  # of the middle frame alone


@pytest.mark.parametrize("value", [0, 1, 16, 127, 235, 255])
def test_flat_luma_stays_flat(value: int) -> None:
    plane = torch.full((2, 1, 9, 12), value, dtype=torch.uint8)
    for network in (Interpolation(2), Interpolation(3, "nearest"), Espcn(4, (3, 3), (4,))):
        large = enlarge_planes(network, plane, 255)
        assert large.shape == (2, 9 * network.scale, 12 * network.scale)
        assert large.dtype == torch.uint8
        assert (large == value).all()


def test_overshoot_is_cut_and_does_not_wrap() -> None:
    plane = torch.zeros(1, 1, 16, 16, dtype=torch.uint8)
    plane[..., 8:] = 255
    large = enlarge_planes(Interpolation(4), plane, 255)[0]
    assert (large[:, :28] < 60).all()
    assert (large[:, 36:] > 195).all()
    assert (large.min(), large.max()) == (0, 255)


# Luma of RGB


@pytest.mark.parametrize("name", RGB)
@pytest.mark.parametrize("context", [0, 1])
def test_a_luma_network_sees_the_luma_of_rgb(name: str, context: int) -> None:
    """Red, green and blue keep, bicubically, what they differ by from it."""
    info = known_matrix(described(name, *SIZE, range_=2, matrix=0))
    source = noise(3, info)
    window = seen(source, context)[1]
    found = enlarged(Blend(3, context), info, window)
    colours = [to_rgb(tensors(frame)[:3], info) for frame in source]
    lumas = [luma_of(rgb, info)[0, 0].double().numpy() for rgb in colours]
    luma = blended(lumas[1 - context : 2 + context], 3)
    upsample = Interpolation(3)
    for plane, channel in zip(found, (1, 2, 0), strict=False):
        difference = colours[1][:, channel : channel + 1] - luma_of(colours[1], info)
        exact = (luma + upsample(difference)[0, 0].double().numpy()) * info.format.peak
        assert np.abs(plane - exact.clip(0, info.format.peak)).max() <= 0.51
    alpha = enlarge_alpha(tensors(source[1])[3:], info, 3)
    for plane, expected in zip(found[3:], alpha, strict=True):
        assert np.array_equal(plane, expected[0].numpy())


@pytest.mark.parametrize("name", RGB)
@pytest.mark.parametrize("kernel", ["cubic", "nearest"])
def test_what_is_linear_does_the_same_to_rgb_as_to_its_planes(name: str, kernel: str) -> None:
    info = described(name, *SIZE)
    (window,) = seen(noise(1, info))
    found = enlarged(Interpolation(2, kernel), info, window)
    for plane, small in zip(found, window.centre.planes, strict=True):
        samples = torch.from_numpy(small.astype(np.float32))[None, None]
        exact = Interpolation(2, kernel)(samples)[0, 0].numpy().clip(0, info.format.peak)
        assert np.abs(plane - exact).max() <= (0.51 if kernel == "cubic" else 0)


# RGB


@pytest.mark.parametrize("name", NAMES + RGB)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("matrix", [1, 6])
def test_an_rgb_network_sees_rgb(name: str, scale: int, matrix: int) -> None:
    """Converted, enlarged, converted back; alpha apart from it."""
    info = described(name, *SIZE, siting="topleft", range_=2, matrix=matrix)
    network = drawn(Edsr(scale, 1, 4, light=True), last=0.2)
    for window in seen(noise(2, info)):
        found = enlarged(network, info, window)
        with torch.inference_mode():
            large = network(to_rgb(tensors(window.centre)[:3], info))
            expected = from_rgb(large, info.enlarged(scale))
        alpha = enlarge_alpha(tensors(window.centre)[3:], info, scale)
        for plane, true in zip(found, [*expected, *alpha], strict=True):
            assert plane.dtype == info.format.dtype
            assert np.array_equal(plane, true[0].numpy())


@pytest.mark.parametrize("name", ["yuv420p", "yuva444p16le"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_rgb_network_sees_windows_oldest_first(name: str, place: int) -> None:
    info = described(name, *SIZE, siting="left")
    source = noise(3, info)
    found = enlarged(RgbBicubic(2, 1, place), info, seen(source, 1)[1])
    alone = enlarged(RgbBicubic(2), info, seen([source[place]])[0])
    for plane, expected in zip(found[:3], alone, strict=False):
        assert np.array_equal(plane, expected)
    alpha = enlarge_alpha(tensors(source[1])[3:], info, 2)  # of the middle frame
    for plane, true in zip(found[3:], alpha, strict=True):
        assert np.array_equal(plane, true[0].numpy())


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "yuv444p", "gray10le"])
def test_flat_colour_stays_flat(name: str) -> None:
    for values in ((16, 128, 128), (235, 128, 128), (81, 90, 240), (180, 30, 200), (5, 5, 250)):
        info = described(name, 13, 11)
        step = 2 ** (info.format.depth - 8)
        planes = tuple(
            np.full(info.format.plane_size(n, 13, 11), value * step, info.format.dtype)
            for n, value in enumerate(values[: info.format.planes])
        )
        for plane, value in zip(
            enlarged(RgbBicubic(3), info, seen([Frame(planes, 0)])[0]), values, strict=False
        ):
            assert (plane == value * step).all()


def test_what_is_linear_is_the_same_in_rgb() -> None:
    info = described("yuv444p", *SIZE)
    (window,) = seen(noise(1, info))
    found = enlarged(RgbBicubic(2), info, window)
    plain = enlarged(Interpolation(2), info, window)
    for plane, expected in zip(found, plain, strict=True):
        assert np.abs(plane.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(("height", "matrix"), [(719, 6), (720, 1)])
def test_an_unsaid_matrix_is_that_of_the_frame_and_not_of_the_tile(
    height: int, matrix: int
) -> None:
    info = described("yuv420p", 1280, height)
    piece = described("yuv420p", *SIZE)
    (window,) = seen(noise(1, piece))
    network = drawn(Edsr(2, 1, 4, light=True), last=0.2)  # not linear: the matrix matters
    found = enlarged(network, info, window)
    known = described("yuv420p", 1280, height, matrix=matrix)
    other = described("yuv420p", 1280, height, matrix=7 - matrix)
    assert same(found, enlarged(network, known, window))
    assert not same(found, enlarged(network, other, window))


def same(planes: list[Plane], others: list[Plane]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(planes, others, strict=True))


# What holds for both


@pytest.mark.parametrize("name", NAMES + RGB)
@pytest.mark.parametrize("network", [Espcn(2, (3, 3), (4,)), RgbBicubic(2), Blend(2, 1)])
def test_a_batch_is_its_windows(name: str, network: Network) -> None:
    info = described(name, *SIZE, siting="left")
    enlarger = Enlarger(drawn(network), info, CPU)
    each = [stacked(enlarger.gathered(w), CPU) for w in seen(noise(4, info), network.context)]
    together = enlarger([torch.cat(planes) for planes in zip(*each, strict=True)])
    for n, planes in enumerate(each):
        for plane, expected in zip(together, enlarger(planes), strict=True):
            assert torch.equal(plane[n], expected[0])


@pytest.mark.parametrize("name", [*NAMES, *RGB, "yuv410p", "yuv411p"])
@pytest.mark.parametrize("network", [Interpolation(2), RgbBicubic(3), Blend(2, 2)])
@pytest.mark.parametrize("size", [(1, 1), (2, 7), (5, 3), (1, 9), (9, 1)])
def test_pictures_of_any_size_are_enlarged(
    name: str, network: Network, size: tuple[int, int]
) -> None:
    info = described(name, *size)
    found = enlarged(network, info, seen(noise(5, info), network.context)[2])
    large = info.enlarged(network.scale)
    for n, plane in enumerate(found):
        assert plane.shape == info.format.plane_size(n, large.width, large.height)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 3)])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["nearest", "bilinear", "bicubic", "espcn", "vespcn", "edsr-8x32"])
def test_tiny_pictures_through_every_kind_of_model(
    name: str, precision: str, size: tuple[int, int]
) -> None:
    chosen = load_model(name, 2)
    for layout in ("yuv420p", "yuva420p", "gray", "gbrp"):
        info = described(layout, *size)
        engine = Engine((CPU,), precision, 1, None)
        seen_ = iter(noise(3, info))
        found = list(restore(seen_, info, chosen, engine, pytest.fail))
        assert len(found) == 3
        for n, plane in enumerate(found[1].planes):
            assert plane.shape == info.format.plane_size(n, 2 * size[0], 2 * size[1])


def test_what_goes_in_is_not_written_to() -> None:
    for network in (Espcn(2, (3, 3), (4,)), RgbBicubic(2), Vespcn(2, 4, 2, flow_features=4)):
        info = described("yuv444p16le", *SIZE)
        enlarger = Enlarger(drawn(network), info, CPU)
        window = seen(noise(3, info), network.context)[1]
        planes = stacked(enlarger.gathered(window), CPU)
        copies = [plane.clone() for plane in planes]
        enlarger(planes)
        assert all(torch.equal(a, b) for a, b in zip(planes, copies, strict=True))


def test_planes_that_are_gathered_for_a_window() -> None:
    """Luma of all frames, chroma of one; for colour all of all."""
    info = described("yuva444p16le", *SIZE)
    source = noise(5, info)
    (window,) = seen(source, 2)[2:3]
    luma, *others = Enlarger(Blend(2, 2), info, CPU).gathered(window)
    assert [id(plane) for plane in luma] == [id(frame.planes[0]) for frame in source]
    for n, some in enumerate(others, 1):
        assert [id(plane) for plane in some] == [id(source[2].planes[n])]
    for n, some in enumerate(Enlarger(RgbBicubic(2, 2), info, CPU).gathered(window)):
        assert [id(plane) for plane in some] == [id(frame.planes[n]) for frame in source]


def test_the_halo_is_how_far_networks_and_filters_see() -> None:
    info = described("yuv420p", *SIZE)
    far = Espcn(2, (5,) * 6, (4,) * 5)
    assert Enlarger(far, info, CPU).halo == 12
    assert Enlarger(Interpolation(2), info, CPU).halo == CHROMA_REACH
    assert Enlarger(RgbBicubic(2), info, CPU).halo == 2 + RGB_REACH
    quarter = described("yuv411p", *SIZE)
    assert Enlarger(Interpolation(2), quarter, CPU).halo == 2 * CHROMA_REACH
    assert Enlarger(RgbBicubic(2), quarter, CPU).halo == 2 + 2 * RGB_REACH
