"""What `vsr bench` has kept: taken by "auto" on this very machine, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from vsr.core.errors import DeviceError, OutputError
from vsr.core.options import ComputeOptions
from vsr.inference import bench_answer
from vsr.inference.bench_answer import (
    Answer,
    answer_path,
    forget_answer,
    keep_answer,
    kept_answer,
)
from vsr.inference.engine import Engine, choose_engine

DAY = "2026-11-29"
CPU_EXACT = Answer("cpu", "fp32", DAY)


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / "config" / name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    bench_answer._here.cache_clear()


def chosen(**options: Any) -> Engine:
    return choose_engine(ComputeOptions(**options))


def change(**facts: Any) -> None:
    kept = json.loads(answer_path().read_text())
    answer_path().write_text(json.dumps(kept | facts))


def test_nothing_is_kept_at_first() -> None:
    assert kept_answer() is None
    assert chosen().measured == ""
    assert forget_answer() is None


def test_auto_takes_what_is_kept() -> None:
    path = keep_answer(CPU_EXACT)
    assert path == answer_path()
    assert path.parent.parent.name == "config"
    assert kept_answer() == CPU_EXACT
    one = chosen()
    assert (one.name, one.precision, one.measured) == ("cpu", "fp32", DAY)
    assert forget_answer() == path
    assert chosen().measured == ""


def test_it_has_no_say_in_what_is_asked_for() -> None:
    keep_answer(CPU_EXACT)
    assert chosen(device="cpu").measured == ""
    one = chosen(precision="bf16")
    assert (one.name, one.precision, one.measured) == ("cpu", "bf16", DAY)
    with pytest.raises(DeviceError, match="fp16 needs a GPU"):
        chosen(precision="fp16")


def test_a_gpu_that_was_found_the_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.xpu, "is_available", lambda: True)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 1)
    monkeypatch.setattr(torch.xpu, "get_device_name", lambda device: "Arc")
    keep_answer(Answer("xpu:0", "fp16", DAY))
    assert (chosen().name, chosen().precision) == ("xpu:0", "fp16")
    assert chosen(precision="fp32").precision == "fp32"
    assert chosen(compiled=False, device="cpu").name == "cpu"
    assert chosen(precision="bf16").name == "xpu:0"
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 0)  # it is taken out
    bench_answer._here.cache_clear()
    assert chosen().name == "cpu"


@pytest.mark.parametrize(
    "facts",
    [
        {"machine": {}},
        {"schema": "vsr-bench-2"},
        {"answer": {}},
        {"answer": []},
        {"answer": {"device": "igpu", "precision": "fp16", "day": DAY}},
        {"answer": {"device": "cpu", "precision": "fp16", "day": DAY}},
        {"answer": {"device": "tpu", "precision": "fp32", "day": DAY}},
        {"answer": {"device": "cuda:9", "precision": "fp32", "day": DAY}},
        {"answer": {"device": "cpu", "precision": "fp32", "day": "yesterday"}},
    ],
)
def test_what_is_of_another_machine_or_wrong_is_not_taken(facts: dict[str, Any]) -> None:
    keep_answer(CPU_EXACT)
    change(**facts)
    assert kept_answer() is None
    assert chosen().measured == ""


@pytest.mark.parametrize("torn", [b"", b"{", b"[" * 5000, b"\xff\xfe", b"null", b" " * 10**5])
def test_a_damaged_file_is_not_taken(torn: bytes) -> None:
    keep_answer(CPU_EXACT)
    answer_path().write_bytes(torn)
    assert kept_answer() is None


@pytest.mark.parametrize("name", ["processor", "torch", "gpus", "instructions"])
def test_each_fact_of_the_machine_counts(name: str) -> None:
    keep_answer(CPU_EXACT)
    facts = json.loads(answer_path().read_text())["machine"]
    change(machine=facts | {name: "another"})
    assert kept_answer() is None


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file")
    with pytest.raises(OutputError, match=r"bench\.json: cannot be written \("):
        keep_answer(CPU_EXACT)
    assert kept_answer() is None


def test_what_is_never_taken_by_itself() -> None:
    for device, precision in (("igpu", "fp16"), ("cpu", "fp16"), ("mps", "bf16")):
        with pytest.raises(ValueError, match="is never taken by itself"):
            Answer(device, precision, DAY)
