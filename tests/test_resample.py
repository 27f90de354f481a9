"""Resampling against slow direct arithmetic, and where each output sample lies."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vsr.resample import Upsample, resize


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


@pytest.mark.parametrize("kernel", ["cubic", "linear", "nearest"])
@pytest.mark.parametrize("shift", [0.0, 0.25])
def test_upsample_sees_no_further_than_its_reach(kernel: str, shift: float) -> None:
    upsample = Upsample(2, kernel, shift_x=shift)
    impulse = torch.zeros(1, 1, 21, 21)
    impulse[0, 0, 10, 10] = 1
    touched = upsample.phases(impulse)[0].abs().amax(0).nonzero()  # input places
    assert (touched - 10).abs().max() <= upsample.reach


def test_upsample_stays_float32_under_autocast() -> None:
    image = torch.rand(1, 1, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        found = Upsample(2)(image)
    assert torch.equal(found, Upsample(2)(image))


def test_unknown_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="known: cubic, linear, nearest"):
        Upsample(2, "lanczos")
