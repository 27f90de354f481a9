"""What metrics say of a true clip that is sharpened: why VMAF alone is none of ours.

    python benchmarks/sharpening.py CLIP [--frames 8] [--amounts 0.3,0.6,1,2]

Each frame of the truth gets an unsharp mask, as editors have it: its difference to a Gaussian blur
of one pixel is added so many times over. The first row is the truth itself. Needs the extra
`metrics`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.core.errors import VsrError
from vsr.datasets.media import read_luma
from vsr.evaluation.ffmpeg_meter import MODELS, XPSNR, Meter
from vsr.evaluation.further import FURTHER, check_further, edges_restored
from vsr.evaluation.measure import bounded_psnr

Plane = NDArray[np.uint8]
BLUR = 1.0  # pixels, the deviation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--amounts", default="0.3,0.6,1,2")
    options = parser.parse_args()
    try:
        check_further(FURTHER, clips=True)
        truths = list(islice(read_luma(options.clip), options.frames))
        amounts = [0.0, *(float(word) for word in options.amounts.split(","))]
        print("\n".join(table(truths, amounts)))
    except (VsrError, ValueError) as error:
        sys.exit(f"sharpening: {error}")


def table(truths: Sequence[Plane], amounts: Sequence[float]) -> Iterator[str]:
    """A table of Markdown, a row for each amount."""
    yield "| sharpened by | VMAF | VMAF-NEG | XPSNR dB | PSNR dB | ERQA |"
    yield "|---" * 6 + "|"
    for amount in amounts:
        pictures = [sharpened(truth, amount) for truth in truths]
        with Meter(*MODELS, XPSNR) as meter:
            for picture, truth in zip(pictures, truths, strict=True):
                meter.add(picture, truth)
            found = meter.scores()
        pairs = list(zip(pictures, truths, strict=True))
        psnr = np.mean([bounded_psnr(picture, truth, 0) for picture, truth in pairs])
        edges = [e for picture, truth in pairs if (e := edges_restored(picture, truth)) is not None]
        erqa = f"{np.mean(edges):.3f}" if edges else ""
        vmaf = f"{found['vmaf']:.2f} | {found['vmaf-neg']:.2f}"
        yield f"| {amount:g} | {vmaf} | {found[XPSNR]:.2f} | {psnr:.2f} | {erqa} |"


def sharpened(plane: Plane, amount: float) -> Plane:
    """An unsharp mask on (H, W) uint8."""
    levels = plane.astype(np.float32)
    detail = levels - cv2.GaussianBlur(levels, (0, 0), BLUR)
    samples: Plane = (levels + amount * detail).round().clip(0, 255).astype(np.uint8)
    return samples


if __name__ == "__main__":
    main()
