"""A part of the picture is, to the bit, what would be cut out of the whole, for less work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cli_runner import vsr as command
from support.clips import Clip, held, make, planes
from support.context_network import Blend
from support.noise_frames import assert_equal, described, model, noise
from support.random_weights import drawn
from support.rgb_networks import RgbBicubic
from support.small_networks import SMALL, of_scales
from torch import Tensor

import vsr
from vsr.core.crop import Box, CropRegion
from vsr.core.errors import DeviceError, InputError
from vsr.core.frame import Frame, VideoInfo
from vsr.inference import tiles as tiles_module
from vsr.inference.cpu_workers import side_by_side
from vsr.inference.cuda_streams import in_batches
from vsr.inference.engine import Engine, restore
from vsr.inference.tiles import GRID, Tiler, largest_tile
from vsr.inference.upscaler import Enlarger
from vsr.inference.windows import windows
from vsr.networks import Network
from vsr.networks.catalogue import catalogue
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.literature.rcan import Rcan
from vsr.networks.literature.srdensenet import Srdensenet
from vsr.networks.literature.srresnet import Srresnet
from vsr.networks.registry import load_model
from vsr.networks.vespcn import Vespcn

CPU = torch.device("cpu")
TINY: dict[str, Any] = {"features": 4, "flow_features": 4}
WINDOWED = {name: make for name, make in SMALL.items() if name != "recurrent"}
MAKE: dict[str, Callable[[int], Network]] = WINDOWED | {
    "nearest": lambda scale: Interpolation(scale, "nearest"),
    "slow of 5": lambda scale: drawn(
        Vespcn(scale, layers=5, context=2, fusion="slow", features=4, flow_features=4), last=0.1
    ),
    "light edsr": lambda scale: drawn(Edsr(scale, 1, 6, 0.5, light=True), last=0.2),
    "light srresnet": lambda scale: drawn(Srresnet(scale, 1, 6, light=True), last=0.2),
    "light rcan": lambda scale: drawn(Rcan(scale, 1, 1, 6, 2, 2, light=True), last=0.2),
    "light srdensenet": lambda scale: drawn(Srdensenet(scale, 2, 2, 4, 8, light=True), last=0.2),
    "rgb of 3": lambda scale: RgbBicubic(scale, context=1, place=0),
}


def pixels(info: VideoInfo, *numbers: int) -> Box:
    return CropRegion(*map(Fraction, numbers)).inside(info)


def restored(
    network: Network,
    info: VideoInfo,
    frames: Sequence[Frame],
    box: Box | None = None,
    tile: int | None = 0,
    self_ensemble: bool = False,
) -> list[Frame]:
    engine = Engine((CPU,), "fp32", 2, tile, self_ensemble)
    seen = iter(frames)
    return list(restore(seen, info, model(network), engine, pytest.fail, box))


def cut_out(frames: Sequence[Frame], info: VideoInfo, box: Box, scale: int) -> list[Frame]:
    """The part of whole large frames."""
    parts = []
    for frame in frames:
        cut = []
        for n, plane in enumerate(frame.planes):
            rows, columns = info.format.steps(n)
            below, beyond = (box.y + box.height) * scale, (box.x + box.width) * scale
            cut.append(
                plane[
                    box.y * scale // rows : -(-below // rows),
                    box.x * scale // columns : -(-beyond // columns),
                ]
            )
        parts.append(Frame(tuple(cut), frame.pts, frame.duration))
    return parts


def boxes(info: VideoInfo) -> list[Box]:
    """Corners, borders, the middle, a point, a line, the whole."""
    w, h = info.width, info.height
    places = [
        (0, 0, w // 3, h // 3),
        (w - 5, 0, 5, 9),
        (0, h - 1, 1, 1),
        (w - w // 4, h - h // 4, w // 4, h // 4),
        (w // 2 - 3, h // 2 - 4, 9, 7),
        (w // 2 + 1, 0, 3, h),
        (0, h // 2, w, 1),
        (0, 0, w, h),
    ]
    return [pixels(info, *place) for place in places]


# The part is that of the whole


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scale"), of_scales(MAKE))
def test_a_crop_by_every_network(name: str, scale: int) -> None:
    network = MAKE[name](scale)
    halo = Enlarger(network, described(), CPU).halo
    long, short = 2 * halo + 43, 67 if network.context else 35
    depth = {2: "", 3: "10le", 4: ""}[scale]
    info = described(f"yuv420p{depth}", *((short, long) if scale == 3 else (long, short)), "left")
    frames = noise(2, info)
    whole = restored(network, info, frames)
    for number, box in enumerate(boxes(info)):
        part = restored(network, info, frames, box, tile=(0, 16)[number % 2])
        assert_equal(part, cut_out(whole, info, box, scale))


LAYOUTS = [
    ("gray10le", ""),
    ("yuv420p", "left"),
    ("yuv420p10le", "topleft"),
    ("yuv422p", "left"),
    ("yuv444p16le", ""),
    ("yuva420p", "left"),
    ("yuva422p10le", "topleft"),
    ("yuv440p", "center"),
    ("yuv411p", "left"),
    ("yuv410p", "topleft"),
    ("gbrp", ""),
    ("gbrap12le", ""),
]


@pytest.mark.parametrize("make_", [Interpolation, RgbBicubic, MAKE["espcn"]])
@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize(("layout", "siting"), LAYOUTS)
def test_a_crop_of_every_pixel_layout(
    layout: str, siting: str, scale: int, make_: Callable[[int], Network]
) -> None:
    network = make_(scale)
    info = described(layout, 77, 63, siting)
    frames = noise(1, info)
    whole = restored(network, info, frames)
    for number, box in enumerate(boxes(info)[scale % 2 :: 2]):
        part = restored(network, info, frames, box, tile=(0, 20)[number % 2])
        assert_equal(part, cut_out(whole, info, box, scale))


WIDE = described("yuv420p", 61, 45, "left")
WIDE_FRAMES = noise(2, WIDE)
SOFT = drawn(Espcn(2, (5, 3), (6,)), last=0.2)
SOFT_WHOLE = restored(SOFT, WIDE, WIDE_FRAMES)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_part_in_any_tiles(data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, 60)), data.draw(st.integers(0, 44))
    width, height = data.draw(st.integers(1, 61 - x)), data.draw(st.integers(1, 45 - y))
    box = pixels(WIDE, x, y, width, height)
    part = restored(SOFT, WIDE, WIDE_FRAMES, box, data.draw(st.integers(0, 40)))
    assert_equal(part, cut_out(SOFT_WHOLE, WIDE, box, 2))


@pytest.mark.parametrize("name", ["espcn", "vespcn", "light edsr"])
def test_a_crop_by_self_ensemble(name: str) -> None:
    network = MAKE[name](2)
    info = described("yuv420p", 150 if network.context else 70, 67, "left")
    frames = noise(2, info)
    whole = restored(network, info, frames, self_ensemble=True)
    for box in boxes(info)[2:5]:
        for tile in (0, 16):
            part = restored(network, info, frames, box, tile, self_ensemble=True)
            assert_equal(part, cut_out(whole, info, box, 2))


@pytest.mark.parametrize("name", [weights.name for weights in catalogue() if weights.scale == 2])
def test_a_crop_by_the_bundled_models(name: str) -> None:
    network = load_model(name, 2).network
    halo = Enlarger(network, described(), CPU).halo
    info = described("yuv420p", 2 * halo + 41, 67, "left")
    frames = noise(1, info)
    whole = restored(network, info, frames)
    for box in boxes(info)[3:5]:
        part = restored(network, info, frames, box, None)
        assert_equal(part, cut_out(whole, info, box, 2))


def test_the_matrix_is_that_of_the_whole() -> None:
    """Untagged colour of a high picture is BT.709's, and so is that of a low part."""
    info, other = (described("yuv444p", 12, 720, matrix=matrix) for matrix in (2, 6))
    frames = noise(1, info)
    box = pixels(info, 2, 300, 8, 8)
    network = MAKE["light edsr"](2)
    (whole,) = cut_out(restored(network, info, frames), info, box, 2)
    assert_equal(restored(network, info, frames, box), [whole])
    assert not whole.shows_same(restored(network, other, frames, box)[0])


