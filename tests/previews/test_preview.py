"""A few seconds before the whole: what is shown, and what is said of the whole."""

from __future__ import annotations

import shlex
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import pytest
from support.cli_runner import vsr
from support.clips import Clip, held, make

import vsr as vsr_library
from vsr import InputError, ModelError, OutputError, upscale
from vsr.cli.preview import command_of
from vsr.core.options import UpscaleOptions
from vsr.previews.preview import preview, python_call

FAST: dict[str, Any] = {"scale": 2, "preset": "ultrafast", "threads": 1}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 25 frames a second, with sound."""
    return make(
        tmp_path_factory.mktemp("clip") / "it's a clip.mp4",
        Clip(
            pts=range(0, 50 * 512, 512), audio=("eng",), options={"g": "10", "preset": "veryfast"}
        ),
    )


def test_a_page_holds_all_takes(clip: Path, tmp_path: Path) -> None:
    said: list[str] = []
    shown = preview(
        clip,
        tmp_path / "p.html",
        models=("nearest", "espcn", "bicubic"),
        duration=Fraction(1),
        begun=said.append,
        crf=30,
        **FAST,
    )
    assert said == ["bicubic", "nearest", "espcn"]
    page = (tmp_path / "p.html").read_text()
    for words in ("bicubic", "nearest", "espcn", "frames a second", "128x96", "crf 30"):
        assert words in page
    assert [made.take.is_baseline for made in shown.made] == [True, False, False]
    assert all(made.piece.result.frames_out == 25 for made in shown.made)
    assert all(made.estimate.frames == 50 for made in shown.made)
    assert not any(made.take.file.exists() for made in shown.made)
    assert [path.name for path in tmp_path.iterdir()] == ["p.html"]


@pytest.mark.slow
def test_the_command_does_the_whole_job(clip: Path, tmp_path: Path) -> None:
    source = tmp_path / clip.name
    source.write_bytes(clip.read_bytes())
    options = {**FAST, "crf": 30.0, "crop": "0,0,50%,50%".replace("0,0", "0%,0%")}
    shown = preview(
        source,
        tmp_path / "p.html",
        models=["espcn"],
        duration=Fraction(1, 2),
        command_of=command_of,
        **options,
    )
    program, *words = shlex.split(shown.commands[1])
    assert program == "vsr"
    assert vsr(*words).code == 0
    direct = upscale(source, tmp_path / "direct.mp4", model="espcn", **options)
    assert (source.with_name("it's a clip_x2.mp4")).read_bytes() == direct.target.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["beside", "split"])
def test_a_video_of_all_takes(clip: Path, tmp_path: Path, how: str) -> None:
    target = tmp_path / "p.mp4"
    preview(
        clip,
        target,
        models=["nearest"],
        start=Fraction(1, 2),
        duration=Fraction(1),
        how=how,
        **FAST,
    )
    part = upscale(clip, tmp_path / "part.mp4", model="nearest", start=0.5, end=1.5, **FAST)
    assert held(target).pts == held(part.target).pts
    assert held(target).packets["audio"] == held(part.target).packets["audio"]


def test_pictures_are_lossless(clip: Path, tmp_path: Path) -> None:
    start = Fraction(1, 2)
    preview(
        clip, tmp_path / "frames", models=["nearest"], start=start, duration=Fraction(1), **FAST
    )
    preview(clip, tmp_path / "p.png", models=["nearest"], start=start, duration=Fraction(1), **FAST)
    assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == [
        "bicubic.png",
        "nearest.png",
    ]
    nearest = cv2.imread(str(tmp_path / "frames" / "nearest.png"))
    assert nearest.shape == (96, 128, 3)
    luma = cv2.cvtColor(nearest, cv2.COLOR_BGR2YUV)[..., 0].astype(int)
    assert abs(luma[::2, ::2] - luma[1::2, 1::2]).mean() < 1  # chroma alone is interpolated
    assert cv2.imread(str(tmp_path / "p.png")).shape[0] > 96


@pytest.mark.parametrize("name", ["p.html", "p.mp4", "p.png", "frames"])
def test_what_appears_under_the_name_meanwhile_stays(clip: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    options: dict[str, Any] = {"models": ["nearest"], "duration": Fraction(1, 5), **FAST}
    aside = target.with_name(f"{target.stem}.1{target.suffix}")

    def begun(_: str) -> None:
        target.write_bytes(b"somebody's")

    with pytest.raises(OutputError) as caught:
        preview(clip, target, begun=begun, **options)
    if target.suffix:
        assert str(caught.value).startswith(f"{target}: has been made by somebody else meanwhile")
        assert str(caught.value).endswith(f"is kept as {aside}")
        assert aside.stat().st_size > 1000
    assert target.read_bytes() == b"somebody's"
    aside.unlink(missing_ok=True)
    if target.suffix:
        preview(clip, target, begun=begun, overwrite=True, **options)
        assert target.stat().st_size > 1000
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("p.html", {"start": Fraction(99)}, InputError, "no frame"),
        ("p.html", {"duration": Fraction(0)}, InputError, "above 0"),
        ("p.html", {"models": ["no-such"]}, ModelError, "unknown model"),
        ("p.txt", {}, OutputError, ".html"),
        ("there.html", {}, OutputError, "exists already"),
        ("no/p.html", {}, OutputError, "does not exist"),
    ],
)
def test_errors_of_a_preview(
    clip: Path,
    tmp_path: Path,
    name: str,
    options: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    (tmp_path / "there.html").touch()
    with pytest.raises(error, match=words):
        preview(clip, tmp_path / name, **{"models": ["nearest"], **options, **FAST})
    assert [path.name for path in tmp_path.iterdir()] == ["there.html"]


def test_a_folder_with_files_is_refused_before_the_work(clip: Path, tmp_path: Path) -> None:
    begun: list[str] = []
    (tmp_path / "mine.png").touch()
    with pytest.raises(OutputError, match="holds files already"):
        preview(clip, tmp_path, models=["nearest"], begun=begun.append, **FAST)
    assert begun == []
    assert [path.name for path in tmp_path.iterdir()] == ["mine.png"]


def test_a_preview_of_no_video_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    for source in (text, tmp_path, tmp_path / "none.mp4"):
        with pytest.raises(InputError):
            preview(source, tmp_path / "p.html", **FAST)
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]


@pytest.mark.parametrize("address", ["http://u:hush@127.0.0.1:1/a.m3u8", "file:a.m3u8"])
def test_an_address_is_refused_as_such(tmp_path: Path, address: str) -> None:
    ran = vsr("preview", address, tmp_path / "p.html")
    why = "a preview is of a video file, not of an address"
    shown = address.replace("hush", "***")
    assert (ran.code, ran.err) == (1, f"vsr: error: {shown}: {why}\n")


def test_the_preview_command(clip: Path, tmp_path: Path) -> None:
    words = (clip, tmp_path / "p.html", "-s", "2", "-m", "nearest", "--duration", "0.5")
    ran = vsr("preview", *words, "--preset", "ultrafast", "--json")
    assert ran.code == 0, ran.err
    *told, event = ran.events
    assert {one["event"] for one in told} == {"progress"}
    made = sum(take["frames"] for take in event["takes"])
    assert all(0 < one["frames"] <= one["expected"] == made for one in told)
    assert [take["model"] for take in event["takes"]] == ["bicubic", "nearest"]
    assert all(take["whole_seconds"] > 0 < take["whole_bytes"] for take in event["takes"])
    again = vsr("preview", *words)
    assert again.code == 1
    assert "exists already" in again.err and again.err.count("\n") == 1


def test_warnings_of_the_runs_are_those_of_the_job_once(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(pix_fmt="yuv444p"))
    options: dict[str, Any] = {"scale": 2, "codec": "av1", "preset": "13", "threads": 1}
    job: list[str] = []
    upscale(source, tmp_path / "out.mkv", model="nearest", warn=job.append, **options)
    assert job
    said: list[str] = []
    shown = preview(source, tmp_path / "p.html", models=["nearest"], warn=said.append, **options)
    assert said == list(shown.warnings) == shown.facts()["warnings"] == job
    quiet = preview(source, tmp_path / "q.html", models=["nearest"], **options)
    assert quiet.warnings == shown.warnings


def test_a_call_from_python_is_told_as_one(clip: Path, tmp_path: Path) -> None:
    options = UpscaleOptions.of(**FAST, crop="0%,0%,50%,50%", end=0.2, rate=12.5)
    line = python_call(clip, tmp_path / "out.mp4", options)
    result = eval(line, {"vsr": vsr_library})
    assert result.target == tmp_path / "out.mp4"
    assert result.scale == 2
    assert result.frames_out == 5
