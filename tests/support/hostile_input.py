"""Hostile input of every kind, drawn at random: what to run on it, and where."""

from __future__ import annotations

import io
import json
import os
import random
import shlex
import shutil
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from support.cli_runner import vsr
from support.clips import Clip, make

WEIGHTS = Path(__file__).parents[2] / "weights" / "espcn_x2.safetensors"
FAST = ("--model", "bicubic", "--preset", "ultrafast", "--json")
STILL = (".png", ".jpg", ".webp", ".tiff")
PATIENCE = 120.0  # seconds that a case may take on a busy machine

SIZES = [
    "--scale 1",
    "--scale 7/3",
    "--scale 16",
    "--scale 1.0001",
    "--scale 2 --square-pixels",
    "--width 33",
    "--height 51",
    "--size 60x70 --fit cover",
    "--size 99x40 --fit pad",
    "--size 128x128 --fit stretch",
    "--to 720p --fit pad",
    "--scale 5 --tile 16",
    "--scale 3 --self-ensemble --strength 37.5",
    "--scale 6 --crop 0,0,1,1",
    "--height 32 --crop 25%,25%,50%,50%",
    "--scale 8/3 --resume always",
    "--scale 2 --start 0.05 --duration 0.1",
    "--size 64x64 --fit cover --square-pixels",
]
NUMBERS = (
    "-1",
    "0",
    "nan",
    "inf",
    "1e999",
    "9" * 5000,
    "",
    "abc",
    "1/0",
    "-0",
    "1e-300",
    "٣",
    "1_0",
)
OPTIONS = {
    "upscale": "scale width height size denoise start end duration crop video-stream crf tile "
    "threads strength rate max-pixels max-hours stall-timeout device codec preset model cluster",
    "eval": "scale strength noise crf frames models device precision",
    "train": "iterations minutes batch patch lr seed threads warm-start mse-fraction",
    "adapt": "scale minutes iterations lr seed model device",
    "probe": "video-stream",
    "bench": "threads seconds models device",
}
CALLS = (  # from Python; each must be refused with an error of vsr, TypeError or ValueError
    "vsr.upscale({source!r}, {target!r}, scale=float('nan'))",
    "vsr.upscale({source!r}, {target!r}, scale='x')",
    "vsr.upscale({source!r}, {target!r}, model=7)",
    "vsr.upscale(None, {target!r})",
    "vsr.upscale({source!r}, b'')",
    "vsr.upscale({source!r}, {target!r}, crop=(1, 2))",
    "vsr.Upscaler(b'espcn')",
    "vsr.Upscaler('bicubic', scale=2)('no picture')",
    "vsr.Upscaler('bicubic', scale=2)(numpy.zeros((0, 4, 3), 'uint8'))",
    "vsr.Upscaler('bicubic', scale=2)(numpy.zeros((4, 4, 7), 'uint8'))",
    "vsr.Upscaler('bicubic', scale=2)(numpy.zeros((4, 4, 3), 'complex64'))",
    "list(vsr.open_video(3))",
    "vsr.preview({source!r}, [])",
    "vsr.estimate({source!r}, 5)",
    "vsr.evaluate({source!r}, models=3)",
)


@dataclass(frozen=True)
class Case:
    """What to run, and what may happen.

    Attributes:
        kind: a key of KINDS.
        words: the command's words after `vsr`, or a Python program.
        target: what it writes.
        also: a signal to send once the target's part is there; "twice" to start two runs.
    """

    kind: str
    words: tuple[str, ...]
    target: Path
    also: str = ""

    def __str__(self) -> str:
        run = [sys.executable, "-c"] if self.kind == "python" else ["vsr"]
        return shlex.join([*run, *self.words]) + (f"  # {self.also}" if self.also else "")


@dataclass(frozen=True)
class Place:
    """Where a case may do as it likes.

    Attributes:
        chance: what is drawn from.
        sources: the clips, which are to stay as they are.
        bad: for hostile files, which are to stay so too.
        out: for outputs, empty at first.
    """

    chance: random.Random
    sources: Path
    bad: Path
    out: Path

    def source(self, *suffixes: str) -> Path:
        found = sorted(self.sources.iterdir())
        return self.chance.choice(
            [path for path in found if not suffixes or path.suffix in suffixes]
        )

    def enlarge(self, kind: str, source: object, name: str, *more: str, also: str = "") -> Case:
        target = self.out / name
        return Case(kind, ("upscale", str(source), str(target), *FAST, *more), target, also)

    def write(self, name: str, content: bytes) -> Path:
        path = self.bad / name
        path.write_bytes(content)
        return path


