"""The command as people and programs meet it: exit codes, streams, and what it leaves."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import click
import pytest
from support.cli_runner import SCRIPT, Ran, vsr
from support.clips import Clip, held, make, remux

from vsr.cli.param_types import Time
from vsr.util.signals import ENDING

FAST = ["--scale", "2", "--model", "bicubic", "--preset", "ultrafast"]
SOUND = Clip(pts=range(0, 50 * 512, 512), audio=("eng",), metadata={"title": "A title"})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files to run on, good and bad."""
    folder = tmp_path_factory.mktemp("inputs")
    good = make(folder / "good.mp4", SOUND)
    data = good.read_bytes()
    (folder / "text.mp4").write_text("This is no video.\n" * 50)
    (folder / "empty.mp4").touch()
    (folder / "no-index.mp4").write_bytes(data[: len(data) // 2])
    data = remux(good, folder / "cut.mp4", ("video", "audio"), movflags="faststart").read_bytes()
    (folder / "cut.mp4").write_bytes(data[: len(data) * 2 // 3])
    remux(good, folder / "sound.mp4", ("audio",))
    (folder / "folder").mkdir()
    (folder / "broken.safetensors").write_bytes(b"\0" * 100)
    return folder


@pytest.fixture(autouse=True)
def unchanged(inputs: Path) -> Iterator[None]:
    """No test changes a file that it reads."""
    before = {path: path.read_bytes() for path in inputs.iterdir() if path.is_file()}
    yield
    assert {path: path.read_bytes() for path in inputs.iterdir() if path.is_file()} == before


def assert_one_line(ran: Ran, *words: str) -> None:
    """The error, alone but for warnings that came before."""
    *before, line = ran.err.splitlines()
    assert line.startswith("vsr: error: "), ran.err
    assert all(earlier.startswith("vsr: warning: ") for earlier in before), ran.err
    assert "unexpected" not in line
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("source", "name", "options", "words"),
    [
        ("missing.mp4", "out.mp4", [], ["missing.mp4: no such file"]),
        ("folder", "out.mp4", [], ["folder: "]),
        ("text.mp4", "out.mp4", [], ["text.mp4: cannot be read as a video"]),
        ("empty.mp4", "out.mp4", [], ["empty.mp4: is empty (0 bytes)"]),
        ("sound.mp4", "out.mp4", [], ["sound.mp4: no video stream (it holds only audio)"]),
        ("no-index.mp4", "out.mp4", [], ["no-index.mp4: cannot be read as a video"]),
        ("cut.mp4", "out.mp4", ["--strict"], ["cut.mp4: ", "truncated", "--strict"]),
        ("good.mp4", "out.mp4", ["-m", "nosuch"], ["unknown model 'nosuch': known are "]),
        ("good.mp4", "out.mp4", ["-m", "{inputs}/broken.safetensors"], ["not a safetensors file"]),
        ("good.mp4", "out.mp4", ["-m", "no.safetensors"], ["no.safetensors: no such model file"]),
        ("good.mp4", "no/out.mp4", [], ["no/out.mp4: the folder ", "does not exist"]),
        ("good.mp4", "{inputs}/good.mp4", ["-y"], ["good.mp4: is the input itself"]),
        ("good.mp4", "{inputs}/empty.mp4", [], ["empty.mp4: exists already; -y "]),
        ("good.mp4", "out.xyz", [], ["out.xyz: no container for suffix '.xyz'"]),
        ("good.mp4", "out.mp4", ["-c", "nosuch"], ["unknown video encoder 'nosuch'"]),
        ("good.mp4", "out.webm", ["-c", "h264"], ["'webm' format does not support 'libx264'"]),
        ("good.mp4", "out.mp4", ["--crf", "52"], ["crf 52: encoder libx264 takes 0 to 51"]),
        ("good.mp4", "out.mp4", ["--start", "1:00"], ["no frame can be decoded from 60 s on"]),
        ("good.mp4", "out.mp4", ["--start", "1", "--end", "0.5"], ["end 0.5 s: must come after"]),
        ("good.mp4", "out.mp4", ["-d", "tpu"], ["device 'tpu'", "auto, cpu, cuda"]),
        ("good.mp4", "out.mp4", ["-d", "cpu", "--precision", "fp16"], ["fp16 needs a GPU"]),
    ],
)
def test_errors_are_one_line(
    inputs: Path, tmp_path: Path, source: str, name: str, options: list[str], words: list[str]
) -> None:
    options = [option.format(inputs=inputs) for option in options]
    target = tmp_path / name.format(inputs=inputs)
    ran = vsr("upscale", inputs / source, target, *FAST, *options)
    assert ran.code == 1
    assert ran.out == ""
    assert_one_line(ran, *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--start", "soon"], "'soon' is not a time"),
        (["--end", "1:75"], "what follows a colon must be under 60"),
        (["--end", "1", "--duration", "1"], "--end and --duration exclude each other"),
        (["--scale", "17"], "--scale"),
        (["--crf", "low"], "--crf"),
        (["--nosuch"], "--nosuch"),
    ],
)
def test_usage_errors_of_upscale(
    inputs: Path, tmp_path: Path, options: list[str], word: str
) -> None:
    ran = vsr("upscale", inputs / "good.mp4", tmp_path / "out.mp4", *FAST, *options)
    assert ran.code == 2
    assert ran.out == ""
    assert word in ran.err
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") <= 6
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["upscale", "{good}", ""],
        ["upscale", "{good}", "out.mp4", "--progress-preview", ""],
        ["preview", ""],
        ["preview", "{good}", ""],
        ["batch", "{good}", ""],
        ["eval", ""],
    ],
)
def test_an_empty_text_names_no_file(inputs: Path, words: list[str]) -> None:
    ran = vsr(*(word.format(good=inputs / "good.mp4") for word in words))
    assert ran.code == 2
    assert "an empty text names no file" in ran.err


