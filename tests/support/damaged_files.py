"""Damage small videos in many ways, run `vsr` on them, and say which of its promises broke."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from support.cli_runner import Ran, vsr
from support.clips import Clip, make

FRAMES = 8
_HEADER = 200  # bytes that "header" damage is confined to
_PATIENCE = 30.0  # seconds
_TIMELESS = {".avi", ".h264", ".m2v"}  # containers without timestamps
_SOME_UNTIMED = {".mpg"}  # which has one time for several small frames
_PACE = {  # where the usual encoder has one
    ".webm": ("--preset", "12"),
    **dict.fromkeys((".mp4", ".mkv", ".mov", ".ts", ".flv"), ("--preset", "ultrafast")),
}
_WRITTEN = {".mov", ".avi", ".webm", ".ts", ".flv", ".mpg", ".nut", ".asf"}  # besides mp4, mkv

_X264 = {"bf": "2", "preset": "ultrafast"}
_SAID = ((0.0, 0.1, "one"), (0.2, 0.3, "two"))


_AT_25: dict[str, Any] = {"time_base": Fraction(1, 25), "pts": range(FRAMES)}


def _clip(codec: str, audio_codec: str = "aac", **more: Any) -> Clip:
    pts = range(0, FRAMES * 512, 512)
    settings = {"width": 48, "height": 32, "pts": pts, "options": {}, "audio": ("eng",)}
    return Clip(codec=codec, audio_codec=audio_codec, **settings | more)


def _mpeg2(audio_codec: str = "mp2", **more: Any) -> Clip:
    return _clip("mpeg2video", audio_codec, **_AT_25, **more)


SOURCES: dict[str, Clip] = {
    "plain.mp4": _clip("libx264", options=_X264, subtitles=_SAID),
    "fragments.mp4": _clip(
        "libx264", options=_X264 | {"g": "3"}, muxer={"movflags": "frag_keyframe+empty_moov"}
    ),
    "index_first.mp4": _clip("libx264", options=_X264, muxer={"movflags": "faststart"}),
    "hevc.mp4": _clip(
        # where a side is below 64, x265 writes beyond its memory
        "libx265",
        width=64,
        height=64,
        options=_X264 | {"x265-params": "log-level=0"},
    ),
    "plain.mov": _clip("mpeg4", "pcm_s16le"),
    "plain.mkv": _clip("libx264", options=_X264, subtitles=_SAID, chapters=((0, 200, "a"),)),
    "attached.mkv": _clip("ffv1", "libopus", attachment=bytes(range(256))),
    "plain.webm": _clip("libvpx", "libopus", options={"deadline": "realtime", "cpu-used": "8"}),
    "vp9.webm": _clip("libvpx-vp9", "libopus", options={"deadline": "realtime", "cpu-used": "8"}),
    "plain.avi": _clip("mpeg4", "libmp3lame"),
    "h264.avi": _clip("libx264", "pcm_s16le", options=_X264 | {"bf": "0"}),
    "mjpeg.avi": _clip("mjpeg", "pcm_s16le", pix_fmt="yuvj420p"),
    "plain.ts": _clip("libx264", options=_X264),
    "mpeg2.ts": _mpeg2("mp2"),
    "plain.mpg": _mpeg2("mp2"),
    "plain.flv": _clip("flv", "libmp3lame", time_base=Fraction(1, 1000), audio_rate=44100),
    "h264.flv": _clip("libx264", "aac", options=_X264),
    "plain.ogv": _clip(
        "libvpx",
        "libopus",
        options={"deadline": "realtime", "cpu-used": "8"},
        **_AT_25,
    ),
    "plain.nut": _clip("mpeg4", "libmp3lame"),
    "plain.asf": _clip("wmv2", "libmp3lame"),
    "plain.gif": _clip("gif", pix_fmt="gray", audio=()),
    "raw.h264": _clip("libx264", options=_X264, audio=()),
    "raw.m2v": _mpeg2(audio=()),
}
"""What is damaged: every container with the codecs and streams that are common in it."""


def make_sources(folder: Path) -> dict[str, Path]:
    """All of SOURCES as files."""
    return {name: make(folder / name, clip) for name, clip in SOURCES.items()}


@dataclass(frozen=True)
class Harm:
    """One damage.

    Attributes:
        kind: a key of BYTES or PACKETS.
        start, length: where and how much, as shares of all in 0..1; or of chances.
        seed: of what is random about it.
    """

    kind: str
    start: float
    length: float
    seed: int


def _cut(content: bytearray, first: int, last: int, chance: random.Random) -> bytearray:
    return content[:first]


def _flip(content: bytearray, first: int, last: int, chance: random.Random) -> bytearray:
    for _ in range(chance.choice((1, 3, 10, 100))):
        content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
    return content


def _zero(content: bytearray, first: int, last: int, chance: random.Random) -> bytearray:
    content[first:last] = bytes(last - first)
    return content


def _delete(content: bytearray, first: int, last: int, chance: random.Random) -> bytearray:
    del content[first:last]
    return content


def _duplicate(content: bytearray, first: int, last: int, chance: random.Random) -> bytearray:
    content[last:last] = content[first:last]
    return content


def _swap(content: bytearray, first: int, last: int, chance: random.Random) -> bytearray:
    middle = (first + last) // 2
    content[first:last] = content[middle:last] + content[first:middle]
    return content


def _header(content: bytearray, first: int, last: int, chance: random.Random) -> bytearray:
    for _ in range(chance.choice((1, 2, 8))):
        content[chance.randrange(min(_HEADER, len(content)))] = chance.randrange(256)
    return content


def _garbage(content: bytearray, first: int, last: int, chance: random.Random) -> bytearray:
    content[first:last] = chance.randbytes(last - first)
    return content


BYTES: dict[str, Callable[[bytearray, int, int, random.Random], bytearray]] = {
    "cut": _cut,
    "flip": _flip,
    "zero": _zero,
    "delete": _delete,
    "duplicate": _duplicate,
    "swap": _swap,
    "header": _header,
    "garbage": _garbage,
}
PACKETS = ("drop packets", "repeat packets", "shuffle packets", "spoil packets")
KINDS = (*BYTES, *PACKETS)


def harm(source: Path, target: Path, harms: Sequence[Harm]) -> None:
    """Write a damaged copy: packets first, then bytes."""
    target.write_bytes(source.read_bytes())
    for each in sorted(harms, key=lambda one: one.kind in BYTES):
        if each.kind in BYTES:
            target.write_bytes(_harmed(target.read_bytes(), each))
        else:
            before = target.with_name(f"before{target.suffix}")
            before.write_bytes(target.read_bytes())
            with suppress(av.FFmpegError, OSError):  # two such may leave nothing to read
                _remux(before, target, each)
            before.unlink()


def _harmed(content: bytes, each: Harm) -> bytes:
    if not content:
        return content
    first = int(each.start * (len(content) - 1))
    last = min(len(content), first + 1 + int(each.length * len(content)))
    changed = BYTES[each.kind](bytearray(content), first, last, random.Random(each.seed))
    return bytes(changed)


def _remux(source: Path, target: Path, each: Harm) -> None:
    """A copy of the same container with other packets. Such as a muxer refuses are left out."""
    chance = random.Random(each.seed)
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        copies: dict[int, Any] = {}
        for stream in old.streams:
            if stream.type in ("video", "audio", "subtitle"):
                copies[stream.index] = new.add_stream_from_template(stream)
        packets = [p for p in old.demux() if p.size and p.stream_index in copies]
        for packet in _reordered(packets, each, chance):
            packet.stream = copies[packet.stream_index]
            with suppress(av.FFmpegError):
                new.mux(packet)


def _reordered(packets: list[Any], each: Harm, chance: random.Random) -> list[Any]:
    share = 0.1 + 0.8 * each.length
    if each.kind == "drop packets":
        kept = [packet for packet in packets if chance.random() > share]
        return kept or packets[:1]
    if (
        each.kind == "shuffle packets" and packets
    ):  # of each stream the times stay, the contents do not
        contents = [bytes(packet) for packet in packets]
        first, last = chance.randrange(len(packets)), chance.randrange(len(packets))
        contents[first], contents[last] = contents[last], contents[first]
        return [_like(*pair) for pair in zip(packets, contents, strict=True)]
    made = []
    for packet in packets:
        made.append(packet)
        if chance.random() < share:
            if each.kind == "spoil packets":
                content = bytearray(bytes(packet))
                content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
                made[-1] = _like(packet, bytes(content))
            else:
                made.append(_like(packet, bytes(packet)))
    return made


def _like(packet: Any, content: bytes) -> Any:
    """A packet with other content."""
    made: Any = av.Packet(content)
    made.stream, made.time_base = packet.stream, packet.time_base
    made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
    made.is_keyframe = packet.is_keyframe
    return made


@dataclass(frozen=True)
class Outcome:
    """How a run on a damaged file ended.

    Attributes:
        what: "whole", "salvaged" (with a warning), "refused" or "wrong".
        why: the error, the first warning, or the promise that broke.
        ran: the run itself, None if it had to be stopped.
    """

    what: str
    why: str
    ran: Ran | None


def targets(source: Path) -> tuple[str, ...]:
    """Suffixes that a source may be written to."""
    return (".mp4", ".mkv", *({source.suffix} & _WRITTEN))


OPTIONS: tuple[tuple[str, ...], ...] = (
    (),
    (),
    ("--verify",),
    ("--strict",),
    ("--start", "0.1"),
    ("--start", "0.05", "--duration", "0.12"),
)


def try_probe(source: Path) -> Outcome:
    """Run `vsr probe` on a file."""
    try:
        ran = vsr("probe", source, "--json", patience=_PATIENCE)
    except TimeoutError as error:
        return Outcome("wrong", f"hangs: {error}", None)
    broken = _broken_manners(ran)
    said = ran.err.splitlines()
    if broken:
        return Outcome("wrong", f"probe: {broken}", ran)
    return Outcome("refused", said[-1], ran) if ran.code else Outcome("whole", "", ran)


def try_out(source: Path, target: Path, *options: str) -> Outcome:
    """Run `vsr` on a file. The target's folder holds nothing yet."""
    settings = ("--model", "bicubic", "--scale", "2", "--json", *_PACE.get(target.suffix, ()))
    try:
        ran = vsr("upscale", source, target, *settings, *options, patience=_PATIENCE)
    except TimeoutError as error:
        return Outcome("wrong", f"hangs: {error}", None)
    broken = _broken(ran, target, strict="--strict" in options)
    if broken:
        return Outcome("wrong", broken, ran)
    said = ran.err.splitlines()
    if ran.code:
        return Outcome("refused", said[-1], ran)
    return Outcome("salvaged", said[0], ran) if said else Outcome("whole", "", ran)


