"""What community models cost on a CPU: seconds of one core for a frame to 1920x1080.

    python benchmarks/community.py [--precision bf16] [--names compact,span]

The networks are spandrel's own, at the sizes that their papers or the common files have, with
random weights: those change nothing of the time. A small picture is enlarged, the middle one of
three times of the process is taken, and reckoned up by pixels, as whole frames of the larger
networks take minutes. `tiles` is what their parts need around them, and what measuring that took.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vsr.core.options import ComputeOptions
from vsr.inference.engine import choose_engine, prepared
from vsr.networks.community.community import Community
from vsr.networks.community.reach import measure_reach
from vsr.networks.community.torchvision_shim import import_spandrel
from vsr.networks.registry import load_model, scales_of

_PIXELS = 1920 * 1080


def _swin(**more: Any) -> nn.Module:
    from spandrel.architectures.SwinIR import SwinIR

    usual = {"upscale": 4, "window_size": 8, "img_range": 1.0, "mlp_ratio": 2, **more}
    made: nn.Module = SwinIR(img_size=64, resi_connection="1conv", **usual)
    return made


def _made(module: str, kind: str, **options: Any) -> nn.Module:
    import importlib

    made: nn.Module = getattr(importlib.import_module(module), kind)(**options)
    return made


_PLACE = "spandrel.architectures."
NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "compact": (lambda: _made(f"{_PLACE}Compact", "Compact", num_conv=16, upscale=4), 96),
    "compact-32": (lambda: _made(f"{_PLACE}Compact", "Compact", num_conv=32, upscale=4), 96),
    "span": (
        lambda: _made(f"{_PLACE}SPAN", "SPAN", num_in_ch=3, num_out_ch=3, upscale=4),
        96,
    ),
    "esrgan-6": (lambda: _made(f"{_PLACE}ESRGAN", "ESRGAN", num_blocks=6), 64),
    "esrgan-23": (lambda: _made(f"{_PLACE}ESRGAN", "ESRGAN", num_blocks=23), 64),
    "swinir-s": (
        lambda: _swin(
            depths=[6] * 4, embed_dim=60, num_heads=[6] * 4, upsampler="pixelshuffledirect"
        ),
        64,
    ),
    "swinir-m": (
        lambda: _swin(depths=[6] * 6, embed_dim=180, num_heads=[6] * 6, upsampler="pixelshuffle"),
        64,
    ),
}
"""What makes one, and the side of the picture that it is timed with."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", default="bf16", choices=["bf16", "fp32"])
    parser.add_argument("--names", default=",".join(NETWORKS))
    given = parser.parse_args()
    import_spandrel()
    torch.set_num_threads(1)
    engine = choose_engine(ComputeOptions(device="cpu", precision=given.precision, threads=1))
    print("| network | parameters | s a frame | tiles | measured in |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in given.names.split(","):
            make, side = NETWORKS[name]
            file = Path(folder, f"{name}.pth")
            torch.save(make().state_dict(), file)
            (scale,) = scales_of(str(file))
            model = load_model(file, scale)
            network = prepared(model.network, engine)
            assert isinstance(network, Community)
            seconds = _seconds(lambda: network(torch.rand(1, 3, side, side)))  # noqa: B023
            frame = seconds * _PIXELS / (side * scale) ** 2
            began = time.process_time()
            reach = measure_reach(network)
            took = time.process_time() - began
            size = f"{model.weights.parameters / 1e6:.2f} M"
            print(f"| {name} | {size} | {frame:.1f} | {reach} | {took:.0f} s |", flush=True)


def _seconds(work: Callable[[], object]) -> float:
    """The middle one of three times, in seconds of the processor, after one that is not counted."""
    taken = []
    with torch.inference_mode():
        for _ in range(4):
            began = time.process_time()
            work()
            taken.append(time.process_time() - began)
    return statistics.median(taken[1:])


if __name__ == "__main__":
    main()