def test_a_folder_has_no_preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (".", "..", tmp_path):
        ran = vsr("preview", folder)
        assert ran.code == 1
        assert_one_line(ran, "a preview is of a video file")


def test_other_commands_fail_in_one_line_too(inputs: Path) -> None:
    for command in (["probe", inputs / "text.mp4"], ["eval", inputs / "missing.png"]):
        ran = vsr(*command)
        assert ran.code == 1
        assert ran.out == ""
        assert_one_line(ran)


def test_a_run_for_people(inputs: Path, tmp_path: Path) -> None:
    ran = vsr("upscale", inputs / "good.mp4", tmp_path / "out.mp4", *FAST)
    assert ran.code == 0
    assert ran.out == ""
    last = ran.err.splitlines()[-1]
    assert last.startswith(
        f"{tmp_path}/out.mp4: 50 frames in, 50 out; 2.000 s, unchanged; A/V offset -21 ms, "
        "unchanged; 1 other stream copied. x2 bicubic on "
    )
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_quiet_run(inputs: Path, tmp_path: Path) -> None:
    ran = vsr("upscale", inputs / "good.mp4", tmp_path / "out.mp4", *FAST, "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert held(tmp_path / "out.mp4").sizes == {(128, 96)}


def test_a_run_for_programs(inputs: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    ran = vsr("upscale", inputs / "good.mp4", target, *FAST, "--json")
    assert ran.code == 0
    assert ran.err == ""
    *progress, result = ran.events
    assert progress
    for event in progress:
        assert event["event"] == "progress"
        assert 1 <= event["frames"] <= 50
        assert event["expected"] == 50
    assert result["event"] == "result"
    assert result["frames_in"] == result["frames_out"] == 50
    assert result["seconds"] > 0
    assert result["fps"] == pytest.approx(50 / result["seconds"], rel=0.01)
    assert (result["model"], result["scale"], result["encoder"]) == ("bicubic", 2, "libx264")
    assert result["device"] in ("cpu", "cuda:0")
    assert (result["source"], result["target"]) == (str(inputs / "good.mp4"), str(target))
    assert result["copied"] == ["1 audio aac (eng)"]
    assert result["dropped"] == result["warnings"] == []


def test_warnings_are_on_stderr_and_in_the_result(inputs: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.webm"
    options = ["-s", "2", "-m", "bicubic", "--preset", "13", "--duration", "0.1", "--json"]
    ran = vsr("upscale", inputs / "good.mp4", target, *options)
    assert ran.code == 0
    (warning,) = ran.events[-1]["warnings"]
    assert warning == (
        "left out: 1 audio aac (eng): .webm cannot hold it (--audio transcode converts it)"
    )
    (dropped,) = ran.events[-1]["dropped"]
    assert warning == f"left out: {dropped}"
    assert ran.err == f"vsr: warning: {warning}\n"


def test_options_reach_the_library(inputs: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    target.touch()
    options = ["-c", "ffv1", "--pix-fmt", "yuv444p10le", "--no-audio", "--no-subs", "-y"]
    span = ["--start", "0:01", "--duration", "0.4"]
    base = ["-s", "3", "-m", "bicubic", "-d", "cpu", "--precision", "fp32"]
    ran = vsr("upscale", inputs / "good.mp4", target, *base, *options, *span, "--json")
    assert ran.code == 0, ran.err
    result, found = ran.events[-1], held(target)
    assert (result["precision"], result["encoder"], result["copied"]) == ("fp32", "ffv1", [])
    assert found.sizes == {(192, 144)}
    assert found.info["format"] == "yuv444p10le"
    assert found.packets == {}
    assert found.pts == [Fraction(n, 25) for n in range(10)]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, *ENDING])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, number: int) -> None:
    clip = Clip(320, 240, pts=range(0, 200 * 512, 512), options={"preset": "ultrafast"})
    source, target = make(tmp_path / "in.mp4", clip), tmp_path / "out.mp4"
    options = ["-s", "4", "-m", "bicubic", "--preset", "placebo", "--json"]
    with subprocess.Popen(
        [SCRIPT, "upscale", source, target, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first["event"] == "progress"
        assert first["frames"] < 200
        process.send_signal(number)
        try:
            out, err = process.communicate(timeout=15)  # the whole would take minutes
        finally:
            process.kill()
    assert process.returncode == 130
    *_, last = err.splitlines()  # before it, what was said of the source
    assert re.fullmatch(r"vsr: interrupted: nothing is kept; with --resume always, .*", last)
    assert all(json.loads(line)["event"] == "progress" for line in out.splitlines())
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_models_are_listed_for_programs(inputs: Path) -> None:
    ran = vsr("models", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert {event["event"] for event in ran.events} == {"model"}
    known = {(event["name"], event["scale"]) for event in ran.events}
    assert known >= {("bicubic", 2), ("bicubic", 3), ("bicubic", 4)}
    assert len(known) == len(ran.events)
    assert len({event["name"] for event in ran.events if event["default"]}) == 1
    for event in ran.events:
        has_file = bool(event["file"])
        assert bool(event["data_licence"]) == (event["file_bytes"] > 0) == has_file
        assert {"parameters", "gmacs", "scores", "licence"} <= event.keys()


def test_models_are_listed_for_people() -> None:
    known = vsr("models", "--json").events
    ran = vsr("models")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].split()[:2] == ["model", "scale"]
    assert lines[0].split()[-3:] == ["params", "GMACs", "file"]
    rows = lines[1 : len(known) + 1]
    assert max(map(len, rows)) <= 80
    for row, event in zip(rows, known, strict=True):
        words = row.replace(" kB", "kB").replace(" MB", "MB").split()
        name, scale, *scores, parameters, gmacs, size = words
        assert (name, scale) == (event["name"], f"x{event['scale']}")
        assert scores[0] == f"{event['scores']['Set5']['psnr']:.2f}"
        assert parameters == f"{event['parameters']:,}"
        assert gmacs == f"{event['gmacs']:.2f}"
        held = event["file_bytes"]
        assert size in (f"{held / 1e3:.0f}kB", f"{held / 1e6:.1f}MB") if held else size == "-"
    below = lines[len(known) + 1 :]
    assert sum("(default)" in line for line in below) == 1
    for licence in {event["data_licence"] for event in known} - {""}:
        place = below.index(f"  {licence}")
        named = below[place - 1].removesuffix(":").split(", ")
        for event in known:
            assert (event["name"] in named) == (event["data_licence"] == licence)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--models", "espcn,nosuch"], ["unknown model 'nosuch'", "espcn"]),
        (["--models", "nowhere.safetensors"], ["nowhere.safetensors", "no such model file"]),
        (["--device", "tpu"], ["unknown device 'tpu'"]),
        (["--device", "cuda:77"], ["cuda:77", "is not there"]),
        (["--device", "cpu", "--precision", "fp16"], ["fp16"]),
    ],
)
def test_bench_fails_in_one_line(options: list[str], words: list[str]) -> None:
    ran = vsr("bench", *options)
    assert (ran.code, ran.out) == (1, "")
    assert_one_line(ran, *words)


@pytest.mark.parametrize(
    "options", [["--models", "espcn,"], ["--seconds", "0"], ["--threads", "x"]]
)
def test_usage_errors_of_bench(options: list[str]) -> None:
    ran = vsr("bench", *options)
    assert (ran.code, ran.out) == (2, "")
    assert options[0] in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, *ENDING])
