"""Kernels: the reduction they stand for, their shapes, and the files they come from."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from vsr.core.errors import InputError
from vsr.core.resample import resize
from vsr.degradation.degradations import Blur
from vsr.zero_shot.kernel import Kernel, bicubic, read_kernel


def drawn(height: int, width: int) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_without_blur_it_is_matlabs_bicubic(scale: int) -> None:
    """To the borders, and for pictures smaller than the kernel."""
    for rows, columns in ((9, 7), (1, 2)):
        large = drawn(rows * scale, columns * scale)
        expected = resize(large, rows, columns)
        torch.testing.assert_close(bicubic(scale).reduce(large), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_blur_before_bicubic_is_one_kernel(scale: int) -> None:
    """Away from the borders, where both mirror, but not the same."""
    large, sigma = drawn(24 * scale, 20 * scale), 0.8
    blurred = Blur("isotropic", sigma).apply(large, scale, np.random.default_rng(0))
    expected = resize(blurred, 24, 20)
    made = bicubic(scale, sigma).reduce(large)
    inside = np.s_[..., 6:-6, 6:-6]
    torch.testing.assert_close(made[inside], expected[inside], atol=1e-4, rtol=0)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (5, 5), (6, 6), (7, 4), (3, 12)])
def test_pictures_keep_their_place(scale: int, shape: tuple[int, int]) -> None:
    """A slope stays where it is, whatever the kernel's rows and columns."""
    kernel = Kernel(np.ones(shape), scale)
    assert kernel.weights.shape[0] == kernel.weights.shape[1] >= scale
    assert (len(kernel.weights) - scale) % 2 == 0
    assert kernel.weights.sum() == pytest.approx(1)
    places = torch.arange(40.0 * scale)
    slope = (places[:, None] + 2 * places)[None, None]
    expected = resize(slope, 40, 40)
    inside = np.s_[..., 8:-8, 8:-8]
    torch.testing.assert_close(kernel.reduce(slope)[inside], expected[inside], atol=2e-3, rtol=0)


def test_a_part_of_the_padded_picture_is_that_part_of_the_small_one() -> None:
    kernel, large = bicubic(3, 0.5), drawn(30, 36)
    padded = kernel.pad(large)
    part = padded[..., 6 : 6 + 12 + 2 * kernel.reach, 9 : 9 + 15 + 2 * kernel.reach]
    torch.testing.assert_close(
        kernel.reduce_padded(part), kernel.reduce(large)[..., 2:6, 3:8], atol=1e-6, rtol=0
    )


@pytest.mark.parametrize(("scale", "other"), [(4, 2), (3, 2)])
def test_the_same_camera_at_another_scale(scale: int, other: int) -> None:
    """A Gaussian as wide in small pixels."""
    found, expected = bicubic(scale, 0.9).at(other), bicubic(other, 0.9)
    large = drawn(20 * other, 20 * other)
    difference = (found.reduce(large) - expected.reduce(large)).abs().max()
    unblurred = (bicubic(other).reduce(large) - expected.reduce(large)).abs().max()
    assert difference < 0.1 * unblurred
    assert found.at(other) is found


def test_kernels_from_files(tmp_path: Path) -> None:
    weights = np.outer([1, 2, 4, 1], [3, 1, 1, 0]).astype(np.uint8)
    np.save(tmp_path / "k.npy", weights * 1000.0)
    cv2.imwrite(str(tmp_path / "k.png"), weights)
    cv2.imwrite(str(tmp_path / "colour.png"), np.dstack([weights] * 3))
    for name in ("k.npy", "k.png", "colour.png"):
        np.testing.assert_allclose(read_kernel(tmp_path / name, 4).weights, weights / weights.sum())


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(4), "is 4: a kernel has rows and columns"),
        (np.ones((2, 300)), "is 2x300: a kernel has rows and columns, 1 to 255"),
        (np.zeros((4, 4)), "must add up to more than 0"),
        (np.array([[1.0, -1.0]]), "must add up to more than 0"),
        (np.array([[1.0, np.nan]]), "finite numbers"),
        (np.array([["a"]]), "must hold one array of real numbers"),
        (np.array([[{}]]), "cannot be read as an array"),  # would run code
    ],
)
def test_arrays_that_are_no_kernel(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "k.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=message) as caught:
        read_kernel(tmp_path / "k.npy", 2)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_kernel(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("no array")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "k.txt").write_text("1 2 1")
    np.save(tmp_path / "long.npy", np.ones((9, 9)))
    cut = (tmp_path / "long.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(cut.replace(b"(9, 9)", b"(9, 8888888)")[:200])
    for name in ("text.npy", "text.png", "empty.png", "k.txt", "cut.npy", "none.npy"):
        with pytest.raises(InputError, match=name):
            read_kernel(tmp_path / name, 2)
