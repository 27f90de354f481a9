"""What long runs survive: being killed, a full disk, an hour of video; and what segments cost.

    python benchmarks/endurance.py                     # all of it, about half an hour on two cores
    python benchmarks/endurance.py kills batch --video CLIP
    python benchmarks/endurance.py overhead --video CLIP --model vespcn --rounds 3

kills     `kill -9` at 20 random moments of one run, which then goes on: the file must be that of a
          run that was left alone, byte for byte; how many frames had to be done again.
batch     the same for `vsr batch`.
memory    the largest memory of an hour of video against that of ten seconds.
disk      a disk that fills up (a small tmpfs; needs root): the error, and going on afterwards.
overhead  time in segments against in one go, in turns.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

VSR = Path(sys.executable).parent / "vsr"
STREET = Path(__file__).parent.parent / "samples" / "street.mp4"
KILLS = 20
_ENDED_WITHIN = 10  # seconds for workers that have lost their parent


@dataclass(frozen=True)
class Settings:
    """What is measured: a clip, the options of `vsr`, a folder, a model, and how often."""

    video: Path
    options: tuple[str, ...]
    folder: Path
    model: str
    rounds: int
    chance: random.Random


def main() -> None:
    measures: dict[str, Callable[[Settings], None]] = {
        "kills": kills,
        "batch": batch_kills,
        "memory": memory,
        "disk": disk,
        "overhead": overhead,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("measures", nargs="*", default=list(measures), choices=list(measures))
    parser.add_argument("--video", type=Path, default=STREET)
    parser.add_argument("--model", default="espcn", help="for overhead another may be apt")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=6)
    asked = parser.parse_args()
    options = ("-s", "2", "-m", asked.model, "--preset", "ultrafast")
    for name in asked.measures:
        with tempfile.TemporaryDirectory() as folder:
            chance = random.Random(asked.seed)
            measures[name](
                Settings(asked.video, options, Path(folder), asked.model, asked.rounds, chance)
            )


def kills(settings: Settings) -> None:
    """Kill one run again and again."""
    source = looped(settings.video, settings.folder / "in.mp4", 120)
    whole, target = settings.folder / "whole.mp4", settings.folder / "out.mp4"
    options = (*settings.options, "--resume", "always")
    began = time.monotonic()
    ran("upscale", source, whole, *options, "-q")
    length = time.monotonic() - began
    lost, finished, killed = list[int](), 0, 0
    while killed < KILLS or not target.exists():
        moment = settings.chance.uniform(0, length / 4) if killed < KILLS else None
        seen = run_until(moment, "upscale", source, target, *options, "--json")
        if moment is not None and seen.killed:
            killed += 1
            lost.append(max(0, seen.frames - frames_done(target)))
        if target.exists():
            assert same(whole, target), "the file differs"
            finished += 1
            if killed < KILLS:
                target.unlink()
    left = [path.name for path in settings.folder.iterdir() if path.name.startswith(".")]
    assert not left, left
    print(
        f"kills: {killed} kills, {finished} files finished in between, each byte for byte that of "
        f"a run left alone ({whole.stat().st_size} bytes); frames done again per kill: median "
        f"{statistics.median(lost):g}, at most {max(lost)}"
    )


def batch_kills(settings: Settings) -> None:
    """Kill a batch again and again."""
    sources, target = settings.folder / "in", settings.folder / "out"
    sources.mkdir()
    for number, seconds in enumerate((4, 62, 8, 12)):
        looped(settings.video, sources / f"{number}.mp4", seconds)
    whole = settings.folder / "whole"
    began = time.monotonic()
    ran("batch", sources, whole, *settings.options, "-q")
    length = time.monotonic() - began
    killed = rounds = 0
    while killed < KILLS or not rounds:
        moment = settings.chance.uniform(0, length) if killed < KILLS else None
        seen = run_until(moment, "batch", sources, target, *settings.options, "--json")
        if seen.killed:
            killed += 1
            until = time.monotonic() + _ENDED_WITHIN
            while processes(seen.group):
                assert time.monotonic() < until, "worker processes are left"
                time.sleep(0.2)
            continue
        for made in sorted(whole.glob("*.mp4")):
            assert pictures(made) == pictures(target / made.name), made.name
        hidden = [path.name for path in target.iterdir() if path.name.startswith(".")]
        assert not hidden, hidden
        rounds += 1
        shutil.rmtree(target)
    print(
        f"batch: {killed} kills, {rounds} batches finished in between, all frames those of a "
        "batch left alone, nothing left over"
    )


def memory(settings: Settings) -> None:
    """Peak memory of ten seconds and of an hour."""
    peaks = []
    for seconds in (10, 3600):
        source = looped(settings.video, settings.folder / f"{seconds}.mp4", seconds, others=False)
        for how in ("never", "always"):
            target = settings.folder / f"{seconds}-{how}.mp4"
            words = ("-s", "2", "-m", "nearest", "--preset", "ultrafast", "--crop", "0,0,160,90")
            peak = peak_of("upscale", source, target, *words, "--resume", how, "-q")
            print(
                f"memory: {seconds} s, --resume {how}: {peak / 1024:.0f} MB at the peak", flush=True
            )
            peaks.append(peak)
            target.unlink()
    one_go, segments = peaks[2] / peaks[0], peaks[3] / peaks[1]
    print(
        f"memory: an hour against ten seconds: {one_go:.3f} in one go, {segments:.3f} in segments"
    )


def disk(settings: Settings) -> None:
    """Fill a small disk."""
    place = settings.folder / "disk"
    place.mkdir()
    source = looped(settings.video, settings.folder / "in.mp4", 120)
    whole = settings.folder / "whole.mp4"
    options = (*settings.options, "--resume", "always", "-q")
    ran("upscale", source, whole, *options)
    size = whole.stat().st_size // 2
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        print("disk: not measured, a tmpfs cannot be mounted here")
        return
    try:
        target = place / "out.mp4"
        full = run("upscale", source, target, *options)
        assert full.returncode == 1, full
        assert full.stderr.count("\n") == 1, full.stderr
        done = frames_done(target)
        subprocess.run(["mount", "-o", f"remount,size={8 * size}", str(place)], check=True)
        ran("upscale", source, target, *options)
        assert same(whole, target), "the file differs"
    finally:
        subprocess.run(["umount", str(place)], check=True)
    print(
        f"disk: full after {done} frames: {full.stderr.strip()!r}; with more room it went on and "
        "gave the same file"
    )


def overhead(settings: Settings) -> None:
    """Time in segments against time in one go."""
    source = looped(settings.video, settings.folder / "in.mp4", 60)
    options = ("-m", settings.model, "--preset", "veryfast", "-q", "-y", "--record")
    took: dict[str, list[float]] = {"never": [], "always": []}
    for _ in range(settings.rounds):
        for how in took:
            target = settings.folder / f"{how}.mp4"
            began = time.monotonic()
            target.unlink(missing_ok=True)
            ran("upscale", source, target, *options, "--resume", how)
            took[how].append(time.monotonic() - began)
    record = json.loads((settings.folder / "always.mp4.record.json").read_text())
    ratios = [slow / fast for slow, fast in zip(took["always"], took["never"], strict=True)]
    each = ", ".join(f"{ratio:.3f}" for ratio in ratios)
    print(
        f"overhead: {len(record['segments'])} segments take {statistics.median(ratios):.3f} of the "
        f"time of one go (rounds: {each}; {statistics.median(took['never']):.1f} s)"
    )


@dataclass(frozen=True)
class Seen:
    """A run: whether it was killed, the last frame that it told of, and its process group."""

    killed: bool
    frames: int
    group: int


def run_until(moment: float | None, *words: object) -> Seen:
    """Run `vsr` and kill it after so many seconds, unless it has ended."""
    with tempfile.TemporaryFile("w+") as told:
        command = [str(word) for word in (VSR, *words)]
        with subprocess.Popen(
            command, stdout=told, stderr=subprocess.PIPE, text=True, process_group=0
        ) as process:
            try:
                _, said = process.communicate(timeout=moment)
                assert process.returncode == 0, said
                killed = False
            except subprocess.TimeoutExpired:
                process.kill()
                killed = True
        told.seek(0)
        events = [json.loads(line) for line in told.read().splitlines() if line.endswith("}")]
    frames = max((event.get("frames") or 0 for event in events), default=0)
    return Seen(killed, frames, process.pid)


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in (VSR, *words)], capture_output=True, text=True)


def ran(*words: object) -> None:
    """Run `vsr`, which must end well."""
    ended = run(*words)
    assert ended.returncode == 0, ended.stderr


def peak_of(*words: object) -> int:
    """Run `vsr` and return the largest memory it took, in KiB."""
    with subprocess.Popen([str(word) for word in (VSR, *words)]) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss


def frames_done(target: Path) -> int:
    """Frames of the finished segments beside a target."""
    facts = [
        json.loads(line)
        for journal in target.parent.glob(f".{target.name}.*.work/journal.jsonl")
        for line in journal.read_text().splitlines(keepends=True)
        if line.endswith("\n")
    ]
    return sum(fact.get("frames", 0) for fact in facts)


def processes(group: int) -> list[int]:
    """What is left of a process group."""
    found = subprocess.run(["pgrep", "-g", str(group)], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def looped(source: Path, target: Path, seconds: float, others: bool = True) -> Path:
    """A copy of a clip, without encoding, that repeats itself for so many seconds."""
    with av.open(str(target), "w") as output:
        copies: dict[int, Any] = {}
        offset, last = 0.0, dict[int, int]()
        while offset < seconds:
            with av.open(str(source)) as once:
                if not copies:
                    streams = [s for s in once.streams if s.type == "video" or others]
                    streams = [s for s in streams if s.type in ("video", "audio")]
                    copies = {s.index: output.add_stream_from_template(s) for s in streams}
                length = (once.duration or 0) / av.time_base
                for packet in once.demux():
                    if packet.dts is None or packet.stream_index not in copies:
                        continue
                    moved = round(offset / packet.time_base)
                    index = packet.stream_index
                    packet.pts, packet.dts = packet.pts + moved, packet.dts + moved
                    if packet.dts <= last.get(index, packet.dts - 1):
                        continue  # priming of the next turn's sound
                    last[index] = packet.dts
                    if packet.pts * packet.time_base < seconds:
                        packet.stream = copies[index]
                        output.mux(packet)
            offset += length
    return target


def same(one: Path, other: Path) -> bool:
    return hashlib.sha256(one.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest()


def pictures(path: Path) -> list[tuple[Any, bytes]]:
    """The time and the samples' hash of every frame."""
    with av.open(str(path)) as container:
        return [
            (frame.pts, hashlib.sha256(b"".join(bytes(plane) for plane in frame.planes)).digest())
            for frame in container.decode(video=0)
        ]


if __name__ == "__main__":
    main()
