"""The networks of the literature by one protocol: their scores beside the published ones, and cost.

    python benchmarks/literature.py Set5/ Set14/ [--runs runs/literature] [--scale 4]
        [--threads 1] [--seconds 10] [--models espcn,edsr-8x32] [--manifest]

FOLDERs hold true images; published figures stand beside those of folders named Set5 and Set14. Rows
are the package's weights (`vsr models --all`) and, with --runs, the best weights that
`benchmarks/literature_training.py` has left there; a network without weights at the scale is passed
over. They are in the order of where most layers work: before the upscaling, after it, in levels, or
back and forth. --models adds rows of other models, which come first. Minutes are those of one core
that taught a network. Time is that of a frame of 1920x1080 in parts of what espcn takes in the same
run, precision and threads. --manifest prints the entries that weights/literature.toml keeps for the
files of --runs, which go to weights/literature/.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from literature_training import minutes_of

import vsr
from vsr.core.options import ComputeOptions
from vsr.evaluation.evaluate import evaluate
from vsr.evaluation.score import Mean, mean
from vsr.inference.engine import Engine, choose_engine
from vsr.networks.catalogue import LITERATURE_GROUP
from vsr.networks.cost import cost
from vsr.networks.model import Model
from vsr.networks.registry import load_model, scales_of
from vsr.speedtest.test_pattern import moving_pictures
from vsr.speedtest.throughput import network_rate
from vsr.training.shapes import LITERATURE_SHAPES

LARGE = (1920, 1080)


@dataclass(frozen=True)
class Published:
    """What a paper says of a network of exactly this shape.

    Attributes:
        paper: authors and year, and where else the figures stand.
        psnr: x4, in dB, by the name of the set.
    """

    paper: str
    psnr: dict[str, float]


def _of(paper: str, set5: float, set14: float) -> Published:
    return Published(paper, {"Set5": set5, "Set14": set14})


PUBLISHED = {
    "srcnn": _of("Dong 2014", 30.48, 27.50),
    "fsrcnn": _of("Dong 2016", 30.71, 27.59),
    "vdsr": _of("Kim 2016", 31.35, 28.01),
    "drrn": _of("Tai 2017, B1U9", 31.58, 28.18),
    "drrn-u25": _of("Tai 2017, B1U25", 31.68, 28.21),
    "lapsrn": _of("Lai 2017", 31.54, 28.19),
    "mdsr-baseline": _of("Lim 2017", 32.11, 28.60),
    "mdsr": _of("Lim 2017", 32.50, 28.72),
    "srresnet": _of("Ledig 2017", 32.05, 28.49),
    "srdensenet": _of("Tong 2017", 32.02, 28.50),
    "dbpn-s": _of("Haris 2018", 31.59, 28.21),
    "d-dbpn": _of("Haris 2018", 32.47, 28.82),
    "idn": _of("Hui 2018", 31.82, 28.25),
    "carn": _of("Ahn 2018", 32.13, 28.60),
    "carn-m": _of("Ahn 2018", 31.92, 28.42),
    "rdn": _of("Zhang 2018", 32.47, 28.81),
    "rcan": _of("Zhang 2018", 32.63, 28.87),
}
"""By the shapes' names. Light shapes have no published figures."""

PLACES = ("before", "after", "in levels", "back and forth")
"""Where most layers work, beside the upscaling."""
_BESIDE = {
    **dict.fromkeys(("srcnn", "vdsr", "drrn"), "before"),
    "lapsrn": "in levels",
    **dict.fromkeys(("dbpn", "d-dbpn"), "back and forth"),
}
"""By architecture, those of which that is not after it."""


def main() -> None:
    options = arguments()
    found = list(models(options))
    if options.manifest:
        for model, file in found:
            if file:
                print(entry(model, file, scores(model, options)))
        return
    engine = choose_engine(ComputeOptions(device=options.device, threads=options.threads))
    least = seconds(load_model("espcn", options.scale), engine, options)
    heads = [f"{folder.name}, published | {folder.name}" for folder in options.folders]
    first = "network | works | minutes | paper"
    print(f"| {first} | {' | '.join(heads)} | parameters | GMACs | time of espcn's |")
    print("|---" * (2 * len(heads) + 7) + "|", flush=True)
    for model, file in found:
        times = seconds(model, engine, options) / least
        print(row(model, file, options, times), flush=True)


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--runs", type=Path, help="a folder that literature_training.py fills")
    parser.add_argument("--scale", type=int, choices=(2, 3, 4), default=4)
    parser.add_argument("--models", default="espcn", help="others to stand beside, by commas")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=10, help="to time each network for")
    parser.add_argument("--manifest", action="store_true")
    return parser.parse_args(words)


