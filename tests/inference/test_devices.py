"""The table of devices: names, what is there, memory, and the ways that frames take."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.fake_devices import PLACE, fake_gpu
from support.noise_frames import assert_equal, described, noise
from support.random_weights import drawn

from vsr.core import resample
from vsr.core.errors import DeviceError
from vsr.core.frame import Frame, VideoInfo
from vsr.core.geometry import Geometry, geometry_of
from vsr.core.options import ComputeOptions
from vsr.core.picture import PictureOptions
from vsr.inference import devices, openvino_runtime
from vsr.inference.devices import (
    ALLOWED,
    DEVICE_TYPES,
    name_of,
    named,
    release,
    says_out_of_memory,
    title,
    type_of,
)
from vsr.inference.engine import Engine, choose_engine, prepared, restore, torch_device
from vsr.inference.memory import free_memory, is_out_of_memory
from vsr.networks import Network
from vsr.networks.catalogue import ModelCard
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.model import Model
from vsr.networks.recurrent import Recurrent

CPU = torch.device("cpu")
MIB = 2**20


@pytest.fixture
def xpus(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two of Intel's GPUs, and what was called of their module."""
    called: list[str] = []
    monkeypatch.setattr(torch.xpu, "is_available", lambda: True)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 2)
    monkeypatch.setattr(torch.xpu, "get_device_name", lambda device: f"Arc {device.index}")
    monkeypatch.setattr(torch.xpu, "memory_allocated", lambda device: 10 * MIB)
    monkeypatch.setattr(torch.xpu, "memory_reserved", lambda device: 30 * MIB)
    monkeypatch.setattr(torch.xpu, "mem_get_info", lambda device: (100 * MIB, 500 * MIB))
    monkeypatch.setattr(torch.xpu, "empty_cache", lambda: called.append("empty_cache"))
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda device: called.append(str(device)))
    return called


@pytest.fixture
def mps(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of Apple's GPUs."""
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 90 * MIB)
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 20 * MIB)


def chosen(device: str, precision: Any = "auto", **options: Any) -> Engine:
    return choose_engine(ComputeOptions(device=device, precision=precision, **options))


