"""`vsr.Upscaler`: images and frames in, the same kind out, by several threads if need be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as Picture
from support.clips import Clip, make
from support.segmented_jobs import uneven

import vsr
from vsr.images.files import read_picture


@pytest.fixture(scope="module")
def up() -> vsr.Upscaler:
    return vsr.Upscaler("espcn", scale=2, device="cpu", precision="fp32")


def drawn(*shape: int, dtype: str = "uint8") -> Any:
    random = np.random.default_rng(len(shape) + shape[0])
    if dtype.startswith("float"):
        return random.random(shape).astype(dtype)
    return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(20, 24), (20, 24, 1), (21, 13, 3), (16, 18, 4)])
def test_arrays_come_back_as_they_came(
    up: vsr.Upscaler, shape: tuple[int, ...], dtype: str
) -> None:
    large = up(drawn(*shape, dtype=dtype))
    assert isinstance(large, np.ndarray)
    assert large.shape == (2 * shape[0], 2 * shape[1], *shape[2:])
    assert large.dtype == dtype
    if dtype.startswith("float"):
        assert 0 <= large.min() <= large.max() <= 1


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_tensors_come_back_as_they_came(
    up: vsr.Upscaler, channels: int, dtype: torch.dtype
) -> None:
    image = torch.rand(channels, 17, 22)
    image = image.to(dtype) if dtype.is_floating_point else (image * 200).to(dtype)
    large = up(image)
    assert isinstance(large, torch.Tensor)
    assert (large.shape, large.dtype) == ((channels, 34, 44), dtype)
    assert large.is_contiguous()


def test_an_array_and_a_tensor_of_it_give_the_same(up: vsr.Upscaler) -> None:
    image = drawn(20, 30, 3)
    large = up(torch.from_numpy(image).permute(2, 0, 1))
    assert np.array_equal(large.permute(1, 2, 0).numpy(), up(image))


def test_channels_stay_where_they_are() -> None:
    up = vsr.Upscaler("nearest", scale=3, device="cpu")
    image = drawn(9, 12, 4)
    assert np.array_equal(up(image), image.repeat(3, 0).repeat(3, 1))
    deep = drawn(9, 12, 3, dtype="uint16")
    assert np.abs(up(deep).astype(int) - deep.repeat(3, 0).repeat(3, 1)).max() <= 1
    fine = drawn(9, 12, dtype="float64")
    assert np.abs(up(fine) - fine.repeat(3, 0).repeat(3, 1)).max() <= 0.5 / 65535 + 1e-12


def test_an_image_is_what_its_file_becomes(up: vsr.Upscaler, tmp_path: Path) -> None:
    image = drawn(24, 32, 3)
    cv2.imwrite(str(tmp_path / "in.png"), image[..., ::-1])
    up.file(tmp_path / "in.png", tmp_path / "out.png")
    made = read_picture(tmp_path / "out.png").pixels
    assert np.array_equal(up(image), made[..., ::-1])


@pytest.mark.parametrize("model", ["espcn", "vespcn"])
def test_frames_are_those_of_the_file(tmp_path: Path, model: str) -> None:
    times = uneven(9)
    source = make(tmp_path / "in.mp4", Clip(width=48, height=32, pts=times))
    up = vsr.Upscaler(model, scale=2, device="cpu", precision="fp32")
    frames = list(up.frames(vsr.open_video(source)))
    up.file(source, tmp_path / "out.mkv", codec="ffv1")
    with vsr.open_video(tmp_path / "out.mkv") as video:
        written = list(video.frames())
    assert [frame.seconds for frame in frames] == [
        pytest.approx(frame.pts * float(video.info.time_base), abs=1e-3) for frame in written
    ]
    for one, other in zip(frames, written, strict=True):
        for mine, its in zip(one.planes, other.planes, strict=True):
            assert np.array_equal(mine, its)
        assert one.image.shape == (64, 96, 3)
        assert one.image.dtype == np.uint8


def test_a_part_of_a_video_and_its_path(up: vsr.Upscaler, tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(width=48, height=32))
    whole = list(up.frames(source))
    part = list(up.frames(vsr.open_video(source, start=0.1, end=0.3)))
    assert len(whole) == 12
    assert 0 < len(part) < 12
    assert {frame.pts for frame in part} <= {frame.pts for frame in whole}


def test_a_video_that_was_opened_stays_open(up: vsr.Upscaler, tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(width=48, height=32))
    with vsr.open_video(source) as video:
        assert len(list(up.frames(video))) == 12
        assert video.info.width == 48


def test_many_threads_may_use_one() -> None:
    before = torch.get_num_threads()
    up = vsr.Upscaler("vespcn", scale=2, device="cpu", precision="fp32", threads=2)
    images = [drawn(20 + n, 30, 3) for n in range(12)]
    expected = [up(image) for image in images]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(up, images))
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (np.zeros((3, 4, 5, 3), np.uint8), "must be (H, W) or (H, W, C)"),
        (np.zeros((4, 5, 2), np.uint8), "with C of 1, 3 or 4"),
        (np.zeros((0, 5), np.uint8), "must be (H, W)"),
        (np.zeros((4, 5), np.int32), "image of int32: must be uint8, uint16, float16"),
        (np.full((4, 5), np.nan), "not finite"),
        (torch.zeros(4, 5), "must be (C, H, W)"),
        (torch.zeros(5, 4, 5), "with C of 1, 3 or 4"),
    ],
)
def test_what_is_no_image_is_refused(up: vsr.Upscaler, image: Any, says: str) -> None:
    with pytest.raises(vsr.InputError) as caught:
        up(image)
    assert says in str(caught.value)


def backwards(image: Any) -> Any:
    return np.ascontiguousarray(image[::-1, ::-1, ::-1])[::-1, ::-1, ::-1]


def read_only(image: Any) -> Any:
    image = image.copy()
    image.flags.writeable = False
    return image


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    "other",
    [
        backwards,
        read_only,
        np.asfortranarray,
        lambda image: image.repeat(2, 0).repeat(3, 1)[::2, ::3],
        lambda image: image.astype(image.dtype.newbyteorder(">")),
    ],
    ids=["backwards", "read only", "by columns", "with gaps", "big-endian"],
)
def test_how_an_array_lies_in_memory_does_not_matter(
    up: vsr.Upscaler, other: Any, dtype: str
) -> None:
    image = drawn(18, 20, 3, dtype=dtype)
    laid = other(image)
    assert np.array_equal(laid, image)
    large = up(laid)
    assert np.array_equal(large, up(image))
    assert large.dtype == laid.dtype
    assert large.flags.writeable
    assert np.array_equal(laid, image)


@pytest.mark.parametrize(
    "other",
    [
        lambda image: image.requires_grad_(),
        torch.nn.Parameter,
        lambda image: image.permute(1, 2, 0).contiguous().permute(2, 0, 1),
        lambda image: image.repeat_interleave(2, 1)[:, ::2],
        lambda image: (-image)._neg_view(),
    ],
    ids=["gradient", "parameter", "channels last", "with gaps", "negated view"],
)
def test_how_a_tensor_came_about_does_not_matter(up: vsr.Upscaler, other: Any) -> None:
    image = torch.rand(3, 17, 22, generator=torch.manual_seed(1))
    large = up(other(image.clone()))
    assert torch.equal(large, up(image))
    assert type(large) is torch.Tensor
    assert not large.requires_grad
    assert large.is_contiguous()


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (None, "image None: must be a numpy array or a torch tensor"),
        (3, "image 3: must be a numpy array"),
        ("photo.png", "image 'photo.png': must be a numpy array"),
        ([[1], [2, 3]], "image [[1], [2, 3]]: must be a numpy array"),
        (Path("photo.png"), "photo.png'): must be a numpy array"),
        (BytesIO(b"photo"), "must be a numpy array"),
        ({}, "image {}: must be a numpy array"),
        (np.ma.masked_equal(np.eye(5, dtype=np.uint8), 0), "image: is masked in places"),
        (np.ma.masked_invalid(np.full((4, 5), np.nan)), "image: is masked in places"),
        (np.zeros((4, 5), bool), "image of bool: must be uint8, uint16, float16"),
        (np.zeros((4, 5), object), "image of object: must be uint8"),
        (np.zeros((4, 5), complex), "image of complex128: must be uint8"),
        (np.zeros((4, 5, 0), np.uint8), "and not empty"),
        (np.full((4, 5), np.inf), "not finite; must be in [0, 1]"),
        (torch.zeros(3, 4, 5, dtype=torch.bool), "tensor of bool: must be bfloat16, uint8"),
        (torch.zeros(3, 4, 5, dtype=torch.int64), "tensor of int64: must be"),
        (torch.zeros(3, 4, 5).to(torch.float8_e4m3fn), "tensor of float8_e4m3fn: must be"),
        (torch.zeros(3, 0, 5), "tensor of shape (3, 0, 5): must be (C, H, W)"),
        (torch.full((1, 4, 5), torch.nan), "not finite"),
        (torch.zeros(3, 4, 5, device="meta"), "tensor on the device meta: holds no numbers"),
        (torch.zeros(3, 4, 5).to_sparse(), "tensor: must be dense"),
    ],
)
def test_what_holds_no_picture_is_refused_in_one_line(
    up: vsr.Upscaler, image: Any, says: str
) -> None:
    with pytest.raises(vsr.InputError) as caught:
        up(image)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mask_that_hides_nothing_does_not_matter(up: vsr.Upscaler) -> None:
    image = drawn(18, 20, 3)
    assert np.array_equal(up(np.ma.masked_array(image)), up(image))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pillow_images_are_taken_for_what_they_show(up: vsr.Upscaler, mode: str) -> None:
    picture = Picture.fromarray(drawn(18, 20, 3)).convert(mode)
    assert np.array_equal(up(picture), up(np.asarray(picture)))  # type: ignore[type-var]


@pytest.mark.parametrize("mode", ["P", "1", "LA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F"])
def test_pillow_images_of_no_such_numbers_are_refused(up: vsr.Upscaler, mode: str) -> None:
    grey = mode in ("I", "F")
    picture = Picture.fromarray(drawn(18, 20) if grey else drawn(18, 20, 3)).convert(mode)
    with pytest.raises(vsr.InputError, match=f"image of mode '{mode}': must be L, RGB, RGBA"):
        up(picture)  # type: ignore[type-var]


def test_a_file_cannot_change_the_model(up: vsr.Upscaler, tmp_path: Path) -> None:
    with pytest.raises(vsr.InputError, match="device, scale: set when the Upscaler is made"):
        up.file(tmp_path / "in.mp4", tmp_path / "out.mp4", scale=4, device="cpu")


def test_what_it_is(up: vsr.Upscaler) -> None:
    assert (up.model, up.scale, up.device, up.precision) == ("espcn", 2, "cpu", "fp32")
    with pytest.raises(vsr.ModelError, match="unknown model 'nosuch'"):
        vsr.Upscaler("nosuch")
    with pytest.raises(TypeError):
        vsr.Upscaler("espcn", colour="red")


def test_a_closed_video_is_refused(up: vsr.Upscaler, tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(width=48, height=32))
    with vsr.open_video(source) as video:
        pass
    with pytest.raises(vsr.InputError, match="is closed already"):
        list(up.frames(video))
    with vsr.open_video(source) as video:
        frames = up.frames(video)
        next(frames)
    with pytest.raises(vsr.InputError, match="was closed while it was read"):
        list(frames)


def test_a_video_is_read_once(up: vsr.Upscaler, tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(width=48, height=32))
    with vsr.open_video(source) as video:
        assert len(list(up.frames(video))) == 12
        with pytest.raises(vsr.InputError, match="can be read once"):
            list(up.frames(video))


def test_opening_takes_what_reading_knows() -> None:
    with pytest.raises(TypeError, match="crop"):
        vsr.open_video("in.mp4", crop="0,0,16,16")  # type: ignore[call-arg]


@pytest.mark.parametrize("scale", [np.float32(2.5), np.float64(2.5), np.int64(2)])
def test_numbers_of_numpy_are_numbers(scale: Any) -> None:
    up = vsr.Upscaler("nearest", scale=scale, strength=np.float32(50))
    assert up.scale == Fraction(float(scale))
    assert type(up.scale.numerator) is int


def test_what_is_no_video_and_no_option_is_told(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"unknown option 'crf'; known: scale, .*compiled"):
        vsr.Upscaler("nearest", scale=2, crf=20)
    up = vsr.Upscaler("nearest", scale=2)
    file = BytesIO(b"no path")
    for wrong in (None, 3, [tmp_path], file):
        with pytest.raises(TypeError, match="must be a path, or what vsr"):
            next(up.frames(wrong))  # type: ignore[arg-type]
    assert not file.closed
