"""Memory: what running out looks like, what is free, and what work takes at its peak."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import run

import numpy as np
import pytest
import torch
from support.paths import TESTS
from support.random_weights import drawn
from torch.nn import functional as F

from vsr.inference import memory
from vsr.inference.devices import release
from vsr.inference.memory import free_memory, is_out_of_memory, peak_bytes
from vsr.networks.espcn import Espcn

CPU = torch.device("cpu")
MIB = 2**20


# What it looks like


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 1.01 GiB for an array with shape (1000, 135000)"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA out of memory."),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate "
            "memory: you tried to allocate 12000000 bytes. Error code 12 (Cannot allocate memory)"
        ),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        RuntimeError("could not create a memory object"),
        RuntimeError("could not create a primitive"),
        RuntimeError("std::bad_alloc"),
    ],
    ids=str,
)
def test_errors_that_mean_out_of_memory(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        ValueError("out of memory"),
        OSError(12, "Cannot allocate memory"),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_other_errors_are_not_taken_for_out_of_memory(error: BaseException) -> None:
    assert not is_out_of_memory(error)


def test_torchs_own_refusal() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    with pytest.raises(MemoryError) as refused:
        np.empty(2**60, np.uint8)
    assert is_out_of_memory(refused.value)


# What is free


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


MEMINFO = "MemTotal:       131922740 kB\nMemFree:  9120 kB\nMemAvailable:   1000 kB\nHugePages: 0\n"
V1 = "memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"
STAT = "anon 77\nfile 500\ninactive_file 300\nactive_file 200\n"
V1_STAT = "cache 500\ninactive_file 1\ntotal_inactive_file 300\n"


def test_what_the_system_has(tmp_path: Path) -> None:
    path = tmp_path / "meminfo"
    path.write_text(MEMINFO)
    assert memory._system_free(path) == 1000 * 1024
    for text in ("", "MemTotal: 7 kB\n", "MemAvailable: many kB\n", "MemAvailable:\n", "nothing"):
        path.write_text(text)
        assert memory._system_free(path) == memory._system_free(tmp_path / "none")
    half = memory._system_free(tmp_path / "none")
    assert half is not None  # half of what is built in
    assert half > 2**28


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, None),
        ({"memory.max": "max\n", "memory.current": "700\n"}, None),
        ({"memory.max": "1000\n", "memory.current": "700\n"}, 300),
        ({"memory.max": "1000\n", "memory.current": "700\n", "memory.stat": STAT}, 600),
        ({"memory.max": "1000\n", "memory.current": "1100\n"}, 0),
        ({"memory.max": "1000\n", "memory.current": "1100\n", "memory.stat": STAT}, 200),
        ({"memory.max": "1000\n", "memory.current": "700\n", "memory.stat": "x\ny z a\n"}, 300),
        ({"memory.max": "1000\n"}, None),
        ({V1[0]: "1000\n", V1[1]: "700\n"}, 300),
        ({V1[0]: "1000\n", V1[1]: "700\n", V1[2]: V1_STAT}, 600),
        ({"memory.max": "max\n", V1[0]: "1000\n", V1[1]: "400\n"}, 600),
    ],
)
def test_what_a_container_leaves(tmp_path: Path, files: dict[str, str], free: int | None) -> None:
    assert memory._container_free(write(tmp_path, files)) == free


@pytest.mark.parametrize(
    ("system", "container", "free"),
    [(5, 3, 3), (5, 7, 5), (None, 7, 7), (5, None, 5), (None, None, None), (5, 0, 0)],
)
def test_the_narrower_bound_counts(
    monkeypatch: pytest.MonkeyPatch, system: int | None, container: int | None, free: int | None
) -> None:
    monkeypatch.setattr(memory, "_system_free", lambda: system)
    monkeypatch.setattr(memory, "_container_free", lambda: container)
    assert free_memory(CPU) == free


def test_this_machine_has_some() -> None:
    free = free_memory(CPU)
    assert free is None or 0 <= free < 2**50


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
def test_a_gpus_cache_is_free() -> None:
    device = torch.device("cuda:0")
    held = torch.empty(64 * MIB, dtype=torch.uint8, device=device)
    before = free_memory(device)
    assert before is not None
    del held  # the allocator keeps it
    after = free_memory(device)
    assert after is not None
    assert after - before >= 60 * MIB
    release(device)
    assert torch.cuda.memory_reserved(device) == torch.cuda.memory_allocated(device) == 0


# What work takes


def added_up() -> None:
    x = torch.zeros(100)  # 400 bytes
    y = x + 1  # 800
    del x  # 400
    z = y.double()  # 1200
    del y
    z.add_(1)
    _ = z + z  # 1600


def viewed() -> None:
    x = torch.zeros(100)
    views = [x[3:], x.view(10, 10).T, x.reshape(50, 2), x.expand(7, 100), x.detach()]
    del x
    views.append(torch.zeros(10))  # 440
    del views
    torch.zeros(109)  # 436


def one_after_another() -> None:
    for _ in range(50):
        torch.ones(30, dtype=torch.uint8)


def in_lists() -> None:
    x = torch.zeros(4, 10)
    parts = [part + 1 for part in x.unbind()]  # 320
    stacked = torch.stack(parts)  # 480
    del parts, x
    stacked.chunk(2)


@pytest.mark.parametrize(
    ("work", "peak"),
    [
        (lambda: None, 0),
        (added_up, 1600),
        (viewed, 440),
        (one_after_another, 30),
        (in_lists, 480),
        (lambda: F.conv2d(torch.zeros(1, 1, 9, 9), torch.zeros(2, 1, 2, 2)), 324 + 32 + 512),
        (lambda: torch.from_numpy(np.zeros(100)).float(), 1200),
    ],
)
def test_the_peak_is_counted(work: Callable[[], object], peak: int) -> None:
    assert peak_bytes(work) == peak
    with torch.inference_mode():
        assert peak_bytes(work) == peak


def test_an_error_comes_out_of_the_count() -> None:
    def fails() -> None:
        torch.zeros(10)
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        peak_bytes(fails)
    assert peak_bytes(added_up) == 1600


def test_a_network_takes_so_much_for_each_pixel() -> None:
    """Twice the area, twice the bytes: the borders are little."""
    network = drawn(Espcn(2))

    def peak(side: int) -> int:
        with torch.inference_mode():
            x = torch.zeros(1, 1, side, side)
            return peak_bytes(lambda: network(x))

    assert peak(256) / 256**2 == pytest.approx(peak(64) / 64**2, rel=0.15)
    assert peak(256) >= 64 * 4 * 256**2  # the first layer's features


# The real thing

PRESSED = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import torch
from support.random_weights import drawn
from support.noise_frames import assert_equal, described, model, noise
from vsr.inference.engine import Engine, restore
from vsr.inference.windows import windows
from vsr.networks.espcn import Espcn

info = described("yuv420p", 700, 500)
network = drawn(Espcn(2, (3, 3), (128,)), last=0.2)
source = noise(3, info)

def enlarged(tile, warn, source=source):
    engine = Engine((torch.device("cpu"),), "fp32", 1, tile)
    return list(restore(iter(source), info, model(network), engine, warn))

said = []
expected = enlarged(175, said.append)
enlarged(350, said.append, source[:1])  # so that kernels for this size are there
assert not said
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 40 * 2**20, resource.RLIM_INFINITY))
found = enlarged(0, said.append)  # the features of a whole frame alone are 179 MB
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
assert_equal(found, expected)
print(*said, sep="\\n")
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no Linux")
def test_a_process_that_gets_no_more_memory() -> None:
    command = [sys.executable, "-c", PRESSED, str(TESTS)]
    done = run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "out of memory on cpu: from here on in tiles of 350"
    assert len(lines) <= 3
