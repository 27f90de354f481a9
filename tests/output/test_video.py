"""The target appears when it is complete, and nothing is left behind when it cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support.cli_runner import SCRIPT, vsr
from support.clips import Clip, held, make

from vsr import upscale
from vsr.core.errors import EncoderError, InputError, OutputError
from vsr.core.span import Span
from vsr.encoding.codecs import Encoding
from vsr.encoding.encoder import Encoder
from vsr.output import video as writer
from vsr.output.sink import Output
from vsr.output.video import VideoSpec, create_video
from vsr.util.atomic import part_of
from vsr.video.reader import Video, open_video

FAST = Encoding(preset="ultrafast")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make(tmp_path / "in.mp4", Clip(audio=("eng",)))


@contextmanager
def writing(
    source: Path, target: Path, encoding: Encoding = FAST
) -> Iterator[tuple[Video, Output]]:
    """A copy of `source` being written, its pictures as large as they are."""
    with open_video(source, Span(), lambda _: None) as video:
        spec = VideoSpec(
            target=target,
            info=video.info,
            encoding=encoding,
            warn=lambda _: None,
            others_of=video,
            overwrite=True,
        )
        with create_video(spec) as output:
            yield video, output


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_name_appears_with_the_last_frame(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    with writing(source, target) as (video, output):
        for frame in video.frames():
            output.write(frame)
            assert not target.exists()
            assert part_of(target).exists()
    assert names(tmp_path) == ["in.mp4", "out.mkv"]
    assert len(held(target).pts) == 12


@pytest.mark.parametrize("old", [None, b"the old one"])
@pytest.mark.parametrize(
    ("kind", "after"),
    [
        *((ValueError, after) for after in (0, 1, 11, 12)),
        *((KeyboardInterrupt, after) for after in (1, 12)),
        *((kind, 1) for kind in (InputError, GeneratorExit)),
    ],
)
def test_an_error_in_the_body_leaves_nothing(
    source: Path, tmp_path: Path, kind: type[BaseException], after: int, old: bytes | None
) -> None:
    target = tmp_path / "out.mp4"
    if old is not None:
        target.write_bytes(old)
    with pytest.raises(kind, match="stop here"), writing(source, target) as (video, output):
        for number, frame in enumerate(video.frames()):
            if number == after:
                break
            output.write(frame)
        raise kind("stop here")
    if old is None:
        assert names(tmp_path) == ["in.mp4"]
    else:
        assert names(tmp_path) == ["in.mp4", "out.mp4"]
        assert target.read_bytes() == old


@pytest.mark.parametrize("old", [None, b"the old one"])
def test_an_encoder_that_fails_on_the_way(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes | None
) -> None:
    encode = Encoder.encode
    number = count()

    def failing(self: Encoder, frame: Any, pts: int) -> Iterator[Any]:
        if next(number) == 5:
            raise EncoderError("the encoder gives up")
        yield from encode(self, frame, pts)

    monkeypatch.setattr(Encoder, "encode", failing)
    target = tmp_path / "out.mp4"
    if old is not None:
        target.write_bytes(old)
    with pytest.raises(EncoderError, match="gives up"):
        upscale(source, target, scale=2, model="bicubic", preset="ultrafast", overwrite=True)
    assert names(tmp_path) == ["in.mp4"] + ["out.mp4"] * (old is not None)
    assert old is None or target.read_bytes() == old


@pytest.mark.parametrize("encoding", [Encoding("nosuch"), Encoding(crf=99), Encoding("huffyuv")])
def test_an_encoder_that_refuses_leaves_the_old_file(
    source: Path, tmp_path: Path, encoding: Encoding
) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"the old one")
    with pytest.raises(EncoderError), writing(source, target, encoding):
        raise AssertionError("not reached")
    assert names(tmp_path) == ["in.mp4", "out.mp4"]
    assert target.read_bytes() == b"the old one"


def test_the_old_file_stays_until_the_new_one_is_complete(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"the old one")
    with target.open("rb") as reader:
        with writing(source, target) as (video, output):
            for frame in video.frames():
                output.write(frame)
                assert target.read_bytes() == b"the old one"
        assert reader.read() == b"the old one"  # renamed onto it, not written into it
    assert len(held(target).pts) == 12


def lose_a_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder swallows what it made of a frame."""
    encode = Encoder.encode
    number = count()

    def forgetful(self: Encoder, frame: Any, pts: int) -> Iterator[Any]:
        packets = list(encode(self, frame, pts))
        if next(number) != 5:
            yield from packets

    monkeypatch.setattr(Encoder, "encode", forgetful)


