"""How near coming frames are to the one that a recurrent network restores, moved onto it or not.

    python benchmarks/coming_frames.py CLIP... [--model recurrent] [--scale 4] [--frames 18]

PSNR in dB of the reduced frames against each other: the next one and the one after it as they lie;
moved by the way back of each frame's flow to the one before, as the network does; and moved by
a flow of their own, for which the motion net runs once more for each.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from vsr.datasets.media import read_pictures
from vsr.evaluation.degrade import seen
from vsr.networks.recurrent import Recurrent, followed
from vsr.networks.registry import load_model
from vsr.networks.vespcn import Motion, warp

BORDER = 8
WAYS = ("as they lie", "way back", "own flow")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--model", default="recurrent")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--frames", type=int, default=18)
    given = parser.parse_args()
    network = load_model(given.model, given.scale).network
    if not isinstance(network, Recurrent):
        parser.error(f"--model {given.model}: must be a recurrent one")
    print(f"| clip | frame | {' | '.join(WAYS)} |\n|---|---|---|---|---|")
    for clip in given.clips:
        pairs = islice(seen(read_pictures(clip, "y"), given.scale, None), given.frames)
        frames = [torch.from_numpy(one.luma)[None, None].float() / 255 for one in pairs]
        for ahead in (1, 2):
            starts = range(len(frames) - 2)
            found = [nearness(network.motion, frames[n:], ahead) for n in starts]
            means = [f"{fmean(row):.2f}" for row in zip(*found, strict=True)]
            print(f"| {clip.stem} | {ahead} on | {' | '.join(means)} |")


@torch.inference_mode()
def nearness(motion: Motion, frames: list[Tensor], ahead: int) -> list[float]:
    """PSNR of the frame `ahead` of the first one against it, in each of WAYS."""
    first, coming = frames[0], frames[ahead]
    way = torch.stack([motion(frames[n + 1], frames[n])[:, 0] for n in range(ahead)], 1)
    moved = followed(torch.cat(frames[1 : ahead + 1], 1), way)[:, -1:]
    own = warp(coming, motion(first, coming)[:, 0], "bicubic")
    return [decibels(each, first) for each in (coming, moved, own)]


def decibels(one: Tensor, other: Tensor) -> float:
    inside = (..., slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    return -10 * (one - other)[inside].square().mean().clamp(min=1e-10).log10().item()


if __name__ == "__main__":
    main()
