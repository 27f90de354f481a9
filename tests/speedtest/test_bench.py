"""How speed is measured: what is asked for, in order, in time, and what is made of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

from vsr.cli.bench import bench_command
from vsr.core.errors import ModelError
from vsr.core.options import ComputeOptions
from vsr.inference.engine import Engine, choose_engine
from vsr.networks.catalogue import ModelCard, catalogue
from vsr.networks.interpolation import Interpolation
from vsr.networks.model import Model
from vsr.networks.registry import load_model
from vsr.speedtest import bench, throughput
from vsr.speedtest.bench import COMMON_SIZES, RATES, Size, Speed, measure_speeds, models_to_measure
from vsr.speedtest.test_pattern import FORMAT, cut_to, enlarged, moving_pictures
from vsr.speedtest.throughput import _rate
from vsr.training.checkpoint import save_weights
from vsr.training.recipe import Recipe

SMALL = (Size(32, 18, 2), Size(24, 16, 3), Size(16, 9, 4), Size(64, 36, 2), Size(32, 18, 4))
CPU = Engine((torch.device("cpu"),), "fp32", 2)


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "COMMON_SIZES", SMALL)


@pytest.fixture
def no_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the time is for the network."""
    monkeypatch.setattr(bench, "encoding_rate", lambda *arguments: 1000.0)


class Slow(Interpolation):
    """Takes so many seconds more for a frame."""

    def __init__(self, scale: int, seconds: float) -> None:
        super().__init__(scale)
        self.seconds = seconds

    def subpixel(self, x: Tensor) -> Tensor:
        time.sleep(self.seconds)
        return super().subpixel(x)


def slow(scale: int, seconds: float) -> Model:
    return Model(ModelCard("slow", scale, "interpolation"), Slow(scale, seconds))


def expected_rows(models: Sequence[Model]) -> list[tuple[Any, ...]]:
    return [
        (model.name, model.scale, (size.width, size.height), size.target)
        for model in models
        for size in SMALL
        if size.scale == model.scale
    ]


def rows(speeds: Sequence[Speed]) -> list[tuple[Any, ...]]:
    return [(s.model, s.scale, s.input_size, s.output_size) for s in speeds]


def assert_sound(speed: Speed) -> None:
    """The rates are positive and fit each other, as on a CPU."""
    assert min(speed.network_fps, speed.encode_fps, speed.fps) > 0
    assert 1 / speed.fps == pytest.approx(1 / speed.network_fps + 1 / speed.encode_fps)


# What is measured


def test_common_sizes_end_in_full_hd_and_4k() -> None:
    assert [size.target for size in COMMON_SIZES] == [(1920, 1080)] * 3 + [(3840, 2160)] * 2
    assert [size.scale for size in COMMON_SIZES] == [2, 3, 4, 2, 4]


@pytest.mark.slow
def test_rows_are_complete_and_in_order() -> None:
    models = models_to_measure(["vespcn", "bicubic"])
    assert [(m.name, m.scale) for m in models] == [
        (name, scale) for name in ("vespcn", "bicubic") for scale in (2, 3, 4)
    ]
    speeds = list(measure_speeds(models, CPU, 3))
    assert rows(speeds) == expected_rows(models)
    for speed in speeds:
        assert_sound(speed)
    for target in {speed.output_size for speed in speeds}:  # encoding is measured once for all
        assert len({s.encode_fps for s in speeds if s.output_size == target}) == 1


def test_without_names_it_is_every_model_with_weights() -> None:
    found = [(model.name, model.scale) for model in models_to_measure()]
    assert sorted(found) == sorted((w.name, w.scale) for w in catalogue() if w.file)


def test_a_model_named_twice_is_measured_once() -> None:
    assert len(models_to_measure(["bicubic", "bicubic"])) == 3


