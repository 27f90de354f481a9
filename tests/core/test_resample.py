"""Resampling against slow direct arithmetic, and where each output sample lies."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vsr.core.resample import Upsample, enlarge_axis, reduce_axis, resize, to_samples


def keys(x: float) -> float:
    """The cubic kernel of Keys 1981, a = -0.5."""
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0


def imresize_line(line: list[float], length: int) -> list[float]:
    """One line resized as the text of MATLAB's imresize has it, with its 1-based positions."""
    source, out = len(line), []
    scale = length / source
    stretch = min(scale, 1.0)
    mirror = [*range(source), *reversed(range(source))]
    for x in range(1, length + 1):
        u = x / scale + 0.5 * (1 - 1 / scale)
        left = math.floor(u - 2 / stretch)
        places = range(left, left + math.ceil(4 / stretch) + 2)
        weights = [keys(stretch * (u - place)) for place in places]
        samples = [line[mirror[(place - 1) % len(mirror)]] for place in places]
        total = sum(w * s for w, s in zip(weights, samples, strict=True))
        out.append(total / sum(weights))
    return out


def imresize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    columns = np.array([imresize_line(list(c), height) for c in image.T]).T
    return np.array([imresize_line(list(r), width) for r in columns])


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ((12, 16), (3, 4)),
        ((9, 15), (3, 5)),
        ((7, 13), (3, 5)),
        ((5, 4), (11, 9)),
        ((6, 5), (18, 10)),
        ((2, 3), (1, 1)),  # the kernel is longer than the mirrored picture
        ((1, 8), (4, 8)),
    ],
)
def test_resize_is_imresize(source: tuple[int, int], target: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, source).astype(np.float64)
    found = resize(torch.from_numpy(image).float(), *target).numpy()
    np.testing.assert_allclose(found, imresize(image, *target), atol=2e-4)


def test_resize_takes_any_leading_dimensions() -> None:
    image = torch.rand(2, 3, 8, 6)
    torch.testing.assert_close(resize(image, 4, 3)[1, 2], resize(image[1, 2], 4, 3))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_unshifted_upsample_is_resize(scale: int) -> None:
    image = torch.rand(1, 1, 7, 10)
    expected = resize(image, 7 * scale, 10 * scale)
    torch.testing.assert_close(Upsample(scale)(image), expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("kernel", ["cubic", "linear"])
@pytest.mark.parametrize(("shift_x", "shift_y"), [(0.0, 0.0), (0.25, 0.0), (-0.25, 0.125)])
def test_upsample_moves_a_ramp_by_the_shift(
    scale: int, kernel: str, shift_x: float, shift_y: float
) -> None:
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(14.0), indexing="ij")
    large_y, large_x = torch.meshgrid(
        *((torch.arange(side * scale) + 0.5) / scale - 0.5 for side in (12, 14)), indexing="ij"
    )
    found = Upsample(scale, kernel, shift_x, shift_y)((x + 20 * y)[None, None])[0, 0]
    expected = large_x + shift_x + 20 * (large_y + shift_y)
    inner = slice(3 * scale, -3 * scale)  # the borders are mirrored: no ramp there
    torch.testing.assert_close(found[inner, inner], expected[inner, inner], atol=1e-4, rtol=0)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_nearest_repeats_samples(scale: int) -> None:
    image = torch.rand(1, 1, 5, 6)
    repeated = image.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    assert torch.equal(Upsample(scale, "nearest")(image), repeated)


@pytest.mark.parametrize("kernel", ["cubic", "lanczos", "linear", "nearest"])
@pytest.mark.parametrize("shift", [0.0, 0.25])
def test_upsample_sees_no_further_than_its_reach(kernel: str, shift: float) -> None:
    upsample = Upsample(2, kernel, shift_x=shift)
    impulse = torch.zeros(1, 1, 21, 21)
    impulse[0, 0, 10, 10] = 1
    touched = upsample.subpixel(impulse)[0].abs().amax(0).nonzero()  # input places
    assert (touched - 10).abs().max() <= upsample.reach


def lanczos_line(line: list[float], scale: int, shift: float) -> list[float]:
    """Enlarged by the definition, sample by sample."""
    mirror, out = [*line, *reversed(line)], []
    for n in range(len(line) * scale):
        place = (n + 0.5) / scale - 0.5 + shift
        near = [
            k for k in range(math.floor(place) - 3, math.floor(place) + 5) if abs(k - place) < 3
        ]
        weights = [float(np.sinc(place - k) * np.sinc((place - k) / 3)) for k in near]
        total = sum(w * mirror[k % len(mirror)] for w, k in zip(weights, near, strict=True))
        out.append(total / sum(weights))
    return out


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("shift", [0.0, 0.25, -0.5])
def test_lanczos_by_definition(scale: int, shift: float) -> None:
    lines = torch.rand(3, 9)
    found = Upsample(scale, "lanczos", shift_x=shift)(lines[:, None, None])[:, 0]
    expected = torch.tensor([lanczos_line(line.tolist(), scale, shift) for line in lines])
    for row in range(scale):
        torch.testing.assert_close(found[:, row], expected, atol=2e-6, rtol=0)


