"""The signals that ask a process to end, and those that it was told to ignore."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from vsr.util.signals import ENDING

HEARD = "from vsr.util.signals import heard; print(*[number.name for number in heard()])"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is none")
def test_what_nohup_ignores_is_not_heard() -> None:
    words = ["nohup", sys.executable, "-c", HEARD]
    told = subprocess.check_output(words, text=True, stderr=subprocess.DEVNULL)
    assert told.split() == ["SIGTERM", "SIGQUIT"]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is none")
def test_a_closed_terminal_ends_as_a_request_does() -> None:
    told = subprocess.check_output([sys.executable, "-c", HEARD], text=True)
    assert told.split() == [number.name for number in ENDING] == ["SIGTERM", "SIGHUP", "SIGQUIT"]


DEAF = """
import signal, subprocess, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
from vsr.cli.main import main
sys.argv = ["vsr", "--version"]
main()
print(subprocess.run([sys.executable, "-c", "raise SystemExit(3)"]).returncode)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGCHLD"), reason="there is none")
def test_a_parent_that_ignores_its_children_does_not_make_failures_successes() -> None:
    told = subprocess.check_output([sys.executable, "-c", DEAF], text=True)
    assert told.splitlines()[-1] == "3"


IMPATIENT = """
import os, signal, sys
from vsr.util import signals

signal.signal(signal.SIGINT, signals.interrupt)
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGINT)
    print("in order", flush=True)
signals._TIDYING = 0.0
os.kill(os.getpid(), signal.SIGINT)
print("still here")
"""


def test_what_the_first_signal_sets_off_is_not_cut_short_and_cannot_hang() -> None:
    ran = subprocess.run([sys.executable, "-c", IMPATIENT], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (-signal.SIGINT, "in order\n", "")


def test_who_ends_by_itself_is_not_interrupted() -> None:
    program = (
        "import os, signal; from vsr.util.signals import interrupt, undisturbed\n"
        "signal.signal(signal.SIGTERM, interrupt)\n"
        "undisturbed()\n"
        "os.kill(os.getpid(), signal.SIGTERM)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


RENAMED = """
import os, signal, sys
import vsr.cli.commands, vsr.cli.upscale
from vsr.cli.main import main

where, does_end = sys.argv[1:]
sys.argv = ["vsr", "upscale", "in.mp4", "out.mp4"]

def run(*_given, **_options):
    try:
        if does_end == "yes":
            os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt:
        raise ImportError("failed to import") from None  # as numpy has it
    raise ImportError("is not there")

if where == "loading":
    vsr.cli.commands.vsr.main = run
else:
    vsr.cli.upscale.upscale = run
main()
"""


@pytest.mark.parametrize(
    ("where", "told"), [("loading", "interrupted"), ("working", "interrupted: nothing is kept")]
)
def test_an_interruption_that_a_library_renames_is_one_still(where: str, told: str) -> None:
    words = [sys.executable, "-c", RENAMED, where]
    ended = subprocess.run([*words, "yes"], capture_output=True, text=True)
    assert ended.returncode == 130
    assert ended.stderr.startswith(f"vsr: {told}")
    failed = subprocess.run([*words, "no"], capture_output=True, text=True)
    assert failed.returncode == 1
    assert "unexpected ImportError: is not there" in failed.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGCONT"), reason="there is none")
def test_going_on_after_a_stop_is_counted() -> None:
    program = (
        "import os, signal; from vsr.util.signals import count_going_on, times_gone_on\n"
        "count_going_on()\n"
        "os.kill(os.getpid(), signal.SIGCONT)\n"
        "print(times_gone_on())"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "1\n"
