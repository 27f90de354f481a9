"""Draw street.mp4, the sample clip: a street, drawn by code, as a small camera would see it.

    python samples/draw.py [--out FILE] [--master FILE]

The street is drawn at 1280x720 and reduced to 320x180 with the bicubic that super-resolution
is measured with; the camera's noise is added after that. So the master is the true answer to
a x4 enlargement of the clip.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from street.clip import Line, create_clip, create_master, master_frame, small_frame
from street.patch import Picture
from street.sound import RATE as SOUND_RATE
from street.sound import sound
from street.story import FRAMES, HEIGHT, RATE, WIDTH, frames

from vsr.core.resample import resize

SCALE = 4
NOISE = 2.0  # deviation of the camera's noise, in 8-bit steps
TITLE = "Station Road"
LINES = [
    Line(200, 1400, "A red car comes down Station Road."),
    Line(1600, 2700, "Somebody crosses behind it."),
    Line(2800, 3900, "It stops. Can you read its plate?"),
]


def main() -> None:
    """Read the arguments and draw."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description="Draw the sample clip.")
    parser.add_argument("--out", type=Path, default=here / "street.mp4", help="the clip")
    parser.add_argument("--master", type=Path, help="also write the 1280x720 original (.mkv)")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    draw(arguments.out, arguments.master)


def draw(out: Path, master: Path | None) -> None:
    """Write the clip, and the master where one is asked for."""
    rng = np.random.default_rng(180)
    size = (WIDTH // SCALE, HEIGHT // SCALE)
    heard = (sound(FRAMES / RATE), SOUND_RATE)
    with ExitStack() as files:
        clip = files.enter_context(create_clip(out, size, RATE, TITLE, heard, LINES))
        original = None
        if master:
            original = files.enter_context(create_master(master, (WIDTH, HEIGHT), RATE))
        for frame in frames():
            clip.write(small_frame(seen(rng, frame)))
            if original:
                original.write(master_frame(frame))


def seen(rng: Generator, frame: Picture) -> NDArray[np.float32]:
    """What a small camera records of a frame, (H, W, 3) in 0 to 255."""
    planes = torch.from_numpy(frame).permute(2, 0, 1).float()
    small = resize(planes, frame.shape[0] // SCALE, frame.shape[1] // SCALE)
    picture = small.permute(1, 2, 0).numpy()
    noise = rng.standard_normal(picture.shape, dtype=np.float32)
    # Dark places are noisier once a camera has brightened them.
    return picture + noise * NOISE * (1.25 - picture / 510)


if __name__ == "__main__":
    main()