def test_planes_hold_no_more_than_the_part() -> None:
    for tile in (0, 16):
        (frame, *_) = restored(SOFT, WIDE, WIDE_FRAMES, pixels(WIDE, 10, 10, 20, 20), tile)
        assert [plane.shape for plane in frame.planes] == [(40, 40), (20, 20), (20, 20)]
        assert all(plane.flags.c_contiguous for plane in frame.planes)


# In batches


@pytest.mark.parametrize("layout", ["yuv420p10le", "yuva420p", "yuv411p", "gbrap12le"])
@pytest.mark.parametrize("name", ["espcn", "vespcn", "rgb of 3"])
@pytest.mark.parametrize("lanes", [1, 2])
def test_batches_of_parts(layout: str, name: str, lanes: int) -> None:
    network = MAKE[name](2)
    info = described(layout, 42, 29, "left")
    pictures = noise(3, info)
    frames = [pictures[n] for n in (0, 1, 1, 2, 0)]
    whole = restored(network, info, frames)
    for number, box in enumerate(boxes(info), lanes):
        tile = (0, 16)[number % 2]
        tilers = [Tiler(Enlarger(network, info, CPU), tile, pytest.fail, box) for _ in range(lanes)]
        found = list(in_batches(windows(iter(frames), network.context), tilers, 2))
        assert_equal(found, cut_out(whole, info, box, 2))


