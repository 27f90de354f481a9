"""What the test at the start sees of each bundled model, and what it costs, on the CPU.

    python benchmarks/self_test.py [--models espcn,recurrent]

- off: how far half precision is from float32, in levels of 255, as root mean square; more than one
  fails the test. fp16 is computed by the CPU here, as a GPU would round it.
- wrong: the same where one convolution reads its first channels in the place of others, as Apple's
  GPUs did, in float32: the largest difference.
- CPU ms: time of the processor for the test in bf16, when the model is loaded.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import torch
from torch import nn

from vsr.inference import self_test
from vsr.inference.engine import Engine
from vsr.networks.catalogue import catalogue
from vsr.networks.model import Model
from vsr.networks.registry import load_model

CPU = (torch.device("cpu"),)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="", help="names, by commas; all with weights if empty")
    names = parser.parse_args().models.split(",")
    print("| model | off, bf16 | off, fp16 | wrong, fp32 | CPU ms |")
    print("|---|---|---|---|---|")
    for card in catalogue():
        if card.file and (names == [""] or card.name in names):
            print(row(load_model(card.name, card.scale)), flush=True)


def row(model: Model) -> str:
    off(model, "bf16")  # a first run takes more memory in
    began = time.process_time()
    bf16 = off(model, "bf16")
    took = time.process_time() - began
    fp16, wrong = off(model, "fp16"), wrong_slice(model)
    name = f"{model.name} x{model.scale}"
    return f"| {name} | {bf16:.2f} | {fp16:.2f} | {wrong:.0f} | {took * 1e3:.0f} |"


def off(model: Model, precision: str) -> float:
    return self_test._difference(model, Engine(CPU, precision, 1, 0))


def wrong_slice(model: Model) -> float:
    """How far a model is off that has a wrong convolution on the device, and none elsewhere."""
    ready = self_test._ready

    def spoilt(model: Model, engine: Engine) -> nn.Module:
        network = ready(model, engine)
        if engine is not self_test._EXACT:
            convs = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
            conv = max(convs, key=lambda conv: conv.in_channels)
            half, weight = conv.in_channels // 2, conv.weight.data
            weight[:, :half] += weight[:, half : 2 * half]
            weight[:, half : 2 * half] = 0
        return network

    self_test._ready = spoilt  # type: ignore[assignment]
    try:
        return self_test._difference(model, replace(self_test._EXACT))
    finally:
        self_test._ready = ready


if __name__ == "__main__":
    main()
