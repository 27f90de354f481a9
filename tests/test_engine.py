"""Choosing a device, and frames side by side: order, exactness, and a clean way out."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from blend import Blend, blend
from torch import Tensor

from vsr.errors import DeviceError
from vsr.inference import engine as engine_module
from vsr.inference.engine import Engine, choose_engine, enlarge_luma, prepared, restore
from vsr.inference.windows import windows
from vsr.networks import Network
from vsr.networks.baselines import Interpolation
from vsr.networks.catalogue import Model, Weights
from vsr.networks.espcn import Espcn
from vsr.video.color import enlarge_chroma
from vsr.video.frame import PIXEL_FORMATS, Frame, VideoInfo

CPU = torch.device("cpu")
WIDTH, HEIGHT = 22, 14
INFO = VideoInfo(WIDTH, HEIGHT, Fraction(1, 25), PIXEL_FORMATS["yuv420p"])


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Torch's thread count is put back, and no thread of the pool outlives its frames."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        yield
        assert torch.get_num_threads() == 2
        assert pool_threads() == []
    finally:
        torch.set_num_threads(before)


def pool_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("vsr-network")]


def engine(workers: int = 1, precision: str = "fp32", device: torch.device = CPU) -> Engine:
    return Engine(device, precision, workers)


def model(network: Network) -> Model:
    return Model(Weights("test", network.scale, "test"), network)


def residual_espcn(scale: int = 2) -> Espcn:
    """An ESPCN as training leaves it: a small residual over the bicubic upscale."""
    random = torch.Generator().manual_seed(7)
    network = Espcn(scale, (5, 3, 3), (16, 8))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.05)
    return network.eval()


def frames(count: int, info: VideoInfo = INFO) -> list[Frame]:
    """Noise, smoothed a little; pts are uneven."""
    random, made = np.random.default_rng(4), []
    for number in range(count):
        planes = []
        for index in range(info.format.planes):
            size = info.format.plane_size(index, info.width, info.height)
            noise = random.random(size)
            noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / 3
            planes.append((noise * info.format.peak).astype(info.format.dtype))
        made.append(Frame(tuple(planes), number * number + 3, number + 1))
    return made


def assert_equal(found: list[Frame], expected: list[Frame]) -> None:
    for a, b in zip(found, expected, strict=True):
        assert (a.pts, a.duration) == (b.pts, b.duration)
        for plane, other in zip(a.planes, b.planes, strict=True):
            assert plane.dtype == other.dtype
            assert np.array_equal(plane, other)


class Slow(Interpolation):
    """Takes the longer, the darker the picture is."""

    def phases(self, x: Tensor) -> Tensor:
        time.sleep(0.03 * (1 - float(x.max())))
        return super().phases(x)


class Failing(Interpolation):
    """Fails at a picture whose first sample is 13."""

    def phases(self, x: Tensor) -> Tensor:
        if round(float(x[0, 0, 0, 0]) * 255) == 13:
            raise RuntimeError("frame 13")
        return super().phases(x)


def numbered(count: int) -> list[Frame]:
    """Grey frames; frame n has samples of n * 250 / count in luma, and pts n."""
    planes = [INFO.format.plane_size(i, WIDTH, HEIGHT) for i in range(3)]
    return [Frame(tuple(np.full(size, n, np.uint8) for size in planes), n) for n in range(count)]


# Frames side by side


@pytest.mark.parametrize("workers", [1, 2, 5, 50])
def test_order_is_kept(workers: int) -> None:
    bright_last = [replace(f, planes=tuple(p * 8 for p in f.planes)) for f in numbered(30)]
    found = list(restore(windows(iter(bright_last), 0), INFO, model(Slow(2)), engine(workers)))
    assert [frame.pts for frame in found] == list(range(30))
    for frame in found:
        for plane in frame.planes:
            assert (plane == frame.pts * 8).all()


@pytest.mark.parametrize("workers", [2, 3, 8])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_frame_does_not_depend_on_its_neighbours(workers: int, precision: str) -> None:
    source = frames(9)
    network = model(residual_espcn())
    alone = [
        frame
        for one in source
        for frame in restore(windows(iter([one]), 0), INFO, network, engine(1, precision))
    ]
    assert_equal(
        list(restore(windows(iter(source), 0), INFO, network, engine(workers, precision))), alone
    )


def test_all_but_the_planes_passes_through() -> None:
    source = frames(4)
    found = list(restore(windows(iter(source), 0), INFO, model(Interpolation(3)), engine(2)))
    for frame, given in zip(found, source, strict=True):
        assert (frame.pts, frame.duration) == (given.pts, given.duration)
        assert [p.shape for p in frame.planes] == [(42, 66), (21, 33), (21, 33)]


def test_the_frames_that_go_in_are_not_written_to() -> None:
    source = frames(3)
    copies = [tuple(plane.copy() for plane in frame.planes) for frame in source]
    list(restore(windows(iter(source), 0), INFO, model(residual_espcn()), engine(2)))
    for frame, planes in zip(source, copies, strict=True):
        for plane, copy in zip(frame.planes, planes, strict=True):
            assert np.array_equal(plane, copy)


def test_no_frames() -> None:
    assert list(restore(windows(iter(()), 0), INFO, model(Interpolation(2)), engine(2))) == []


def test_no_more_frames_are_held_than_workers_and_one() -> None:
    drawn = 0

    def source() -> Iterator[Frame]:
        nonlocal drawn
        for frame in numbered(20):
            drawn += 1
            yield frame

    for given, _ in enumerate(
        restore(windows(source(), 0), INFO, model(Interpolation(2)), engine(3)), 1
    ):
        assert drawn <= given + 3
    assert drawn == 20


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_in_a_frame_comes_out_in_its_place(workers: int) -> None:
    found = []
    with pytest.raises(RuntimeError, match="frame 13"):
        for frame in restore(
            windows(iter(numbered(30)), 0), INFO, model(Failing(2)), engine(workers)
        ):
            found.append(frame.pts)
    assert found == list(range(13))
    assert pool_threads() == []


def test_an_error_in_the_source_comes_out() -> None:
    def source() -> Iterator[Frame]:
        yield from numbered(5)
        raise LookupError("from the source")

    with pytest.raises(LookupError, match="from the source"):
        list(restore(windows(source(), 0), INFO, model(Interpolation(2)), engine(2)))
    assert pool_threads() == []


def test_leaving_early_shuts_the_pool_down() -> None:
    running = restore(windows(iter(numbered(30)), 0), INFO, model(Interpolation(2)), engine(2))
    assert next(running).pts == 0
    assert pool_threads() != []
    assert torch.get_num_threads() == 1
    running.close()  # type: ignore[attr-defined]


def test_one_thread_of_torch_for_each_frame() -> None:
    counts: list[int] = []

    class Counting(Interpolation):
        def phases(self, x: Tensor) -> Tensor:
            counts.append(torch.get_num_threads())
            return super().phases(x)

    list(restore(windows(iter(numbered(8)), 0), INFO, model(Counting(2)), engine(3)))
    assert counts == [1] * 8


# Several frames in


def blended(planes: list[np.ndarray], scale: int) -> np.ndarray:
    """What Blend makes of a window, in double precision, not rounded."""
    weights = np.arange(1, len(planes) + 1)
    mean = np.tensordot(weights / weights.sum(), np.stack(planes).astype(float), 1)
    return mean.repeat(scale, 0).repeat(scale, 1)


@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le", "gray", "gray16le"])
@pytest.mark.parametrize("context", [0, 1, 2])
def test_the_network_sees_the_window_oldest_first(name: str, context: int) -> None:
    info = replace(INFO, format=PIXEL_FORMATS[name])
    source = frames(6, info)
    found = list(restore(windows(iter(source), context), info, blend(context, 3), engine(2)))
    for n, (frame, given) in enumerate(zip(found, source, strict=True)):
        near = [min(max(k, 0), 5) for k in range(n - context, n + context + 1)]
        exact = blended([source[k].planes[0] for k in near], 3)
        assert frame.planes[0].dtype == info.format.dtype
        assert np.abs(frame.planes[0] - exact).max() <= 0.5 + info.format.peak * 1e-6
        assert (frame.pts, frame.duration) == (given.pts, given.duration)
        chroma = enlarge_chroma(given.planes[1:], info, 3)  # of the middle frame alone
        for plane, expected in zip(frame.planes[1:], chroma, strict=True):
            assert np.array_equal(plane, expected)


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("context", [0, 1, 2])
def test_a_picture_is_computed_once_and_shown_each_time(context: int, workers: int) -> None:
    runs: list[int] = []

    class Counting(Blend):
        def phases(self, x: Tensor) -> Tensor:
            runs.append(round(float(x[0, context, 0, 0]) * 255))
            return super().phases(x)

    values = [7, 7, 9, 3, 3, 3, 3, 3, 3, 7, 8, 8]
    source = [
        replace(frame, planes=tuple(np.full_like(plane, value) for plane in frame.planes))
        for frame, value in zip(frames(len(values)), values, strict=True)
    ]
    network = model(Counting(2, context))
    found = list(restore(windows(iter(source), context), INFO, network, engine(workers)))
    assert sorted(runs) == [3, 7, 7, 8, 9]
    assert [(f.pts, f.duration) for f in found] == [(f.pts, f.duration) for f in source]
    for frame, value in zip(found, values, strict=True):
        assert (frame.planes[1] == value).all()
    for n in range(1, len(values)):
        assert found[n].shows_same(found[n - 1]) == (values[n] == values[n - 1])


# What comes out


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "yuv444p16le", "gray", "gray12le"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_float32_is_the_network_rounded(name: str, scale: int) -> None:
    info = replace(INFO, format=PIXEL_FORMATS[name])
    network = residual_espcn(scale)
    for given, found in zip(
        source := frames(2, info),
        restore(windows(iter(source), 0), info, model(network), engine(2)),
        strict=True,
    ):
        peak = info.format.peak
        luma = torch.from_numpy(given.planes[0].astype(np.float32) / np.float32(peak))
        with torch.inference_mode():
            exact = network(luma[None, None])[0, 0].double().numpy() * peak
        exact = exact.clip(0, peak)
        assert found.planes[0].dtype == info.format.dtype
        # half a step of rounding, and what float32 sums differ by
        assert np.abs(found.planes[0] - exact).max() <= 0.5 + peak * 2e-6
        chroma = enlarge_chroma(given.planes[1:], info, scale)
        for plane, expected in zip(found.planes[1:], chroma, strict=True):
            assert np.array_equal(plane, expected)


@pytest.mark.parametrize("value", [0, 1, 16, 127, 235, 255])
def test_flat_luma_stays_flat(value: int) -> None:
    plane = np.full((9, 12), value, np.uint8)
    for network in (Interpolation(2), Interpolation(3, "nearest"), Espcn(4, (3, 3), (4,))):
        assert (enlarge_luma(network, [plane], 255, CPU) == value).all()


def test_overshoot_is_cut_and_does_not_wrap() -> None:
    plane = np.zeros((16, 16), np.uint8)
    plane[:, 8:] = 255
    large = enlarge_luma(Interpolation(4), [plane], 255, CPU)
    assert (large[:, :28] < 60).all()
    assert (large[:, 36:] > 195).all()
    assert (large.min(), large.max()) == (0, 255)


@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le"])
def test_bfloat16_shows_by_a_step_or_two_at_most(name: str) -> None:
    info = replace(INFO, format=PIXEL_FORMATS[name])
    source, network = frames(3, info), model(residual_espcn())
    exact = list(restore(windows(iter(source), 0), info, network, engine(2)))
    rough = list(restore(windows(iter(source), 0), info, network, engine(2, "bf16")))
    steps = 2 * (info.format.peak + 1) // 256
    for a, b in zip(exact, rough, strict=True):
        assert np.abs(a.planes[0].astype(int) - b.planes[0].astype(int)).max() <= steps
        for plane, same in zip(a.planes[1:], b.planes[1:], strict=True):
            assert np.array_equal(plane, same)  # chroma is float32 in any case


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_preparing_leaves_the_network_alone(precision: str) -> None:
    network = residual_espcn()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    ready = prepared(network, engine(1, precision))
    assert not any(parameter.requires_grad for parameter in ready.parameters())
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    assert {parameter.dtype for parameter in ready.parameters()} == {dtype}
    assert {buffer.dtype for buffer in ready.buffers()} == {torch.float32}
    for name, value in network.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, before[name])


# The choice


def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize("bf16", [True, False])
def test_auto_without_a_gpu(monkeypatch: pytest.MonkeyPatch, bf16: bool) -> None:
    no_gpu(monkeypatch)
    monkeypatch.setattr(engine_module, "_cpu_has_bf16", lambda: bf16)
    chosen = choose_engine()
    assert chosen == choose_engine("cpu")
    assert (chosen.device, chosen.precision) == (CPU, "bf16" if bf16 else "fp32")
    assert 1 <= chosen.workers <= (os.cpu_count() or 1)
    assert choose_engine(precision="fp32").precision == "fp32"
    assert choose_engine(precision="bf16").precision == "bf16"


def test_auto_with_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_engine() == Engine(torch.device("cuda:0"), "fp16", 1)
    assert choose_engine("cuda:1", "fp32") == Engine(torch.device("cuda:1"), "fp32", 1)
    assert choose_engine("cpu").device == CPU
    with pytest.raises(DeviceError) as caught:
        choose_engine("cuda:2")
    assert str(caught.value) == "device 'cuda:2' is not there: this machine has 2 CUDA GPUs"


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7"])
def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    no_gpu(monkeypatch)
    with pytest.raises(DeviceError) as caught:
        choose_engine(name)
    assert str(caught.value) == f"device {name!r} is not there: this machine has 0 CUDA GPUs"


@pytest.mark.parametrize("name", ["gpu", "tpu", "mps", "meta", "", "cuda:x", "cuda:-1", "CPU"])
def test_an_unknown_device(name: str) -> None:
    with pytest.raises(DeviceError) as caught:
        choose_engine(name)
    assert str(caught.value) == f"unknown device {name!r}: auto, cpu, cuda or cuda:N"


@pytest.mark.parametrize("precision", ["fp8", "float32", "", "FP32"])
def test_an_unknown_precision(precision: str) -> None:
    with pytest.raises(DeviceError) as caught:
        choose_engine("cpu", precision)
    assert str(caught.value) == f"unknown precision {precision!r}: auto, fp32, bf16, fp16"


def test_half_precision_needs_a_gpu() -> None:
    with pytest.raises(DeviceError) as caught:
        choose_engine("cpu", "fp16")
    assert str(caught.value) == "precision fp16 needs a GPU: on the CPU choose bf16 or fp32"


# A GPU


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_gpu_gives_what_the_cpu_gives(name: str, precision: str) -> None:
    info = replace(INFO, format=PIXEL_FORMATS[name])
    source, network = frames(5, info), model(residual_espcn())
    expected = restore(windows(iter(source), 0), info, network, engine(1))
    found = restore(windows(iter(source), 0), info, network, choose_engine("cuda", precision))
    steps = 2 * (info.format.peak + 1) // 256
    for a, b in zip(expected, found, strict=True):
        assert a.pts == b.pts
        for plane, other in zip(a.planes, b.planes, strict=True):
            assert plane.dtype == other.dtype
            assert np.abs(plane.astype(int) - other.astype(int)).max() <= steps
