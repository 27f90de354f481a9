"""`benchmarks/gpu.py` runs where torch is, and neither PyAV, kornia, platformdirs nor a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support.paths import ROOT

_MISSING = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("av", "kornia", "platformdirs"):
            raise ModuleNotFoundError(f"{name} is not installed here")

sys.meta_path.insert(0, Missing())
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The script with `_MISSING`, which Python imports by itself."""
    (folder / "sitecustomize.py").write_text(_MISSING)
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(folder)},
    )


@pytest.mark.slow
def test_the_networks_are_measured_on_a_bare_machine(tmp_path: Path) -> None:
    given = ("--device", "cpu", "--models", "espcn", "--precisions", "fp32", "--frames", "2")
    done = run(tmp_path, *given)
    assert done.returncode == 0, done.stderr
    *_, row, last = done.stdout.splitlines()
    name, precision, test, rate, *_ = (cell.strip() for cell in row.strip("|").split("|"))
    assert (name, precision, test) == ("espcn", "fp32", "passes")
    assert float(rate) > 0
    assert last == "PyAV is not installed: the whole command is left out"


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 1
    said = "nothing to measure: device 'cuda:0' is not there: this machine has 0 CUDA GPUs"
    assert done.stderr.strip() == said
