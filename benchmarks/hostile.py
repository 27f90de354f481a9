"""Bad input of every kind through the real command: does it end well or with one clear line?

    python benchmarks/hostile.py --seconds 300 --seed 1 --keep broken

Sizes, numbers, model files, images, playlists, leftovers of other runs, paths, signals, two runs
at once and calls from Python are drawn at random over small clips. Each case is a process of its
own with a time limit. It must end with what it says it made, or with one line and nothing left;
no source may change. With a seed the cases are the same each time. Damaged videos are
`benchmarks/fuzz.py`'s.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.cli_runner import SCRIPT, vsr
from support.hostile_input import KINDS, PATIENCE, STILL, Case, Place, draw_sources

IMPATIENCE = 0.2  # seconds from one signal to the next
ENDS = ("done", "refused", "broken")


@dataclass(frozen=True)
class Ended:
    """How one process of a case ended: its exit code, and what it said."""

    code: int
    out: str
    err: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help=f"kinds, with commas: {', '.join(KINDS)}")
    parser.add_argument("--keep", type=Path, help="a folder for the files of what broke")
    parser.add_argument("--verbose", action="store_true", help="a line for each case")
    options = parser.parse_args()
    kinds = [kind for kind in KINDS if not options.only or kind in options.only.split(",")]
    ended: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        sources = draw_sources(Path(folder, "sources"))
        for number, kind in drawn(kinds, begun + options.seconds):
            place = new_place(Path(folder, "case"), sources, f"{options.seed} {number}")
            case = KINDS[kind](place)
            end, why = attempt(case, place)
            ended[kind][end] += 1
            if end == "broken" or options.verbose:
                print(f"{kind} {number}: {end}: {why[:500]}\n    {str(case)[:1000]}", flush=True)
            if end == "broken" and options.keep:
                shutil.copytree(place.bad.parent, options.keep / f"{kind}-{number}", symlinks=True)
    table(ended)
    print(f"{time.monotonic() - begun:.0f} s, seed {options.seed}")
    sys.exit(1 if any(counts["broken"] for counts in ended.values()) else 0)


def drawn(kinds: list[str], until: float) -> Iterator[tuple[int, str]]:
    """Numbered cases, of all kinds in turn, while there is time."""
    number = 0
    while time.monotonic() < until:
        yield number, kinds[number % len(kinds)]
        number += 1


def new_place(folder: Path, sources: Path, seed: str) -> Place:
    shutil.rmtree(folder, ignore_errors=True)
    place = Place(random.Random(seed), sources, folder / "bad", folder / "out")
    place.bad.mkdir(parents=True)
    place.out.mkdir()
    return place


def table(ended: dict[str, Counter[str]]) -> None:
    print(f"\n{'':<12}{'tried':>9}" + "".join(f"{end:>9}" for end in ENDS))
    for name, counts in {**ended, "all": sum(ended.values(), Counter())}.items():
        print(f"{name:<12}{counts.total():>9}" + "".join(f"{counts[end] or '':>9}" for end in ENDS))


# ---------------------------------------------------------------------------------- what must hold


def attempt(case: Case, place: Place) -> tuple[str, str]:
    """How a case ended, and with which words, or which promise it broke."""
    sources, kept = (place.sources, place.bad), {path.name for path in place.out.iterdir()}
    before = [contents(folder) for folder in sources]
    try:
        runs = start(case)
    except (TimeoutError, subprocess.TimeoutExpired):
        return "broken", "still running"
    broken = next(filter(None, map(manners, runs)), "")
    if [contents(folder) for folder in sources] != before:
        return "broken", "a source is not as it was"
    done = [ran for ran in runs if not ran.code]
    if not broken and done and case.words[0] == "upscale":
        broken = output(done[-1], case.target)
    if not broken:
        broken = left_behind(case, {path.name for path in place.out.iterdir()} - kept, bool(done))
    said = runs[-1].err.splitlines()
    return ("broken", broken) if broken else ("done" if done else "refused", (said or [""])[-1])


def start(case: Case) -> list[Ended]:
    """All processes of a case, ended. Raises TimeoutError or subprocess.TimeoutExpired."""
    if not case.also and case.kind != "python":
        ran = vsr(*case.words, patience=PATIENCE)
        return [Ended(ran.code, ran.out, ran.err)]
    command = [sys.executable, "-c"] if case.kind == "python" else [str(SCRIPT)]
    runs = [
        subprocess.Popen(
            [*command, *case.words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2 if case.also == "twice" else 1)
    ]
    try:
        if case.also.startswith("SIG"):
            wait_for_part(case.target.parent, runs[0])
            while runs[0].poll() is None:  # whoever is impatient presses Ctrl-C again
                runs[0].send_signal(getattr(signal, case.also))
                time.sleep(IMPATIENCE)
        said = [run.communicate(timeout=PATIENCE) for run in runs]
    finally:
        for run in runs:
            run.kill()
    return [Ended(run.returncode, *words) for run, words in zip(runs, said, strict=True)]


def wait_for_part(folder: Path, run: subprocess.Popen[str]) -> None:
    while run.poll() is None and not any(folder.iterdir()):
        time.sleep(0.005)


def contents(folder: Path) -> dict[Path, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def manners(ran: Ended) -> str:
    """What is wrong with a process's code and words, "" for nothing."""
    if ran.code not in (0, 1, 2, 3, 130):
        return f"exit code {ran.code}: {ran.err.strip()}"
    for word in ("Traceback", "unexpected"):
        if word in ran.err:
            return f"{word}: {ran.err.strip()}"
    lines = [line for line in ran.err.splitlines() if line]  # click ends a ^C with an empty one
    if ran.code == 2:  # click's: how to call it, an empty line, what is wrong
        good = bool(lines) and lines[-1].startswith("Error: ")
        return "" if good else f"bad usage, told in other words: {ran.err.strip()}"
    ends = ("vsr: error: ", "vsr: interrupted", "vsr: stopped") if ran.code else ()
    if ran.code and not (lines and lines[-1].startswith(ends)):
        return f"failed, and does not say why: {ran.err.strip()}"
    told = lines[: -1 if ran.code else None]
    strange = [line for line in told if not line.startswith("vsr: warning: ")]
    return f"neither warning nor error: {strange[0]}" if strange else ""