def test_signals_in_a_row_leave_nothing_either(tmp_path: Path, number: int) -> None:
    clip = Clip(320, 240, pts=range(0, 200 * 512, 512), options={"preset": "ultrafast"})
    source, target = make(tmp_path / "in.mp4", clip), tmp_path / "out"
    with subprocess.Popen(
        [SCRIPT, "upscale", source, target, "-s", "4", "-m", "bicubic", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "progress"
        try:
            while process.poll() is None:  # into its last steps
                process.send_signal(number)
                time.sleep(0.002)
            err = process.communicate(timeout=15)[1]
        finally:
            process.kill()
    *_, last = err.splitlines()
    assert (process.returncode, last) == (130, "vsr: interrupted: nothing is kept")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_record_replaces_nobodys_file(inputs: Path, tmp_path: Path) -> None:
    record = tmp_path / "out.mkv.record.json"
    words = ["upscale", inputs / "good.mp4", tmp_path / "out.mkv", *FAST, "--record"]
    record.write_text("somebody's")
    assert_one_line(vsr(*words), "out.mkv.record.json: exists already")
    assert [path.name for path in tmp_path.iterdir()] == [record.name]
    record.unlink()
    record.symlink_to(inputs / "good.mp4")
    assert_one_line(vsr(*words, "-y"), "is the input itself")


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_place_for_a_file(inputs: Path, tmp_path: Path, closed: str) -> None:
    target = tmp_path / "out.mp4"
    words = shlex.join(map(str, [SCRIPT, "upscale", inputs / "good.mp4", target, *FAST]))
    assert subprocess.run(["sh", "-c", f"{words} {closed}"], capture_output=True).returncode == 0
    assert len(held(target).pts) == len(SOUND.pts)


@pytest.mark.slow
def test_a_name_of_any_bytes_is_shown(inputs: Path, tmp_path: Path) -> None:
    name = tmp_path / os.fsdecode("\xfc".encode() + b"\xfc.mp4")  # one in UTF-8, one in Latin-1
    name.symlink_to(inputs / "good.mp4")
    ran = subprocess.run(
        [SCRIPT, "probe", name],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"\\udcfc.mp4 (" in ran.stdout


@pytest.mark.slow
def test_a_full_stdout_is_told_of_as_such(inputs: Path, tmp_path: Path) -> None:
    words = [SCRIPT, "upscale", inputs / "good.mp4", tmp_path / "out.mp4", *FAST, "--json"]
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert ran.stderr.startswith("vsr: error: stdout: cannot be written")
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("resume", ["never", "always"])
def test_a_reader_that_goes_is_no_error_of_the_file(
    inputs: Path, tmp_path: Path, resume: str
) -> None:
    words = [SCRIPT, "upscale", inputs / "good.mp4", tmp_path / "out.mp4", *FAST, "--json"]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [*words, "--resume", resume], stdout=writing, stderr=subprocess.PIPE, text=True
        )
    finally:
        os.close(writing)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, *ENDING])
