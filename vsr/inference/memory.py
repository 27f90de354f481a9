"""Memory: how much is free, how much a piece of work takes, what running out looks like."""

from __future__ import annotations

import ctypes
import os
import sys
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vsr.inference.devices import free_on, says_out_of_memory, type_of

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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error is an allocator's refusal, of numpy, of torch or of its libraries."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and says_out_of_memory(str(error))


def free_memory(device: torch.device) -> int | None:
    """Bytes that can still be had on a device; None where the system does not tell."""
    own = free_on(device)
    if own is not None and not type_of(device).shares_memory:
        return own
    known = [free for free in (own, _system_free(), _container_free()) if free is not None]
    return min(known) if known else None


def _system_free(path: Path = Path("/proc/meminfo")) -> int | None:
    """What Linux takes for available, else half of what is built in."""
    try:
        fields = dict(line.split(":") for line in path.read_text().splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, LookupError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return None


def _container_free(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What a container's limit leaves (cgroup v2 or v1); None without a limit."""
    for limit, used, cached in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            free = int((folder / limit).read_text()) - int((folder / used).read_text())
        except (OSError, ValueError):  # "max" is no number
            continue
        return max(0, free + _listed((folder / limit).with_name("memory.stat"), cached))
    return None


def _listed(path: Path, name: str) -> int:
    """A figure of a cgroup's statistics: what it holds of files is given up when needed."""
    try:
        return int(dict(line.split() for line in path.read_text().splitlines())[name])
    except (OSError, LookupError, ValueError):
        return 0


def peak_bytes(work: Callable[[], object]) -> int:
    """The most bytes that tensors made in `work` hold at a time, on any device."""
    count = _Count()
    with count:
        work()
    return count.peak


class _Count(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows each storage that an operation makes, until it is freed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self._follow(leaf.untyped_storage())
        return result

    def _follow(self, storage: torch.UntypedStorage) -> None:
        if storage in self._seen:
            return
        self._seen.add(storage)
        size = storage.nbytes()
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._freed, size)

    def _freed(self, size: int) -> None:
        self.now -= size
