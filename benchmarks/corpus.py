"""Awkward real files through the real command: what each should give, and what it gives.

    python benchmarks/corpus.py ../shared/corpus
    python benchmarks/corpus.py ../shared/corpus --models bicubic --only damaged,fuzz

Every file goes into .mp4, into .mkv and into its own container where that can be written. The
folder's manifest.json says what is in a file and what is expected: "ok" (all frames, at their
times, with all audio that the container holds), "clear-error" (one line and nothing left) or
"salvage" (what can be decoded, with a warning, or a clear error).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

LIMIT = 600  # seconds a run may take
VSR = Path(sys.executable).parent / "vsr"
PCM = "pcm_"
# What libav writes, by the suffix of the source; others have no muxer or no encoder here.
WRITABLE = {".png", ".mov", ".avi", ".webm", ".ts", ".flv", ".3gp", ".asf", ".ogv", ".m2v"}


@dataclass(frozen=True)
class Verdict:
    """How one run ended: what is wrong with it, "" if nothing, and what was seen."""

    name: str
    suffix: str
    model: str
    expected: str
    seen: str
    wrong: str
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="a folder with a manifest.json")
    parser.add_argument("--models", default="bicubic,default")
    parser.add_argument("--only", default="", help="categories or names, with commas")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    entries = json.loads((options.corpus / "manifest.json").read_text())["files"]
    wanted = set(filter(None, options.only.split(",")))
    runs = [
        (options.corpus / entry["path"], suffix, model, entry)
        for entry in entries
        if not wanted or {entry["category"], Path(entry["path"]).name} & wanted
        for model in options.models.split(",")
        for suffix in suffixes(Path(entry["path"]))
    ]
    with ThreadPoolExecutor(options.jobs) as pool:
        verdicts = list(pool.map(lambda run: judged(*run), runs))
    for verdict in verdicts:
        print(
            f"{verdict.name:<38}{verdict.suffix:<7}{verdict.model:<9}{verdict.expected:<12}"
            f"{verdict.seen:<28}{verdict.wrong or 'as expected'}"
        )
    wrong = sum(bool(verdict.wrong) for verdict in verdicts)
    print(f"\n{len(verdicts)} runs, {wrong} not as expected, {Counter(v.seen for v in verdicts)}")
    sys.exit(bool(wrong))


def suffixes(path: Path) -> list[str]:
    own = path.suffix.lower()
    return [".mp4", ".mkv", *([own] if own in WRITABLE - {".mp4", ".mkv"} else [])]


def judged(source: Path, suffix: str, model: str, entry: dict[str, Any]) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, f"out{suffix}")
        chosen = [] if model == "default" else ["-m", model]
        words = ["upscale", source, target, "--scale", "2", *chosen, "--preset", "ultrafast"]
        if suffix == ".webm":
            words[-1] = "12"
        if suffix in (".png", ".ogv", ".asf", ".flv", ".avi", ".m2v"):
            words = words[:-2]
        began = time.monotonic()
        try:
            ran = subprocess.run(
                [VSR, *map(str, words), "--json"],
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            seen, wrong = "hangs", f"still running after {LIMIT} s"
        else:
            left = [file.name for file in Path(folder).iterdir()]
            seen, wrong = outcome(ran, source, target, left, entry)
        seconds = time.monotonic() - began
        return Verdict(source.name, suffix, model, entry["expect"], seen, wrong, seconds)


def outcome(
    ran: subprocess.CompletedProcess[str],
    source: Path,
    target: Path,
    left: list[str],
    entry: dict[str, Any],
) -> tuple[str, str]:
    """What a run did, in a word, and what is wrong with that."""
    complaints = ran.stderr.strip().splitlines()
    if "Traceback" in ran.stderr or ran.returncode not in (0, 1):
        return "crash", f"exit {ran.returncode}: {complaints[-1:]}"
    if ran.returncode:
        errors = [line for line in complaints if not line.startswith("vsr: warning")]
        wrong = "something is left" if left else "" if len(errors) == 1 else "not one line"
        if entry["expect"] == "ok":
            wrong = f"no output: {complaints[-1]}"
        return "error", wrong
    warnings = sum(line.startswith("vsr: warning") for line in complaints)
    seen = f"{found_frames(target)} frames, {warnings} warnings"
    if left != [target.name]:
        return seen, f"left over: {left}"
    return seen, not_arrived(source, target, warnings, entry)


def not_arrived(source: Path, target: Path, warnings: int, entry: dict[str, Any]) -> str:
    """What is missing in an output, or should not be one."""
    if entry["expect"] == "clear-error":
        return "an error was expected"
    if entry["expect"] == "salvage" and entry["decode_has_errors"] and not warnings:
        return "no warning"
    frames = found_frames(target)
    if frames < entry["frames_decoded"]:
        return f"{frames} of {entry['frames_decoded']} frames"
    if entry["expect"] == "ok" and frames > entry["frames_decoded"]:
        return f"{frames} frames for {entry['frames_decoded']}"
    if not increasing(target):
        return "timestamps do not increase"
    refused = entry["pyav_stream_copy"].get(target.suffix[1:], {})
    if target.suffix in (".mp4", ".mkv", ".mov"):
        wanted = [
            hashes(source, track["index"])
            for track in entry["audio"]
            if refused.get(f"audio:{track['index']}", {}).get("ok", True)
        ]
        arrived = [hashes(target, index) for index in audio_streams(target)]
        missing = [track for track in wanted if track not in arrived]
        if missing and entry["expect"] == "ok":
            return f"{len(missing)} of {len(wanted)} audio tracks are not the source's"
    return ""


def found_frames(path: Path) -> int:
    return len(times(path))


def increasing(path: Path) -> bool:
    shown = times(path)
    return all(a < b for a, b in pairwise(shown))


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def audio_streams(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [stream.index for stream in container.streams.audio]


def hashes(path: Path, index: int) -> list[str] | str:
    """The packets of an audio stream by hash; all of PCM in one, as muxers cut it anew."""
    with av.open(str(path)) as container:
        stream = container.streams[index]
        packets = [without_adts(bytes(p)) for p in container.demux(stream) if p.size]
        if stream.codec_context.name.startswith(PCM):
            return hashlib.sha256(b"".join(packets)).hexdigest()
        return [hashlib.sha256(packet).hexdigest() for packet in packets]


def without_adts(packet: bytes) -> bytes:
    """AAC as mp4 and Matroska hold it: their muxers take the header of a transport stream off."""
    if len(packet) > 7 and packet[0] == 0xFF and packet[1] & 0xF6 == 0xF0:
        return packet[7 if packet[1] & 1 else 9 :]
    return packet


if __name__ == "__main__":
    main()