def draw_sources(folder: Path) -> Path:
    folder.mkdir()
    lossless: dict[str, Any] = {"codec": "ffv1", "options": {}, "pts": range(0, 4 * 512, 512)}
    quick = {"bf": "0", "preset": "ultrafast", "g": "5"}
    make(folder / "plain.mp4", Clip(audio=("eng",), options=quick))
    make(folder / "wide.mp4", Clip(pixel_aspect=Fraction(16, 11), options=quick))
    make(
        folder / "turned.mp4",
        Clip(matrix=(0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30), options=quick),
    )
    make(folder / "odd.mkv", Clip(33, 17, **lossless))
    for pix_fmt in ("gray", "yuv444p", "yuva420p", "yuv420p10le"):
        make(folder / f"{pix_fmt}.mkv", Clip(20, 14, pix_fmt, **lossless))
    for side in (1, 2, 3, 17):
        make(folder / f"tiny{side}.mkv", Clip(side, side, "yuv444p", **lossless))
    chance = np.random.default_rng(0)
    for name in ("rgb.png", "photo.jpg", "web.webp", "scan.tiff", "0.png", "1.png", "2.png"):
        samples = chance.integers(0, 255, (15, 20 + len(name), 3), np.uint8)
        (folder / "mixed").mkdir(exist_ok=True)
        Image.fromarray(samples).save(folder / ("mixed" if name[0].isdigit() else "") / name)
    return folder


def sizes(place: Place) -> Case:
    source = place.source()
    still = source.suffix in STILL
    suffix = (
        source.suffix if still else "" if source.is_dir() else place.chance.choice((".mp4", ".mkv"))
    )
    return place.enlarge("sizes", source, f"o{suffix}", *place.chance.choice(SIZES).split())


def numbers(place: Place) -> Case:
    command = place.chance.choice(list(OPTIONS))
    option, value = place.chance.choice(OPTIONS[command].split()), place.chance.choice(NUMBERS)
    source, target = str(place.sources / "plain.mp4"), place.out / "o.mp4"
    words = {
        "upscale": (source, str(target), *FAST),
        "eval": (str(place.sources / "rgb.png"), "--json"),
        "train": (source, "--output", str(target), "--json"),
        "adapt": (source, "--output", str(target.with_suffix(".safetensors")), "--json"),
        "probe": (source, "--json"),
        "bench": ("--json",),
    }[command]
    short = {"train": ("--minutes=0.001",), "adapt": ("--iterations=1",), "bench": ("--seconds=1",)}
    return Case(
        "numbers", (command, *words, *short.get(command, ()), f"--{option}={value}"), target
    )


def models(place: Place) -> Case:
    chance, content = place.chance, bytearray(WEIGHTS.read_bytes())
    size = struct.unpack("<Q", content[:8])[0]
    header, body = json.loads(content[8 : 8 + size]), content[8 + size :]
    facts, name = json.loads(header["__metadata__"]["vsr"]), chance.choice([*header][1:])
    odd = chance.choice(
        (-1, 0, 10**9, 10**30, 1.5, None, "x", [], {}, True, [1] * 1000, "\x1b[2J\n")
    )
    what = chance.choice(
        ("fact", "option", "tensor", "offset", "cut", "flip", "claim", "nan", "fill")
    )
    if what == "fact":
        facts[chance.choice([*facts])] = odd
    elif what == "option":
        facts["options"][chance.choice([*facts["options"], "evil"])] = odd
    elif what == "tensor":
        header[name][chance.choice(("dtype", "shape"))] = chance.choice(
            ("F16", "I64", [2**40], [-1], [])
        )
    elif what == "offset":
        header[name]["data_offsets"] = chance.choice(([0, 2**62], [8, 4], [-4, 0], []))
    elif what in ("nan", "fill"):  # 7f7f7f7f is near the largest number there is
        body[:] = (b"\xff\xff\xff\x7f" if what == "nan" else b"\x7f\x7f\x7f\x7f") * (len(body) // 4)
    header["__metadata__"]["vsr"] = json.dumps(facts)
    text = json.dumps(header).encode()
    made = bytearray(struct.pack("<Q", 2**62 if what == "claim" else len(text)) + text + body)
    if what == "flip":
        made[chance.randrange(len(text))] ^= chance.randrange(1, 256)
    path = place.write(
        "m.safetensors", made[: chance.randrange(len(made))] if what == "cut" else made
    )
    scale = chance.choice(("2", "3", "7/3"))
    return place.enlarge("models", place.source(), "o.mkv", "--model", str(path), "--scale", scale)


def images(place: Place) -> Case:
    chance, source = place.chance, place.source(*STILL)
    content = bytearray(source.read_bytes())
    what = chance.choice(("cut", "flip", "zero", "bomb", "icc", "name", "empty"))
    first, suffix = chance.randrange(len(content)), source.suffix
    if what == "cut":
        del content[first:]
    elif what == "flip":
        content[first] ^= chance.randrange(1, 256)
    elif what == "zero":
        content[first : first + 99] = bytes(len(content[first : first + 99]))
    elif what == "bomb":
        content, suffix = (
            bytearray(bomb(*chance.choice(((2**31 - 1, 9), (10**5, 10**5), (0, 5))))),
            ".png",
        )
    elif what == "icc":
        file = io.BytesIO()
        Image.open(source).save(
            file, "PNG", icc_profile=chance.randbytes(chance.choice((1, 128, 9999)))
        )
        content, suffix = bytearray(file.getvalue()), ".png"
    elif what == "name":
        suffix = chance.choice((*STILL, ".gif", ".mp4", ".txt", ""))
    path = place.write(f"i{suffix}", b"" if what == "empty" else bytes(content))
    if chance.random() < 0.3:
        return Case(
            "images", (chance.choice(("probe", "eval")), str(path), "--json"), place.out / "o"
        )
    return place.enlarge("images", path, f"o{chance.choice(STILL)}", "--scale", "4/3")


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims to be large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(bytes(999)))
        + chunk(b"IEND", b"")
    )


