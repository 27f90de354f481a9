"""The mean of several files of weights of one network: better than each, after runs of one origin.

    python benchmarks/mean_weights.py -o MEAN runs/a5/best.safetensors runs/a5/last.safetensors
    python benchmarks/mean_weights.py -o LIGHTER MEAN --flawless 0.992
    python benchmarks/mean_weights.py -o LAST runs/a5/checkpoint.pt --like runs/a5/best.safetensors

--flawless multiplies the kernels of a recurrent cell that are for flawless sources: with a little
less weight a cell that drifts in a stability test may do so no more, at a small price. A
checkpoint gives the average that its run keeps; --like is a file of the same network.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

import vsr
from vsr.core.errors import VsrError
from vsr.networks.graded import Graded
from vsr.networks.registry import scales_of

State = dict[str, Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--flawless", type=float, default=1.0, metavar="FACTOR")
    parser.add_argument("--like", type=Path, metavar="FILE", help="what a checkpoint is of")
    options = parser.parse_args()
    if options.output in (*options.files, options.like):
        parser.error(f"{options.output} is read")
    like = options.like or options.files[0]
    if like.suffix != ".safetensors":
        parser.error("a checkpoint needs --like a file of the same network")
    try:
        network = vsr.load_model(like, scales_of(str(like))[0]).network
    except VsrError as error:
        sys.exit(f"mean_weights: {error}")
    network.load_state_dict(mean([read(file) for file in options.files]))
    if options.flawless != 1:
        lighten(network, options.flawless)
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    with safe_open(like, "pt") as file:
        save_file(state, options.output, file.metadata())


def read(file: Path) -> State:
    """The numbers of a file of weights, or of the average in a checkpoint."""
    if file.suffix == ".safetensors":
        with safe_open(file, "pt") as weights:
            return {name: weights.get_tensor(name) for name in weights.keys()}  # noqa: SIM118
    found: State = torch.load(file, map_location="cpu", weights_only=True)["average"]
    return found


def mean(states: list[State]) -> State:
    """Of each number; all must be of one network."""
    if any(state.keys() != states[0].keys() for state in states):
        sys.exit("mean_weights: the files are of different networks")
    return {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(value.dtype)
        for name, value in states[0].items()
    }


def lighten(network: torch.nn.Module, factor: float) -> None:
    """Multiply the kernels of the first of the grades, in each layer that has several."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, Graded) and module.grades > 1:
                module.weight[: len(module.weight) // module.grades] *= factor


if __name__ == "__main__":
    main()
