"""What `vsr adapt` brings on each clip of a folder: time, gain on held-back frames, the verdict.

    python benchmarks/adapting.py                       # the clips of ../shared/footage, x2
    python benchmarks/adapting.py CLIPS --scale 4 --minutes 1 --json

Each clip is adapted to by itself. The gain is in dB over the weights that were begun from, on the
clip's held-back frames made smaller: see docs/pages/models/footage.md for what it says.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vsr.adaptation.adapt import Found, Watch, adapt
from vsr.adaptation.finetune import Course
from vsr.core.errors import VsrError
from vsr.datasets.media import list_items

FOOTAGE = Path(__file__).parents[2] / "shared" / "footage"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", type=Path, nargs="*", default=[FOOTAGE])
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--model", help="by default what `vsr adapt` begins from")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    if not options.json:
        print(f"{'clip':<28}{'s':>6}{'steps':>7}{'bicubic':>9}{'before':>8}{'gain':>8}{'+-':>7}")
    for path in list_items(options.paths):
        try:
            row = measured(path, options)
        except VsrError as error:
            print(error, file=sys.stderr)
            continue
        print(json.dumps(row, default=str) if options.json else line(row), flush=True)


def measured(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Adapt to one clip, and throw the weights away."""
    found: list[Found] = []
    began = time.monotonic()
    with TemporaryDirectory() as folder:
        adapted = adapt(
            [path],
            Path(folder, "camera.safetensors"),
            options.scale,
            options.model,
            Course(options.minutes),
            options.device,
            watch=Watch(found.append),
        )
    verdict = adapted.verdict
    return {
        "clip": path.name,
        "scale": options.scale,
        "model": adapted.model,
        "seconds": round(time.monotonic() - began, 1),
        "steps": adapted.steps,
        **asdict(verdict),
        "better": verdict.is_better,
        "camera": asdict(found[0].camera),
    }


def line(row: dict[str, Any]) -> str:
    kept = "adapted" if row["better"] else f"{row['model']} kept"
    return (
        f"{row['clip']:<28}{row['seconds']:>6.0f}{row['steps']:>7}{row['bicubic']:>9.2f}"
        f"{row['before']:>8.2f}{row['gain']:>+8.3f}{row['error']:>7.3f}"
        f"  {row['wins']} of {row['parts']} parts, {kept}"
    )


if __name__ == "__main__":
    main()
