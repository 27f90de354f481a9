"""Draw README.md's picture: one frame of the sample, enlarged bicubically and by vsr.

python samples/compare.py [--out docs/street.png]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np

import vsr

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / "samples" / "street.mp4"
SECOND = 1.6
CROPS = ((360, 240, 380, 340), (0, 20, 380, 340))  # x, y, width, height in the enlarged frame
LABELS = (("bicubic", "bicubic x4"), (None, "vsr x4"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "street.png")
    out: Path = parser.parse_args().out
    rows = [
        cv2.hconcat([crop(enlarged(model), *place, label) for model, label in LABELS])
        for place in CROPS
    ]
    out.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(out), cv2.vconcat(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def enlarged(model: str | None) -> np.ndarray:
    """The frame at SECOND, four times as large, BGR."""
    with tempfile.TemporaryDirectory() as folder:
        frames = Path(folder) / "frames"
        vsr.upscale(CLIP, frames, model=model, start=SECOND, end=SECOND + 0.04)
        return cv2.imread(str(frames / "00000001.png"))


def crop(picture: np.ndarray, x: int, y: int, width: int, height: int, label: str) -> np.ndarray:
    """A part of a picture with its label in the corner."""
    part = picture[y : y + height, x : x + width].copy()
    place, font = (10, height - 12), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(part, label, place, font, 0.7, (0, 0, 0), 4, cv2.LINE_AA)
    cv2.putText(part, label, place, font, 0.7, (255, 255, 255), 1, cv2.LINE_AA)
    return part


if __name__ == "__main__":
    main()
