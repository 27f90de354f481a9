"""Cuts found, false alarms, and the cost of looking for them.

    python benchmarks/cuts.py ../shared/data/train_video      # what the thresholds are tuned on
    python benchmarks/cuts.py ../shared/footage

Cuts are made by putting a frame of one clip behind a frame of another, at the size of the
first, and by a jump over half of a clip (where little moves there is no cut to find). False
alarms are counted on the clips as they are, taken for uncut, and on them with every third
frame (fast motion), noise, a fade of 4% a frame, or a flash. Files that cannot be read are
named and left out.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np

from vsr.core.errors import InputError
from vsr.core.frame import Frame
from vsr.datasets.media import Plane, list_media, read_luma
from vsr.video.shots import mark_shots

Pair = tuple[Plane, Plane]
WIDTH = 480  # clips are measured at this width or less
MOST = 400  # frames of a clip
CUTS = 30  # from each clip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", type=Path, nargs="+", help="clips, or folders of them")
    clips = read(parser.parse_args().paths)
    cuts = list(joined(clips))
    made = {
        "cuts": cuts,
        "cuts in the dark": [(darkened(a), darkened(b)) for a, b in cuts],
        "jumps in a clip": [
            (frames[n], frames[n + len(frames) // 2])
            for frames in clips.values()
            for n in range(0, len(frames) // 2, 5)
        ],
    }
    print(f"{len(clips)} clips, {sum(map(len, clips.values()))} frames\n")
    for name, pairs in made.items():
        found = sum(is_cut(*pair) for pair in pairs)
        print(f"{name:<24}{found:6} of {len(pairs):6} found {100 * found / len(pairs):8.2f} %")
    for name, change in CHANGES.items():
        total = alarms = 0
        for frames in clips.values():
            pairs = list(pairwise(change(frames)))
            total += len(pairs)
            alarms += sum(is_cut(*pair) for pair in pairs)
        print(f"{name:<24}{alarms:6} false alarms  {1000 * alarms / total:8.2f} per 1000 frames")
    print(f"\n{cost():.3f} ms per 480x270 frame")


def is_cut(before: Plane, after: Plane) -> bool:
    *_, second = mark_shots(iter([Frame((before,), 0), Frame((after,), 1)]), 255)
    return second.starts_shot


def read(paths: Iterable[Path]) -> dict[Path, list[Plane]]:
    """The luma of the clips of two frames and more."""
    clips = {}
    for path in list_media(paths):
        frames: list[Plane] = []
        try:
            frames.extend(map(reduced, islice(read_luma(path), MOST)))
        except InputError as error:
            print(error, file=sys.stderr)
        if len(frames) > 1:
            clips[path] = frames
    return clips


def reduced(plane: Plane) -> Plane:
    height, width = plane.shape
    if width <= WIDTH:
        return plane
    size = (WIDTH, max(1, round(height * WIDTH / width)))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)


def joined(clips: dict[Path, list[Plane]]) -> Iterator[Pair]:
    """Pairs of frames from clips of different scenes, whose names differ in more than a number."""
    chance = random.Random(0)
    for path, frames in clips.items():
        others = [other for other in clips if scene(other) != scene(path)]
        for other in chance.choices(others, k=CUTS):
            before = chance.choice(frames)
            after = cv2.resize(chance.choice(clips[other]), before.shape[::-1])
            yield before, np.asarray(after, np.uint8)


def scene(path: Path) -> str:
    return path.stem.rstrip("0123456789")


def darkened(plane: Plane) -> Plane:
    return np.asarray(16 + plane * 0.12, np.uint8)


def faded(frames: list[Plane]) -> list[Plane]:
    """Down to black at 4% a frame, and up again, for as long as the clip lasts."""
    gains = [abs(1 - 0.04 * (n % 50)) for n in range(len(frames))]
    return [np.asarray(frame * gain, np.uint8) for frame, gain in zip(frames, gains, strict=True)]


def noisy(frames: list[Plane]) -> list[Plane]:
    chance = np.random.default_rng(0)
    return [
        np.asarray((frame + chance.normal(0, 12, frame.shape)).clip(0, 255), np.uint8)
        for frame in frames
    ]


def flashed(frames: list[Plane]) -> list[Plane]:
    """Every tenth frame is brighter by 60."""
    return [cv2.add(frame, 60 * (n % 10 == 5)) for n, frame in enumerate(frames)]


CHANGES: dict[str, Callable[[list[Plane]], list[Plane]]] = {
    "as they are": lambda frames: frames,
    "every third frame": lambda frames: frames[::3],
    "noise": noisy,
    "dark, with noise": lambda frames: noisy([darkened(frame) for frame in frames]),
    "fades": faded,
    "flashes": flashed,
}


def cost() -> float:
    """CPU milliseconds that a frame of 480x270 takes."""
    chance = np.random.default_rng(0)
    planes = [chance.integers(0, 256, (270, 480)).astype(np.uint8) for _ in range(20)]
    frames = [Frame((planes[n % 20],), n) for n in range(1000)]
    before = time.process_time()
    for _ in mark_shots(iter(frames), 255):
        pass
    return (time.process_time() - before) / len(frames) * 1000


if __name__ == "__main__":
    main()
