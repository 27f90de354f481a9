"""--nice: the priority of the process, and of what it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from support.clips import Clip, make

from vsr.cli.commands import vsr
from vsr.cli.nice import nice_option

pytestmark = pytest.mark.skipif(not hasattr(os, "nice"), reason="needs a system with nice")
_OWN = os.nice(0) if hasattr(os, "nice") else 0
# A command of one line: what the process and the threads that it had before are at.
_SCRIPT = """
import os, threading, click
from vsr.cli.nice import nice_option
gate = threading.Event()
threading.Thread(target=gate.wait, daemon=True).start()
def shown():
    tasks = [int(one) for one in os.listdir("/proc/self/task")]
    print(os.nice(0), *{os.getpriority(os.PRIO_PROCESS, task) for task in tasks})
    os.system("nice")
click.command()(nice_option(shown))(standalone_mode=False)
"""


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks at Linux's threads")
def test_all_threads_and_children_have_it(steps: int) -> None:
    command = [sys.executable, "-c", _SCRIPT, "--nice", str(steps)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    expected = str(min(19, _OWN + steps))
    assert ran.stdout.split() == [expected] * 3


@pytest.mark.parametrize("name", ["upscale", "batch", "preview"])
@pytest.mark.parametrize("steps", ["-1", "20", "1.5", "low"])
def test_other_numbers_are_refused(name: str, steps: str) -> None:
    ran = CliRunner().invoke(vsr, [name, "in.mp4", "out", "--nice", steps])
    assert ran.exit_code == 2
    assert f"'{steps}': must be a whole number of 0 to 19" in " ".join(ran.output.split())


def test_a_system_without_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "nice")
    command = click.command()(nice_option(lambda: None))
    ran = CliRunner().invoke(command, ["--nice", "5"])
    assert ran.exit_code == 2
    assert ran.output.splitlines()[-1] == (
        "Error: --nice: this system knows no such priorities; leave it out"
    )
    assert CliRunner().invoke(command, []).exit_code == 0


def test_a_batch_with_it_comes_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    make(tmp_path / "in" / "a.mp4", Clip(width=32, height=24))
    script = "from vsr.cli.main import main; main()"
    command = [sys.executable, "-c", script, "batch", tmp_path / "in", tmp_path / "out"]
    options = ["--nice", "1", "-m", "nearest", "--scale", "2", "--threads", "0.5", "-q"]
    ran = subprocess.run(
        [*map(str, command), *options], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / "out" / "a_x2.mp4").is_file()
