"""Every video of a folder in short segments, stopped three times, against the same in one go.

    python benchmarks/segments.py ../shared/corpus

Samples, times, the packets of all streams and the counts of damage must be the same; what is an
error in one go must be the same error in segments.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import av

from vsr import Progress, Result, StoppedError, VsrError, upscale
from vsr.segmented import plan

STOPS = 3
LOSSLESS: dict[str, Any] = {"scale": 2, "model": "nearest", "codec": "ffv1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    plan._WORK, plan._SHORTEST, plan._FEWEST = 1, 0, 6  # segments of 6 frames
    same = errors = 0
    for source in sorted(path for path in folder.rglob("*") if path.is_file()):
        with tempfile.TemporaryDirectory() as room:
            direct, parts = Path(room, "out.mkv"), Path(room, "parts", "out.mkv")
            parts.parent.mkdir()
            one, other = in_one_go(source, direct), in_segments(source, parts)
            if isinstance(one, str) or isinstance(other, str):
                assert one == str(other).replace("parts/", ""), (source, one, other)
                errors += 1
                continue
            assert one.run.damage == other.run.damage, source
            assert contents(direct) == contents(parts), source
            same += 1
            print(f"{source.name}: {one.frames_out} frames", flush=True)
    print(f"{same} videos are the same, stopped {STOPS} times; {errors} are the same error")


def in_one_go(source: Path, target: Path) -> Result | str:
    try:
        return upscale(source, target, resume="never", **LOSSLESS)
    except VsrError as error:
        return str(error)


def in_segments(source: Path, target: Path) -> Result | str:
    """Begin, and go on after each stop."""
    try:
        for number in range(STOPS):
            stopped_after(source, target, 1 + 10 * number)
        return upscale(source, target, resume="always", overwrite=True, **LOSSLESS)
    except VsrError as error:
        return str(error)


def stopped_after(source: Path, target: Path, frames: int) -> None:
    """Run until so many frames are written; a short video ends before."""
    stop = Event()

    def progress(now: Progress) -> None:
        if now.frames >= frames:
            stop.set()

    options = {**LOSSLESS, "resume": "always", "overwrite": True}
    with suppress(StoppedError):
        upscale(source, target, stop=stop, progress=progress, **options)


def contents(path: Path) -> list[tuple[Any, ...]]:
    """Each frame's time and the hash of its samples, and each other packet's."""
    found: list[tuple[Any, ...]] = []
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.stream.type == "video":
                for frame in packet.decode():
                    samples = b"".join(bytes(plane) for plane in frame.planes)
                    found.append((0, frame.pts, hashlib.sha256(samples).digest()))
            elif packet.size:
                times = packet.pts, packet.dts, packet.duration
                found.append((packet.stream_index, *times, hashlib.sha256(packet).digest()))
    return found


if __name__ == "__main__":
    main()