# With less work


class Watched(Blend):
    """Remembers the size of all that it sees, and fails at more than `limit` pixels at a time."""

    def __init__(self, receptive_field: int, limit: int = 10**9) -> None:
        super().__init__(2, 0)
        self.receptive_field, self.limit = receptive_field, limit
        self.sizes: list[tuple[int, int, int]] = []

    def __deepcopy__(self, memo: object) -> Watched:
        return self  # what is seen is to be known outside

    def subpixel(self, x: Tensor) -> Tensor:
        count, _, height, width = x.shape
        self.sizes.append((count, height, width))
        if count * height * width > self.limit:
            raise MemoryError("Unable to allocate 1.01 GiB")
        return super().subpixel(x)


LARGE = described("gray", 200, 160)


@pytest.mark.parametrize("reach", [0, 4, 13])
@pytest.mark.parametrize("place", [(80, 60, 20, 16), (81, 63, 1, 1), (0, 0, 30, 8), (90, 70, 7, 9)])
def test_no_more_is_computed_than_the_part_and_what_it_depends_on(
    reach: int, place: tuple[int, int, int, int]
) -> None:
    network = Watched(2 * reach + 1)
    restored(network, LARGE, noise(3, LARGE), pixels(LARGE, *place))
    halo = Enlarger(network, LARGE, CPU).halo
    for count, height, width in network.sizes:
        assert count == 1
        assert width <= place[2] + 2 * (halo + 2 * GRID)
        assert height <= place[3] + 2 * (halo + 2 * GRID)
    assert len(network.sizes) == 3


def test_less_around_the_part_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    network = drawn(Espcn(2, (5,) * 6, (6,) * 5))  # it sees 12 pixels far
    info = described("gray16le", 64, 48)
    frames, box = noise(1, info), pixels(info, 24, 16, 16, 16)
    (expected,) = cut_out(restored(network, info, frames), info, box, 2)
    assert_equal(restored(network, info, frames, box), [expected])
    monkeypatch.setattr(Enlarger, "halo", property(lambda enlarger: 8))
    assert not expected.shows_same(restored(network, info, frames, box)[0])


