"""Draw README.md's picture: one frame of the sample, enlarged, beside the truth.

python samples/compare.py [--out docs/street.png]

The columns are bicubic, `vsr upscale`, and the drawing that the sample was made from.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from draw import draw

import vsr
from vsr.figures.text import lay, lettered

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / "samples" / "street.mp4"
FRAME, RATE = 40, 25
CROPS = ((360, 240, 380, 340), (0, 40, 380, 340))  # x, y, width, height in the enlarged frame
EDGE = 2  # pixels of black around words


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "street.png")
    out: Path = parser.parse_args().out
    columns = {
        "bicubic x4": enlarged("bicubic"),
        "vsr x4": enlarged("recurrent"),
        "the truth": truth(),
    }
    rows = [
        cv2.hconcat([crop(picture, *place, label) for label, picture in columns.items()])
        for place in CROPS
    ]
    out.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(out), cv2.vconcat(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def enlarged(model: str) -> np.ndarray:
    """The frame FRAME of the clip, four times as large, BGR."""
    start = FRAME / RATE
    with tempfile.TemporaryDirectory() as folder:
        frames = Path(folder) / "frames"
        vsr.upscale(CLIP, frames, model=model, start=start, end=start + 1 / RATE)
        return cv2.imread(str(next(frames.iterdir())))


def truth() -> np.ndarray:
    """The same frame as it was drawn, BGR."""
    with tempfile.TemporaryDirectory() as folder:
        master = Path(folder) / "master.mkv"
        draw(Path(folder) / "clip.mp4", master)
        film = cv2.VideoCapture(str(master))
        for _ in range(FRAME):
            film.grab()
        picture = film.read()[1]
        film.release()
        return picture


def crop(picture: np.ndarray, x: int, y: int, width: int, height: int, label: str) -> np.ndarray:
    """A part of a picture with its label in the corner."""
    part = picture[y : y + height, x : x + width].copy()
    words = np.pad(lettered(label, 16), EDGE)
    left, top = 8, height - len(words) - 4
    lay(part, cv2.dilate(words, np.ones((2 * EDGE + 1,) * 2)), left, top, (0, 0, 0))
    lay(part, words, left, top, (255, 255, 255))
    return part


if __name__ == "__main__":
    main()