def output(ran: Ended, target: Path) -> str:
    """What is wrong with a finished output, "" for nothing."""
    result = json.loads(ran.out.splitlines()[-1])
    if result["event"] == "done":
        return "" if target.exists() else "done, and there is no output"
    files = sorted(target.iterdir()) if target.is_dir() else [target]
    try:
        sizes = [size for file in files for size in decoded(file)]
    except (av.FFmpegError, OSError, IndexError) as error:
        return f"the output cannot be decoded: {error}"
    if not len(sizes) == result["frames_in"] == result["frames_out"]:
        return f"{result['frames_in']} frames in, {len(sizes)} in the output"
    told = (result["width"], result["height"])
    return "" if {*sizes} == {told} or target.is_dir() else f"{told} is told, it is {sizes[0]}"


def decoded(file: Path) -> list[tuple[int, int]]:
    """The size of each picture."""
    if file.suffix in STILL:
        return [Image.open(file).size]
    with av.open(str(file)) as container:
        return [(frame.width, frame.height) for frame in container.decode(video=0)]


def left_behind(case: Case, new: set[str], done: bool) -> str:
    """What else than the output is there."""
    allowed = {case.target.name, f"{case.target.name}.record.json"} if done else set()
    if tuple(case.words[:1]) == ("train",):  # its folder is there to go on from
        allowed.add(case.target.name)
    if case.also == "twice":  # the slower one puts what it made aside
        allowed.add(f"{case.target.stem}.1{case.target.suffix}")
    if case.also and "always" in case.words:  # work that the same command continues
        new = {name for name in new if not name.endswith(".work")}
    return f"left behind: {sorted(new - allowed)}" if new - allowed else ""


if __name__ == "__main__":
    main()