@pytest.mark.parametrize("size", [3, 4])
def test_what_a_gpu_holds_at_once(size: int) -> None:
    """A batch is as large as was asked for, of parts alone."""
    network = Watched(1)
    box = pixels(LARGE, 40, 40, 24, 24)
    tiler = Tiler(Enlarger(network, LARGE, CPU), 0, pytest.fail, box)
    list(in_batches(windows(iter(noise(size, LARGE)), 0), [tiler], size))
    assert network.sizes == [(size, 24 + 16, 24 + 16)]
    assert tiler.part.seen_pixels == (24 + 16) ** 2


# When memory runs out


def smaller(*sizes: int) -> list[str]:
    return [f"out of memory on cpu: from here on in tiles of {size}" for size in sizes]


@pytest.mark.parametrize("together", [False, True], ids=["side by side", "in batches"])
@pytest.mark.parametrize(("limit", "sizes"), [(96 * 76, ()), (5000, (40,)), (2000, (40, 20))])
def test_parts_that_do_not_fit(limit: int, sizes: tuple[int, ...], together: bool) -> None:
    """The first tiles are half of the part, not of the frame."""
    frames, box = noise(3, LARGE), pixels(LARGE, 60, 40, 80, 60)
    expected = cut_out(restored(Blend(2, 0), LARGE, frames), LARGE, box, 2)
    said: list[str] = []
    tiler = Tiler(Enlarger(Watched(1, limit), LARGE, CPU), 0, said.append, box)
    seen = windows(iter(frames), 0)
    found = in_batches(seen, [tiler], 2) if together else side_by_side(seen, tiler, 2)
    assert_equal(list(found), expected)
    assert said == smaller(*sizes)


def test_a_crop_without_any_memory() -> None:
    network = Watched(1, 0)
    seen = iter(noise(1, LARGE))
    engine = Engine((CPU,), "fp32", 1, 0)
    with pytest.raises(DeviceError, match="even with tiles of 12 pixels; "):
        list(restore(seen, LARGE, model(network), engine, box=pixels(LARGE, 60, 40, 12, 9)))


def test_tiles_are_taken_where_the_part_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    enlarger = Enlarger(Espcn(2), described("yuv420p", 1920, 1080), CPU)
    part = pixels(enlarger.info, 400, 300, 200, 100)
    monkeypatch.setattr(tiles_module, "free_memory", lambda device: 2**28)
    whole = largest_tile(enlarger, 1)
    assert whole > 0
    assert largest_tile(enlarger, 1, part) == 0
    assert largest_tile(enlarger, 1, pixels(enlarger.info, 0, 0, 1800, 1000)) == whole


# Through the whole line

LOSSLESS = {"options": {"qp": "0", "preset": "ultrafast", "bf": "0"}}
RUN: dict[str, Any] = {"scale": 2, "codec": "ffv1", "precision": "fp32", "device": "cpu"}


