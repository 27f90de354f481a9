"""How much more a fused still shows than a single frame, on drawn scenes whose truth is known.

    python benchmarks/fuse.py [--scenes 20] [--quick] [--first 0] [--keep FOLDER]

Each scene is a sign of two lines in one of five scripts, 24x14 to 62x24 pixels, that moves by parts
of a pixel before a camera with noise, a lens and H.264: see fuse_scenes.py. `vsr fuse` makes a
still four times its size, and the pictures beside it. vidsr (PyPI) makes its own of the same file,
where its command is beside this Python or on the PATH; it needs ffmpeg and ffprobe there as well.

Against the truth, luma: PSNR and SSIM at the best of all shifts by up to two pixels of the still,
since a picture's place is not its merit, and the letters that are read: see fuse_reading.py.
Seeds from 1000 on are for tuning, those below for the report.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from shutil import which

import cv2
import numpy as np
from fuse_reading import reads, rightly_read
from fuse_scenes import SCALE, Luma, Recorded, Scene, luma, record, scene

import vsr
from vsr.evaluation.metrics import psnr, ssim

FUSED, BEST, NETWORK, MEAN = "vsr fuse", "best frame, bicubic", "best frame, network", "mean"
VIDSR, VIDSR_PLAIN = "vidsr 0.2", "vidsr 0.2, unsharpened"
TRUTH = "the truth itself"
_BESIDE = {FUSED: "still", BEST: "best", NETWORK: "network", MEAN: "mean"}
_VIDSR = {VIDSR: "05_result_x4.png", VIDSR_PLAIN: "04_backprojected_x4.png"}
_SHIFTS = 2  # pixels of the still
_MOST_WORSE = 0.1  # dB that a still may be worse than the best frame
_QUICK, _QUICK_FRAMES = 10, 50


@dataclass(frozen=True)
class Score:
    """Of a picture of a scene: dB, 0..1, and letters of so many."""

    psnr: float
    ssim: float
    read: int
    letters: int


Scores = dict[str, Score]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first scene's seed")
    parser.add_argument("--quick", action="store_true", help="a few scenes of few frames")
    parser.add_argument("--keep", type=Path, help="where the pictures and scores are to stay")
    parser.add_argument("--no-vidsr", action="store_true")
    parser.add_argument("--model", help="of the network; '' for none")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.scenes)
    chosen = [scene(seed) for seed in seeds]
    if given.quick:
        chosen = [one for one in chosen if one.frames <= _QUICK_FRAMES][:_QUICK]
    command = None if given.no_vidsr else vidsr_command()
    scores: dict[int, Scores] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for one in chosen:
            folder = Path(given.keep or scratch) / str(one.seed)
            folder.mkdir(parents=True, exist_ok=True)
            scores[one.seed] = scored(one, folder, command, given.model)
    print(table(chosen, scores))


def vidsr_command() -> str | None:
    """Where vidsr is, with what it calls; None where it is not."""
    beside = Path(sys.executable).parent / "vidsr"
    found = str(beside) if beside.exists() else which("vidsr")
    return found if which("ffmpeg") and which("ffprobe") else None


def scored(one: Scene, folder: Path, vidsr: str | None, model: str | None) -> Scores:
    """All pictures of a scene, against its truth."""
    filmed = record(one, folder / "scene.mp4")
    pictures, told = fused(filmed, folder, model)
    if vidsr:
        pictures |= by_vidsr(filmed, folder, vidsr)
    pictures[TRUTH] = filmed.truth
    found = {name: score(picture, filmed.truth, one) for name, picture in pictures.items()}
    figures = "  ".join(
        f"{name} {each.psnr:.2f} {each.read}" for name, each in found.items() if name != TRUTH
    )
    width, height = filmed.box[2:]
    print(
        f"{one.seed} {one.script} {width}x{height} {one.frames} frames noise {one.noise:.1f} "
        f"CRF {one.crf} blur {one.blur:.2f} {one.motion}{' hidden' if one.hidden else ''}: {told}; "
        f"of {len(one.text)}: {figures}",
        file=sys.stderr,
        flush=True,
    )
    facts = {"scene": asdict(one), "scores": {name: asdict(each) for name, each in found.items()}}
    (folder / "scores.json").write_text(json.dumps(facts, indent=1))
    cv2.imwrite(str(folder / "truth.png"), filmed.truth)
    return found


def fused(filmed: Recorded, folder: Path, model: str | None) -> tuple[dict[str, Luma], str]:
    """By `vsr fuse`, and the pictures beside it; and how, in words."""
    x, y, width, height = filmed.box
    begun = time.process_time()
    made = vsr.fuse(
        filmed.path,
        folder / "look.png",
        crop=f"{x},{y},{width},{height}",
        scale=SCALE,
        frames=200,
        model=model,
        overwrite=True,
    )
    spent = time.process_time() - begun
    facts, belief = made.facts(), made.fused.belief
    told = (
        f"{spent:.1f} s, {facts['motion']}, {facts['used']} used, "
        f"blur {belief.blur:g}, smooth {belief.smooth:g}"
    )
    named = {name: file for name, file in _BESIDE.items() if file in made.files}
    return {name: loaded(made.files[file]) for name, file in named.items()}, told


def by_vidsr(filmed: Recorded, folder: Path, vidsr: str) -> dict[str, Luma]:
    """By vidsr, told the same region in the same frame; nothing where it gives up."""
    out = folder / "vidsr"
    roi = ",".join(map(str, filmed.box))
    command = [vidsr, "sr", str(filmed.path), "--roi", roi, "--ref", "0", "--out-pad", "0"]
    command += ["--preset", "moving", "--scale", str(SCALE), "--no-variants", "--out", str(out)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        print(f"vidsr: {(ran.stderr or ran.stdout).strip()[-200:]}", file=sys.stderr)
        return {}
    return {name: loaded(out / file) for name, file in _VIDSR.items()}


def loaded(path: Path) -> Luma:
    """A picture's luma."""
    blue_first = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return luma(np.ascontiguousarray(blue_first[..., ::-1]))


