"""`vsr bench`: how fast the models run on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import TYPE_CHECKING, Any, cast

import click

from vsr.core.bounds import Bounds
from vsr.core.options import ComputeOptions, Precision
from vsr.util.text import fps_text

from .options import listed, upscale_option
from .output.messages import event, warn
from .param_types import Number

if TYPE_CHECKING:
    from vsr.inference.engine import Engine
    from vsr.speedtest.bench import Speed

_COMPARING = 0.2  # of the time, in which devices and precisions are compared
_ORDINARY = 25  # frames per second of the video that a slow model is compared with


@click.command("bench")
@click.option("--models", metavar="NAME|FILE,...", help="These alone.  [default: all with weights]")
@upscale_option("compute.device")
@upscale_option("compute.precision")
@upscale_option("compute.threads")
@click.option(
    "--seconds",
    type=Number(Bounds(1, 3600, whole=True)),
    default=30,
    show_default=True,
    help="About how long to measure, in all.",
)
@click.option("--forget", is_flag=True, help="Forget what -d auto takes, and measure nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout.")
def bench_command(
    models: str | None,
    device: str,
    precision: Precision,
    threads: float,
    seconds: int,
    forget: bool,
    as_json: bool,
) -> None:
    """Measure how fast each model runs on this machine, and which do so in real time.

    Each model enlarges drawn, moving pictures to 1920x1080 and 3840x2160, from each size that
    its scales allow. Other work on the machine lowers the figures.

    Without --device and --precision all devices that are there are measured first, with the default
    model, in each precision. The fastest is kept in your configuration folder, and -d auto takes it
    from then on, as long as the processor, the GPUs and torch's version are the same.
    """
    began = time.monotonic()
    names = [] if models is None else listed(models)
    # Here, so that other commands need not wait for these imports.
    from vsr.inference.engine import choose_engine, suiting
    from vsr.inference.self_test import proven
    from vsr.speedtest.bench import measure_speeds, models_to_measure

    if forget:
        _forget(as_json)
        return
    options = ComputeOptions(device=device, precision=precision, threads=threads)
    chosen = models_to_measure(names)
    asked = precision != "auto"
    if (device, precision) == ("auto", "auto"):
        device, precision = _best_place(threads, seconds * _COMPARING, as_json)
        options = replace(options, device=device, precision=precision)
        seconds = max(1, round(seconds * (1 - _COMPARING)))
    engine = replace(choose_engine(options), precision_asked=asked)
    for model in chosen:
        suiting(engine, model.network)  # raises before any work
    engine = proven(chosen, engine, warn)
    width = max(len(model.name) for model in chosen)
    if not as_json:
        click.echo(_place(engine))
        click.echo(_title(width))
    speeds: list[Speed] = []
    for speed in measure_speeds(chosen, engine, seconds, warn):
        speeds.append(speed)
        if as_json:
            event("speed", _facts(speed))
        else:
            click.echo(_row(speed, width))
    if as_json:
        took = time.monotonic() - began
        event("result", _result(speeds, engine, took))
    else:
        click.echo(_method(engine))
        for line in _other_precisions(speeds, engine):
            click.echo(line)
        click.echo(_conclusion(speeds))


def _forget(as_json: bool) -> None:
    from vsr.inference.bench_answer import forget_answer

    path = forget_answer()
    if as_json:
        event("forgotten", {"path": None if path is None else str(path)})
    elif path is None:
        click.echo("Nothing was kept: -d auto takes the first CUDA GPU, or the CPU.")
    else:
        click.echo(f"Forgotten: {path}; -d auto takes the first CUDA GPU, or the CPU.")


def _best_place(threads: float, seconds: float, as_json: bool) -> tuple[str, Precision]:
    """The device and precision that -d auto takes from now on; told, and kept."""
    from vsr.inference.bench_answer import keep_answer
    from vsr.networks.registry import load_model
    from vsr.speedtest.places import SIZE, answer_of, fastest, measure_places, places

    model = load_model(scale=4)
    columns, rows = SIZE
    if not as_json:
        click.echo(f"{model.name}, {columns}x{rows} x{model.scale}; frames per second")
    measured = []
    for place in measure_places(model, places(threads), seconds, warn):
        measured.append(place)
        if as_json:
            event("place", asdict(place) | {"fps": float(f"{place.fps:.4g}")})
        else:
            told = place.fault or fps_text(place.fps)
            click.echo(f"  {place.title:<32} {place.precision:<6} {told:>8}")
    answer, best = answer_of(measured, date.today()), fastest(measured)
    path = keep_answer(answer)
    if as_json:
        event("take", asdict(answer) | {"path": str(path), "fastest": best.device})
    else:
        click.echo(
            f"Take -d {answer.device} --precision {answer.precision}: -d auto does so on this "
            f"machine from now on ({path})."
        )
        if best.device != answer.device:
            click.echo(f"-d {best.device} is faster still, and is taken only where it is named.")
        click.echo()
    return answer.device, cast(Precision, answer.precision)


def _place(engine: Engine) -> str:
    """What is measured, and where: "cpu, 2 cores, bf16; frames per second"."""
    from vsr.inference.devices import title

    devices = [title(device) for device in engine.devices]
    cores = f"{engine.workers} core{'s' if engine.workers > 1 else ''}"
    return f"{', '.join([*devices, cores, engine.precision])}; frames per second"


def _title(width: int) -> str:
    return f"{'model':<{width}} scale  {'from':<11}{'to':<11}{'network':>8}{'with encoding':>15}"


def _row(speed: Speed, width: int) -> str:
    sizes = [f"{columns}x{rows}" for columns, rows in (speed.input_size, speed.output_size)]
    mark = "~" if speed.estimated else ""
    figures = [mark + fps_text(fps) for fps in (speed.network_fps, speed.fps)]
    return (
        f"{speed.model:<{width}}{f'x{speed.scale}':>6}  {sizes[0]:<11}{sizes[1]:<11}"
        f"{figures[0]:>8}{figures[1]:>15}  {_verdict(speed)}"
    )


def _verdict(speed: Speed) -> str:
    if speed.real_time:
        return f"real time to {speed.real_time} fps"
    return f"{speed.fps / _ORDINARY:.2g} x real time at {_ORDINARY} fps"


def _method(engine: Engine) -> str:
    together = "on the same cores" if engine.kind.on_cores else "the slower of the two"
    return (
        "Medians of short rounds on drawn pictures that move; encoding by x264, at its default, "
        f"{together}; ~ estimated by pixels."
    )


def _other_precisions(speeds: Sequence[Speed], engine: Engine) -> list[str]:
    """Which models were measured in another precision than the title tells."""
    others = {s.model: s.precision for s in speeds if s.precision != engine.precision}
    return [f"{name}: in {precision}." for name, precision in others.items()]


def _conclusion(speeds: Sequence[Speed]) -> str:
    """Which models keep up with video at the smaller of the sizes."""
    smaller = _at_smaller_size(speeds)
    lines = f"{smaller[0].output_size[1]}p"
    scales: dict[str, list[str]] = {}
    for speed in smaller:
        if speed.real_time:
            scales.setdefault(speed.model, []).append(f"x{speed.scale}")
    if scales:
        names = (f"{name} {' '.join(some)}" for name, some in scales.items())
        return f"In real time at {lines}: {', '.join(names)}."
    best = max(smaller, key=lambda speed: speed.fps)
    return (
        f"None in real time at {lines}; the fastest is {best.model} x{best.scale} "
        f"with {fps_text(best.fps)} fps."
    )


def _at_smaller_size(speeds: Sequence[Speed]) -> list[Speed]:
    size = min(speed.output_size for speed in speeds)
    return [speed for speed in speeds if speed.output_size == size]


def _facts(speed: Speed) -> dict[str, Any]:
    facts = asdict(speed)
    for name in ("network_fps", "encode_fps", "fps"):
        facts[name] = float(f"{facts[name]:.4g}")
    return {**facts, "real_time": speed.real_time}


def _result(speeds: Sequence[Speed], engine: Engine, seconds: float) -> dict[str, Any]:
    from vsr.speedtest.throughput import ENCODER

    smaller = _at_smaller_size(speeds)
    return {
        "device": engine.name,
        "precision": engine.precision,
        "threads": engine.workers,
        "encoder": ENCODER,
        "seconds": round(seconds, 3),
        "smaller_size": smaller[0].output_size,
        "real_time": [f"{s.model} x{s.scale}" for s in smaller if s.real_time],
    }
