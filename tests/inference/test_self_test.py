"""The test at the start: who passes, who is found out, and what stands in for him."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.fake_devices import PLACE, fake_gpu
from torch import nn

import vsr
from vsr.core.errors import DeviceError
from vsr.inference import self_test
from vsr.inference.devices import DEVICE_TYPES
from vsr.inference.engine import Engine, prepared, usual_precision
from vsr.inference.self_test import proven
from vsr.networks import Network
from vsr.networks.catalogue import catalogue
from vsr.networks.model import Model
from vsr.networks.registry import load_model

CPU = torch.device("cpu")
HALF = usual_precision(DEVICE_TYPES["cpu"])
FAST = pytest.mark.skipif(HALF == "fp32", reason="no instructions for bfloat16")
BUNDLED = [(card.name, card.scale) for card in catalogue() if card.file]

Spoil = Callable[[Network], object]


@pytest.fixture(autouse=True)
def nobody_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "_passed", set())


@pytest.fixture
def said() -> list[str]:
    return []


def on(precision: str, *devices: torch.device) -> Engine:
    return Engine(devices or (PLACE,), precision, 1)


def convolutions(network: Network) -> list[nn.Conv2d]:
    return [m for m in network.modules() if isinstance(m, nn.Conv2d)]


def wrong_slice(network: Network) -> None:
    """A convolution reads its first channels where it should read those after them."""
    conv = max(convolutions(network), key=lambda conv: conv.in_channels)
    half = conv.in_channels // 2
    weight = conv.weight.data
    weight[:, :half] += weight[:, half : 2 * half]
    weight[:, half : 2 * half] = 0


def no_number(network: Network) -> None:
    convolutions(network)[-1].weight.data.fill_(float("nan"))


def broken(network: Network) -> None:
    raise NotImplementedError("aten::upsample is not implemented\nfor this device")


def spoil(
    monkeypatch: pytest.MonkeyPatch, how: Spoil, where: Callable[[Engine], bool]
) -> list[Engine]:
    """Have networks be wrong on some engines; the list gets each engine that is tried."""
    tried: list[Engine] = []

    def ready(network: Network, engine: Engine) -> Network:
        made = prepared(network, engine)
        if engine is not self_test._EXACT:
            tried.append(engine)
            if where(engine):
                how(made)
        return made

    monkeypatch.setattr(self_test, "prepared", ready)
    return tried


def is_fake(engine: Engine) -> bool:
    return engine.device == PLACE


# Who passes


@FAST
@pytest.mark.parametrize(("name", "scale"), BUNDLED)
def test_bundled_models_pass_in_half_precision(name: str, scale: int) -> None:
    engine = on(HALF, CPU)
    assert proven([load_model(name, scale)], engine, pytest.fail) is engine


@pytest.mark.parametrize("name", ["bicubic", "espcn", "vespcn", "edsr-8x32", "recurrent"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_models_pass_on_a_gpu(monkeypatch: pytest.MonkeyPatch, name: str, precision: str) -> None:
    fake_gpu(monkeypatch, like="xpu")
    engine = on(precision)
    assert proven([load_model(name, 4)], engine, pytest.fail) is engine


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_reference_itself_is_not_tested(
    monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    tried = spoil(monkeypatch, no_number, lambda engine: True)
    engine = on(precision, CPU)
    assert proven([load_model("espcn", 4)], engine, pytest.fail) is engine
    assert not tried


def test_who_has_passed_is_not_tested_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_gpu(monkeypatch)
    tried = spoil(monkeypatch, no_number, lambda engine: False)
    for count, (name, precision) in enumerate(
        [("espcn", "fp32"), ("espcn-deep", "fp32"), ("espcn", "fp16")], 1
    ):
        for _ in range(2):
            proven([load_model(name, 4)], on(precision), pytest.fail)
        assert len(tried) == count


# Who is found out


@FAST
@pytest.mark.parametrize(("name", "scale"), BUNDLED)
def test_wrong_slices_are_found_in_half_precision(
    monkeypatch: pytest.MonkeyPatch, said: list[str], name: str, scale: int
) -> None:
    spoil(monkeypatch, wrong_slice, lambda engine: engine.precision == HALF)
    found = proven([load_model(name, scale)], on(HALF, CPU), said.append)
    assert (found.devices, found.precision) == ((CPU,), "fp32")
    (line,) = said
    assert line.startswith(f"cpu in {HALF} fails the test at the start, {name} x{scale} is ")
    assert line.endswith(" levels of 255 off: cpu in fp32 is taken instead")


@pytest.mark.parametrize("name", ["espcn", "edsr-8x32", "recurrent"])
@pytest.mark.parametrize("how", [wrong_slice, no_number, broken])
def test_first_float32_is_taken_then_the_cpu(
    monkeypatch: pytest.MonkeyPatch, said: list[str], name: str, how: Spoil
) -> None:
    fake_gpu(monkeypatch)
    tried = spoil(monkeypatch, how, is_fake)
    found = proven([load_model(name, 4)], on("fp16"), said.append)
    assert (found.devices, found.precision) == ((CPU,), HALF)
    order = [("fake", "fp16"), ("fake", "fp32"), ("cpu", HALF)]
    assert [(e.name, e.precision) for e in tried] == order[: 3 if HALF != "fp32" else 2]
    assert [line.partition(" fails ")[0] for line in said] == ["fake in fp16", "fake in fp32"]
    assert [line.rpartition(": ")[2] for line in said] == [
        "fake in fp32 is taken instead",
        f"cpu in {HALF} is taken instead",
    ]
    assert all("\n" not in line for line in said)


def test_only_half_precision_is_wrong(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    fake_gpu(monkeypatch)
    spoil(monkeypatch, wrong_slice, lambda e: is_fake(e) and e.precision == "fp16")
    found = proven([load_model("vespcn", 4)], on("fp16"), said.append)
    assert (found.name, found.precision) == ("fake", "fp32")
    assert len(said) == 1


def test_a_second_model_counts_too(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    fake_gpu(monkeypatch)
    spoil(
        monkeypatch,
        lambda network: wrong_slice(network) if network.scale == 2 else None,
        lambda engine: is_fake(engine) and engine.precision == "fp16",
    )
    models = [load_model("espcn", 4), load_model("espcn-deep", 2)]
    assert proven(models, on("fp16"), said.append).precision == "fp32"
    assert "espcn-deep x2" in said[0]


def test_any_of_several_devices_counts(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    fake_gpu(monkeypatch)
    spoil(monkeypatch, wrong_slice, is_fake)
    engine = on("fp32", PLACE, PLACE)
    assert proven([load_model("espcn", 4)], engine, said.append).devices == (CPU,)
    assert len(said) == 1


def test_a_device_without_memory_is_left(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    def full(network: Network) -> None:
        raise DeviceError("out of memory on fake even with tiles of 16 pixels")

    fake_gpu(monkeypatch)
    spoil(monkeypatch, full, is_fake)
    assert proven([load_model("espcn", 4)], on("fp16"), said.append).devices == (CPU,)
    assert "does not run on fake (out of memory on fake" in said[0]


def test_what_stands_in_was_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_gpu(monkeypatch)
    spoil(monkeypatch, wrong_slice, is_fake)
    engine = Engine((PLACE,), "fp16", 1, measured="2026-11-29", compiled=True)
    found = proven([load_model("espcn", 4)], engine)
    assert (found.measured, found.compiled) == ("", False)


def test_own_models_are_tested_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """They share a name and have no hash."""
    fake_gpu(monkeypatch)
    tried = spoil(monkeypatch, no_number, lambda engine: False)
    model = load_model("espcn", 4)
    own = Model(type(model.weights)("own", 4, "espcn"), model.network)
    for _ in range(2):
        proven([own], on("fp32"), pytest.fail)
    assert len(tried) == 2


# Where it is made


@FAST
def test_a_job_tells_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spoil(monkeypatch, wrong_slice, lambda engine: engine.precision == HALF)
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    cv2.imwrite(str(source), np.full((16, 24, 3), 90, np.uint8))
    result = vsr.upscale(source, target, model="espcn", device="cpu", precision=HALF)
    assert (result.device, result.precision) == ("cpu", "fp32")
    (line,) = [line for line in result.warnings if "test at the start" in line]
    assert line.startswith(f"cpu in {HALF} fails")


@FAST
def test_an_upscaler_tells_of_it(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    spoil(monkeypatch, wrong_slice, lambda engine: engine.precision == HALF)
    up = vsr.Upscaler("espcn", device="cpu", precision=HALF, warn=said.append)
    assert (up.device, up.precision) == ("cpu", "fp32")
    assert len(said) == 1
