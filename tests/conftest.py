"""What all tests share."""

import signal

import torch

torch.set_num_threads(1)  # small pictures: cores that wait for each other cost more than they give
# A shell's background job ignores Ctrl-C, and so would all that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
