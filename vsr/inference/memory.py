"""Keep glibc from giving each frame's memory back to the system, only to ask for it again."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

# From malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE = 2**30


@cache
def keep_freed_memory() -> None:
    """Let freed buffers be used again as they are, for the rest of the process.

    A frame's feature maps are larger than what malloc keeps, so without this each frame
    would fault its memory in anew, page by page: a third of ESPCN's time at 480x270. One
    arena is enough, for few and large blocks. Does nothing where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return
    for option, value in (
        (_M_TRIM_THRESHOLD, _LARGE),
        (_M_MMAP_THRESHOLD, _LARGE),
        (_M_ARENA_MAX, 1),
    ):
        libc.mallopt(option, value)
