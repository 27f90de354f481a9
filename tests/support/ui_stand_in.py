"""Stands in for `vsr` in tests of the queue: it says what vsr would say, and computes nothing.

What it does stands in the source, a line each: `frames N` takes N frames, `slow` takes a twentieth
of a second for each, `segments` says that what is done outlasts the end, `fail CODE` ends so,
`stubborn` takes no signal to end, `forever` goes on. It notes each beginning and each signal beside
the target.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path


def main(command: str, source: Path, target: Path) -> int:
    script = dict(line.partition(" ")[::2] for line in source.read_text().splitlines())
    notes, done = target.with_name(f"{target.name}.notes"), target.with_name(f"{target.name}.done")
    stopping: list[int] = []

    def note(word: str) -> None:
        with notes.open("a") as file:
            file.write(f"{word}\n")

    def told(number: int, _frame: object) -> None:
        note(signal.Signals(number).name)
        if "stubborn" not in script:
            stopping.append(number)

    signal.signal(signal.SIGINT, told)
    signal.signal(signal.SIGTERM, told)
    note("begun")
    print("vsr: warning: this stands in", file=sys.stderr, flush=True)
    frames = int(script.get("frames", "3"))
    first = int(done.read_text()) if "segments" in script and done.exists() else 0
    for number in range(first + 1, frames + 1):
        facts = {"frames": number, "expected": frames, "resumable": "segments" in script}
        print(json.dumps({"event": "progress", **facts}), flush=True)
        if "slow" in script:
            time.sleep(0.05)
        done.write_text(str(number))
        if stopping:
            print("vsr: interrupted", file=sys.stderr, flush=True)
            return 130
    while "forever" in script:
        time.sleep(0.02)
        if stopping:
            return 130
    if code := int(script.get("fail", "0")):
        print(f"vsr: error: {source.name}: was told to fail", file=sys.stderr, flush=True)
        return code
    target.write_text(f"{command} {os.getpid()}")
    print(json.dumps({"event": "result", "frames_out": frames}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
