"""What all tests share."""

import os
import signal
import tempfile

import torch

from vsr.core import threads

# What `vsr bench` has kept for whoever runs the tests must not choose for them.
os.environ["XDG_CONFIG_HOME"] = os.path.join(tempfile.gettempdir(), "vsr-tests-keep-nothing")  # noqa: PTH118
torch.set_num_threads(1)  # small pictures: cores that wait for each other cost more than they give
threads._TICK = 0.01  # threads look sooner whether to stop, as they often must in tests
# A shell's background job ignores Ctrl-C, and so would all that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored, by runs of the command too
