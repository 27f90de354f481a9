"""How far community models see, and that their tiles are the whole where that is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from support.community_networks import NETWORKS, compact, drawn, saved
from support.noise_frames import assert_equal, described, noise

from vsr.core.crop import Box
from vsr.core.frame import VideoInfo
from vsr.inference.engine import Engine, restore
from vsr.networks.community import reach as reach_module
from vsr.networks.community.community import Community
from vsr.networks.community.reach import Reach, measure_reach
from vsr.networks.model import Model
from vsr.networks.registry import load_model

CPU = torch.device("cpu")
EXACT = ("1x-compact", "4x-compact", "2x-span", "2x-esrgan", "1x-dncnn", "1x-grey")
OVERLAPPING = ("2x-dat", "1x-nafnet")


def model_of(name: str, folder: Path) -> Model:
    return load_model(saved(drawn(name), folder / f"{name}.pth"), NETWORKS[name][1])


def network_of(model: Model) -> Community:
    assert isinstance(model.network, Community)
    return model.network


@pytest.fixture(autouse=True)
def _measured_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reach_module, "_known", {})
    monkeypatch.setattr(reach_module, "cache_folder", lambda: tmp_path / "cache")


@pytest.mark.parametrize("layers", [1, 3])
def test_the_reach_of_convolutions_is_exact(layers: int, tmp_path: Path) -> None:
    model = load_model(saved(compact(2, layers=layers), tmp_path / "a.pth"), 2)
    found = measure_reach(network_of(model))
    assert found == Reach(layers + 2, 4, 0.0)  # 3x3 each: the first, those between, the last
    assert model.network.receptive_field == 2 * (layers + 2) + 1


def test_weights_that_are_zero_count_as_well(tmp_path: Path) -> None:
    network = compact(2)
    for name, parameter in network.named_parameters():
        if name.endswith("body.2.weight"):
            parameter.data.zero_()  # as of no influence; the next training step may change it
    model = load_model(saved(network, tmp_path / "a.pth"), 2)
    assert measure_reach(network_of(model)).pixels == 4


@pytest.mark.parametrize("name", OVERLAPPING)
def test_statistics_of_the_whole_picture_have_no_reach(name: str, tmp_path: Path) -> None:
    found = measure_reach(network_of(model_of(name, tmp_path)))
    assert found.grid == 64
    assert found.error > 0
    assert str(found).endswith("of 255 off, with 64 pixels around them")


def in_parts(
    model: Model, info: VideoInfo, tile: int, box: Box | None = None
) -> tuple[list[object], list[str]]:
    told: list[str] = []
    engine = Engine((CPU,), "fp32", 1, tile)
    made = list(restore(iter(noise(1, info)), info, model, engine, told.append, box))
    return made, told  # type: ignore[return-value]


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("layout", ["yuv420p", "gbrp"])
def test_tiles_are_the_whole(name: str, layout: str, tmp_path: Path) -> None:
    model = model_of(name, tmp_path)
    info = described(layout, 150, 90, matrix=0 if layout == "gbrp" else 1)
    whole, told = in_parts(model, info, 0)
    assert reach_module._known == {}  # of whole frames nothing has to be known
    tiled, warned = in_parts(model, info, 48)
    # Kernels for other sizes may round the last bit of float32 otherwise.
    assert_equal(tiled, whole, steps=1)  # type: ignore[arg-type]
    assert told == warned == []


def test_windows_lie_in_tiles_as_in_the_whole(tmp_path: Path) -> None:
    model = model_of("2x-swinir", tmp_path)
    assert measure_reach(network_of(model)).grid == 64  # windows of 8 lie on no grid of 4
    info = described("gbrp", 200, 136, matrix=0)
    whole, _ = in_parts(model, info, 0)
    tiled, told = in_parts(model, info, 64)
    assert_equal(tiled, whole, steps=1)  # type: ignore[arg-type]
    assert told == []


def test_tiles_that_are_not_the_whole_are_told_of(tmp_path: Path) -> None:
    model = model_of("2x-dat", tmp_path)
    info = described("gbrp", 200, 72, matrix=0)
    whole, told = in_parts(model, info, 0)
    assert told == []
    tiled, told = in_parts(model, info, 64)
    (line,) = told
    assert line.startswith("the model sees too far for exact tiles: up to ")
    assert_equal(tiled, whole, steps=2)  # type: ignore[arg-type]


def test_a_part_of_the_picture(tmp_path: Path) -> None:
    model = model_of("2x-esrgan", tmp_path)
    info = described("gbrp", 120, 90, matrix=0)
    whole, _ = in_parts(model, info, 0)
    part, _ = in_parts(model, info, 0, Box(40, 32, 30, 20))
    for plane, large in zip(part[0].planes, whole[0].planes, strict=True):  # type: ignore[attr-defined]
        expected = large[64:104, 80:140]
        assert abs(plane.astype(int) - expected.astype(int)).max() <= 1


def test_it_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_of(model_of("2x-compact", tmp_path))
    found = network.reach
    (file,) = (tmp_path / "cache" / "reach").iterdir()
    assert json.loads(file.read_bytes())["pixels"] == found.pixels == 4
    monkeypatch.setattr(reach_module, "measure_reach", lambda network: pytest.fail("again"))
    assert network.reach == found
    reach_module._known.clear()  # as in another process
    assert network.reach == found


@pytest.mark.parametrize("held", ["", "[]", "{}", '{"measured": 1}', '{"pixels": 4, "grid": 4}'])
def test_a_damaged_cache_is_measured_anew(held: str, tmp_path: Path) -> None:
    network = network_of(model_of("2x-compact", tmp_path))
    place = tmp_path / "cache" / "reach" / f"{network.sha256}.json"
    place.parent.mkdir(parents=True)
    place.write_text(held)
    assert network.reach == Reach(4)


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert network_of(model_of("2x-compact", tmp_path)).reach == Reach(4)


def test_another_spandrel_measures_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_of(model_of("2x-compact", tmp_path))
    first = network.reach
    reach_module._known.clear()
    monkeypatch.setattr(reach_module, "version", lambda package: "9.9")
    monkeypatch.setattr(reach_module, "measure_reach", lambda network: Reach(7))
    assert network.reach == Reach(7) != first
