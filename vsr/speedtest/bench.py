"""How fast models run on this machine: frames a second at common sizes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from vsr.core.errors import ModelError
from vsr.core.events import Warn, ignore
from vsr.inference.engine import Engine, suiting
from vsr.networks.catalogue import catalogue
from vsr.networks.model import Model
from vsr.networks.registry import load_model, scales_of
from vsr.speedtest.test_pattern import moving_pictures
from vsr.speedtest.throughput import encoding_rate, half, network_rate

RATES = (60, 50, 30, 25, 24)
"""Frames per second of common video, fastest first."""

_LEAST_SIDE = 16  # pixels, of the small pictures that tell roughly how fast something is
_ENCODING_PARTS = 3  # what encoding gets of the time, as many rows use it; a row gets 1
# How many frames' time the least measurement takes: until frames come out, one round, the end.
_NETWORK_TURNS, _ENCODING_FRAMES = 3, 12


@dataclass(frozen=True)
class Size:
    """An enlargement that is measured.

    Attributes:
        width, height: of the small frames.
        scale: the factor.
    """

    width: int
    height: int
    scale: int

    @property
    def target(self) -> tuple[int, int]:
        """(width, height) of the large frames."""
        return self.width * self.scale, self.height * self.scale


COMMON_SIZES = (
    Size(960, 540, 2),
    Size(640, 360, 3),
    Size(480, 270, 4),
    Size(1920, 1080, 2),
    Size(960, 540, 4),
)
"""To 1920x1080 and to 3840x2160; of each scale the smaller one first."""


@dataclass(frozen=True)
class Speed:
    """What a model does at a size.

    Attributes:
        model, scale: what enlarges.
        precision: of its numbers: the engine's, or another where the model does not bear that.
        input_size, output_size: (width, height) of the frames before and after.
        network_fps: frames per second of the network alone, chroma included.
        encode_fps: frames per second of the encoder alone.
        fps: frames per second of both at a time, as `vsr upscale` runs them.
        estimated: whether a figure was reckoned from smaller pictures, as measuring it takes
            too long.
    """

    model: str
    scale: int
    precision: str
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    network_fps: float
    encode_fps: float
    fps: float
    estimated: bool

    @property
    def real_time(self) -> int | None:
        """The highest of RATES that `fps` reaches, if any."""
        return next((rate for rate in RATES if self.fps >= rate), None)


@dataclass(frozen=True)
class _Figure:
    """Frames per second, and what they say of other sizes.

    Attributes:
        fps: of the size asked for.
        pixels: per second.
        estimated: whether `fps` was reckoned, not measured.
    """

    fps: float
    pixels: float
    estimated: bool


def models_to_measure(names: Sequence[str] = ()) -> list[Model]:
    """These models at each of their scales; without names all of the catalogue with weights.

    Names are those of the catalogue and the shelf, or model files. Raises ModelError as
    `load_model` does, or where no common size has a model's scale.
    """
    wanted = names or [weights.name for weights in catalogue() if weights.file]
    common = sorted({size.scale for size in COMMON_SIZES})
    models = []
    for name in dict.fromkeys(wanted):
        scales = [scale for scale in common if scale in scales_of(name)]
        if not scales:
            allowed = ", ".join(map(str, common))
            raise ModelError(f"model {name!r} is for no common size: these have scales {allowed}")
        models += [load_model(name, scale) for scale in scales]
    return models


def measure_speeds(
    models: Sequence[Model],
    engine: Engine,
    seconds: float = 30,
    warn: Warn = ignore,
) -> Iterator[Speed]:
    """The speed of each model at each common size of its scale, in this order, once known.

    The time that is left is always shared by the figures that are left. One that would take
    far longer than its share is estimated, in proportion to pixels, from a smaller size of
    the same model; so about `seconds` are spent in all. `warn` is told, in one line, what
    `restore` has to say.
    """
    plan = [(model, _sizes(model)) for model in models]
    sizes = [size for _, some in plan for size in some]
    share = _sharing(seconds, len(sizes) + _ENCODING_PARTS * len({size.target for size in sizes}))
    pictures = moving_pictures(*_largest(sizes))
    at_once = engine.workers if engine.kind.on_cores else 1
    encoded: dict[tuple[int, int], _Figure] = {}
    encoding: _Figure | None = None
    for model, some in plan:
        enlarging: _Figure | None = None
        for size in some:
            if size.target not in encoded:
                measure = partial(encoding_rate, engine.workers, pictures)
                until = partial(share, _ENCODING_PARTS)
                encoding = _figure(measure, size.target, _ENCODING_FRAMES, until, encoding)
                encoded[size.target] = encoding
            measure = partial(network_rate, model, engine, at_once, warn, pictures)
            small, turns = (size.width, size.height), _NETWORK_TURNS * at_once
            enlarging = _figure(measure, small, turns, partial(share, 1), enlarging)
            yield _speed(model, size, enlarging, encoded[size.target], engine)


def _sizes(model: Model) -> list[Size]:
    return [size for size in COMMON_SIZES if size.scale == model.scale]


def _largest(sizes: Sequence[Size]) -> tuple[int, int]:
    """What all pictures can be cut from: those to enlarge, and half as large as the enlarged."""
    sides = [(size.width, size.height) for size in sizes]
    sides += [(half(width), half(height)) for width, height in (s.target for s in sizes)]
    return max(width for width, _ in sides), max(height for _, height in sides)


def _speed(
    model: Model, size: Size, enlarging: _Figure, encoding: _Figure, engine: Engine
) -> Speed:
    if engine.kind.on_cores:  # both work on the same cores
        fps = 1 / (1 / enlarging.fps + 1 / encoding.fps)
    else:
        fps = min(enlarging.fps, encoding.fps)
    return Speed(
        model=model.name,
        scale=size.scale,
        precision=suiting(engine, model.network).precision,
        input_size=(size.width, size.height),
        output_size=size.target,
        network_fps=enlarging.fps,
        encode_fps=encoding.fps,
        fps=fps,
        estimated=enlarging.estimated or encoding.estimated,
    )


def _sharing(seconds: float, parts: int) -> Callable[[int], float]:
    """Says until when the next parts may take, in time.perf_counter's seconds."""
    end = time.perf_counter() + seconds

    def until(count: int) -> float:
        nonlocal parts
        now = time.perf_counter()
        share = max(0.0, end - now) * count / parts
        parts -= count
        return now + share

    return until


def _figure(
    measure: Callable[[tuple[int, int], float], float],
    size: tuple[int, int],
    least: int,
    until: Callable[[], float],
    known: _Figure | None,
) -> _Figure:
    """Frames per second at a size: measured, or estimated where there is no time for that.

    `measure` takes a size and until when it may take. `least` is how many frames' time it
    takes anyhow. Where nothing is `known`, small pictures tell how long a frame will take;
    `until` is asked after that.
    """
    width, height = size
    if known is None:
        small = _quarter(width), _quarter(height)
        rate = measure(small, time.perf_counter())
        known = _Figure(rate, rate * math.prod(small), False)
    expected = known.pixels / (width * height)
    end = until()
    if time.perf_counter() + least / expected > end:
        return _Figure(expected, known.pixels, True)
    rate = measure(size, end)
    return _Figure(rate, rate * width * height, False)


def _quarter(side: int) -> int:
    return min(side, max(_LEAST_SIDE, side // 4))
