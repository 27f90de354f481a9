"""PSNR, SSIM and cost of every bundled model on benchmark folders, as docs/pages/models/zoo.md.

    python benchmarks/quality.py FOLDER... [--model NAME] [--precision fp32]

Each FOLDER holds true images (Set5, Set14), or the frames of a clip, which has dtSSD as a
third figure. With `--manifest` the scores are printed as the lines that
`weights/manifest.toml` keeps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import vsr
from vsr.evaluation.evaluate import evaluate
from vsr.evaluation.score import Mean, mean
from vsr.networks.cost import Cost, cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--model", help="only this one")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--manifest", action="store_true")
    options = parser.parse_args()
    entries = [w for w in vsr.catalogue() if options.model in (None, w.name)]
    if not options.manifest:
        names = " | ".join(folder.name for folder in options.folders)
        print(f"| model | scale | {names} | parameters | GMACs |")
        print("|---" * (len(options.folders) + 4) + "|")
    for weights in entries:
        model = vsr.load_model(weights.name, weights.scale)
        means = {
            folder.name: mean(list(evaluate([folder], model, precision=options.precision)))
            for folder in options.folders
        }
        print((lines if options.manifest else row)(weights, means, cost(model.network)))


def row(weights: vsr.ModelCard, means: dict[str, Mean], takes: Cost) -> str:
    scores = " | ".join(" / ".join(figures(m).values()) for m in means.values())
    costs = f"{takes.parameters:,} | {takes.macs / 1e9:.2f}"
    return f"| {weights.name} | x{weights.scale} | {scores} | {costs} |"


def lines(weights: vsr.ModelCard, means: dict[str, Mean], takes: Cost) -> str:
    costs = [f"parameters = {takes.parameters}", f"gmacs = {takes.macs / 1e9:.2f}"]
    scores = [
        f"scores.{name} = {{ {', '.join(f'{k} = {v}' for k, v in figures(m).items())} }}"
        for name, m in means.items()
    ]
    return "\n".join([f"# {weights.name} x{weights.scale}", *costs, *scores])


def figures(mean: Mean) -> dict[str, str]:
    found = {"psnr": f"{mean.psnr:.2f}", "ssim": f"{mean.ssim:.4f}"}
    return found if mean.dtssd is None else found | {"dtssd": f"{mean.dtssd:.2f}"}


if __name__ == "__main__":
    main()
