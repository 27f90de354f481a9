"""Choosing devices and precision, networks prepared for them, and frames restored."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.cli_runner import vsr
from support.clips import Clip, make
from support.noise_frames import assert_equal, described, model, noise
from support.random_weights import drawn
from support.rgb_networks import RgbBicubic

from vsr.core import threads as threads_module
from vsr.core.crop import Box
from vsr.core.errors import DeviceError
from vsr.core.frame import Frame, VideoInfo
from vsr.core.options import ComputeOptions, UpscaleOptions
from vsr.encoding.codecs import Encoding
from vsr.inference import engine as engine_module
from vsr.inference import tiles as tiles_module
from vsr.inference.devices import ALLOWED
from vsr.inference.engine import Engine, choose_engine, prepared, restore
from vsr.inference.ensemble import SelfEnsemble
from vsr.networks import Network
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.literature.lapsrn import Lapsrn
from vsr.networks.recurrent import Recurrent
from vsr.networks.vespcn import Vespcn

CPU = torch.device("cpu")
INFO = described("yuv420p", 22, 14)


def engine(workers: int = 2, precision: str = "fp32", **options: Any) -> Engine:
    return Engine((CPU,), precision, workers, **options)


def residual_espcn(scale: int = 2) -> Espcn:
    """An ESPCN as training leaves it: a small residual over the bicubic upscale."""
    return drawn(Espcn(scale, (5, 3, 3), (16, 8)), last=0.05)


def restored(
    network: Network, chosen: Engine, info: VideoInfo = INFO, source: list[Frame] | None = None
) -> list[Frame]:
    frames = noise(4, info) if source is None else source
    return list(restore(iter(frames), info, model(network), chosen))


# Frames


@pytest.mark.parametrize("network", [Interpolation(3), RgbBicubic(3), Vespcn(3, 4, 2)])
@pytest.mark.parametrize("tile", [None, 0, 8])
def test_all_but_the_planes_passes_through(network: Network, tile: int | None) -> None:
    source = noise(4, INFO)
    copies = [tuple(plane.copy() for plane in frame.planes) for frame in source]
    found = restored(network, engine(tile=tile), source=source)
    for frame, given, planes in zip(found, source, copies, strict=True):
        assert (frame.pts, frame.duration) == (given.pts, given.duration)
        assert [p.shape for p in frame.planes] == [(42, 66), (21, 33), (21, 33)]
        assert all(np.array_equal(*pair) for pair in zip(given.planes, planes, strict=True))


def test_an_engine_without_frames_gives_none() -> None:
    assert restored(Interpolation(2), engine(), source=[]) == []


@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("kind", [Espcn, Edsr])
def test_bfloat16_shows_by_a_step_or_two_at_most(name: str, kind: type[Network]) -> None:
    info = described(name, 22, 14)
    network = residual_espcn() if kind is Espcn else drawn(Edsr(2, 1, 8, light=True), last=0.01)
    exact = restored(network, engine(), info)
    rough = restored(network, engine(precision="bf16"), info)
    assert_equal(rough, exact, 2 * (info.format.peak + 1) // 256)
    if network.color == "y":  # chroma is float32 in any case
        for a, b in zip(exact, rough, strict=True):
            assert all(
                np.array_equal(*pair) for pair in zip(a.planes[1:], b.planes[1:], strict=True)
            )


def test_the_size_of_tiles_follows_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """By all workers' needs at once; what is said beforehand holds."""
    asked: list[int] = []
    sizes: list[int] = []

    def largest(enlarger: object, at_once: int, box: Box | None, _geometry: None) -> int:
        asked.append(at_once)
        return 20

    class Watched(tiles_module.Tiler):
        def __init__(self, enlarger: Any, size: int, *others: Any) -> None:
            sizes.append(size)
            super().__init__(enlarger, size, *others)

    monkeypatch.setattr(engine_module, "largest_tile", largest)
    monkeypatch.setattr(engine_module, "Tiler", Watched)
    for workers, tile in ((3, None), (2, 0), (1, 12)):
        restored(Interpolation(2), engine(workers, tile=tile))
    assert asked == [3]
    assert sizes == [20, 0, 12]


def test_self_ensemble_is_the_mean_of_positions() -> None:
    network = residual_espcn()
    found = restored(network, engine(self_ensemble=True))
    assert_equal(found, restored(SelfEnsemble(network), engine()))
    plain = restored(network, engine())
    assert not np.array_equal(found[0].planes[0], plain[0].planes[0])


