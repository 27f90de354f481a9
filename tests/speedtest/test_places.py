"""Which device and precision `vsr bench` takes, and what it keeps."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from support.fake_devices import fake_gpu

from vsr.cli.bench import bench_command
from vsr.inference.bench_answer import answer_path, kept_answer
from vsr.inference.engine import Engine, choose_engine
from vsr.networks.registry import load_model
from vsr.speedtest import bench
from vsr.speedtest import places as module
from vsr.speedtest.bench import Size
from vsr.speedtest.places import Place, answer_of, fastest, measure_places, places

TODAY = date(2026, 11, 29)


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], float]:
    """What is measured of each place: set, not timed."""
    known: dict[tuple[str, str], float] = {}

    def rate(model: Any, engine: Engine, *rest: Any) -> float:
        return known[engine.name, engine.precision]

    monkeypatch.setattr(module, "network_rate", rate)
    return known


def place(device: str, precision: str, fps: float, fault: str = "") -> Place:
    return Place(device, precision, device, fps, fault)


def test_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vsr.inference.engine._cpu_has_bf16", lambda: True)
    assert [(p.device, p.precision) for p in places()] == [("cpu", "fp32"), ("cpu", "bf16")]
    monkeypatch.setattr("vsr.inference.engine._cpu_has_bf16", lambda: False)
    fake_gpu(monkeypatch)
    assert [(p.device, p.precision) for p in places(2)] == [
        ("cpu", "fp32"),
        ("fake", "fp32"),
        ("fake", "fp16"),
    ]
    assert all(p.threads == 2 for p in places(2))
    monkeypatch.setattr(torch.xpu, "is_available", lambda: True)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 2)
    assert {p.device for p in places()} == {"cpu", "xpu:0", "xpu:1", "fake"}


def test_the_fastest_is_taken() -> None:
    found = [place("cpu", "fp32", 10), place("cpu", "bf16", 20), place("xpu:0", "fp32", 90)]
    assert fastest(found) == found[2]
    assert fastest(found[:2]) == found[1]
    answer = answer_of(found, TODAY)
    assert (answer.device, answer.precision, answer.day) == ("xpu:0", "fp32", "2026-11-29")


def test_of_what_is_as_fast_the_more_exact_is_taken() -> None:
    for bf16, expected in ((20, "bf16"), (10.4, "fp32"), (9, "fp32")):
        found = [place("cpu", "fp32", 10), place("cpu", "bf16", bf16)]
        assert fastest(found).precision == expected


def test_openvino_is_never_taken_by_itself() -> None:
    found = [place("cpu", "fp32", 10), place("igpu", "fp16", 90)]
    assert fastest(found).device == "igpu"
    assert answer_of(found, TODAY).device == "cpu"


def test_what_fails_is_told_and_not_taken(
    monkeypatch: pytest.MonkeyPatch, rates: dict[tuple[str, str], float]
) -> None:
    monkeypatch.setattr("vsr.inference.engine._cpu_has_bf16", lambda: False)
    fake_gpu(monkeypatch)
    rates |= {("cpu", "fp32"): 5.0, ("fake", "fp32"): 50.0}

    def proven(models: Any, engine: Engine, warn: Any) -> Engine:
        if engine.precision != "fp16":
            return engine
        warn("fake in fp16 fails")
        return choose_engine(places()[0])

    monkeypatch.setattr(module, "proven", proven)
    found = list(measure_places(load_model("bicubic", 4), places(), 0))
    assert [(p.precision, p.fps, p.fault) for p in found] == [
        ("fp32", 5.0, ""),
        ("fp32", 50.0, ""),
        ("fp16", 0.0, "fake in fp16 fails"),
    ]
    assert fastest(found) == found[1]


# The command


@pytest.fixture
def small_bench(monkeypatch: pytest.MonkeyPatch, rates: dict[tuple[str, str], float]) -> None:
    monkeypatch.setattr("vsr.inference.engine._cpu_has_bf16", lambda: True)
    rates |= {("cpu", "fp32"): 30.0, ("cpu", "bf16"): 20.0}
    monkeypatch.setattr(bench, "COMMON_SIZES", (Size(16, 9, 4),))
    monkeypatch.setattr(bench, "network_rate", lambda *arguments: 40.0)
    monkeypatch.setattr(bench, "encoding_rate", lambda *arguments: 40.0)


def run(*arguments: str) -> list[str]:
    given = ["--models", "bicubic", "--seconds", "1", *arguments]
    result = CliRunner().invoke(bench_command, given)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


@pytest.mark.usefixtures("small_bench")
def test_the_answer_is_told_kept_and_forgotten() -> None:
    lines = run()
    assert [line.split() for line in lines[1:3]] == [
        ["cpu", "fp32", "30.0"],
        ["cpu", "bf16", "20.0"],
    ]
    assert lines[3].startswith("Take -d cpu --precision fp32: -d auto does so on this machine")
    assert str(answer_path()) in lines[3]
    assert lines[5].startswith("cpu, ")  # the table is of what was found the fastest
    assert lines[5].endswith("fp32; frames per second")
    kept = kept_answer()
    assert kept is not None
    assert (kept.device, kept.precision) == ("cpu", "fp32")
    assert choose_engine().measured == kept.day
    assert run("--forget") == [
        f"Forgotten: {answer_path()}; -d auto takes the first CUDA GPU, or the CPU."
    ]
    assert kept_answer() is None
    assert run("--forget")[0].startswith("Nothing was kept")


@pytest.mark.usefixtures("small_bench")
@pytest.mark.parametrize("asked", [["-d", "cpu"], ["--precision", "fp32"]])
def test_where_a_place_is_named_nothing_is_kept(asked: list[str]) -> None:
    assert run(*asked)[0].startswith("cpu, ")
    assert kept_answer() is None


@pytest.mark.usefixtures("small_bench")
def test_the_answer_as_json() -> None:
    events = [json.loads(line) for line in run("--json")]
    kinds = [event["event"] for event in events]
    assert kinds == ["place", "place", "take", "speed", "result"]
    assert (events[2]["device"], events[2]["precision"]) == ("cpu", "fp32")
    assert events[2]["path"] == str(answer_path())
    assert (events[-1]["device"], events[-1]["precision"]) == ("cpu", "fp32")