def test_model_files_have_the_one_scale_that_they_say(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    recipe = Recipe("espcn", 3, (tmp_path,))
    save_weights(load_model("espcn", 3).network, recipe, path)
    (model,) = models_to_measure([str(path)])
    assert (model.name, model.scale) == ("own", 3)


def test_unknown_models_are_refused() -> None:
    with pytest.raises(ModelError) as caught:
        models_to_measure(["bicubic", "nosuch"])
    assert str(caught.value).startswith("unknown model 'nosuch': known are ")
    assert "\n" not in str(caught.value)


def test_models_for_no_common_size_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "COMMON_SIZES", (Size(16, 9, 8),))
    with pytest.raises(ModelError, match="'bicubic' is for no common size: these have scales 8"):
        models_to_measure(["bicubic"])


# Rates


class Clock:
    """Time that passes only where a test says so, however busy the machine is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        for module in (bench, throughput):
            monkeypatch.setattr(module, "time", self)

    def perf_counter(self) -> float:
        return self.now

    def items(self, lengths: Iterable[float]) -> Iterator[None]:
        """Each takes so long."""
        for length in lengths:
            self.now += length
            yield


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_first_item_does_not_count(clock: Clock) -> None:
    assert _rate(clock.items([9, *[0.04] * 50]), 3, clock.now + 10) == pytest.approx(25)


def test_a_hiccup_does_not_count(clock: Clock) -> None:
    lengths = [0.04] * 100
    lengths[30] = 1
    assert _rate(clock.items(lengths), 3, clock.now + 3) == pytest.approx(25)
    assert clock.now < 103


@pytest.mark.parametrize("least", [1, 8])
def test_one_round_at_least_is_measured(clock: Clock, least: int) -> None:
    """Of so many items, or of a twentieth of a second."""
    assert _rate(clock.items([0.01] * 20), least, clock.now) == pytest.approx(100)
    assert clock.now == pytest.approx(100 + 0.01 * (1 + max(least, 5)))


@pytest.mark.usefixtures("no_encoding")
@pytest.mark.parametrize("threads", [1, 2])
def test_as_many_frames_at_a_time_as_there_are_cores(threads: int) -> None:
    """The first of them wait for each other, so that they must be there together."""
    met, inside, lock = threading.Event(), 0, threading.Lock()

    class Counting(Interpolation):
        def subpixel(self, x: Tensor) -> Tensor:
            nonlocal inside
            with lock:
                inside += 1
                if inside == threads:
                    met.set()
            met.wait(30)
            with lock:
                inside -= 1
            return super().subpixel(x)

    model = Model(ModelCard("counting", 3, "interpolation"), Counting(3))
    engine = choose_engine(ComputeOptions(device="cpu", precision="fp32", threads=threads))
    (speed,) = measure_speeds([model], engine, 1)
    assert met.is_set()
    assert_sound(speed)


@pytest.mark.usefixtures("no_encoding")
def test_a_network_is_no_faster_than_it_can_be() -> None:
    """A busy machine may make it slower, nothing makes it faster."""
    engine = choose_engine(ComputeOptions(device="cpu", precision="fp32", threads=1))
    (speed,) = measure_speeds([slow(3, 0.04)], engine, 1)
    assert not speed.estimated
    assert 1 < speed.network_fps < 25 * 1.1


def test_on_a_gpu_the_slower_stage_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both stages run at a time there."""
    monkeypatch.setattr(bench, "network_rate", lambda *arguments: 40.0)
    gpu = Engine((torch.device("cuda:0"),), "fp16", 2)
    for encode in (90.0, 10.0):
        monkeypatch.setattr(bench, "encoding_rate", lambda *arguments, fps=encode: fps)
        for speed in measure_speeds(models_to_measure(["bicubic"]), gpu, 1000):
            assert speed.fps == min(40.0, encode)


# Estimates


def test_without_time_rates_are_estimated_by_pixels() -> None:
    speeds = list(measure_speeds(models_to_measure(["bicubic"]), CPU, 0))
    assert rows(speeds) == expected_rows(models_to_measure(["bicubic"]))
    assert all(speed.estimated for speed in speeds)
    for scale in (2, 4):  # from 32x18 to 64x36, and from 16x9 to 32x18: four times the pixels
        one, other = (speed for speed in speeds if speed.scale == scale)
        assert one.network_fps == pytest.approx(4 * other.network_fps)
        assert one.encode_fps == pytest.approx(4 * other.encode_fps)
        assert one.fps == pytest.approx(4 * other.fps)
        assert_sound(one)