def test_an_interrupted_bench_ends_at_once(number: int) -> None:
    options = ["--models", "bicubic", "--seconds", "600", "--device", "cpu"]
    with subprocess.Popen(
        [SCRIPT, "bench", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("cpu, ")
        time.sleep(2)  # by now it measures
        process.send_signal(number)
        try:
            _, err = process.communicate(timeout=15)
        finally:
            process.kill()
    assert process.returncode == 130
    assert err.strip() == "vsr: interrupted"


def test_probe_tells_of_a_file(inputs: Path) -> None:
    ran = vsr("probe", inputs / "good.mp4", "--json")
    assert (ran.code, ran.err) == (0, "")
    (facts,) = ran.events
    assert facts["event"] == "result"
    assert (facts["video"]["width"], facts["video"]["height"]) == (64, 48)
    assert facts["video"]["format"]["name"] == "yuv420p"
    assert [stream["kind"] for stream in facts["streams"]] == ["video", "audio"]
    assert facts["streams"][1]["language"] == "eng"
    assert facts["metadata"]["title"] == "A title"
    text = vsr("probe", inputs / "good.mp4")
    assert (text.code, text.err) == (0, "")
    assert "64x48 yuv420p" in text.out
    assert "(upscaled)" in text.out


def test_help_names_every_command_and_option() -> None:
    ran = vsr("--help")
    assert ran.code == 0
    for command in ("upscale", "models", "bench", "probe", "eval", "train"):
        assert f"  {command} " in ran.out
    ran = vsr("upscale", "-h")
    assert ran.code == 0
    for option in ("--scale", "--model", "--start", "--end", "--codec", "--no-audio", "--json"):
        assert option in ran.out


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("0", 0),
        ("007", 7),
        ("12.5", Fraction(25, 2)),
        (".5", Fraction(1, 2)),
        ("0.1", Fraction(1, 10)),  # no binary fraction is
        ("1:30", 90),
        ("1:05.25", Fraction(261, 4)),
        ("0:01:30.250", Fraction(361, 4)),
        ("12:34:56.789", Fraction(45296789, 1000)),
        ("100:00:00", 360000),
        (" 90 ", 90),
    ],
)
def test_times_as_people_write_them(text: str, seconds: Fraction) -> None:
    found = Time().convert(text, None, None)
    assert isinstance(found, Fraction)
    assert found == seconds


@pytest.mark.parametrize(
    "text",
    ["", "soon", "-1", "1:60", "1:2:3:4", "1:", ":30", "1.5:30", "1e3", "nan", "1,5", "1:61:00"],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Time().convert(text, None, None)