def _broken(ran: Ran, target: Path, strict: bool) -> str:
    """Which promise a run broke, "" for none."""
    broken = _broken_manners(ran)
    if broken:
        return broken
    left = {path.name for path in target.parent.iterdir()}
    if ran.code:
        return f"left behind: {', '.join(sorted(left))}" if left else ""
    if left != {target.name}:
        return f"beside or in place of the target: {', '.join(sorted(left))}"
    return _broken_output(ran.events[-1], target, strict)


def _broken_manners(ran: Ran) -> str:
    """Whether a run ended well or with one line, and said nothing else than warnings."""
    if ran.code not in (0, 1):
        return f"exit code {ran.code}: {ran.err.strip()}"
    for word in ("Traceback", "unexpected"):
        if word in ran.err:
            return f"{word}: {ran.err.strip()}"
    lines = ran.err.splitlines()
    strange = [line for line in lines if not line.startswith(("vsr: warning: ", "vsr: error: "))]
    if strange:
        return f"neither warning nor error: {strange[0]}"
    errors = [line.startswith("vsr: error: ") for line in lines]
    if ran.code and (sum(errors) != 1 or not errors[-1]):
        return f"failed with {sum(errors)} errors: {ran.err.strip()}"
    if not ran.code and any(errors):
        return f"an error and no failure: {ran.err.strip()}"
    return ""


def _broken_output(result: dict[str, Any], target: Path, strict: bool) -> str:
    told, written = result["frames_in"], result["frames_out"]
    if strict and set(result["damage"]) - {"untimed"}:
        return f"--strict allowed damage: {result['damage']}"
    times: list[Any] = []
    try:
        with av.open(str(target)) as container:
            for frame in container.decode(video=0):
                times.append(frame.pts)
    except (av.FFmpegError, OSError, IndexError) as error:
        return f"the output cannot be decoded: {error}"
    if not told == written == len(times) > 0:
        return f"{told} frames in, {written} out, {len(times)} in the file"
    if target.suffix in _TIMELESS:
        return ""
    if target.suffix in _SOME_UNTIMED:
        times = [time for time in times if time is not None]
    if None in times:
        return f"a frame without a time: {times}"
    if any(b <= a for a, b in pairwise(times)):
        return f"times do not increase: {times}"
    return ""
