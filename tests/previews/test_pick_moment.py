"""The moment that a preview shows: telling, found quickly, and never beyond the end."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from support.clips import Clip, make, remux

from vsr.core.errors import InputError
from vsr.core.span import Span
from vsr.previews.pick_moment import telling
from vsr.video import reader, seek
from vsr.video.reader import open_video

RATE, PART, LENGTH = 12, 4, Fraction(2)  # frames a second, seconds
WIDTH, HEIGHT = 96, 64
KINDS = ("black", "blurred", "sharp", "still", "cutting", "fading")
GOOD = "sharp, moving, no cut; "


def texture(seed: int) -> np.ndarray:
    """A picture of detail, larger than a frame, in limited range."""
    grain = np.random.default_rng(seed).normal(0, 1, (HEIGHT, 4 * WIDTH)).astype(np.float32)
    fine = cv2.GaussianBlur(grain, (0, 0), 1.2)
    return np.clip(126 + 45 * fine / fine.std(), 16, 235).astype(np.float32)


def frames(kind: str) -> Iterator[np.ndarray]:
    """The luma of a part of a video, PART seconds."""
    wide = texture(len(kind))
    for number in range(RATE * PART):
        seen = wide[:, number : number + WIDTH]
        if kind == "black":
            seen = np.full_like(seen, 16)
        elif kind == "white":
            seen = np.full_like(seen, 235)
        elif kind == "blurred":
            seen = cv2.GaussianBlur(seen, (0, 0), 4)
        elif kind == "faint":
            seen = 126 + (seen - 126) * np.float32(0.6)
        elif kind == "still":
            seen = wide[:, :WIDTH]
        elif kind == "cutting":
            seen = texture(number // 4)[:, number : number + WIDTH]
        elif kind == "fading":  # to black, and back
            seen = 16 + (seen - 16) * np.float32(abs(1 - number / RATE / PART * 2))
        yield np.rint(seen).astype(np.uint8)


def film(path: Path, kinds: Sequence[str], **options: str) -> Path:
    """A video of these parts, one after the other."""
    with av.open(str(path), "w") as out:
        settings = {"preset": "ultrafast", "crf": "12", **options}
        stream: Any = out.add_stream("libx264", rate=RATE, options=settings)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        grey = np.full((HEIGHT // 2, WIDTH), 128, np.uint8)
        for luma in (luma for kind in kinds for luma in frames(kind)):
            frame = av.VideoFrame.from_ndarray(np.vstack([luma, grey]), "yuv420p")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def lies_in(start: Fraction, part: int) -> bool:
    return part * PART <= start and start + LENGTH <= (part + 1) * PART


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(len(KINDS)))
@pytest.mark.parametrize("keyframes", ["12", "250"])
def test_the_one_telling_part_is_found(tmp_path: Path, turn: int, keyframes: str) -> None:
    kinds = KINDS[turn:] + KINDS[:turn]
    path = film(tmp_path / "film.mp4", kinds, g=keyframes)
    said: list[str] = []
    moment = telling(path, LENGTH, warn=said.append)
    assert lies_in(moment.start, kinds.index("sharp")), moment
    assert moment.why.startswith(GOOD)
    assert moment.start.denominator in (1, 2, 5, 10)
    assert not said
    assert telling(path, LENGTH) == moment


@pytest.mark.parametrize("kind", ["cutting", "fading", "still"])
@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_a_flaw_weighs_more_than_detail(tmp_path: Path, kind: str, suffix: str) -> None:
    path = film(tmp_path / f"film{suffix}", (kind, "faint", kind), g="24")
    moment = telling(path, LENGTH)
    assert lies_in(moment.start, 1), moment
    assert moment.why.startswith(GOOD)


@pytest.mark.parametrize(
    ("kind", "amiss"),
    [
        ("black", "it is dark"),
        ("white", "there is hardly any detail"),
        ("still", "it stands still"),
        ("fading", "it fades"),
    ],
)
def test_where_nothing_is_as_wanted_it_is_said(tmp_path: Path, kind: str, amiss: str) -> None:
    path = film(tmp_path / "film.mp4", (kind,))
    moment = telling(path, LENGTH)
    assert moment.why == f"the best of 3 places looked at, though {amiss}"
    assert 0 <= moment.start <= PART - LENGTH


def test_of_cuts_the_latest_is_taken(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", ("cutting",) * 3)
    moment = telling(path, LENGTH)
    assert "though there is a cut after 0." in moment.why
    mild = film(tmp_path / "mild.mp4", ("cutting", "sharp", "cutting"))
    long = telling(mild, Fraction(5))
    assert PART <= long.start < 2 * PART
    assert "though there is a cut after" in long.why


def test_a_blurred_part_is_called_so(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", ("still", "blurred", "still"))
    moment = telling(path, LENGTH)
    assert lies_in(moment.start, 1)
    assert moment.why.endswith(", though it is blurred")


@pytest.mark.parametrize("length", [Fraction(n, 7) for n in (1, 8, 20, 27, 28, 29, 100)])
def test_it_is_never_closer_to_the_end(tmp_path: Path, length: Fraction) -> None:
    path = film(tmp_path / "film.mkv", ("sharp",))
    moment = telling(path, length)
    if length < PART:
        assert moment.start + length <= PART
        assert moment.why.startswith(GOOD)
    else:
        assert moment.start == 0
        assert moment.why == "from the start: it lasts only 4 s"
    with open_video(path, Span(moment.start, moment.start + length), lambda _: None) as video:
        shown = list(video.frames())
    wanted = min(length, PART)
    assert abs(sum(f.duration for f in shown) * video.info.time_base - wanted) <= Fraction(1, RATE)


def test_times_count_from_the_files_start(tmp_path: Path) -> None:
    plain = film(tmp_path / "film.mp4", ("black", "sharp", "black"), g="12")
    late = tmp_path / "late.ts"
    with av.open(str(plain)) as old, av.open(str(late), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.pts += 1000 * int(1 / packet.time_base)
                packet.dts += 1000 * int(1 / packet.time_base)
                packet.stream = copy
                new.mux(packet)
    with av.open(str(late)) as container:
        assert container.start_time >= 1000 * av.time_base
    moment = telling(late, LENGTH)
    assert lies_in(moment.start, 1), moment


@pytest.mark.parametrize("name", ["film.h264", "film.mpg"])
def test_what_cannot_be_sought_begins_at_its_start(tmp_path: Path, name: str) -> None:
    codec = "libx264" if name.endswith("h264") else "mpeg2video"
    clip = Clip(codec=codec, options={}, time_base=Fraction(1, 25), pts=range(50))
    moment = telling(make(tmp_path / name, clip), Fraction(1, 2))
    assert moment.start == 0
    assert moment.why == "from the start: times cannot be sought in this file"


def test_a_broken_place_is_passed_over(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", ("black", "sharp", "faint", "black"), g="12")
    assert lies_in(telling(path, LENGTH).start, 1)
    data, noise = bytearray(path.read_bytes()), random.Random(1)
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.size and PART <= packet.pts * packet.time_base < 2 * PART:
                spoilt = noise.randbytes(packet.size - 4)
                data[packet.pos + 4 : packet.pos + packet.size] = spoilt
    path.write_bytes(data)
    said: list[str] = []
    moment = telling(path, LENGTH, warn=said.append)
    assert lies_in(moment.start, 2), moment
    assert len(said) == 1
    assert "places looked at were passed over" in said[0]


def test_a_file_that_is_cut_short_has_no_moment_beyond_its_end(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", ("faint", "sharp", "sharp"), g="12")
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    end = next(p.pos for p in packets if p.pts * p.time_base >= PART)
    path.write_bytes(path.read_bytes()[:end])
    moment = telling(path, LENGTH)
    assert lies_in(moment.start, 0), moment


def test_little_of_a_long_video_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ("black", "sharp", "still", "cutting", "fading", "faint")
    path = repeated(film(tmp_path / "film.mp4", kinds, g="48"), tmp_path / "long.mp4", 150)
    decoded, decode = 0, seek.decode

    def counted(*arguments: Any) -> Iterator[Any]:
        nonlocal decoded
        for frame in decode(*arguments):
            decoded += 1
            yield frame

    monkeypatch.setattr(seek, "decode", counted)
    monkeypatch.setattr(reader, "decode", counted)
    moment = telling(path, LENGTH)
    assert moment.why == f"{GOOD}the best of 12 places looked at"
    assert 0 < moment.start < 3600 - LENGTH
    assert 0 < decoded < 250  # of 43200


def repeated(source: Path, target: Path, times: int) -> Path:
    """A video over and over, its packets copied."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        held = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in old.demux(stream) if p.size]
        for turn in range(times):
            for data, pts, dts, key in held:
                packet = av.Packet(data)
                shift = turn * stream.duration
                packet.stream, packet.time_base = copy, stream.time_base
                packet.pts, packet.dts, packet.is_keyframe = pts + shift, dts + shift, key
                new.mux(packet)
    return target


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mp4", Clip(audio=("eng",)))
    sound = remux(clip, tmp_path / "sound.mp4", ["audio"])
    with pytest.raises(InputError, match="no video stream"):
        telling(sound, LENGTH)
    for path in (tmp_path / "none.mp4", tmp_path):
        with pytest.raises(InputError, match=r"no such file|is a folder"):
            telling(path, LENGTH)
