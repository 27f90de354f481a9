"""spandrel without torchvision, with it, and beside one that does not load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support.community_networks import drawn, saved
from support.paths import ROOT

from vsr.networks.community.torchvision_shim import normalize, rotate

_SAYS = """
import sys
from vsr.networks.registry import load_model
network = load_model(sys.argv[1], 2).network
import spandrel.architectures.RestoreFormer as other
print(other.tv_normalize.__module__, "torchvision" in sys.modules, network.scale)
"""

_WITH = {
    "torchvision/__init__.py": "",
    "torchvision/transforms/__init__.py": "",
    "torchvision/transforms/functional.py": (
        "import enum\n"
        "InterpolationMode = enum.Enum('InterpolationMode', 'NEAREST BILINEAR')\n"
        "def normalize(tensor, mean, std, inplace=False): return tensor\n"
        "def rotate(*given, **named): return given[0]\n"
    ),
}
_BROKEN = {**_WITH, "torchvision/__init__.py": "raise RuntimeError('operator does not exist')\n"}
_ABSENT = {"torchvision.py": "raise ModuleNotFoundError('torchvision', name='torchvision')\n"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "said"),
    [
        (_WITH, "torchvision.transforms.functional True 2"),
        (_BROKEN, "vsr.networks.community.torchvision_shim False 2"),
        (_ABSENT, "vsr.networks.community.torchvision_shim False 2"),
    ],
    ids=["with it", "one that does not load", "without it"],
)
def test_networks_load(files: dict[str, str], said: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    path = saved(drawn("2x-compact"), tmp_path / "a.pth")
    ran = subprocess.run(
        [sys.executable, "-c", _SAYS, str(path)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == said


@pytest.mark.slow
def test_without_spandrel_it_is_told_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "spandrel.py").write_text("raise ModuleNotFoundError('no spandrel')\n")
    path = saved(drawn("2x-compact"), tmp_path / "a.pth")
    ran = subprocess.run(
        [sys.executable, "-c", _SAYS, str(path)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        f"vsr.core.errors.ModelError: {path}: community models need spandrel: "
        "pip install 'vsr-video[models]' && pip install --no-deps spandrel"
    )


def test_normalize() -> None:
    x = torch.rand(2, 3, 4, 5)
    mean, std = [0.5, 0.25, 0.0], [0.5, 2.0, 1.0]
    found = normalize(x, mean, std)
    for channel in range(3):
        torch.testing.assert_close(
            found[:, channel], (x[:, channel] - mean[channel]) / std[channel]
        )
    kept = x.clone()
    assert normalize(kept, mean, std, inplace=True) is kept
    torch.testing.assert_close(kept, found)


def test_rotate_says_what_it_needs() -> None:
    with pytest.raises(RuntimeError, match="needs torchvision"):
        rotate(torch.rand(3, 4, 4), 90)
