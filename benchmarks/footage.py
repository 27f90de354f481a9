"""What models make of footage: true clips shrunk, given noise, encoded, and enlarged again.

    python benchmarks/footage.py [CLIP...] [--scale 2|3|4] [--models NAME|NAME=FILE,...]
        [--crf clean,23,28,33] [--noise 3] [--codec h264] [--preset medium] [--frames 8] [--json]

All models are given the very same small frames. Without CLIPs these are `aspen` and the scenes
that no footage model has learnt from, each by themselves and together; every clip counts the
same. Under each model stand two differences: to bicubic, and of a model NAME-footage to NAME.
A model that is not in the manifest is given as NAME=FILE.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from material import DATA, clips_to_report_on

import vsr
from vsr.core.errors import VsrError
from vsr.core.options import ComputeOptions
from vsr.degradation.compression import Compression
from vsr.evaluation.degrade import Recording
from vsr.evaluation.evaluate import compare, find_items
from vsr.evaluation.score import Mean, Score, mean

MODELS = ("bicubic", "lanczos", "espcn", "vespcn", "espcn-footage", "vespcn-footage")
FIGURES = {"psnr": 2, "ssim": 4, "dtssd": 2, "flicker": 2, "blockiness": 2}
"""What is measured, and its digits after the point."""
_FOOTAGE = "-footage"


@dataclass(frozen=True)
class Row:
    """One model on one group of clips.

    Attributes:
        clips: what the group is called.
        count: how many clips it has.
        state: what became of the small frames.
        model: what the model is called.
        figures: of FIGURES, what is known.
        against: another model -> by how much the figures are above its own.
    """

    clips: str
    count: int
    state: str
    model: str
    figures: dict[str, float]
    against: dict[str, dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--models", help="with commas between; NAME, FILE or NAME=FILE")
    parser.add_argument("--crf", default="23,28,33", help="of the codec; `clean` for no harm")
    parser.add_argument("--noise", type=float, default=3.0)
    parser.add_argument("--codec", default="h264")
    parser.add_argument("--preset", default="medium")
    parser.add_argument("--frames", type=int, default=8, help="of each clip")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--json", action="store_true", help="an object for each row")
    options = parser.parse_args()
    try:
        models = chosen(options.models, options.scale)
        groups = {"clips": find_items(options.clips)} if options.clips else own_clips()
        states = [state(word, options) for word in options.crf.split(",")]
    except (VsrError, ValueError) as error:
        sys.exit(f"footage: {error}")
    show = as_json if options.json else as_table
    for name, recording in states:
        items = [item for group in groups.values() for item in group]
        scores = list(
            compare(
                items,
                models,
                ComputeOptions(precision=options.precision),
                recording=recording,
                frames=options.frames,
            )
        )
        show(list(rows(name, groups, scores, [model.name for model in models])))


def chosen(words: str | None, scale: int) -> list[vsr.Model]:
    """The models asked for, or those of MODELS that there are."""
    if words is None:
        known = {w.name for w in vsr.catalogue() if w.scale == scale}
        missing = ", ".join(name for name in MODELS if name not in known)
        if missing:
            print(f"footage: not in the manifest for x{scale}: {missing}", file=sys.stderr)
        return [vsr.load_model(name, scale) for name in MODELS if name in known]
    return [named(word.strip(), scale) for word in words.split(",")]


def named(word: str, scale: int) -> vsr.Model:
    """A model by NAME, FILE or NAME=FILE."""
    name, _, file = word.rpartition("=")
    model = vsr.load_model(file, scale)
    return replace(model, weights=replace(model.weights, name=name or model.name))


def own_clips() -> dict[str, list[Path]]:
    """The clips by which footage models are reported."""
    return {
        "aspen": find_items([DATA / "val_video/aspen"]),
        "held back": find_items(clips_to_report_on()),
    }


def state(word: str, options: argparse.Namespace) -> tuple[str, Recording | None]:
    """What becomes of the small frames at one of --crf, in words and as a value."""
    if word == "clean":
        return word, None
    recording = Recording(options.noise, Compression(options.codec, int(word), options.preset))
    noise = f"noise {options.noise:g}, " if options.noise else ""
    return f"{noise}{options.codec} {options.preset} crf {word}", recording


def rows(
    state_: str,
    groups: dict[str, list[Path]],
    scores: Sequence[tuple[Score, ...]],
    names: Sequence[str],
) -> Iterator[Row]:
    """Those of each group, and of all together where there are some."""
    of_group, first = {}, 0
    for group, items in groups.items():
        of_group[group] = scores[first : first + len(items)]
        first += len(items)
    if len(groups) > 1:
        of_group["all"] = scores
    for group, some in of_group.items():
        means = {n: mean(column) for n, column in zip(names, zip(*some, strict=True), strict=True)}
        yield true_row(state_, group, means[names[0]])
        for name, one in means.items():
            others = dict.fromkeys(["bicubic", name.removesuffix(_FOOTAGE)])
            against = {o: difference(one, means[o]) for o in others if o != name and o in means}
            yield Row(group, one.items, state_, name, figures(one), against)


def true_row(state_: str, group: str, one: Mean) -> Row:
    """What the true clips show by themselves."""
    known = {"flicker": one.true_flicker, "blockiness": one.true_blockiness}
    found = {figure: value for figure, value in known.items() if value is not None}
    return Row(group, one.items, state_, "truth", found, {})


def figures(one: Mean) -> dict[str, float]:
    values = asdict(one)
    return {figure: values[figure] for figure in FIGURES if values[figure] is not None}


def difference(one: Mean, other: Mean) -> dict[str, float]:
    mine, theirs = figures(one), figures(other)
    return {figure: mine[figure] - theirs[figure] for figure in mine.keys() & theirs.keys()}


def as_json(found: Sequence[Row]) -> None:
    for row in found:
        print(json.dumps(asdict(row)), flush=True)


def as_table(found: Sequence[Row]) -> None:
    group = ""
    for row in found:
        if row.clips != group:
            group = row.clips
            print(f"\n{group} ({row.count}), {row.state}\n")
            print("| model | PSNR dB | SSIM | dtSSD | flicker | blocks |")
            print("|---" * 6 + "|")
        line(row.model, row.figures, "")
        for other, differences in row.against.items():
            line(f"... against {other}", differences, "+")
    sys.stdout.flush()


def line(name: str, values: dict[str, float], sign: str) -> None:
    cells = [
        f"{values[figure]:{sign}.{digits}f}" if figure in values else ""
        for figure, digits in FIGURES.items()
    ]
    print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