def playlists(place: Place) -> Case:
    inside = place.chance.choice(
        (
            "file:///etc/passwd",
            str(place.sources / "plain.mp4"),
            "nowhere.ts",
            "/dev/zero",
            "i.m3u8",
            "http://127.0.0.1:9/a.ts",
            "concat:/etc/passwd|/etc/hosts",
            "data:,x",
            "\0",
            "é" * 5000,
        )
    )
    suffix = place.chance.choice((".m3u8", ".mpd", ".txt", ".sdp", ".mp4"))
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{inside}\n#EXT-X-ENDLIST\n"
    if suffix == ".txt":
        text = f"ffconcat version 1.0\nfile '{inside}'\n"
    path = place.write(f"i{suffix}", text.encode())
    return place.enlarge("playlists", path, "o.mkv", "--stall-timeout", "3")


def leftovers(place: Place) -> Case:
    """A record, a journal or a work folder of a run before, spoilt."""
    case = place.enlarge(
        "leftovers", place.sources / "plain.mp4", "o.mkv", "--resume", "always", "--record"
    )
    words = (*case.words, "--crf", "20")
    vsr(*words[:-2], *place.chance.choice(((), ("--crf", "20"))), patience=PATIENCE)
    odd = place.chance.choice(
        ("", "{", "[]", "null", '{"schema": 3}', "[" * 10**5, "\xff", "{}\n{}")
    )
    record = case.target.with_name("o.mkv.record.json")
    if place.chance.random() < 0.5 and record.exists():
        facts = json.loads(record.read_text())
        facts[place.chance.choice([*facts])] = place.chance.choice((None, 3, [], {}, "x", -1e300))
        odd = json.dumps(facts)
    folder = place.out / ".o.mkv.00000000.work"
    folder.mkdir()
    what = place.chance.choice(("text", "text", "link", "fifo"))
    for path in (record, folder / "plan.json", folder / "journal.jsonl"):
        path.unlink(missing_ok=True)
        if what == "text":
            path.write_text(odd, "latin-1")
        elif what == "link":
            path.symlink_to(place.sources / "plain.mp4")
        else:
            os.mkfifo(path)
    return Case("leftovers", (*words, "--overwrite"), case.target)


def paths(place: Place) -> Case:
    names = (
        "a\nb.mp4",
        "'\".mp4",
        "%s%d%03d.mp4",
        "x" * 251 + ".mp4",
        "x" * 252 + ".mp4",
        "-o.mp4",
    )
    names += (
        "\udcff.mp4",
        "a:b.mp4",
        " .mp4",
        "no/o.mp4",
        "o",
        "o.xyz",
        "..",
        "é\u202e.mp4",
        "o.mp4/",
    )
    bad = ("/dev/zero", "/dev/null", "/proc/self/mem", "-", "", "\n", str(place.bad / "loop.mp4"))
    (place.bad / "loop.mp4").symlink_to("loop.mp4")
    same = place.bad / "same.mp4"
    shutil.copy(place.sources / "plain.mp4", same)
    (place.out / "link.mp4").symlink_to(same)
    if place.chance.random() < 0.3:
        return place.enlarge("paths", same, "link.mp4", "--overwrite")
    if place.chance.random() < 0.3:
        return place.enlarge("paths", place.chance.choice(bad), "o.mp4", "--stall-timeout", "3")
    return place.enlarge("paths", same, place.chance.choice(names), "--scale", "2")


def signals(place: Place) -> Case:
    name = place.chance.choice(("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGPIPE"))
    resume = place.chance.choice(("always", "never"))
    source = place.sources / "plain.mp4"
    return place.enlarge("signals", source, "o.mp4", "--scale", "4", "--resume", resume, also=name)


def twice(place: Place) -> Case:
    more = place.chance.choice(((), ("--overwrite",), ("--resume", "always"), ("--record",)))
    return place.enlarge("twice", place.sources / "plain.mp4", "o.mkv", *more, also="twice")


def python(place: Place) -> Case:
    target = place.out / "o.mp4"
    call = place.chance.choice(CALLS).format(
        source=str(place.sources / "plain.mp4"), target=str(target)
    )
    program = (
        f"import sys, numpy, vsr\ntry:\n    {call}\n"
        "except (vsr.VsrError, TypeError, ValueError) as error:\n"
        "    sys.exit(f'vsr: error: {error}')\n"
    )
    return Case("python", (program,), target)


KINDS: dict[str, Callable[[Place], Case]] = {
    each.__name__: each
    for each in (
        sizes,
        numbers,
        models,
        images,
        playlists,
        leftovers,
        paths,
        signals,
        twice,
        python,
    )
}
