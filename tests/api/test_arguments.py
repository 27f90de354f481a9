"""Wrong arguments of the public functions are told in one line, before any work."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import pytest
from support.clips import Clip, make, picture

import vsr
from vsr.core.paths import as_path, quoted
from vsr.core.url import Url

FAST: dict[str, Any] = {"scale": 2, "model": "nearest", "preset": "ultrafast", "threads": 1}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a clip in it."""
    make(tmp_path / "in.mp4", Clip(width=48, height=32))
    monkeypatch.chdir(tmp_path)
    return tmp_path


SOURCES: dict[str, Callable[[Any], object]] = {
    "upscale": lambda source: vsr.upscale(source, "out.mp4"),
    "preview": lambda source: vsr.preview(source, "out.html"),
    "probe": lambda source: vsr.probe(source),
    "open_video": lambda source: vsr.open_video(source),
    "estimate": lambda source: vsr.estimate([(source, "out.mp4")]),
    "evaluate": lambda source: vsr.evaluate([source], "bicubic", scale=2),
}
TARGETS: dict[str, Callable[[Any], object]] = {
    "upscale": lambda target: vsr.upscale("in.mp4", target),
    "progress_preview": lambda path: vsr.upscale("in.mp4", "out.mp4", progress_preview=path),
    "preview": lambda target: vsr.preview("in.mp4", target),
    "estimate": lambda target: vsr.estimate([("in.mp4", target)]),
}
NO_PATHS = [b"in.mp4", 3, 1.5, True, ["in.mp4"], {"in.mp4": 0}]


@pytest.mark.parametrize("value", [None, *NO_PATHS], ids=repr)
@pytest.mark.parametrize("call", SOURCES.values(), ids=SOURCES)
def test_what_is_no_path_is_no_source(
    folder: Path, call: Callable[[Any], object], value: object
) -> None:
    with pytest.raises(TypeError, match=r"^(source|path) .*: must be a path") as raised:
        call(value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", NO_PATHS, ids=repr)
@pytest.mark.parametrize("call", TARGETS.values(), ids=TARGETS)
def test_what_is_no_path_is_no_target(
    folder: Path, call: Callable[[Any], object], value: object
) -> None:
    with pytest.raises(TypeError, match=r"^(target|progress_preview) .*: must be a path"):
        call(value)
    assert [path.name for path in folder.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize(("value", "words"), [("", "is empty"), ("a\0b", "zero character")])
def test_text_that_names_nothing(folder: Path, value: str, words: str) -> None:
    for call in SOURCES.values():
        with pytest.raises(vsr.InputError, match=words):
            call(value)
    for call in TARGETS.values():
        with pytest.raises(vsr.OutputError, match=words):
            call(value)
    assert [path.name for path in folder.iterdir()] == ["in.mp4"]


def test_a_name_that_no_file_can_have(folder: Path) -> None:
    long = "a" * 300 + ".mp4"
    with pytest.raises(vsr.InputError, match="cannot be read"):
        vsr.upscale(long, "out.mp4")
    with pytest.raises(vsr.OutputError, match="cannot be written"):
        vsr.upscale("in.mp4", long)


def test_paths_of_all_kinds(tmp_path: Path) -> None:
    class Named:
        def __fspath__(self) -> str:
            return "a.mp4"

    class InBytes:
        def __fspath__(self) -> bytes:
            return b"a.mp4"

    assert as_path("a.mp4", "source") == as_path(Named(), "source") == Path("a.mp4")
    assert as_path(tmp_path, "source") is tmp_path
    for value in (InBytes(), Url("http://h/x")):
        with pytest.raises(TypeError, match="must be a path"):
            as_path(value, "source")


def test_a_wrong_value_is_shown_in_one_short_line() -> None:
    assert quoted("a\nb") == r"'a\nb'"
    assert len(quoted([1] * 1000)) == 80


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"models": "espcn"}, TypeError, r"models 'espcn': must be several, such as \['espcn'"),
        ({"models": 5}, TypeError, "models 5: must be several"),
        ({"models": None}, TypeError, "models None: must be several"),
        ({"models": [1]}, TypeError, "models 1: must be a model's name, or a file"),
        ({"models": [""]}, vsr.ModelError, "models '': must be a name"),
        ({"baseline": None}, TypeError, "baseline None: must be a model's name"),
        ({"start": "1"}, vsr.InputError, "start '1': must be a number"),
        ({"start": -1}, vsr.InputError, "start -1 s: must not be negative"),
        ({"start": math.nan}, vsr.InputError, "start nan: must be a finite number"),
        ({"duration": "3"}, vsr.InputError, "duration '3': must be a number"),
        ({"duration": None}, vsr.InputError, "duration None: must be a number"),
        ({"duration": math.nan}, vsr.InputError, "duration nan: must be a finite number"),
        ({"duration": math.inf}, vsr.InputError, "duration inf: must be a finite number"),
        ({"duration": -1}, vsr.InputError, "duration -1 s: must be above 0"),
        ({"how": "foo"}, vsr.OutputError, "how 'foo': must be one of beside, split"),
        ({"how": None}, vsr.OutputError, "how None: must be one of"),
        ({"overwrite": "yes"}, vsr.InputError, "overwrite 'yes': must be True or False"),
        ({"options": 3}, TypeError, r"options 3: must be vsr\.UpscaleOptions"),
        ({"colour": 3}, TypeError, "unknown option 'colour'"),
    ],
)
def test_arguments_of_a_preview_are_checked_first(
    arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=f"^{words}"):  # and not that there is no such file
        vsr.preview("none.mp4", "none/p.html", **arguments)