def test_lanczos_keeps_more_of_fine_waves_than_bicubic() -> None:
    x = torch.arange(64.0)
    wave = (0.5 + 0.4 * torch.sin(2 * math.pi * x / 3.2)).expand(1, 1, 8, 64)
    large_x = (torch.arange(256.0) + 0.5) / 4 - 0.5
    truth = 0.5 + 0.4 * torch.sin(2 * math.pi * large_x / 3.2)
    errors = {
        kernel: float((Upsample(4, kernel)(wave)[0, 0, 16, 32:-32] - truth[32:-32]).square().mean())
        for kernel in ("lanczos", "cubic", "linear")
    }
    assert errors["lanczos"] < 0.6 * errors["cubic"] < 0.6 * errors["linear"]


def test_upsample_stays_float32_under_autocast() -> None:
    image = torch.rand(1, 1, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        found = Upsample(2)(image)
    assert torch.equal(found, Upsample(2)(image))


def test_unknown_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="known: cubic, lanczos, linear, nearest"):
        Upsample(2, "sinc")


# Along one axis


def enlarged_line(line: list[float], factor: int, shift: float) -> list[float]:
    """By the definition of the bicubic kernel, sample by sample."""
    mirror = [*line, *reversed(line)]
    out = []
    for n in range(len(line) * factor):
        place = (n + 0.5) / factor - 0.5 + shift
        first = math.floor(place) - 1
        near = range(first, first + 4)
        out.append(sum(keys(place - k) * mirror[k % len(mirror)] for k in near))
    return out


SHIFTS = [-0.25, -0.1, 0.0, 0.25, 0.5]


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("length", [1, 2, 3, 7, 16])
def test_enlarge_axis(axis: int, factor: int, shift: float, length: int) -> None:
    lines = torch.rand(2, 5, length)
    expected = torch.tensor(
        [[enlarged_line(line.tolist(), factor, shift) for line in plane] for plane in lines]
    )
    given = lines if axis == -1 else lines.mT
    found = enlarge_axis(given, axis, factor, shift)
    found = found if axis == -1 else found.mT
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("shift", SHIFTS)
def test_reduce_axis_brings_back_what_was_enlarged(axis: int, factor: int, shift: float) -> None:
    noise = torch.rand(2, 40, 41)
    back = reduce_axis(enlarge_axis(noise, axis, factor, shift), axis, factor, shift)
    assert back.shape == noise.shape
    inside = (..., slice(8, -8), slice(8, -8))  # borders are mirrored otherwise
    torch.testing.assert_close(back[inside], noise[inside], atol=0.01, rtol=0)


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("length", [1, 2, 3, 8, 9])
def test_reduce_axis_of_any_length(axis: int, length: int) -> None:
    for value in (0.0, 1.0, -0.7):
        shape = (1, 3, length) if axis == -1 else (1, length, 3)
        found = reduce_axis(torch.full(shape, value), axis, 2, -0.25)
        assert found.shape[axis] == -(-length // 2)
        torch.testing.assert_close(found, torch.full_like(found, value), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("shift", SHIFTS)
def test_reduce_axis_is_least_squares(axis: int, shift: float) -> None:
    """Nothing near what it gives is nearer to noise that was never enlarged."""
    noise = torch.rand(1, 48, 48)
    small = reduce_axis(noise, axis, 2, shift)

    def error(candidate: torch.Tensor) -> float:
        difference = enlarge_axis(candidate, axis, 2, shift) - noise
        return float(difference[..., 16:-16, 16:-16].square().sum())

    best = error(small)
    for step in (0.05, -0.05):
        for place in (10, 11, 12, 13):
            other = small.clone()
            other.select(axis, place)[:] += step
            assert error(other) > best - 0.02


# Samples


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("peak", [255, 1023, 65535])
def test_phases_become_samples(scale: int, peak: int) -> None:
    phases = (torch.rand(3, scale**2, 5, 7) * 1.4 - 0.2) * peak
    expected = torch.pixel_shuffle(phases.round().clamp(0, peak), scale)[:, 0]
    found = to_samples(phases.clone(), scale, peak)
    assert found.dtype == (torch.uint8 if peak == 255 else torch.uint16)
    assert found.shape == (3, 5 * scale, 7 * scale)
    assert torch.equal(found.to(torch.float32), expected)
    assert (int(found.to(torch.int32).min()), int(found.to(torch.int32).max())) == (0, peak)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_phases_that_lie_side_by_side_become_the_same_samples(scale: int) -> None:
    phases = torch.rand(2, scale**2, 5, 7) * 255
    lying = phases.contiguous(memory_format=torch.channels_last)
    assert torch.equal(to_samples(lying, scale, 255), to_samples(phases, scale, 255))
