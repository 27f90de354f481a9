"""Damaged videos through the real command: does it always end well or with one clear line?

    python benchmarks/fuzz.py --count 1000 --seed 1 --keep broken

Small videos in every container are damaged at random (`tests/support/damaged_files.py`) and
enlarged. A run either writes all frames that it says it read, or ends with one line and leaves
nothing. Files on which it does neither are kept, with the command to run again. With a seed the
files are the same each time. `--only` takes parts of sources' names, kinds of damage or suffixes,
with commas.
"""

from __future__ import annotations

import argparse
import random
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.damaged_files import (
    KINDS,
    OPTIONS,
    Harm,
    Outcome,
    harm,
    make_sources,
    targets,
    try_out,
    try_probe,
)

ENDS = ("whole", "salvaged", "refused", "wrong")


@dataclass(frozen=True)
class Case:
    """A damaged file and what to do with it."""

    number: int
    source: str
    harms: tuple[Harm, ...]
    suffix: str
    options: tuple[str, ...]

    def __str__(self) -> str:
        kinds = " + ".join(each.kind for each in self.harms)
        return f"{self.number}: {self.source}, {kinds}, to {self.suffix} {' '.join(self.options)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="sources or kinds of damage")
    parser.add_argument("--keep", type=Path, help="a folder for the files that break a promise")
    parser.add_argument("--verbose", action="store_true", help="a line for each case")
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        sources = make_sources(Path(folder))
        ended: dict[str, Counter[str]] = {name: Counter() for name in sources}
        reasons: Counter[str] = Counter()
        for case in drawn(sources, options.count, options.seed):
            if options.only and not any(word in str(case) for word in options.only.split(",")):
                continue
            outcome, damaged = run(case, sources[case.source])
            ended[case.source][outcome.what] += 1
            if options.verbose or outcome.what == "wrong":
                print(f"{case}\n    {outcome.what}: {outcome.why}", flush=True)
            if outcome.what == "wrong":
                reasons[outcome.why.split(":")[0]] += 1
                if options.keep:
                    keep(options.keep, case, damaged)
    print(f"\n{'':<18}" + "".join(f"{end:>10}" for end in ENDS))
    for name, counts in ended.items():
        print(f"{name:<18}" + "".join(f"{counts[end] or '':>10}" for end in ENDS))
    total = sum(ended.values(), Counter())
    print(f"{'all':<18}" + "".join(f"{total[end]:>10}" for end in ENDS))
    for reason, count in reasons.most_common():
        print(f"{count:>6} x {reason}")
    print(f"{total.total()} runs in {time.monotonic() - begun:.0f} s")
    sys.exit(1 if total["wrong"] else 0)


def drawn(sources: dict[str, Path], count: int, seed: int) -> Iterator[Case]:
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        name = chance.choice(list(sources))
        harms = tuple(
            Harm(
                chance.choice(KINDS), chance.random(), chance.random() ** 3, chance.getrandbits(32)
            )
            for _ in range(chance.choice((1, 1, 1, 2, 3)))
        )
        suffix = chance.choice(targets(sources[name]))
        yield Case(number, name, harms, suffix, chance.choice(OPTIONS))


def some_harm(chance: random.Random) -> Harm:
    """Small ones are likelier: of a file that is mostly gone little can be asked."""
    kind, start, length = chance.choice(KINDS), chance.random(), chance.random() ** 3
    return Harm(kind, start, length, chance.getrandbits(32))


def run(case: Case, source: Path) -> tuple[Outcome, bytes]:
    """How it ended, and the damaged file."""
    with tempfile.TemporaryDirectory() as folder:
        damaged, out = Path(folder, source.name), Path(folder, "out")
        out.mkdir()
        harm(source, damaged, case.harms)
        outcome = try_out(damaged, out / f"out{case.suffix}", *case.options)
        if outcome.what != "wrong" and case.number % 5 == 0:
            probed = try_probe(damaged)
            outcome = probed if probed.what == "wrong" else outcome
        return outcome, damaged.read_bytes()


def keep(folder: Path, case: Case, damaged: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{case.number:05}_{case.source}"
    path.write_bytes(damaged)
    command = ["vsr", "upscale", str(path), f"/tmp/out{case.suffix}", "--model", "bicubic"]
    print("    " + shlex.join([*command, "--scale", "2", *case.options]))


if __name__ == "__main__":
    main()
