"""What a command imports: nothing that it does not use. Modules are counted, not seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.clips import Clip, make

from vsr.cli.commands import COMMANDS, command

HEAVY = {"torch", "av", "cv2", "numpy", "kornia", "safetensors", "simplejpeg", "tqdm"}
RARE = {"kornia", "matplotlib", "scipy", "onnx", "onnxruntime", "spandrel", "torchvision", "ray"}
RARE |= {"OpenImageIO", "pi_heif", "watchfiles", "networkx", "sympy", "openvino"}
COMPILER = {"torch._dynamo", "torch._inductor", "torch.onnx"}

_SCRIPT = """
import json, sys
from vsr.cli.main import main
sys.argv = ["vsr", *sys.argv[1:]]
code = 0
try:
    main()
except SystemExit as end:
    code = end.code or 0
sys.stderr.write("\\nimported: " + json.dumps([code, sorted(sys.modules)]))
"""
_TORCH = """
import json, sys, torch
sys.stderr.write("\\nimported: " + json.dumps([0, sorted(sys.modules)]))
"""

_SHAPES = """
import json, sys, torch
from vsr.networks import ARCHITECTURES
from vsr.networks.model_file import shapes_of
for kind in ARCHITECTURES.values():
    shapes_of(kind, 4, {}, "a file")
sys.stderr.write("\\nimported: " + json.dumps([0, sorted(sys.modules)]))
"""


def imported(script: str, *words: object) -> set[str]:
    """All modules that a process has in the end."""
    arguments = [sys.executable, "-c", script, *map(str, words)]
    ran = subprocess.run(arguments, capture_output=True, text=True, check=True)
    code, modules = json.loads(ran.stderr.rpartition("imported: ")[2])
    assert code == 0, ran.stderr[:2000]
    return set(modules)


@pytest.mark.parametrize("words", [["--help"], ["--version"], []], ids=["help", "version", "none"])
def test_help_imports_no_library_but_click(words: list[str]) -> None:
    script = _SCRIPT.replace("code = end.code or 0", "pass")  # without a command, it is usage: 2
    assert not imported(script, *words) & HEAVY


@pytest.mark.slow
@pytest.mark.parametrize("model", ["espcn", "vespcn", "recurrent", "bicubic"])
def test_a_job_imports_what_it_uses(model: str, tmp_path: Path) -> None:
    clip = make(tmp_path / "in.mkv", Clip(pts=range(0, 3 * 512, 512)))
    words = ("upscale", clip, tmp_path / "out.mkv", "--model", model, "--quiet")
    ours, torch = imported(_SCRIPT, *words), imported(_TORCH)
    assert {"torch", "av", "cv2"} <= ours
    assert not (ours - torch) & (RARE | COMPILER)
    beyond = {name for name in ours - torch if name.startswith("torch.")}
    assert len(beyond) < 10, sorted(beyond)


def test_a_model_file_is_checked_without_the_compiler() -> None:
    assert not (imported(_SHAPES) - imported(_TORCH)) & (RARE | COMPILER)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_all_says_what_each_says_first(name: str) -> None:
    first, _, _ = (command(name).help or "").partition("\n\n")
    assert " ".join(first.split()) == COMMANDS[name]
    assert command(name).name == name


def test_every_module_of_a_command_is_listed() -> None:
    import vsr.cli

    (folder,) = vsr.cli.__path__
    text = {path.stem: path.read_text() for path in Path(folder).glob("*.py")}
    found = {name.replace("_", "-") for name in text if f"def {name}_command" in text[name]}
    assert found == set(COMMANDS)
