"""What is taken for footage: scenes made small, coded in known ways, and looked at.

    python benchmarks/judging.py ../shared/data/train_video      # a table, by way of coding
    python benchmarks/judging.py --as-they-are ../shared/footage  # a line for each file

Of each scene (files whose names differ in their last number alone) the first file is taken, 30
frames of it, reduced by 2 to 4 so that what it was coded with before is gone. The table says how
many scenes of each way were taken for footage, and how many should have been; "-" stands where
either will do. `--leave-out` passes over files whose names begin so.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from vsr.core.errors import InputError
from vsr.datasets.media import list_media
from vsr.model_selection.analyze import analyze
from vsr.model_selection.classify import classify

Frames = list[NDArray[np.uint8]]  # 4:2:0, as libav's to_ndarray gives them
MOST = 30  # frames of a scene
PIXELS = 640 * 400  # of a reduced frame, about
LAMBDA = 118  # libav's unit of --qscale


@dataclass(frozen=True)
class Way:
    """How a scene is coded.

    Attributes:
        codec: libav's name of the encoder.
        footage: what it should be taken for; None where either will do.
        options: the encoder's.
        quantiser: a fixed one, of encoders that take it; 0 for none.
        noise: the deviation of what is added first.
        before: how it was coded before that, if it was.
    """

    codec: str
    footage: bool | None
    options: dict[str, str] = field(default_factory=dict)
    quantiser: int = 0
    noise: float = 0
    before: str = ""


def crf(codec: str, value: int, footage: bool | None, noise: float = 0, before: str = "") -> Way:
    quick = {"libx264": ("preset", "veryfast"), "libx265": ("preset", "veryfast")}
    quick |= {"libvpx-vp9": ("cpu-used", "6"), "libsvtav1": ("preset", "10")}
    options = {"crf": str(value), **dict([quick[codec]])}
    if codec == "libx265":
        options["x265-params"] = "log-level=none"
    if codec == "libvpx-vp9":
        options |= {"b": "0", "deadline": "realtime"}
    return Way(codec, footage, options, noise=noise, before=before)


def fixed(codec: str, quantiser: int, footage: bool | None) -> Way:
    return Way(codec, footage, quantiser=quantiser)


WAYS = {
    "ffv1": Way("ffv1", False),
    "ffv1, noise 2": Way("ffv1", None, noise=2),
    "ffv1, noise 4": Way("ffv1", True, noise=4),
    "ffv1, noise 8": Way("ffv1", True, noise=8),
    "prores": Way("prores_ks", False, {"profile": "3"}),
    "h264, crf 8": crf("libx264", 8, False),
    "h264, crf 11": crf("libx264", 11, False),
    "h264, crf 14": crf("libx264", 14, False),
    "h264, crf 17": crf("libx264", 17, False),
    "h264, crf 20": crf("libx264", 20, None),
    "h264, crf 23": crf("libx264", 23, True),
    "h264, crf 28": crf("libx264", 28, True),
    "h264, crf 35": crf("libx264", 35, True),
    "h264, crf 12, noise 4": crf("libx264", 12, True, noise=4),
    "h264, crf 12, noise 8": crf("libx264", 12, True, noise=8),
    "h264, crf 23, noise 4": crf("libx264", 23, True, noise=4),
    "hevc, crf 10": crf("libx265", 10, False),
    "hevc, crf 14": crf("libx265", 14, False),
    "hevc, crf 17": crf("libx265", 17, False),
    "hevc, crf 20": crf("libx265", 20, None),
    "hevc, crf 24": crf("libx265", 24, True),
    "hevc, crf 27": crf("libx265", 27, True),
    "hevc, crf 30": crf("libx265", 30, True),
    "hevc, crf 12, noise 8": crf("libx265", 12, True, noise=8),
    "vp9, crf 10": crf("libvpx-vp9", 10, False),
    "vp9, crf 20": crf("libvpx-vp9", 20, None),
    "vp9, crf 32": crf("libvpx-vp9", 32, True),
    "vp9, crf 45": crf("libvpx-vp9", 45, True),
    "av1, crf 10": crf("libsvtav1", 10, False),
    "av1, crf 22": crf("libsvtav1", 22, None),
    "av1, crf 35": crf("libsvtav1", 35, True),
    "av1, crf 48": crf("libsvtav1", 48, True),
    "mpeg4, q 1": fixed("mpeg4", 1, False),
    "mpeg4, q 2": fixed("mpeg4", 2, None),
    "mpeg4, q 4": fixed("mpeg4", 4, True),
    "mpeg4, q 8": fixed("mpeg4", 8, True),
    "mpeg2video, q 1": fixed("mpeg2video", 1, False),
    "mpeg2video, q 2": fixed("mpeg2video", 2, None),
    "mpeg2video, q 5": fixed("mpeg2video", 5, True),
    "mjpeg, q 1": fixed("mjpeg", 1, False),
    "mjpeg, q 3": fixed("mjpeg", 3, None),
    "mjpeg, q 6": fixed("mjpeg", 6, True),
    "mjpeg, q 12": fixed("mjpeg", 12, True),
    "h264, crf 12, of h264, crf 35": crf("libx264", 12, True, before="h264, crf 35"),
    "h264, crf 12, of mpeg4, q 8": crf("libx264", 12, True, before="mpeg4, q 8"),
    "h264, crf 12, of mjpeg, q 12": crf("libx264", 12, True, before="mjpeg, q 12"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", type=Path, nargs="+", help="clips, or folders of them")
    parser.add_argument("--as-they-are", action="store_true", help="judge the files themselves")
    parser.add_argument("--leave-out", default="", metavar="NAME,...", help="files to pass over")
    arguments = parser.parse_args()
    left = tuple(filter(None, arguments.leave_out.split(",")))
    files = [file for file in list_media(arguments.paths) if not file.name.startswith(left or "/")]
    if arguments.as_they_are:
        for file in files:
            print(f"{file.name:<34} {classify(analyze(file)).why}")
        return
    table(list(scenes(files)))


def scenes(files: Sequence[Path]) -> Iterator[Frames]:
    """The first file of each scene, reduced."""
    for file in {path.stem.rstrip("0123456789"): path for path in reversed(files)}.values():
        try:
            yield small(file)
        except (InputError, av.FFmpegError) as error:
            print(f"{file}: {error}", file=sys.stderr)


def small(path: Path) -> Frames:
    with av.open(str(path)) as container:
        frames = []
        for frame in islice(container.decode(video=0), MOST):
            by = next((n for n in (2, 3) if frame.width * frame.height / n**2 <= PIXELS), 4)
            width, height = (side // by // 2 * 2 for side in (frame.width, frame.height))
            reduced = frame.reformat(width, height, "yuv420p", interpolation="BICUBIC")
            frames.append(reduced.to_ndarray())
        return frames


def table(clips: Sequence[Frames]) -> None:
    counts = dict.fromkeys(WAYS, 0)
    with tempfile.TemporaryDirectory() as folder:
        for frames in clips:
            made: dict[str, Path] = {}
            for name, way in WAYS.items():
                suffix = ".mov" if way.codec == "prores_ks" else ".mkv"
                made[name] = Path(folder, f"{name}{suffix}")
                encode(made[name], read(made[way.before]) if way.before else frames, way)
                counts[name] += classify(analyze(made[name])).is_footage
    print(f"{len(clips)} scenes\n\n{'':<32}footage  should be")
    for name, way in WAYS.items():
        wanted = "-" if way.footage is None else str(len(clips) * way.footage)
        print(f"{name:<32}{counts[name]:7}{wanted:>11}")
    known = {name: way.footage for name, way in WAYS.items() if way.footage is not None}
    right = sum(counts[name] if way else len(clips) - counts[name] for name, way in known.items())
    total = len(known) * len(clips)
    print(f"\n{right} of {total} as they should be: {100 * right / total:.1f} %")


def encode(path: Path, frames: Frames, way: Way) -> None:
    random = np.random.default_rng(0)
    width, height = frames[0].shape[1], frames[0].shape[0] * 2 // 3
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(way.codec, rate=25, options=dict(way.options))
        context = stream.codec_context
        context.width, context.height, context.gop_size = width, height, 25
        formats = {"prores_ks": "yuv422p10le", "mjpeg": "yuvj420p"}
        context.pix_fmt = formats.get(way.codec, "yuv420p")
        if way.quantiser:
            context.qmin = context.qmax = way.quantiser
            context.flags |= 2  # a fixed quantiser
            context.global_quality = way.quantiser * LAMBDA
        for number, samples in enumerate(frames):
            noisy = samples.astype(np.float32)
            noisy[:height] += random.normal(0, way.noise, (height, width))
            whole = noisy.round().clip(0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(whole, "yuv420p")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def read(path: Path) -> Frames:
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [frame.reformat(format="yuv420p").to_ndarray() for frame in frames]


if __name__ == "__main__":
    main()
