"""torch.compile: what is compiled of a network, and what is told where that fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb

import torch

from vsr.core.errors import DeviceError, VsrError
from vsr.inference.memory import is_out_of_memory
from vsr.networks import Network
from vsr.networks.recurrent import Recurrent
from vsr.util.text import one_line

_COMPILERS = ("torch._dynamo", "torch._inductor", "torch._functorch", "triton")
_WORDS = 200  # characters of what a compiler says


def compile_network(network: Network) -> None:
    """Let torch.compile make the kernels of what is called of a network, when it is first called.

    Raises DeviceError where this Python or system has no torch.compile.
    """
    with telling_of_compilers():
        if isinstance(network, Recurrent):
            network.cell = torch.compile(network.cell, dynamic=False)  # type: ignore[method-assign]
            return
        network.compile(dynamic=False)
        subpixel = torch.compile(network.subpixel, dynamic=False)
        network.subpixel = subpixel  # type: ignore[method-assign]


@contextmanager
def telling_of_compilers() -> Iterator[None]:
    """Raise a DeviceError where the block fails in what torch.compile does or has made.

    By then much of torch has been between, and an error may be of any type.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, VsrError) or is_out_of_memory(error) or not _is_of_compilers(error):
            raise
        said = next((line for line in str(error).splitlines() if line.strip()), "")
        raise DeviceError(
            f"torch.compile failed ({one_line(said, _WORDS) or type(error).__name__})",
            hint="go without --compile",
            python="compiled=False",
        ) from error


def _is_of_compilers(error: Exception) -> bool:
    """Whether it was raised, or passed on, by a compiler."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    if any(frame.f_code is torch.compile.__code__ for frame in frames):
        return True
    names = [type(error).__module__, *(str(frame.f_globals.get("__name__")) for frame in frames)]
    return any(name.startswith(_COMPILERS) for name in names)
