"""Networks in OpenVINO, on its CPU as the double of a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.noise_frames import assert_equal, described, model, noise
from support.random_weights import drawn

import vsr
from vsr.core.errors import DeviceError
from vsr.inference import openvino_runtime
from vsr.inference.devices import named
from vsr.inference.engine import Engine, prepared, restore
from vsr.inference.self_test import proven
from vsr.networks import Network
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.literature.rcan import Rcan
from vsr.networks.recurrent import Recurrent
from vsr.networks.registry import load_model
from vsr.networks.vespcn import Vespcn

pytest.importorskip("openvino", reason="OpenVINO is not installed")
CPU = torch.device("cpu")
NETWORKS = {
    "espcn": drawn(Espcn(2), last=0.1),
    "vespcn": drawn(Vespcn(2, 8, 3, flow_features=8), last=0.05),
    "edsr": drawn(Edsr(2, 1, 16, light=True), last=0.05),
    "recurrent": drawn(Recurrent(2, 8, 1, grades=2), last=0.02),
}


@pytest.fixture(autouse=True)
def cpu_for_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(openvino_runtime, "gpu", lambda: "CPU")
    monkeypatch.setattr("vsr.inference.devices.gpu", lambda: "CPU")
    yield


def igpu(tile: int = 0) -> Engine:
    return Engine((named("igpu"),), "fp32", 1, tile)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("tile", [0, 16])
def test_frames_are_those_of_torch(name: str, tile: int) -> None:
    network, info = NETWORKS[name], described("yuv420p", 42, 26, "left")
    frames = noise(6, info)
    expected = restore(iter(frames), info, model(network), Engine((CPU,), "fp32", 1, tile))
    found = restore(iter(frames), info, model(network), igpu(tile), pytest.fail)
    assert_equal(list(found), list(expected), 1)


@pytest.mark.slow
def test_cells_of_any_size_share_a_model() -> None:
    network = NETWORKS["recurrent"]
    ready = prepared(network, igpu())
    assert isinstance(ready, Recurrent)
    assert isinstance(network, Recurrent)
    mix = torch.tensor([[0.25, 0.75]])
    with torch.inference_mode():
        for rows, columns in ((16, 24), (16, 24), (9, 31), (40, 8)):
            given = torch.rand(1, network.inward.in_channels, rows, columns)
            for a, b in zip(ready.cell(given, mix), network.cell(given, mix), strict=True):
                assert a.shape == b.shape
                assert (a - b).abs().max() < 1e-4


def test_interpolations_stay_in_torch() -> None:
    network = Interpolation(3)
    assert type(prepared(network, igpu())) is Interpolation


def test_a_wrapper_states_what_the_network_does() -> None:
    whole = drawn(Rcan(2, 1, 1, 8, 2), last=0.05)  # it takes no tiles
    for network in (*NETWORKS.values(), whole):
        ready: Network = prepared(network, igpu())
        for name in (*Network.__annotations__, "seen"):
            assert getattr(ready, name) == getattr(network, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["espcn", "edsr-8x32", "recurrent"])
def test_bundled_models_pass_the_test_at_the_start(name: str) -> None:
    engine = igpu()
    assert proven([load_model(name, 4)], engine, pytest.fail) is engine


def test_networks_of_others_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network = drawn(Espcn(2))
    monkeypatch.setattr(network, "traceable", False)
    with pytest.raises(DeviceError, match=r"^device igpu is for vsr's own networks"):
        prepared(network, igpu())


@pytest.mark.slow
def test_an_image_by_openvino(tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    cv2.imwrite(str(source), (np.arange(24 * 32 * 3) % 251).astype(np.uint8).reshape(24, 32, 3))
    made = []
    for device in ("cpu", "igpu"):
        target = tmp_path / f"{device}.png"
        result = vsr.upscale(source, target, model="espcn", device=device, precision="fp32")
        assert (result.device, result.precision, result.warnings) == (device, "fp32", ())
        made.append(cv2.imread(str(target)).astype(int))
    assert np.abs(made[0] - made[1]).max() <= 1