def simulated(clock: Clock, monkeypatch: pytest.MonkeyPatch, pixel: float) -> None:
    """Networks take so many seconds for a pixel of the source, the encoder as many."""

    def network(*arguments: Any) -> float:
        *_, (width, height), until = arguments
        each = pixel * width * height
        count = max(3, int((until - clock.now) / each))
        clock.now += count * each
        return 1 / each

    monkeypatch.setattr(bench, "network_rate", network)
    monkeypatch.setattr(bench, "encoding_rate", network)


def test_what_would_take_too_long_is_estimated_from_the_smaller_size(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """Three frames of 32x18 take 0.3 s, of which there is enough; those of 128x72 take 4.8 s."""
    monkeypatch.setattr(bench, "COMMON_SIZES", (Size(32, 18, 2), Size(128, 72, 2)))
    simulated(clock, monkeypatch, 0.1 / (32 * 18))
    monkeypatch.setattr(bench, "encoding_rate", lambda *arguments: 1000.0)
    engine = Engine((torch.device("cpu"),), "fp32", 1)
    one, other = measure_speeds(models_to_measure(["bicubic"])[:1], engine, 3)
    assert not one.estimated
    assert one.network_fps == pytest.approx(10)
    assert other.estimated
    assert other.network_fps == pytest.approx(one.network_fps / 16)


@pytest.mark.parametrize("seconds", [1.0, 4.0, 60.0])
def test_measuring_takes_the_time_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, seconds: float
) -> None:
    simulated(clock, monkeypatch, 1e-5)
    assert len(list(measure_speeds(models_to_measure(["bicubic"]), CPU, seconds))) == len(SMALL)
    assert clock.now - 100 == pytest.approx(seconds, rel=0.25)


# What is made of a rate


@pytest.mark.parametrize(
    ("fps", "rate"),
    [(1000, 60), (60, 60), (59.9, 50), (30, 30), (29.9, 25), (24.5, 24), (23.9, None), (0.1, None)],
)
def test_the_rate_that_runs_in_real_time(fps: float, rate: int | None) -> None:
    speed = Speed("bicubic", 2, "fp32", (960, 540), (1920, 1080), fps, fps, fps, False)
    assert speed.real_time == rate
    assert rate is None or rate in RATES


# Ways out


def workers() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("vsr-network")]


def test_one_may_stop_at_any_row() -> None:
    with closing(cast(Any, measure_speeds(models_to_measure(["bicubic"]), CPU, 1))) as speeds:
        next(speeds)
        assert not workers()
    assert not workers()


def test_an_interrupt_ends_all_threads() -> None:
    class Interrupted(Slow):
        def subpixel(self, x: Tensor) -> Tensor:
            raise KeyboardInterrupt

    model = Model(ModelCard("interrupted", 3, "interpolation"), Interrupted(3, 0))
    with pytest.raises(KeyboardInterrupt):
        list(measure_speeds([model], CPU, 1))
    assert not workers()


# The pictures


@pytest.mark.parametrize("width, height", [(64, 36), (16, 16), (33, 21)])
def test_pictures_move_all_the_time(width: int, height: int) -> None:
    loop = moving_pictures(64, 36)
    for frames in (cut_to(loop, width, height), enlarged(cut_to(loop, 20, 12), width, height)):
        for one, other in pairwise((*frames, frames[0])):
            assert not one.shows_same(other)
        for frame in frames:
            for number, plane in enumerate(frame.planes):
                size = FORMAT.plane_size(number, width, height)
                assert plane.dtype == FORMAT.dtype
                if width <= 64 and height <= 36:
                    assert plane.shape == size


def test_pictures_are_the_same_each_time() -> None:
    pairs = zip(moving_pictures(32, 18), moving_pictures(32, 18), strict=True)
    assert all(one.shows_same(other) for one, other in pairs)


# The command


