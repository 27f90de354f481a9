"""Pipes by the real command: what comes by one is done as a file is, and what goes out is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from support.cli_runner import SCRIPT, Ran, vsr
from support.clips import Clip, held, make, planes, remux

from vsr import upscale
from vsr.core.options import ComputeOptions, UpscaleOptions
from vsr.core.url import as_source
from vsr.model_selection.select import choose_model

NEAREST = ("--scale", "2", "--model", "nearest", "--device", "cpu", "-y")
LOSSLESS = ("--codec", "ffv1")
COPIES = {"mkv": ("video", "audio"), "nut": ("video", "audio"), "ts": ("video", "audio")}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with B-frames and sound."""
    return make(tmp_path_factory.mktemp("clip") / "in.mkv", Clip(audio=("eng",)))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip whose output no pipe holds at once."""
    long = Clip(width=160, height=120, pts=range(0, 100 * 512, 512), options={"g": "9"})
    return make(tmp_path_factory.mktemp("large") / "in.mkv", long)


@contextmanager
def fed(folder: Path, data: bytes | Path) -> Iterator[Path]:
    """A FIFO into which somebody writes."""
    fifo = folder / "fed"
    os.mkfifo(fifo)

    def write() -> None:
        with suppress(BrokenPipeError):
            fifo.write_bytes(data if isinstance(data, bytes) else data.read_bytes())

    thread = threading.Thread(target=write)
    thread.start()
    yield fifo
    thread.join()
    fifo.unlink()


@contextmanager
def caught(folder: Path) -> Iterator[tuple[Path, list[bytes]]]:
    """A FIFO that somebody reads, and what came by it once the block has ended."""
    fifo, came = folder / "caught", list[bytes]()
    os.mkfifo(fifo)
    thread = threading.Thread(target=lambda: came.append(fifo.read_bytes()))
    thread.start()
    yield fifo, came
    thread.join()
    fifo.unlink()


def streamed(folder: Path, source: object, *options: object) -> tuple[Ran, bytes]:
    """A run with its video on standard output, and that."""
    with caught(folder) as (fifo, came):
        ran = vsr("upscale", source, "-", *NEAREST, *options, stdout=fifo)
    return ran, came[0]


def same(one: Sequence[Sequence[np.ndarray]], other: Sequence[Sequence[np.ndarray]]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(mine, its)
        for pair in zip(one, other, strict=True)
        for mine, its in zip(*pair, strict=True)
    )


def in_form(clip: Path, folder: Path, suffix: str) -> Path:
    """The clip in another container."""
    path = folder / f"copy.{suffix}"
    if suffix == "y4m":
        upscale(clip, path, scale=1, model="nearest")
        return path
    return remux(clip, path, COPIES[suffix])


@pytest.mark.parametrize("suffix", ["y4m", *COPIES])
def test_what_comes_by_stdin_is_done_as_a_file(clip: Path, tmp_path: Path, suffix: str) -> None:
    source = in_form(clip, tmp_path, suffix)
    with fed(tmp_path, source) as stdin:
        ran = vsr("upscale", "-", tmp_path / "out.mkv", *NEAREST, *LOSSLESS, stdin=stdin)
    assert (ran.code, ran.out) == (0, "")
    assert vsr("upscale", source, tmp_path / "file.mkv", *NEAREST, *LOSSLESS).code == 0
    mine, its = held(tmp_path / "out.mkv"), held(tmp_path / "file.mkv")
    assert same(planes(tmp_path / "out.mkv"), planes(tmp_path / "file.mkv"))
    assert (mine.pts, mine.packets, mine.times) == (its.pts, its.packets, its.times)
    assert len(mine.pts) == 12


@pytest.mark.parametrize("output_format", ["nut", "mpegts", "matroska"])
def test_what_goes_to_stdout_is_what_goes_into_a_file(
    clip: Path, tmp_path: Path, output_format: str
) -> None:
    codec = ("--codec", "mpeg2video") if output_format == "mpegts" else LOSSLESS
    ran, data = streamed(tmp_path, clip, "--output-format", output_format, *codec)
    assert ran.code == 0
    assert ran.err.startswith("-: 12 frames in, 12 out; 1 other stream copied.")
    (tmp_path / "out").write_bytes(data)
    suffix = {"nut": "nut", "mpegts": "ts", "matroska": "mkv"}[output_format]
    assert vsr("upscale", clip, tmp_path / f"file.{suffix}", *NEAREST, *codec).code == 0
    mine, its = held(tmp_path / "out"), held(tmp_path / f"file.{suffix}")
    assert same(planes(tmp_path / "out"), planes(tmp_path / f"file.{suffix}"))
    assert mine.packets == its.packets
    assert [b - a for a, b in pairwise(mine.pts)] == [b - a for a, b in pairwise(its.pts)]


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_standard_output_may_be_named(clip: Path, tmp_path: Path, name: str) -> None:
    with caught(tmp_path) as (fifo, came):
        ran = vsr("upscale", clip, name, *NEAREST, stdout=fifo)
    assert (ran.code, came[0]) == (0, streamed(tmp_path, clip)[1])
    into_a_file = vsr("upscale", clip, name, *NEAREST, stdout=tmp_path / "out.y4m")
    assert (into_a_file.code, (tmp_path / "out.y4m").read_bytes()) == (0, came[0])


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "gray"])
def test_raw_pictures_and_nothing_else_go_to_stdout(tmp_path: Path, pix_fmt: str) -> None:
    clip = Clip(codec="ffv1", pix_fmt=pix_fmt, options={}, time_base=Fraction(1, 30000))
    source = make(tmp_path / "in.nut", Clip(**vars(clip) | {"pts": range(0, 8008, 1001)}))
    ran, data = streamed(tmp_path, source)
    assert ran.code == 0
    header, _, rest = data.partition(b"\n")
    words = header.split()
    assert words[:4] == [b"YUV4MPEG2", b"W128", b"H96", b"F30000:1001"]
    (tmp_path / "out.y4m").write_bytes(data)
    pictures = planes(tmp_path / "out.y4m")
    size = sum(plane.nbytes for plane in pictures[0])
    assert rest == b"".join(rest[n * (size + 6) :][: size + 6] for n in range(8))
    assert vsr("upscale", source, tmp_path / "file.mkv", *NEAREST, *LOSSLESS).code == 0
    assert same(pictures, planes(tmp_path / "file.mkv"))
    assert vsr("upscale", source, tmp_path / "file.y4m", *NEAREST, "--verify").code == 0
    assert (tmp_path / "file.y4m").read_bytes() == data


def test_a_variable_rate_becomes_one_rate(tmp_path: Path) -> None:
    shown = (0, 1, 2, 4, 5, 8)  # each at so many times 1/25 s
    source = make(tmp_path / "in.mkv", Clip(pts=[n * 512 for n in shown], codec="ffv1", options={}))
    ran, data = streamed(tmp_path, source)
    assert ran.code == 0
    assert "3 frames were repeated" in ran.err
    assert ran.err.splitlines()[-1].startswith("-: 6 frames in, 6 out")
    (tmp_path / "out.y4m").write_bytes(data)
    upscale(source, tmp_path / "file.mkv", scale=2, model="nearest", codec="ffv1")
    each = planes(tmp_path / "file.mkv")
    wanted = [each[max(n for n, at in enumerate(shown) if at <= tick)] for tick in range(9)]
    assert same(planes(tmp_path / "out.y4m"), wanted)
    with fed(tmp_path, source) as fifo:  # whose times are not known beforehand
        upscale(fifo, tmp_path / "live.y4m", scale=2, model="nearest")
    assert same(planes(tmp_path / "live.y4m"), wanted)


def test_what_raw_pictures_cannot_hold_is_told(tmp_path: Path) -> None:
    tagged = {"color_primaries": 9, "color_trc": 16, "colorspace": 9}
    clip = Clip(audio=("eng",), subtitles=[(0, 0.2, "Hello")], color=tagged)
    ran, _ = streamed(tmp_path, make(tmp_path / "in.mkv", clip))
    assert ran.code == 0
    warnings = [line for line in ran.err.splitlines() if "warning" in line]
    assert any("left out: 1 audio" in line and "subrip" in line for line in warnings)
    assert any("matrix, primaries and transfer, 9, 9 and 16" in line for line in warnings)


def test_alpha_is_told_of_and_rgb_loses_no_pixel(tmp_path: Path) -> None:
    clear = Clip(codec="ffv1", pix_fmt="yuva420p", options={}, fill=(90, 90, 90, 7))
    ran, _ = streamed(tmp_path, make(tmp_path / "alpha.mkv", clear))
    assert "transparency is dropped" in ran.err
    ran, data = streamed(tmp_path, _of_rgb(tmp_path / "rgb.mkv"))
    assert ran.code == 0
    assert b" C444 " in data[:100]


def _of_rgb(path: Path) -> Path:
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "bgr0"
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 60 * number, np.uint8))
            out.mux(video.encode(frame.reformat(format="bgr0")))
        out.mux(video.encode(None))
    return path


@pytest.mark.slow
def test_a_pipeline_of_three(clip: Path, tmp_path: Path) -> None:
    """Shell and command as they are: process substitution in, pipes between, a redirect out."""
    words = " ".join(NEAREST)
    line = f"{SCRIPT} upscale <(cat in.mkv) - {words} | {SCRIPT} upscale - - {words} | cat > b.y4m"
    (tmp_path / "in.mkv").write_bytes(clip.read_bytes())
    command = ["bash", "-c", f"set -o pipefail; {line}"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=180, check=False)
    assert (ran.returncode, ran.stdout) == (0, b"")
    upscale(clip, tmp_path / "a.y4m", scale=2, model="nearest")
    upscale(tmp_path / "a.y4m", tmp_path / "c.y4m", scale=2, model="nearest")
    assert (tmp_path / "b.y4m").read_bytes() == (tmp_path / "c.y4m").read_bytes()


def test_descriptors_in_python(clip: Path, tmp_path: Path) -> None:
    with subprocess.Popen(["cat", clip], stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        result = upscale(
            f"/dev/fd/{cat.stdout.fileno()}", tmp_path / "out.mkv", scale=2, model="nearest"
        )
    assert (result.frames_in, result.frames_out) == (12, 12)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
        assert cat.stdin is not None
        assert cat.stdout is not None
        number, came = cat.stdin.fileno(), list[bytes]()
        out = cat.stdout
        thread = threading.Thread(target=lambda: came.append(out.read()))
        thread.start()
        upscale(clip, f"/dev/fd/{number}", scale=2, model="nearest", output_format="nut")
        cat.stdin.close()
        thread.join()
    (tmp_path / "came.nut").write_bytes(came[0])
    assert len(held(tmp_path / "came.nut").pts) == 12


def test_a_span_of_a_pipe(clip: Path, tmp_path: Path) -> None:
    for name, source in (("pipe", None), ("file", clip)):
        with fed(tmp_path, clip) as fifo:
            upscale(
                source or fifo,
                tmp_path / f"{name}.mkv",
                scale=2,
                model="nearest",
                codec="ffv1",
                end=0.2,
            )
            if source:
                fifo.read_bytes()
    mine, its = held(tmp_path / "pipe.mkv"), held(tmp_path / "file.mkv")
    assert (mine.pts, mine.packets) == (its.pts, its.packets)
    assert len(mine.pts) == 5


def test_images_go_out_as_a_video(tmp_path: Path) -> None:
    upscale(
        make(tmp_path / "in.mkv", Clip(pts=(0, 512, 1024))),
        tmp_path / "images",
        scale=1,
        model="nearest",
    )
    ran, data = streamed(tmp_path, tmp_path / "images", "--rate", "10")
    assert ran.code == 0
    assert data.startswith(b"YUV4MPEG2 W128 H96 F10:1 ")
    assert data.count(b"FRAME\n") == 3


def test_light_that_goes_out_is_told_of_by_the_container_of_the_pipe(tmp_path: Path) -> None:
    """A TIFF of floats."""
    pytest.importorskip("OpenImageIO")
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "1.tif"), np.full((24, 32, 3), 0.5, np.float32))
    ran, data = streamed(tmp_path, tmp_path / "images")
    assert (ran.code, data.count(b"FRAME\n")) == (0, 1)
    assert ".y4m holds no floats: light is shown by sRGB's curve" in ran.err


def test_the_beginning_decides_on_the_model(tmp_path: Path) -> None:
    """A clean source and a coarsely coded one, each by what has come before it is read.

    In int8, where videos have two families of weights.
    """
    asked = UpscaleOptions(compute=ComputeOptions(precision="int8"))
    for quality in ("1", "45"):
        options = {"crf": quality, "preset": "veryfast"}
        source = make(tmp_path / f"{quality}.mkv", Clip(width=128, height=96, options=options))
        with fed(tmp_path, source) as fifo:
            live = as_source(fifo)
            choice = choose_model(live, asked, 4)
            assert live.inlet.take().read(50) == source.read_bytes()[:50]  # type: ignore[union-attr]
            live.inlet.close()  # type: ignore[union-attr]
        assert choice == choose_model(source, asked, 4)


def test_sizes_go_by_what_comes(clip: Path, tmp_path: Path) -> None:
    with fed(tmp_path, clip) as fifo:
        result = upscale(fifo, tmp_path / "out.mkv", width=128, height=96, model="nearest")
    assert (result.scale, result.run.width, result.run.height) == (2, 128, 96)


def test_a_reader_that_closes_early(large: Path, tmp_path: Path) -> None:
    words = [str(SCRIPT), "upscale", str(large), "-", *NEAREST]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.read(10) == b"YUV4MPEG2 "
        run.stdout.close()
        said = run.stderr.read().decode().splitlines()
    assert run.returncode == 1
    assert said == ["vsr: error: -: its reader has closed it before all was written"]


def test_a_reader_that_stalls_is_left_when_asked_to_end(large: Path) -> None:
    words = [str(SCRIPT), "upscale", str(large), "-", *NEAREST]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.read(10) == b"YUV4MPEG2 "
        run.send_signal(signal.SIGTERM)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert said.decode().splitlines() == ["vsr: interrupted: nothing is kept"]


@pytest.mark.slow
@pytest.mark.parametrize("begun", [False, True])
def test_a_writer_that_stalls(clip: Path, tmp_path: Path, begun: bool) -> None:
    source, target = tmp_path / "in.y4m", tmp_path / "out.mkv"
    upscale(clip, source, scale=1, model="nearest")
    half = source.read_bytes()[: 20_000 if begun else 0]
    reading, writing = os.pipe()
    os.write(writing, half)
    words = [str(SCRIPT), "upscale", "-", str(target), *NEAREST, "--stall-timeout", "0.5"]
    ran = subprocess.run(words, stdin=reading, capture_output=True, timeout=120, check=False)
    os.close(writing)
    os.close(reading)
    assert ran.returncode == 1
    said = "vsr: error: nothing has come from the source for 0.5 s; --stall-timeout allows more"
    assert ran.stderr.decode().splitlines() == [said]
    assert [path.name for path in tmp_path.iterdir()] == ["in.y4m"]


def test_ctrl_c_keeps_what_has_come(clip: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.y4m", tmp_path / "out.mkv"
    upscale(clip, source, scale=1, model="nearest")
    words = [str(SCRIPT), "upscale", "-", str(target), *NEAREST]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdin is not None
        assert run.stderr is not None
        run.stdin.write(source.read_bytes()[:20_000])
        run.stdin.flush()
        _wait_for(lambda: any(tmp_path.glob(".out.part-*")))
        run.send_signal(signal.SIGINT)
        said = run.stderr.read().decode().splitlines()
    assert "stopping with what has come" in said[0]
    assert run.returncode == 0, said
    assert len(held(target).pts) == 4  # whole ones of 4608 bytes


def _wait_for(there: Callable[[], bool]) -> None:
    for _ in range(300):
        if there():
            return
        threading.Event().wait(0.1)
    raise AssertionError("it did not come")


GARBAGE = bytes(range(256)) * 300


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "-: nothing came: it is empty"),
        (GARBAGE, "-: what comes is no video that can be read as it comes (y4m, nut, "),
        (b"YUV4MPEG2 W64 H48 F25:1 C420\n", "-: no picture came that can be read as it comes"),
        (b"YUV4MPEG2 W99999 H99999 F25:1 C420\n", "-: "),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n", "-: what comes is"),
    ],
)
def test_what_is_no_video_is_one_line(tmp_path: Path, data: bytes, said: str) -> None:
    with fed(tmp_path, data) as stdin:
        ran = vsr("upscale", "-", tmp_path / "out.mkv", *NEAREST, stdin=stdin)
    assert ran.code == 1
    assert ran.err.startswith(f"vsr: error: {said}")
    assert ran.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--verify"], "-: verify is for files, and this is a pipe"),
        (["--record"], "-: record is for files, and this is a pipe"),
        (["--keep-date"], "-: keep_date is for files, and this is a pipe"),
        (["--resume", "always"], "cannot be done in segments, as it goes into a pipe"),
        (["--cluster", "auto"], "cannot be done in segments, as it goes into a pipe"),
        (["--json"], "-: --json goes to stdout, as the video does"),
        (["--codec", "h264"], "encoder h264: .y4m holds raw pictures alone"),
        (["--output-format", "mpegts", *LOSSLESS], "ffv1 makes cannot be read again from mpegts"),
    ],
)
def test_what_pipes_cannot_do_is_refused(
    clip: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    ran = vsr("upscale", clip, "-", *NEAREST, *options)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_what_is_refused_of_a_source(clip: Path, tmp_path: Path) -> None:
    with fed(tmp_path, clip) as stdin:
        ran = vsr("upscale", "-", tmp_path / "a.mkv", *NEAREST, "--start", "1", stdin=stdin)
    assert "-: a pipe is read from its beginning on; leave start out" in ran.err
    for mode in ("on", "field", "ivtc"):
        with fed(tmp_path, clip) as stdin:
            ran = vsr(
                "upscale", "-", tmp_path / "a.mkv", *NEAREST, "--deinterlace", mode, stdin=stdin
            )
        assert f"-: a pipe is not deinterlaced; leave out deinterlace {mode}" in ran.err
        assert (ran.code, ran.err.count("\n")) == (1, 1)
    ran = vsr("upscale", clip, tmp_path / "a.mkv", *NEAREST, "--output-format", "nut")
    assert "output_format is for pipes; a file's suffix chooses its container" in ran.err
    for command in (["probe", "-"], ["preview", "-"], ["batch", "-", str(tmp_path)]):
        ran = vsr(*command)
        assert ran.code == 1
        assert ran.err.startswith("vsr: error: -: a pipe is not read here")
    assert not list(tmp_path.iterdir())


def test_what_stdin_was_redirected_from_stays(clip: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    source.write_bytes(in_form(clip, tmp_path, "mkv").read_bytes())
    kept = source.read_bytes()
    ran = vsr("upscale", "-", source, *NEAREST, *LOSSLESS, "-y", stdin=source)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "in.mkv: is the input itself; choose another name" in ran.err
    assert source.read_bytes() == kept


def test_terminals_are_refused(clip: Path, tmp_path: Path) -> None:
    main, terminal = os.openpty()
    name = Path(os.ttyname(terminal))
    for words, which in ((("-", tmp_path / "a.mkv"), "input"), ((clip, "-"), "output")):
        ran = vsr("upscale", *words, *NEAREST, stdin=name, stdout=name)
        assert ran.code == 1
        assert ran.err.startswith(f"vsr: error: -: standard {which} is a terminal; pipe ")
    os.close(main)
    os.close(terminal)


@pytest.mark.parametrize("lacking", [0, 1, 1000, 48 * 32 * 3 // 2 + len("FRAME\n") - 1])
def test_a_pipe_whose_writer_dies_within_a_frame_is_told_as_a_file_is(
    tmp_path: Path, lacking: int
) -> None:
    frames = [b"FRAME\n" + bytes([20 * number]) * (48 * 32 * 3 // 2) for number in range(1, 5)]
    whole = b"YUV4MPEG2 W48 H32 F25:1 Ip A1:1 C420jpeg\n" + b"".join(frames)
    data = whole[: len(whole) - lacking]
    (tmp_path / "cut.y4m").write_bytes(data)
    words = (tmp_path / "out.mkv", *NEAREST, "-y")
    of_file = vsr("upscale", tmp_path / "cut.y4m", *words)
    with fed(tmp_path, data) as stdin:
        of_pipe = vsr("upscale", "-", *words, stdin=stdin)
    assert (of_pipe.code, of_file.code) == (0, 0)
    said = [
        [line for line in ran.err.splitlines() if "warning" in line] for ran in (of_pipe, of_file)
    ]
    assert said[0] == said[1]
    assert bool(said[0]) == bool(lacking)
    if lacking:
        with fed(tmp_path, data) as stdin:
            strict = vsr("upscale", "-", tmp_path / "strict.mkv", *NEAREST, "--strict", stdin=stdin)
        assert strict.code == 1
        assert not (tmp_path / "strict.mkv").exists()


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_pipe_that_ends_before_its_own_account_is_told_as_a_file_is(
    clip: Path, tmp_path: Path, suffix: str
) -> None:
    """As of a download that breaks off."""
    source = clip
    if suffix == "mp4":  # with its index first
        source = tmp_path / "in.mp4"
        made = upscale(clip, tmp_path / "late.mp4", scale=1, model="nearest").target
        with av.open(made) as late, av.open(source, "w", options={"movflags": "faststart"}) as out:
            stream = out.add_stream_from_template(late.streams.video[0])
            for packet in late.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    out.mux(packet)
    whole = source.read_bytes()
    for data in (whole, whole[: len(whole) * 7 // 10]):
        (tmp_path / f"cut.{suffix}").write_bytes(data)
        words = (tmp_path / "out.mkv", *NEAREST, "-y")
        of_file = vsr("upscale", tmp_path / f"cut.{suffix}", *words)
        with fed(tmp_path, data) as stdin:
            of_pipe = vsr("upscale", "-", *words, stdin=stdin)
        told = [
            f"{len(whole) - len(data)} bytes are missing" in run.err for run in (of_file, of_pipe)
        ]
        assert told == [data != whole] * 2, (of_file.err, of_pipe.err)
