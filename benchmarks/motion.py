"""What VESPCN gains by its neighbours, and by moving them: PSNR in dB on clips.

    python benchmarks/motion.py CLIP... [--models vespcn,vespcn-wide] [--scale 4]

Each CLIP is a video or a folder of frames. Every network that sees neighbours is measured three
times: as it is; with its flow set to zero, so that neighbours come in where they lie; and with
the centre frame in the place of each neighbour. Bicubic and the single-frame networks stand
beside it. The protocol is that of `vsr eval`.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

import vsr
from vsr.core.options import ComputeOptions
from vsr.evaluation.evaluate import compare, find_items
from vsr.evaluation.score import mean
from vsr.networks import Network
from vsr.networks.model import Model
from vsr.networks.vespcn import Vespcn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--models", default="bicubic,espcn,espcn-deep,vespcn")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--precision", default="fp32")
    options = parser.parse_args()
    models = [vsr.load_model(name, options.scale) for name in options.models.split(",")]
    cases = [case for model in models for case in variants(model)]
    scores = list(
        compare(find_items(options.clips), cases, ComputeOptions(precision=options.precision))
    )
    for number, case in enumerate(cases):
        total = mean([row[number] for row in scores])
        flicker = "-" if total.dtssd is None else f"{total.dtssd:.3f}"  # of frames without a cut
        print(f"{case.name:<36}{total.psnr:8.3f} dB {total.ssim:8.4f}  dtSSD {flicker}")


def variants(model: Model) -> Iterator[Model]:
    """The model, and where it sees neighbours what it makes of them unmoved, and of none."""
    yield model
    if isinstance(model.network, Vespcn):
        unmoved = copy.deepcopy(model.network)
        unmoved.motion = Unmoving()  # type: ignore[assignment]
        yield named(model, unmoved, "motion compensation off")
        yield named(model, CentreOnly(model.network), "no neighbours")


def named(model: Model, network: Network, what: str) -> Model:
    return Model(replace(model.weights, name=f"{model.name}, {what}"), network)


class Unmoving(nn.Module):
    """No flow, whatever is seen."""

    def forward(self, centre: Tensor, neighbours: Tensor) -> Tensor:
        count, others, height, width = neighbours.shape
        return torch.zeros(count, others, 2, height, width, device=centre.device)


class CentreOnly(Network):
    """A network that is shown the frame itself for each of its neighbours."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network, self.scale = network, network.scale
        self.receptive_field = network.receptive_field

    def subpixel(self, x: Tensor) -> Tensor:
        return self.network.subpixel(x.expand(-1, 2 * self.network.context + 1, -1, -1))


if __name__ == "__main__":
    main()