@pytest.mark.slow
def test_the_command_for_programs() -> None:
    options = ["--models", "bicubic,espcn", "--device", "cpu", "--seconds", "2", "--json"]
    ran = CliRunner().invoke(bench_command, options, catch_exceptions=False)
    assert ran.exit_code == 0
    *events, result = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {event["event"] for event in events} == {"speed"}
    found = [
        (e["model"], e["scale"], tuple(e["input_size"]), tuple(e["output_size"])) for e in events
    ]
    assert found == expected_rows(models_to_measure(["bicubic", "espcn"]))
    for event in events:
        together = 1 / (1 / event["network_fps"] + 1 / event["encode_fps"])
        assert event["fps"] == pytest.approx(together, rel=1e-2)
        assert event["real_time"] in (None, *RATES)
        assert isinstance(event["estimated"], bool)
    assert result["event"] == "result"
    assert (result["device"], result["encoder"]) == ("cpu", "libx264")
    assert result["precision"] in ("fp32", "bf16")
    assert 1 < result["seconds"] < 30
    at_smaller = [e for e in events if e["output_size"] == result["smaller_size"]]
    expected = [f"{e['model']} x{e['scale']}" for e in at_smaller if e["real_time"]]
    assert result["real_time"] == expected


def shown(monkeypatch: pytest.MonkeyPatch, *speeds: Speed) -> list[str]:
    """What the command says where these are the speeds."""
    monkeypatch.setattr(bench, "measure_speeds", lambda *arguments: iter(speeds))
    options = ["--models", "bicubic", "--device", "cpu", "--precision", "fp32", "--threads", "3"]
    ran = CliRunner().invoke(bench_command, options, catch_exceptions=False)
    assert ran.exit_code == 0
    return ran.stdout.splitlines()


def test_the_command_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    small, full, large = (480, 270), (1920, 1080), (3840, 2160)
    lines = shown(
        monkeypatch,
        Speed("bicubic", 2, "fp32", (960, 540), full, 61.04, 60, 30.26, False),
        Speed("bicubic", 2, "fp32", full, large, 16, 15, 7.742, True),
        Speed("bicubic", 4, "fp32", small, full, 400, 60, 52.17, False),
        Speed("bicubic", 4, "fp32", (960, 540), large, 0.0451, 15, 0.045, True),
    )
    assert lines[0] == "cpu, 3 cores, fp32; frames per second"
    assert lines[1].split() == ["model", "scale", "from", "to", "network", "with", "encoding"]
    assert [" ".join(line.split()) for line in lines[2:6]] == [
        "bicubic x2 960x540 1920x1080 61.0 30.3 real time to 30 fps",
        "bicubic x2 1920x1080 3840x2160 ~16.0 ~7.7 0.31 x real time at 25 fps",
        "bicubic x4 480x270 1920x1080 400 52.2 real time to 50 fps",
        "bicubic x4 960x540 3840x2160 ~0.045 ~0.045 0.0018 x real time at 25 fps",
    ]
    assert "on the same cores" in lines[6]
    assert lines[7:] == ["In real time at 1080p: bicubic x2 x4."]


def test_a_model_that_bears_another_precision_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    small, full = (480, 270), (1920, 1080)
    lines = shown(
        monkeypatch,
        Speed("bicubic", 4, "fp32", small, full, 400, 60, 52.17, False),
        Speed("other", 4, "bf16", small, full, 400, 60, 52.17, False),
    )
    assert lines[-2] == "other: in bf16."


def test_each_model_in_a_precision_that_it_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    bicubic, espcn = models_to_measure(["bicubic", "espcn"])[::3][:2]
    monkeypatch.setattr(type(bicubic.network), "precisions", ("fp32",))
    engine = Engine((torch.device("cpu"),), "bf16", 1)
    found = {s.model: s.precision for s in measure_speeds([bicubic, espcn], engine, 0.5)}
    assert found == {"bicubic": "fp32", "espcn": "bf16"}


def test_the_command_where_nothing_is_fast_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(
        monkeypatch,
        Speed("bicubic", 2, "fp32", (960, 540), (1920, 1080), 8, 8, 4, False),
        Speed("bicubic", 3, "fp32", (640, 360), (1920, 1080), 24, 8, 6, True),
    )
    assert lines[-1] == "None in real time at 1080p; the fastest is bicubic x3 with 6.0 fps."
