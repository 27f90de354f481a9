"""What all tests share."""

import atexit
import os
import signal
import tempfile

import pytest
import torch

from vsr.core import threads


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="all frames for recurrent weights")


def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: each process takes 1.5 GB, and many tests start others."""
    return min(4, threads.cores())


# No test sees the settings, the models or the cache of whoever runs it, nor writes there.
_home = tempfile.TemporaryDirectory(prefix="vsr-tests-")
atexit.register(_home.cleanup)
_FOLDERS = {"XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "XDG_CACHE_HOME": "cache"}
_FOLDERS["XDG_STATE_HOME"] = "state"
os.environ.update({name: f"{_home.name}/{folder}" for name, folder in _FOLDERS.items()})
torch.set_num_threads(1)  # small pictures: cores that wait for each other cost more than they give
threads._TICK = 0.01  # threads look sooner whether to stop, as they often must in tests
# A shell's background job ignores Ctrl-C, and so would all that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored, by runs of the command too