def refused(device: str, precision: Any = "auto", **options: Any) -> str:
    with pytest.raises(DeviceError) as caught:
        chosen(device, precision, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Names


def test_the_table_is_by_name() -> None:
    assert list(DEVICE_TYPES) == ["cpu", "cuda", "xpu", "mps", "igpu"]
    for name, kind in DEVICE_TYPES.items():
        assert kind.name == name
        assert kind.half in kind.precisions
        assert kind.precisions[0] == "fp32"
        assert name in ALLOWED


def test_intels_gpus(xpus: list[str]) -> None:
    one = chosen("xpu:1")
    assert (one.devices, one.precision, one.name) == ((torch.device("xpu", 1),), "fp16", "xpu:1")
    assert chosen("xpu", "bf16").name == "xpu:0"
    assert chosen("xpu:0,xpu:1").name == "xpu:0,xpu:1"
    assert refused("xpu:2") == "device 'xpu:2' is not there: this machine has 2 Intel GPUs"
    assert title(named("xpu:1")) == "Arc 1 (xpu:1)"


def test_apples_gpu(mps: None) -> None:
    one = chosen("mps")
    assert (one.devices, one.precision, one.name) == ((torch.device("mps"),), "fp16", "mps")
    assert chosen("mps:0").devices == one.devices
    assert refused("mps", "bf16") == "precision bf16 is not for device mps: choose fp32 or fp16"
    assert refused("mps,mps").startswith("device 'mps,mps': several must be different GPUs")
    assert title(one.device) == "Apple GPU (mps)"


def test_no_gpu_is_taken_by_itself_but_cuda(
    xpus: list[str], mps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen("auto").name == "cpu"


def test_gpus_of_two_types_do_not_take_turns(
    xpus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert "different GPUs of one type" in refused("cuda:0,xpu:0")


@pytest.mark.parametrize("name", ["mps", "xpu", "xpu:3"])
def test_what_is_not_there(name: str) -> None:
    if DEVICE_TYPES[name.partition(":")[0]].count():
        pytest.skip("it is there")
    assert f"device '{name}' is not there: this machine has 0 " in refused(name)


def test_igpu_without_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_runtime, "find_spec", lambda name: None)
    openvino_runtime.gpu.cache_clear()
    said = "device 'igpu' is not there: OpenVINO is not installed: pip install 'vsr-video[igpu]'"
    assert refused("igpu") == said
    openvino_runtime.gpu.cache_clear()


class Core:
    """OpenVINO on a machine with these devices: their names, and of which type each is."""

    def __init__(self, types: dict[str, str]) -> None:
        self.types = types
        self.available_devices = list(types)

    def get_property(self, name: str, key: str) -> str:
        return {"DEVICE_TYPE": self.types[name], "FULL_DEVICE_NAME": "Iris (iGPU)"}[key]


@pytest.mark.parametrize(
    ("types", "found"),
    [
        ({"CPU": "Type.INTEGRATED"}, ""),
        ({"CPU": "Type.INTEGRATED", "GPU": "Type.INTEGRATED"}, "GPU"),
        ({"CPU": "", "GPU.0": "Type.DISCRETE", "GPU.1": "Type.INTEGRATED"}, "GPU.1"),
        ({"CPU": "", "GPU": "Type.DISCRETE"}, ""),
    ],
)
def test_which_of_openvinos_devices(
    monkeypatch: pytest.MonkeyPatch, types: dict[str, str], found: str
) -> None:
    monkeypatch.setattr(openvino_runtime, "find_spec", lambda name: object())
    monkeypatch.setattr(openvino_runtime, "_core", lambda: Core(types))
    openvino_runtime.gpu.cache_clear()
    if found:
        one = chosen("igpu")
        assert (one.name, one.precision, one.device.type) == ("igpu", "fp16", "cpu")
        assert openvino_runtime.gpu() == found
        assert title(one.device) == "Iris (iGPU) (igpu)"
        assert "compiling needs" in refused("igpu", compiled=True)
        with pytest.raises(DeviceError, match="'igpu' enlarges, and does not learn"):
            torch_device("igpu")
    else:
        assert "OpenVINO finds no integrated Intel GPU here, but CPU" in refused("igpu")
    openvino_runtime.gpu.cache_clear()


# Memory


def test_memory_of_intels_gpus(xpus: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    device = torch.device("xpu", 1)
    assert free_memory(device) == 120 * MIB  # what is reserved and not in use is free
    release(device)
    assert xpus == ["xpu:1", "empty_cache"]

    def untold(device: torch.device) -> None:
        raise RuntimeError("the driver does not tell")

    monkeypatch.setattr(torch.xpu, "mem_get_info", untold)
    properties = SimpleNamespace(total_memory=500 * MIB)
    monkeypatch.setattr(torch.xpu, "get_device_properties", lambda device: properties)
    assert free_memory(device) == 490 * MIB


def test_apples_gpu_shares_the_hosts_memory(mps: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert free_memory(torch.device("mps")) == 70 * MIB
    monkeypatch.setattr("vsr.inference.memory._system_free", lambda: 50 * MIB)
    assert free_memory(torch.device("mps")) == 50 * MIB


@pytest.mark.parametrize(
    "text",
    [
        "MPS backend out of memory (MPS allocated: 1 GB)",
        "Invalid buffer size: 24.00 GB",
        "XPU out of memory. Tried to allocate 2 GiB",
        "Native API failed. Native API returns: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)",
        "[GPU] CL_OUT_OF_RESOURCES",
        "[GPU] Exceeded max size of memory object allocation",
    ],
)
def test_how_devices_refuse_memory(text: str) -> None:
    assert says_out_of_memory(text)
    assert is_out_of_memory(RuntimeError(text))


def test_other_errors_are_no_want_of_memory() -> None:
    for text in ("Trying to convert UInt16 to the MPS backend", "device lost", "CL_DEVICE_NOT"):
        assert not says_out_of_memory(text)


# The ways that frames take

NETWORKS = [drawn(Espcn(2), last=0.1), drawn(Recurrent(2, 8, 1), last=0.02)]
RGB = drawn(Edsr(2, 1, 16, light=True), last=0.05)


def model(network: Network) -> Model:
    return Model(ModelCard("drawn", 2, "espcn"), network)


def made(
    network: Network,
    device: torch.device,
    info: VideoInfo,
    tile: int = 0,
    geometry: Geometry | None = None,
) -> list[Frame]:
    engine = Engine((device,), "fp32", 1, tile)
    frames = iter(noise(5, info))
    return list(restore(frames, info, model(network), engine, pytest.fail, geometry=geometry))


@pytest.mark.parametrize("network", [*NETWORKS, RGB], ids=["espcn", "recurrent", "edsr"])
@pytest.mark.parametrize("name", ["yuv420p", "gbrp10le"])
@pytest.mark.parametrize("tile", [0, 16])
def test_a_gpus_way_gives_the_cpus_frames(
    monkeypatch: pytest.MonkeyPatch, network: Network, name: str, tile: int
) -> None:
    info = described(name, 42, 26, "left")
    expected = made(network, CPU, info, tile)
    fake_gpu(monkeypatch, like="xpu")
    assert name_of(PLACE) == "fake"
    assert_equal(made(network, PLACE, info, tile), expected)


@pytest.mark.parametrize("network", [*NETWORKS, RGB], ids=["espcn", "recurrent", "edsr"])
@pytest.mark.parametrize("name", ["yuv420p10le", "gbrp16le", "yuva420p10le"])
@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("scale", [2, Fraction(3, 2)])
def test_devices_without_uint16(
    monkeypatch: pytest.MonkeyPatch, network: Network, name: str, tile: int, scale: Fraction
) -> None:
    """Apple's have none: 16 bits are held in wider numbers there, and come out the same."""
    info = described(name, 42, 26, "left")
    geometry = geometry_of(PictureOptions(scale=scale), info) if scale != 2 else None
    fake_gpu(monkeypatch)
    expected = made(network, PLACE, info, tile, geometry)
    monkeypatch.setattr(resample, "_WITHOUT_UINT16", {"cpu"})
    found = made(network, PLACE, info, tile, geometry)
    assert {plane.dtype.name for frame in found for plane in frame.planes} == {"uint16"}
    assert_equal(found, expected)


def test_weights_lie_as_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for like, last in (("mps", False), ("xpu", True)):
        fake_gpu(monkeypatch, like)
        ready = prepared(RGB, Engine((PLACE,), "fp16", 1))
        weights = [p for p in ready.parameters() if p.ndim == 4 and min(p.shape) > 1]
        assert weights
        for weight in weights:
            assert weight.dtype == torch.float16
            assert weight.is_contiguous(memory_format=torch.channels_last) == last


def test_a_device_that_is_full_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from vsr.inference.tiles import halved, now_smaller

    fake_gpu(monkeypatch)
    assert now_smaller(64, PLACE) == "out of memory on fake: from here on in tiles of 64"
    with pytest.raises(DeviceError, match="out of memory on fake even with tiles of 16 pixels"):
        halved(16, 16, PLACE)
    assert type_of(PLACE).name == "fake"
    assert devices.free_on(PLACE) is None
