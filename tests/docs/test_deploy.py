"""The files to deploy: what the documentation shows is what they hold, and their words exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.paths import ROOT

from vsr.cli.batch import batch_command

DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")])


def test_the_guide_shows_the_unit() -> None:
    guide = (ROOT / "docs/pages/guide/batch.md").read_text("utf-8")
    shown = re.search(r"```ini\n(.*?)```", guide, re.DOTALL)
    assert shown is not None
    assert shown[1] == (DEPLOY / "vsr-watch.service").read_text("utf-8").split("\n", 1)[1]


@pytest.mark.parametrize("file", [*UNITS, DEPLOY / "Dockerfile", DEPLOY / "compose.yaml"])
def test_flags_exist(file: Path) -> None:
    flags = {flag for param in batch_command.params for flag in param.opts}
    lines = [
        line
        for line in file.read_text("utf-8").splitlines()
        if re.search(r'vsr batch|"batch"|^ +(?:# )?- --', line) and not line.startswith("#")
    ]
    used = {flag for line in lines for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]*", line)}
    assert used <= flags
    assert used or file.suffix == ".timer"


def test_systemd_finds_nothing_amiss(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not here")
    for unit in UNITS:  # the command is not installed where the units say
        text = unit.read_text("utf-8").replace("/opt/vsr/.venv/bin/vsr", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    units = [str(tmp_path / unit.name) for unit in UNITS]
    ran = subprocess.run([verify, "verify", *units], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
