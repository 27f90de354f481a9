"""How long `vsr` takes to begin: its help, and a job to its first frame.

    python benchmarks/startup.py [--runs 7] [--model espcn]

Each figure is the least of several runs, of seconds on the clock and of the CPU. Other work on the
machine makes both longer, so each stands beside what Python, or torch, takes by itself at the same
time: the ratio tells. The first frame is known by the first line of progress in JSON.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

CLIP = Path(__file__).parent.parent / "samples" / "street.mp4"


@dataclass(frozen=True)
class Took:
    """Seconds, on the clock and of the CPU."""

    clock: float
    cpu: float


def least(one: Took, other: Took | None) -> Took:
    """The less of each."""
    if other is None:
        return one
    return Took(min(one.clock, other.clock), min(one.cpu, other.cpu))


def run(words: list[str], until: bytes = b"") -> Took:
    """A process to its end, or to the first line on stdout that holds `until`."""
    began = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    seen = False
    for line in process.stdout:
        if until and until in line:
            seen = True
            process.kill()
            break
    _, status, used = os.wait4(process.pid, 0)
    clock = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode and not seen:
        raise SystemExit(f"{' '.join(words)}: failed")
    return Took(clock, used.ru_utime + used.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--model", default="espcn")
    given = parser.parse_args()
    python, vsr = [sys.executable], [str(Path(sys.executable).with_name("vsr"))]
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder, "out.mkv"))
        job = [*vsr, "upscale", str(CLIP), target, "--model", given.model, "-y", "--json"]
        job += ["--resume", "never"]
        plan: dict[str, tuple[list[str], bytes]] = {
            "python -c pass": ([*python, "-c", "pass"], b""),
            "vsr --help": ([*vsr, "--help"], b""),
            "import torch": ([*python, "-c", "import torch"], b""),
            "vsr upscale --help": ([*vsr, "upscale", "--help"], b""),
            "first frame": (job, b'"progress"'),
        }
        found: dict[str, Took] = {}
        for _ in range(given.runs):  # in turn, so that what else the machine does meets all
            for name, (words, until) in plan.items():
                found[name] = least(run(words, until), found.get(name))
    for name, took in found.items():
        print(f"{name:<20}{took.clock:7.2f} s{took.cpu:7.2f} s of CPU")
    for name, base in (("vsr --help", "python -c pass"), ("first frame", "import torch")):
        took, alone = found[name], found[base]
        clock, cpu = took.clock / alone.clock, took.cpu / alone.cpu
        print(f"{name} / {base}: {clock:.2f} on the clock, {cpu:.2f} of CPU")


if __name__ == "__main__":
    main()