def models(options: argparse.Namespace) -> Iterator[tuple[Model, Path | None]]:
    """Each network once that has weights at the scale, and the file where it is one of a run.

    A run's weights stand in place of the package's of the same network. Those of the literature
    come in the order of PLACES.
    """
    others = dict.fromkeys(filter(None, options.models.split(",")))
    cards = [card for card in vsr.catalogue(all_groups=True) if card.group == LITERATURE_GROUP]
    files = dict(_of_runs(options))
    names = {card.name for card in cards if card.scale == options.scale} | set(files)
    shapes = [name for name in LITERATURE_SHAPES if name in names and name not in others]
    for name in (*others, *sorted(shapes, key=lambda name: PLACES.index(place(name)))):
        file = files.get(name)
        yield load_model(file or name, options.scale), file


def place(name: str) -> str:
    """Where most layers of a shape of the literature work; "" for others."""
    if name not in LITERATURE_SHAPES:
        return ""
    return _BESIDE.get(LITERATURE_SHAPES[name].network, "after")


def _of_runs(options: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """Names of networks, and the best weights of their runs, where these have the scale."""
    for name in LITERATURE_SHAPES if options.runs else ():
        file = options.runs / name / "best.safetensors"
        if file.is_file() and options.scale in scales_of(str(file)):
            yield name, file


def name_of(model: Model) -> str:
    """The model's name; of a file of a run, that of its folder."""
    file = Path(model.weights.file)
    return file.parent.name if file.stem == "best" else model.name


def minutes(model: Model, file: Path | None) -> float:
    """What one core has spent on it; 0 where that is not known."""
    return minutes_of(file.parent) if file else model.weights.minutes


def scores(model: Model, options: argparse.Namespace) -> dict[str, Mean]:
    return {folder.name: mean(list(evaluate([folder], model))) for folder in options.folders}


def row(model: Model, file: Path | None, options: argparse.Namespace, times: float) -> str:
    name, taken = name_of(model), minutes(model, file)
    published = PUBLISHED.get(name) if options.scale == 4 else None
    cells = [name, place(name) or "-", f"{taken:.0f}" if taken else "-"]
    cells += [published.paper if published else "-"]
    for folder, own in scores(model, options).items():
        theirs = published.psnr.get(folder) if published else None
        cells += [f"{theirs:.2f}" if theirs else "-", f"{own.psnr:.2f} / {own.ssim:.4f}"]
    takes = cost(model.network)
    cells += [f"{takes.parameters:,}", f"{takes.macs / 1e9:.2f}", f"{times:.1f}"]
    return f"| {' | '.join(cells)} |"


def seconds(model: Model, engine: Engine, options: argparse.Namespace) -> float:
    """What a frame of LARGE takes."""
    size = (LARGE[0] // model.scale, LARGE[1] // model.scale)
    until = time.perf_counter() + options.seconds
    at_once = engine.workers if engine.device.type == "cpu" else 1
    return 1 / network_rate(model, engine, at_once, print, moving_pictures(*size), size, until)


def entry(model: Model, file: Path, means: dict[str, Mean]) -> str:
    """The lines of weights/literature.toml for a file; what people must say stays empty."""
    name, takes = name_of(model), cost(model.network)
    several = len(scales_of(str(file))) > 1
    kept = (
        f"{LITERATURE_GROUP}/{name}.safetensors"
        if several
        else f"{LITERATURE_GROUP}/{name}_x{model.scale}.safetensors"
    )
    options = ", ".join(f"{k} = {json.dumps(v)}" for k, v in model.weights.options.items())
    return "\n".join(
        [
            f"# {file}",
            "[[weights]]",
            f'name = "{name}"',
            f"scale = {model.scale}",
            f'network = "{model.weights.network}"',
            f"options = {{ {options} }}",
            'summary = ""',
            f'file = "{kept}"',
            f'sha256 = "{hashlib.sha256(file.read_bytes()).hexdigest()}"',
            'licence = ""\ntrained_on = ""\ndata_licence = ""',
            f"parameters = {takes.parameters}",
            f"gmacs = {takes.macs / 1e9:.2f}",
            f"minutes = {minutes(model, file):.0f}",
            *(
                f"scores.{folder} = {{ psnr = {own.psnr:.2f}, ssim = {own.ssim:.4f} }}"
                for folder, own in means.items()
            ),
            "",
        ]
    )


if __name__ == "__main__":
    main()
