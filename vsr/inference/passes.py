"""Enlarging in passes: where one network is not enough, another enlarges what it has made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, prod

from vsr.core.color import known_matrix
from vsr.core.crop import Box, cropped
from vsr.core.errors import OutputError
from vsr.core.events import Warn, ignore
from vsr.core.frame import Frame, VideoInfo
from vsr.core.geometry import Geometry
from vsr.core.picture import short
from vsr.core.quality import FLAWLESS, Quality
from vsr.inference.area import GRID
from vsr.inference.engine import Engine, copies, restore_by, suiting
from vsr.inference.fit import needed
from vsr.inference.self_test import proven
from vsr.inference.upscaler import Enlarger
from vsr.networks import Network
from vsr.networks.catalogue import default_model
from vsr.networks.model import Model
from vsr.networks.registry import load_model, scales_of

GOES_ON = "espcn-deep"
"""What enlarges further: it sees single frames, whose motion the first network has made use of."""


@dataclass(frozen=True)
class LoadedModel:
    """What a job's frames are enlarged with: models, and where and how they run.

    Attributes:
        model: the one that was chosen.
        engine: where and how.
        then: those that enlarge further what it has made.
    """

    model: Model
    engine: Engine
    then: tuple[Model, ...] = ()

    @property
    def scale(self) -> int:
        """How far all of them together enlarge."""
        return prod(model.scale for model in (self.model, *self.then))


def load_for(
    name: str | None, factor: Fraction, engine: Engine, warn: Warn = ignore
) -> LoadedModel:
    """A model at the least of its scales that is not below `factor`, or at its largest and others
    that go on from there. Raises ModelError.

    The engine is the one given, or what stands in for it, where it fails the test at the start:
    see `vsr.inference.self_test`; `warn` is told.
    """
    return going_on(first_model(name, factor), factor, engine, warn)


def first_model(name: str | None, factor: Fraction) -> Model:
    """The model that begins, at the scale that suits; None is the default. Raises ModelError."""
    name = default_model() if name is None else name
    return load_model(name, scale_for(name, factor))


def going_on(first: Model, factor: Fraction, engine: Engine, warn: Warn = ignore) -> LoadedModel:
    """A model, and others that go on from there until `factor` is reached; tested as above."""
    then: list[Model] = []
    scale = first.scale
    own = not first.weights.file  # what has learnt nothing goes on by itself
    while scale < factor:
        further = first.name if own else GOES_ON
        then.append(load_model(further, scale_for(further, factor / scale)))
        scale *= then[-1].scale
    suited = suiting(engine, first.network)
    return LoadedModel(first, proven((first, *then), suited, warn), tuple(then))


def scale_for(name: str, factor: Fraction) -> int:
    """The least scale of a model that is not below a factor, else its largest.

    Raises ModelError.
    """
    scales = scales_of(name)
    return min((scale for scale in scales if scale >= factor), default=max(scales))


def usual_scale(factor: Fraction) -> int:
    """The same of a model that has all scales: 2, 3 and 4."""
    return min(4, max(2, ceil(factor)))


Copies = Sequence[Sequence[Network]]
"""The networks of all passes, each as the engine's devices need it."""


def copies_of(tools: LoadedModel) -> Copies:
    """The networks that `enlarge_by` takes. Nothing changes them any more."""
    return [copies(model.network, tools.engine) for model in (tools.model, *tools.then)]


def enlarge(
    frames: Iterator[Frame],
    info: VideoInfo,
    tools: LoadedModel,
    geometry: Geometry,
    box: Box | None = None,
    quality: Quality = FLAWLESS,
    warn: Callable[[str], None] = lambda message: None,
) -> Iterator[Frame]:
    """`enlarge_by` with copies of the networks, made for this call."""
    return enlarge_by(copies_of(tools), frames, info, tools.engine, geometry, box, quality, warn)


def enlarge_by(
    networks: Copies,
    frames: Iterator[Frame],
    info: VideoInfo,
    engine: Engine,
    geometry: Geometry,
    box: Box | None = None,
    quality: Quality = FLAWLESS,
    warn: Callable[[str], None] = lambda message: None,
) -> Iterator[Frame]:
    """A frame as `geometry` says for each of the span, in order.

    Args:
        networks: the `copies_of` what enlarges; several calls may share them.
        frames: with shots marked, and with the context that the first network sees.
        info: what holds for the frames that go in.
        engine: where and how to run.
        geometry: the large picture over frames of `info`.
        box: the part of the picture that is taken; None for all.
        quality: what a recurrent network is told of the source.
        warn: told, in one line, when memory does not suffice and smaller tiles are taken.

    Raises OutputError where the networks do not enlarge far enough.
    """
    most = prod(network[0].scale for network in networks)
    if geometry.factor > most:
        raise OutputError(
            f"the picture would have to become {short(geometry.factor)} times as large, more than "
            f"{most}: ask for a smaller size, or for a scale"
        )
    if len(networks) == 1:
        box = box or Box(0, 0, info.width, info.height)
        asked = None if geometry.is_cut_of(most, box) else geometry
        return restore_by(networks[0], frames, info, engine, warn, box, quality, asked)
    return _in_passes(networks, frames, known_matrix(info), engine, geometry, quality, warn)


def _in_passes(
    networks: Copies,
    frames: Iterator[Frame],
    info: VideoInfo,
    engine: Engine,
    geometry: Geometry,
    quality: Quality,
    warn: Callable[[str], None],
) -> Iterator[Frame]:
    first, *others = networks
    if not others:
        return restore_by(first, frames, info, engine, warn, None, quality, geometry)
    scale = first[0].scale
    box = _seen([network[0] for network in others], info, scale, geometry, engine)
    middle = restore_by(first, frames, info, engine, warn, box, quality)
    seen, further = cropped(info, box).enlarged(scale), geometry.inside(box, scale)
    return _in_passes(others, middle, seen, engine, further, FLAWLESS, warn)


def _seen(
    others: Sequence[Network], info: VideoInfo, scale: int, geometry: Geometry, engine: Engine
) -> Box:
    """The part of frames of `info` whose enlargement by `scale` the other networks see."""
    large = info.enlarged(scale)
    further = geometry.inside(Box(0, 0, info.width, info.height), scale)
    network = others[0]
    if len(others) == 1:
        box = needed(further, large, network)
    else:
        box = _seen(others[1:], large, network.scale, further, engine)
    halo = Enlarger(network, large, engine.device).halo
    left, right = _around(box.x, box.width, halo, scale, info.width)
    top, bottom = _around(box.y, box.height, halo, scale, info.height)
    return Box(left, top, right - left, bottom - top)


def _around(first: int, length: int, halo: int, scale: int, most: int) -> tuple[int, int]:
    """Small pixels, on GRID, that hold large ones with a halo around them."""
    last = -(-(first + length + halo) // scale)
    begin = max(0, first - halo) // scale
    return begin // GRID * GRID, min(-(-last // GRID) * GRID, most)
