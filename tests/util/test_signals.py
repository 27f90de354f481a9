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