def lose_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue to the encoder's thread swallows a frame."""
    behind = writer.behind

    @contextmanager
    def forgetful(
        consume: Callable[[Any], None], finish: Callable[[], Iterator[None]], *rest: Any
    ) -> Iterator[Callable[[Any], None]]:
        handed = 0

        def some(item: Any) -> None:
            nonlocal handed
            handed += 1
            if handed != 5:
                consume(item)

        with behind(some, finish, *rest) as hand_over:
            yield hand_over

    monkeypatch.setattr(writer, "behind", forgetful)


@pytest.mark.parametrize("lose", [lose_a_packet, lose_a_frame])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_frame_lost_on_the_way_is_an_error(
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    lose: Callable[[pytest.MonkeyPatch], None],
) -> None:
    lose(monkeypatch)
    target = tmp_path / f"out{suffix}"
    with pytest.raises(OutputError, match="11 of 12 frames arrived in the file"):
        upscale(source, target, scale=2, model="bicubic", preset="ultrafast")
    assert names(tmp_path) == ["in.mp4"]


def test_a_file_that_is_gone_when_it_is_checked(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.mp4"
    with pytest.raises((OutputError, InputError)), writing(source, target) as (video, output):
        for frame in video.frames():
            output.write(frame)
        part_of(target).unlink()
    assert names(tmp_path) == ["in.mp4"]


def test_strange_names(source: Path, tmp_path: Path) -> None:
    for name in ("two  words.mp4", "%d-%03d.mp4", "a:b.mkv", "-y.mp4", "ü.mov", ".hidden.mp4"):
        target = tmp_path / name
        upscale(source, target, scale=2, model="bicubic", preset="ultrafast")
        assert len(held(target).pts) == 12
        assert names(tmp_path) == sorted(["in.mp4", name])
        target.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("limit", [500, 4000])  # the message itself needs some
def test_a_disk_that_is_full(tmp_path: Path, suffix: str, limit: int) -> None:
    source = make(tmp_path / "in.mp4", Clip(160, 120, audio=("eng",)))
    target = tmp_path / f"out{suffix}"
    target.write_bytes(b"the old one")
    ran = vsr("upscale", source, target, "-s", "2", "-m", "bicubic", "-y", "-q", file_limit=limit)
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err == f"vsr: error: {target}: cannot be written (File too large)\n"
    assert names(tmp_path) == ["in.mp4", target.name]
    assert target.read_bytes() == b"the old one"


def can_mount(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.slow
def test_a_small_disk_that_is_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not can_mount(disk):
        pytest.skip("this system lets nobody mount a disk of their own")
    source = make(tmp_path / "in.mp4", Clip(160, 120, audio=("eng",)))
    # The disk exists inside this shell alone, and goes with it.
    script = (
        'mount -t tmpfs -o size=16k none "$1" && "$2" upscale "$3" "$1/out.mkv" -s 2 -m bicubic -q'
        '; code=$?; ls -A "$1"; exit $code'
    )
    command = ["unshare", "-rm", "sh", "-c", script, "sh", disk, SCRIPT, source]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert ran.returncode == 1
    assert ran.stdout == ""  # nothing is left
    cause = "No space left on device"
    assert ran.stderr == f"vsr: error: {disk}/out.mkv: cannot be written ({cause})\n"


def test_the_span_moves_the_clock_not_the_frames(source: Path, tmp_path: Path) -> None:
    """A frame's own planes and time are the caller's: writing does not touch them."""
    target = tmp_path / "out.mkv"
    with writing(source, target) as (video, output):
        for frame in video.frames():
            copy = replace(frame, planes=tuple(plane.copy() for plane in frame.planes))
            output.write(frame)
            assert frame.pts == copy.pts
            assert all((a == b).all() for a, b in zip(frame.planes, copy.planes, strict=True))


def test_a_packet_of_another_stream_that_is_refused_beside_the_picture_is_told(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A muxer that holds packets back says of one what it thinks of another, which waited."""
    mux = writer._Muxing.mux

    def refusing(muxing: Any, packet: Any) -> None:
        mux(muxing, packet)
        if not muxing.refused:
            muxing.refused.append("Invalid data found when processing input")

    monkeypatch.setattr(writer._Muxing, "mux", refusing)
    result = upscale(source, tmp_path / "out.mp4", scale=1, model="nearest")
    assert result.warnings == ("1 packet of the other streams could not be written, left out",)
    assert result.run.damage.other_packets == 1
