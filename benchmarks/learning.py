"""How a recurrent network has learnt: its score over the pixels it has seen, and what limits it.

    python benchmarks/learning.py runs/a5/log.jsonl
    python benchmarks/learning.py runs/a4/log.jsonl runs/a5/log.jsonl --plot learning.png

Reads logs of `vsr train --model recurrent --val ...`, also while the run is under way. Several
are runs behind each other, each with the weights of the one before (--warm-start): their pixels
add up. Prints by how much the last doubling of the pixels raised the best score; a network is done
where that is less than 0.03 dB. Within one run the falling learning rate raises the score, too:
it is fairer to compare the ends of runs, the last of which doubles the pixels.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, cycle, pairwise
from math import nan
from pathlib import Path
from typing import Any

from vsr.core.errors import InputError
from vsr.figures.line_plot import COLORS, check_plot, write_figure

DONE = 0.03  # dB by a doubling


@dataclass(frozen=True)
class Point:
    """How a network stood at one save.

    Attributes:
        run: the number of its run, from 0.
        pixels: small pixels seen so far, those of runs before included.
        score: mean gain over bicubic in dB; `clean` and `recorded` are its halves.
        losses: on clean and on recorded lanes, None where there were none.
        gains: of each clip in dB, clean and recorded.
    """

    run: int
    pixels: int
    score: float
    clean: float
    recorded: float
    losses: tuple[float | None, float | None]
    gains: dict[str, tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logs", type=Path, nargs="+", help="log.jsonl of runs, the first one first")
    parser.add_argument("--plot", type=Path, help="a .png or .svg of the curves")
    arguments = parser.parse_args()
    if arguments.plot:
        check_plot(arguments.plot)
    points = read(arguments.logs)
    print(told(points))
    if arguments.plot:
        plot(arguments.plot, points, [log.parent.name for log in arguments.logs])


def read(logs: Sequence[Path]) -> list[Point]:
    """The points of runs behind each other. Raises InputError for a log that is not of such."""
    points: list[Point] = []
    for run, log in enumerate(logs):
        before = points[-1].pixels if points else 0
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.strip()]
        own = [_point(run, before, line) for line in lines if line.get("gains")]
        if not own:
            raise InputError(f"{log}: holds no scores of a recurrent network")
        points += own
    return points


def _point(run: int, before: int, line: dict[str, Any]) -> Point:
    clean, recorded = line["gains"]["clean"], line["gains"]["recorded"]
    return Point(
        run,
        before + line["pixels"],
        line["psnr"],
        line["gain_clean"],
        line["gain_recorded"],
        (line["loss_clean"], line["loss_recorded"]),
        {name: (clean[name], recorded[name]) for name in clean},
    )


def last_doubling(points: Sequence[Point]) -> float | None:
    """By how much the highest score rose since half of the pixels; None without such a point."""
    earlier = [point.score for point in points if 2 * point.pixels <= points[-1].pixels]
    return max(point.score for point in points) - max(earlier) if earlier else None


def told(points: Sequence[Point]) -> str:
    """The last point, clip by clip, and the verdict."""
    last = points[-1]
    width = max(map(len, ["score", *last.gains]))
    lines = [f"{last.pixels:.3g} small pixels", f"{'':{width}}   clean  recorded  score"]
    for name, (clean, recorded) in last.gains.items():
        lines.append(f"{name:{width}} {clean:7.3f} {recorded:9.3f}")
    lines.append(f"{'mean':{width}} {last.clean:7.3f} {last.recorded:9.3f} {last.score:6.3f} dB")
    rise = last_doubling(points)
    if rise is None:
        lines.append("no score at half of these pixels or fewer: the last doubling is not known")
    else:
        verdict = "done" if rise < DONE else "not done"
        lines.append(f"the last doubling raised the best score by {rise:.3f} dB: {verdict}")
    return "\n".join(lines)


def plot(path: Path, points: Sequence[Point], names: Sequence[str]) -> None:
    """Score, its halves, losses and clips over pixels, a grey line where a run begins."""
    pixels = [point.pixels for point in points]
    starts = [before.pixels for before, point in pairwise(points) if point.run != before.run]
    best = list(accumulate((point.score for point in points), max))

    def draw(rows: Sequence[Any]) -> None:
        rows[0].plot(pixels, best, color="#cccccc", linewidth=5, label="best score")
        for axes, (title, unit, curves) in zip(rows, _panels(points), strict=True):
            for (label, values), color in zip(curves.items(), cycle(COLORS), strict=False):
                axes.plot(pixels, values, color=color, marker=".", label=label)
            for start in starts:
                axes.axvline(start, color="#999999", linewidth=0.8)
            axes.set_xscale("log", base=2)  # a step is a doubling
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:.2g}")
            axes.set_title(title, loc="left", weight="bold")
            axes.set_ylabel(unit)
            axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        rows[-1].set_xlabel(f"small pixels seen, {' then '.join(names)}")

    write_figure(path, 4, draw, overwrite=True)


def _panels(points: Sequence[Point]) -> Iterator[tuple[str, str, dict[str, list[float]]]]:
    """Title, unit and curves of each; NaN where there is nothing."""
    halves = ("clean", "recorded")
    yield (
        "score",
        "gain in dB",
        {name: [getattr(point, name) for point in points] for name in (*halves, "score")},
    )
    losses = [[nan if loss is None else loss for loss in point.losses] for point in points]
    curves = {name: [each[n] for each in losses] for n, name in enumerate(halves)}
    yield "loss by lanes", "loss", curves
    for n, half in enumerate(halves):
        clips = {
            clip: [point.gains.get(clip, (nan, nan))[n] for point in points]
            for clip in points[-1].gains
        }
        yield f"clips, {half}", "gain in dB", clips


if __name__ == "__main__":
    main()