def score(picture: Luma, truth: Luma, one: Scene) -> Score:
    """At the best shift."""
    if picture.shape != truth.shape:
        raise ValueError(f"a picture of {picture.shape} pixels, and a truth of {truth.shape}")
    height, width = (side - 2 * _SHIFTS for side in truth.shape)
    inner = truth[_SHIFTS:-_SHIFTS, _SHIFTS:-_SHIFTS]
    shifted = (
        picture[y : y + height, x : x + width] for y, x in product(range(2 * _SHIFTS + 1), repeat=2)
    )
    best = max(shifted, key=lambda each: psnr(each, inner))
    found = psnr(best, inner)
    return Score(found, ssim(best, inner), rightly_read(picture, one), len(one.text))


def table(chosen: Sequence[Scene], scores: dict[int, Scores]) -> str:
    """Means over all scenes that all have made; and what is wanted of the fused still."""
    names = [name for name in scores[chosen[0].seed] if name != TRUTH]
    whole = [all_of for all_of in scores.values() if set(names) <= set(all_of)]
    lines = ["| | PSNR | SSIM | letters read |", "|---|---|---|---|"]
    for name in (*names, TRUTH):
        each = [all_of[name] for all_of in whole]
        read, letters = sum(one.read for one in each), sum(one.letters for one in each)
        quality = f"{mean(one.psnr for one in each):.2f} dB | {mean(one.ssim for one in each):.4f}"
        quality = " | " if name == TRUTH else quality
        lines.append(f"| {name} | {quality} | {read} of {letters} ({read / letters:.0%}) |")
    readers = sorted({f"{one.script} by {reads(one.script)}" for one in chosen})
    gains = {seed: all_of[FUSED].psnr - all_of[BEST].psnr for seed, all_of in scores.items()}
    worse = [seed for seed, gain in gains.items() if gain < -_MOST_WORSE]
    lines += [
        "",
        f"{len(whole)} of {len(scores)} scenes; read: {', '.join(readers)}.",
        f"Over the best frame: from {min(gains.values()):+.2f} to {max(gains.values()):+.2f} dB; "
        f"worse by more than {_MOST_WORSE} dB in {len(worse)} scenes {worse or ''}",
    ]
    return "\n".join(lines)


def mean(numbers: Iterable[float]) -> float:
    return float(np.mean(list(numbers)))


if __name__ == "__main__":
    main()