@pytest.mark.parametrize("chosen", ["bicubic", "vespcn"])
def test_a_part_of_a_video(tmp_path: Path, chosen: str) -> None:
    """Two shots, and a picture that stands still: windows are those of the whole."""
    source = make(tmp_path / "in.mkv", Clip(64, 48, numbers=(0, 1, 1, -7, -8), pts=range(5)))
    whole, part = tmp_path / "whole.mkv", tmp_path / "part.mkv"
    vsr.upscale(source, whole, model=chosen, **RUN)
    result = vsr.upscale(source, part, model=chosen, crop="25%,25%,50%,50%", **RUN)
    assert result.frames_out == 5
    for large, found in zip(planes(whole), planes(part), strict=True):
        for n, (plane, its) in enumerate(zip(large, found, strict=True)):
            step = 1 if n == 0 else 2
            assert np.array_equal(its, plane[24 // step : 72 // step, 32 // step : 96 // step])


def test_a_part_of_an_image(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (33, 41, 3), np.uint8)
    source = tmp_path / "in.png"
    cv2.imwrite(str(source), picture)
    settings = {"scale": 3, "model": "bicubic", "device": "cpu", "precision": "fp32"}
    vsr.upscale(source, tmp_path / "whole.png", **settings)
    vsr.upscale(source, tmp_path / "part.png", crop="7,9,34,11", **settings)
    whole, part = (cv2.imread(str(tmp_path / name)) for name in ("whole.png", "part.png"))
    assert whole is not None
    assert np.array_equal(part, whole[27:60, 21:123])


def test_a_part_as_images(tmp_path: Path) -> None:
    """Untagged, and so high that it is BT.709, which the part alone would not be."""
    source = make(tmp_path / "in.mkv", Clip(64, 720, pts=range(2)))
    settings = {"scale": 2, "model": "bicubic", "device": "cpu", "precision": "fp32"}
    vsr.upscale(source, tmp_path / "whole", **settings)
    vsr.upscale(source, tmp_path / "part", crop="8,100,32,40", **settings)
    for name in sorted((tmp_path / "part").iterdir()):
        part, whole = cv2.imread(str(name)), cv2.imread(str(tmp_path / "whole" / name.name))
        assert whole is not None
        # Chroma is brought to luma's grid once more, by itself, so its border may differ.
        assert np.array_equal(part[8:-8, 8:-8], whole[208:272, 24:72])


def test_a_part_that_is_not_there(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(64, 48, pts=range(2)))
    with pytest.raises(InputError, match=r"^crop 60,0,5,5: reaches beyond the picture of 64x48"):
        vsr.upscale(source, tmp_path / "out.mp4", crop="60,0,5,5", **RUN)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize("right", [0, 90, 180, 270])
def test_the_part_that_is_pointed_at(tmp_path: Path, right: int) -> None:
    """OpenCV turns videos as players do: what it shows bright is what comes out."""
    cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[right // 90]
    turn = (cosine, sine, 0, -sine, cosine, 0, 0, 0)
    matrix = (*(n * 65536 for n in turn), 2**30)
    source = _marked(tmp_path / "in.mp4", matrix)
    shown = cv2.VideoCapture(str(source)).read()[1]
    assert shown is not None
    rows, columns = np.nonzero(shown[..., 1] > 128)
    assert len(rows) == 12 * 8  # upright or lying, the mark is whole
    place = columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1
    assert sorted(place[2:]) == [8, 12]

    def found(crop: str) -> np.ndarray:
        target = tmp_path / "out.mkv"
        vsr.upscale(source, target, model="nearest", crop=crop, overwrite=True, **RUN)
        return planes(target)[0][0]

    bright = found(",".join(map(str, place)))
    assert bright.shape == (16, 24)  # as it is stored
    assert (bright > 200).all()
    around = found(f"{place[0] - 2},{place[1] - 2},{place[2] + 4},{place[3] + 4}")
    assert (around > 200).sum() == bright.size
    assert around.shape == (24, 32)


def _marked(path: Path, matrix: Sequence[int]) -> Path:
    """A dark video with a bright mark of 12 x 8 pixels, stored at 40, 6."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=25, options=LOSSLESS["options"])
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_matrix(list(matrix))
        for number in range(2):
            luma = np.full((48, 64), 30, np.uint8)
            luma[6:14, 40:52] = 220
            chroma = np.full((24, 64), 128, np.uint8)
            frame = av.VideoFrame.from_ndarray(np.vstack([luma, chroma]), "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def test_a_cropped_run_of_the_command(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(64, 48, pts=range(2)))
    target = tmp_path / "out.mkv"
    chosen = ["--scale", 2, "--model", "bicubic", "--precision", "fp32", "--codec", "ffv1"]
    ran = command("upscale", source, target, *chosen, "--crop", "16,12,32,24")
    assert ran.code == 0, ran.err
    assert held(target).sizes == {(64, 48)}
    ran = command("upscale", source, tmp_path / "no.mkv", *chosen, "--crop", "60,0,50,5")
    says = "vsr: error: crop 60,0,50,5: reaches beyond the picture of 64x48 pixels\n"
    assert (ran.code, ran.err) == (1, says)
    ran = command("upscale", source, tmp_path / "no.mkv", *chosen, "--crop", "1,2,3")
    assert ran.code == 2
    assert "write X,Y,W,H" in ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mkv"]
