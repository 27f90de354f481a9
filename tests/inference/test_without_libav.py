"""Networks run where torch is, and neither PyAV, kornia nor platformdirs."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import importlib, pkgutil, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("av", "kornia", "platformdirs"):
            raise ModuleNotFoundError(f"{name} is not installed here")

sys.meta_path.insert(0, Missing())
import vsr.inference, vsr.networks

for package in (vsr.networks, vsr.inference):
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")

from vsr.core.options import ComputeOptions
from vsr.inference.engine import choose_engine, restore
from vsr.networks.registry import load_model
from vsr.inference.drawn_clip import drawn_clip

engine = choose_engine(ComputeOptions(device="cpu", precision="fp32", threads=1))
for name in ("vespcn", "recurrent"):
    frames, info = drawn_clip(3, 48, 32)
    made = list(restore(iter(frames), info, load_model(name, 4), engine))
    print(name, len(made), made[0].planes[0].shape)
"""


def test_networks_run_on_torch_alone() -> None:
    run = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n") == ["vespcn 3 (128, 192)", "recurrent 3 (128, 192)", ""]