# Networks prepared


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("ensemble", [False, True])
def test_preparing_leaves_the_network_alone(precision: str, ensemble: bool) -> None:
    network = residual_espcn()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    ready = prepared(network, engine(1, precision, self_ensemble=ensemble))
    assert isinstance(ready, SelfEnsemble) == ensemble
    assert (ready.scale, ready.receptive_field) == (network.scale, network.receptive_field)
    inner = ready.network if isinstance(ready, SelfEnsemble) else ready
    assert not any(module.training for module in inner.modules())
    assert not any(parameter.requires_grad for parameter in ready.parameters())
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    assert {parameter.dtype for parameter in ready.parameters()} == {dtype}
    assert {buffer.dtype for buffer in ready.buffers()} == {torch.float32}
    for name, value in network.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("network", [residual_espcn(), RgbBicubic(2)])
@pytest.mark.parametrize("ensemble", [False, True])
def test_what_is_compiled_is_what_runs(
    network: Network, ensemble: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []

    def counting(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        def compiled(*inputs: Any) -> Any:
            runs.append(function.__name__)
            return function(*inputs)

        return compiled

    monkeypatch.setattr(torch, "compile", counting)
    chosen = engine(compiled=True, self_ensemble=ensemble, tile=0)
    found = restored(network, chosen, source=noise(3, INFO))
    assert len(runs) >= 3 * (8 if ensemble else 1)
    plain = restored(network, engine(self_ensemble=ensemble), source=noise(3, INFO))
    assert_equal(found, plain)


@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [
        Espcn(2, (3, 3), (8,)),
        Edsr(2, 1, 4, light=True),
        Edsr(4, 1, 4),
        Vespcn(2, 4, 2, flow_features=4),
    ],
)
def test_a_network_is_compiled_in_one_piece(network: Network) -> None:
    """Nothing in it makes torch.compile stop and begin anew."""
    ready = prepared(drawn(network), engine())
    frames = (2 * network.context + 1) * (3 if network.color == "rgb" else 1)
    x = torch.rand(1, frames, 16, 20)
    torch.compiler.reset()
    compiled = torch.compile(ready, backend="eager", fullgraph=True, dynamic=False)
    with torch.inference_mode():
        torch.testing.assert_close(compiled(x), ready(x), atol=1e-3, rtol=0)


@pytest.mark.slow
def test_levels_are_compiled() -> None:
    """The second level's picture is the first one's output: Inductor could not pad that."""
    if not engine_module._has_compiler(torch.device("cpu")):
        pytest.skip("no C++ compiler")
    network = drawn(Lapsrn(4, 1, 4))
    ready = prepared(network, choose_engine(ComputeOptions(device="cpu", compiled=True)))
    x = torch.rand(1, 1, 9, 11)
    with torch.inference_mode():
        torch.testing.assert_close(ready(x), network(x), atol=2e-2, rtol=0)


# The choice


def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def refused(device: str, precision: Any = "auto", **options: Any) -> str:
    with pytest.raises(DeviceError) as caught:
        choose_engine(ComputeOptions(device=device, precision=precision, **options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("bf16", [True, False])
def test_auto_without_a_gpu(monkeypatch: pytest.MonkeyPatch, bf16: bool) -> None:
    no_gpu(monkeypatch)
    monkeypatch.setattr(engine_module, "_cpu_has_bf16", lambda: bf16)
    chosen = choose_engine()
    assert (
        chosen
        == choose_engine(ComputeOptions(device="cpu"))
        == choose_engine(ComputeOptions(device="cpu:0"))
    )
    assert (chosen.devices, chosen.precision) == ((CPU,), "bf16" if bf16 else "fp32")
    assert chosen.device == CPU
    assert 1 <= chosen.workers <= (os.cpu_count() or 1)
    assert (chosen.tile, chosen.self_ensemble, chosen.compiled) == (None, False, False)
    assert choose_engine(ComputeOptions(precision="fp32")).precision == "fp32"
    assert choose_engine(ComputeOptions(precision="bf16")).precision == "bf16"


def cuda(*numbers: int) -> tuple[torch.device, ...]:
    return tuple(torch.device("cuda", number) for number in numbers)


def test_auto_with_gpus(two_gpus: None) -> None:
    chosen = choose_engine()
    assert (chosen.devices, chosen.precision) == (cuda(0), "fp16")
    chosen = choose_engine(ComputeOptions(device="cuda:1", precision="fp32"))
    assert (chosen.devices, chosen.precision) == (cuda(1), "fp32")
    assert choose_engine(ComputeOptions(device="cuda")).devices == cuda(0)
    assert choose_engine(ComputeOptions(device="cpu")).devices == (CPU,)
    assert refused("cuda:2") == "device 'cuda:2' is not there: this machine has 2 CUDA GPUs"


@pytest.mark.parametrize("names", ["cuda:0,cuda:1", "cuda, cuda:1", " auto ,cuda:1"])
def test_several_gpus(two_gpus: None, names: str) -> None:
    chosen = choose_engine(ComputeOptions(device=names))
    assert chosen.devices == cuda(0, 1)
    assert chosen.device == cuda(0)[0]
    assert choose_engine(ComputeOptions(device="cuda:1,cuda:0")).devices == cuda(1, 0)


@pytest.mark.parametrize(
    "names",
    ["cuda:0,cuda:0", "cuda,cuda:0", "auto,cuda", "cpu,cpu", "cuda,cpu", "cpu:0,cuda", "cpu,cpu:0"],
)
def test_devices_that_cannot_take_turns(two_gpus: None, names: str) -> None:
    assert refused(names) == f"device {names!r}: several must be different GPUs of one type"


@pytest.mark.parametrize(
    ("names", "bad"), [("cuda:0,gpu", "gpu"), ("cuda:0,", ""), (",", ""), ("cuda:0;cuda:1",) * 2]
)
def test_one_of_several_is_unknown(two_gpus: None, names: str, bad: str) -> None:
    assert refused(names) == f"unknown device {bad!r}: {ALLOWED}"


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7"])
def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    no_gpu(monkeypatch)
    assert refused(name) == f"device {name!r} is not there: this machine has 0 CUDA GPUs"


@pytest.mark.parametrize(
    "name", ["gpu", "tpu", "mps:1", "meta", "", "cuda:x", "cuda:-1", "CPU", "igpu:1", "cpu:1"]
)
def test_an_unknown_device(name: str) -> None:
    assert refused(name) == f"unknown device {name!r}: {ALLOWED}"


@pytest.mark.parametrize("precision", ["fp8", "float32", "", "FP32"])
def test_an_unknown_precision(precision: str) -> None:
    known = ", ".join(engine_module.PRECISIONS)
    assert refused("cpu", precision) == f"precision {precision!r}: must be one of auto, {known}"


def test_half_precision_needs_a_gpu() -> None:
    expected = "precision fp16 needs a GPU: on the CPU choose bf16 or fp32"
    assert refused("cpu", "fp16") == expected


@pytest.mark.parametrize("vnni", [True, False])
def test_bytes_need_a_cpu_for_them(
    two_gpus: None, monkeypatch: pytest.MonkeyPatch, vnni: bool
) -> None:
    monkeypatch.setattr(engine_module, "_cpu_has_int8", lambda: vnni)
    said = "precision int8 needs a CPU with VNNI instructions: choose another"
    assert refused("cuda", "int8") == said
    if vnni:
        assert choose_engine(ComputeOptions(device="cpu", precision="int8")).precision == "int8"
    else:
        assert refused("cpu", "int8") == said


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("found", [True, False])
def test_compiling_needs_a_compiler(
    two_gpus: None, monkeypatch: pytest.MonkeyPatch, device: str, found: bool
) -> None:
    monkeypatch.setattr(engine_module.shutil, "which", lambda name: "/bin/cc" if found else None)
    monkeypatch.setattr(engine_module, "find_spec", lambda name: object() if found else None)
    if found:
        assert choose_engine(ComputeOptions(device=device, compiled=True)).compiled
    else:
        said = "compiling needs a C++ compiler on CPUs and Triton on GPUs: none found"
        assert refused(device, compiled=True) == said


def test_an_engines_number_of_threads() -> None:
    assert choose_engine(ComputeOptions(device="cpu", threads=7)).workers == 7
    assert (
        choose_engine(ComputeOptions(device="cpu", threads=0)).workers
        == choose_engine(ComputeOptions(device="cpu")).workers
    )
    assert refused("cpu", threads=-1) == (
        "threads -1: must be a whole number of 0 to 1024, or a part of them such as 0.5"
    )


@pytest.mark.parametrize("threads", [1.0, 1.5, -0.5, 0.0, 1e-9, "0.5", True])
def test_a_part_of_the_cores_is_below_all_of_them(threads: Any) -> None:
    assert "a part of them such as 0.5" in refused("cpu", threads=threads)


def test_the_network_and_the_encoder_take_the_same_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads_module, "cores", lambda: 9)
    for part, expected in ((0.5, 4), (0.01, 1), (Fraction(2, 3), 6), (0, 9), (7, 7)):
        options = UpscaleOptions.of(device="cpu", threads=part)
        assert choose_engine(options.compute).workers == expected
        assert Encoding.of(options).threads == expected


def test_a_device_of_any_length_is_told_in_a_short_line() -> None:
    assert len(refused("cuda:" + "9" * 5000)) < 120


def test_an_engines_size_of_tiles() -> None:
    assert [
        choose_engine(ComputeOptions(device="cpu", tile=tile)).tile for tile in (None, 0, 1, 64)
    ] == [None, 0, 1, 64]
    assert refused("cpu", tile=-1) == "tile -1: must be auto, 0 or a number of pixels up to 65536"


# A GPU


@pytest.fixture
def little_gpu_memory() -> Iterator[None]:
    """Of all that a GPU has, room for hardly more than a network."""
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(100 * 2**20 / whole, 0)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0, 0)


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
NETWORKS = [
    residual_espcn(),
    drawn(Vespcn(2, 8, 3, flow_features=8), last=0.05),
    drawn(Edsr(2, 1, 16, light=True), last=0.05),
    drawn(Recurrent(2, 8, 1), last=0.02),
]


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le", "yuv444p16le", "gray"])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("tile", [None, 0, 64])
def test_a_gpu_gives_what_the_cpu_gives(
    name: str, precision: str, network: Network, tile: int | None
) -> None:
    info = described(name, 150, 70, "left")
    expected = restored(network, engine(), info)
    found = restored(
        network, choose_engine(ComputeOptions(device="cuda", precision=precision, tile=tile)), info
    )
    steps = max(1, (info.format.peak + 1) // (2**11 if precision == "fp32" else 2**6))
    assert_equal(found, expected, steps)
    if network.color == "y":  # chroma is float32 in any case
        for a, b in zip(found, expected, strict=True):
            for plane, other in zip(a.planes[1:], b.planes[1:], strict=True):
                assert np.abs(plane.astype(int) - other).max() <= 1


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("network", NETWORKS)
def test_a_gpu_with_little_memory(network: Network, little_gpu_memory: None) -> None:
    info = described("yuv420p", 1600, 1000, "left")
    said: list[str] = []
    frames = noise(3, info)
    seen = iter(frames)
    chosen = choose_engine(ComputeOptions(device="cuda", precision="fp32", tile=0))
    found = list(restore(seen, info, model(network), chosen, said.append))
    assert said
    assert all(
        line.startswith("out of memory on cuda:0: from here on in tiles of") for line in said
    )
    assert_equal(found, restored(network, engine(), info, frames), 1)


class _CompilerError(Exception):
    """As those of torch's compilers are: of no common kind."""


_CompilerError.__module__ = "torch._inductor.exc"


def _failing(error: Exception) -> Callable[..., Any]:
    def compile_(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        def compiled(*inputs: Any) -> Any:
            raise error

        return compiled

    return compile_


@pytest.mark.parametrize("make", [residual_espcn, lambda: Vespcn(2, 4, 2, flow_features=4)])
@pytest.mark.parametrize(
    ("error", "said"),
    [(_CompilerError("\nno kernel\n\nSet TORCH_LOGS"), "no kernel"), (_CompilerError(), "_Comp")],
)
def test_where_compiling_fails_one_line_names_the_option(
    make: Callable[[], Network], error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", _failing(error))
    with pytest.raises(DeviceError) as raised:
        restored(make(), engine(compiled=True, tile=0), source=noise(3, INFO))
    line = str(raised.value)
    assert line.startswith(f"torch.compile failed ({said}")
    assert line.endswith("); go without --compile")
    assert (raised.value.__notes__, raised.value.__cause__) == (
        ["in Python: compiled=False"],
        error,
    )


def test_where_there_is_no_compiling_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.version_info", (99, 0))
    with pytest.raises(DeviceError, match=r"^torch\.compile failed \(.*not supported on Python"):
        prepared(residual_espcn(), engine(compiled=True))


def test_other_errors_are_not_those_of_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", _failing(ValueError("a slip of ours")))
    with pytest.raises(ValueError, match="a slip of ours"):
        restored(residual_espcn(), engine(compiled=True, tile=0), source=noise(3, INFO))


@pytest.mark.slow
def test_a_broken_compiler_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "c++"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    source = make(tmp_path / "in.mp4", Clip(64, 48, pts=range(0, 3 * 512, 512)))
    words = ("-m", "espcn", "-s", 2, "-d", "cpu", "--compile")
    monkeypatch.setenv("CXX", str(broken))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    ran = vsr("upscale", source, tmp_path / "out.mkv", *words)
    assert (ran.code, ran.err.count("vsr: ")) == (1, 1), ran.err
    assert "vsr: error: torch.compile failed (" in ran.err
    assert ran.err.endswith("; go without --compile\n")
    assert not (tmp_path / "out.mkv").exists()