def test_a_preview_takes_times_as_any_numbers(folder: Path) -> None:
    shown = vsr.preview("in.mp4", "p.png", start=0.1, duration=0.2, **FAST)
    assert shown.moment.start == Fraction(1, 10)
    assert [made.piece.result.frames_out for made in shown.made] == [5, 5]


@pytest.mark.parametrize(
    "arguments",
    [
        ("in.mp4", "out.mp4"),
        (("in.mp4", "out.mp4"),),
        (vsr.UpscaleOptions(), [("in.mp4", "out.mp4")]),
        ([("in.mp4", "out.mp4", 2)],),
        (None,),
        (7,),
    ],
    ids=repr,
)
def test_an_estimate_takes_pairs(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"must be \(source, target\) pairs in a list, such as"):
        vsr.estimate(*arguments)


def test_an_estimate_takes_options_as_a_job_does(folder: Path) -> None:
    pairs = [("in.mp4", "out.mp4")]
    with pytest.raises(TypeError, match=r"options 2: must be vsr\.UpscaleOptions"):
        vsr.estimate(pairs, 2)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unknown option 'colour'"):
        vsr.estimate(pairs, colour=2)
    (found,) = vsr.estimate(iter(pairs), vsr.UpscaleOptions.of(scale=4), **FAST)
    assert (found.frames, found.model, found.reason) == (12, "nearest", "")


def test_an_evaluation_takes_a_model_or_its_name_or_file(folder: Path) -> None:
    cv2.imwrite("true.png", picture(0, 40, 40))
    for name in ("bicubic", "espcn"):
        (by_name,) = vsr.evaluate(["true.png"], name, "cpu", scale=2)
        assert by_name == next(vsr.evaluate(["true.png"], vsr.load_model(name, 2), "cpu"))
    (default,) = vsr.evaluate(["true.png"], device="cpu")
    assert default == next(vsr.evaluate(["true.png"], vsr.load_model(), "cpu"))
    with pytest.raises(vsr.ModelError, match="no such model file"):
        vsr.evaluate(["true.png"], Path("none.safetensors"))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("true.png", "bicubic"), TypeError, "paths 'true.png': must be several, such as"),
        ((None, "bicubic"), TypeError, "paths None: must be several"),
        ((["true.png"], ["bicubic"]), TypeError, r"model \['bicubic'\]: must be a name of"),
        ((["true.png"], 3), TypeError, "model 3: must be a name of"),
        ((["true.png"], "nosuch"), vsr.ModelError, "unknown model 'nosuch'"),
        ((["true.png"], ""), vsr.ModelError, "unknown model ''"),
    ],
)
def test_arguments_of_an_evaluation_are_checked_first(
    arguments: tuple[Any, ...], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=f"^{words}"):
        vsr.evaluate(*arguments)


def test_a_loaded_model_is_scored_at_its_scale_unless_another_is_asked_for(folder: Path) -> None:
    cv2.imwrite("true.png", picture(0, 40, 40))
    model = vsr.load_model("bicubic", 2)
    own, other = (next(vsr.evaluate(["true.png"], model, scale=s)) for s in (None, 4))
    assert own == next(vsr.evaluate(["true.png"], model, scale=2))
    assert other.psnr < own.psnr


def test_a_model_is_named_by_text_or_path() -> None:
    for call in (vsr.load_model, vsr.Upscaler):
        with pytest.raises(TypeError, match=r"model 7: must be a name of vsr\.catalogue"):
            call(7)  # type: ignore[arg-type]
        with pytest.raises(vsr.ModelError, match=r"none\.safetensors: no such model file"):
            call(Path("none.safetensors"))


def test_an_opened_video_is_read_once(folder: Path) -> None:
    video, upscaler = vsr.open_video("in.mp4"), vsr.Upscaler("nearest", scale=2)
    assert list(upscaler.frames(video))
    with pytest.raises(vsr.InputError, match=r"^in\.mp4: is read once; call vsr\.open_video"):
        list(upscaler.frames(video))
    with vsr.open_video("in.mp4") as entered:
        assert list(upscaler.frames(entered))
