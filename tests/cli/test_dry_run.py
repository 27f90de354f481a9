"""Where a dry run says that the work would be done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vsr.cli.dry_run import dry_run
from vsr.core.options import UpscaleOptions
from vsr.inference.bench_answer import Answer, keep_answer
from vsr.networks.espcn import Espcn


def test_it_tells_what_bench_has_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / name)
    keep_answer(Answer("cpu", "fp32", "2026-11-29"))
    there = [(tmp_path / "in.mp4", tmp_path)]  # so that nothing is to be estimated
    dry_run(there, UpscaleOptions(), as_json=False)
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == "on cpu in fp32, as vsr bench measured on 2026-11-29"
    dry_run(there, UpscaleOptions(), as_json=True)
    event = json.loads(capsys.readouterr().out)
    assert (event["device"], event["precision"]) == ("cpu", "fp32")
    assert event["measured"] == "2026-11-29"
    dry_run(there, UpscaleOptions.of(device="cpu", precision="bf16"), as_json=False)
    assert capsys.readouterr().out.splitlines()[-1] == "on cpu in bf16"


def test_the_precision_is_one_that_the_model_bears(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / name)
    keep_answer(Answer("cpu", "bf16", "2026-11-29"))
    monkeypatch.setattr(Espcn, "precisions", ("fp32",))
    dry_run([(tmp_path / "in.mp4", tmp_path)], UpscaleOptions(model="espcn"), as_json=False)
    assert capsys.readouterr().out.splitlines()[-1].startswith("on cpu in fp32")
