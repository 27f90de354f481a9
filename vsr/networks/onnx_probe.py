"""What an ONNX file does to a picture, found by giving it some: layout, scale, sizes, reach.

Its graph may hold any operators, so nothing is read from those. What tiles need to know is how far
a pixel's influence goes: one is changed, and what changes of the output is looked at. Two tiles of
a test picture are then compared where both are trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from vsr.core.errors import ModelError
from vsr.networks.onnx_file import OnnxFile, OwnFacts
from vsr.networks.onnx_session import OnnxSession, Pictures

MOST = 8
"""The largest factor."""
_SIDES = (16, 32, 64, 128, 256)  # of pictures that a network for all sizes is given first
_STEPS = (1, 2, 4, 8, 16, 32, 64)  # that sizes, or places of tiles, may have to be multiples of
_PROBES = (32, 64, 128, 256)  # sides of pictures in which a pixel is changed
_PATIENCE = 2e10  # multiplications: a second or two on one core
_OVERLAP = 32  # pixels around a tile, where the reach is not found
_COMMON = 8  # pixels that two tiles are compared in, at least
_TOLERANCE = {"float32": 1e-4, "float16": 4e-3, "uint8": 1.5 / 255}


@dataclass(frozen=True)
class Traits:
    """What vsr must know of a network to run it.

    Attributes:
        scale, context, color, chroma_kernel, local, block: as `vsr.networks.Network` has them.
        size: rows and columns that a picture must have; None for any.
        multiple: what its sides must be multiples of.
        step: what the places of tiles must be multiples of.
        overlap: pixels around a tile that it must see; they make it exact if `exact`.
        exact: whether tiles are what the whole picture would give.
        tried: rows and columns of a picture that it has enlarged.
    """

    scale: int
    context: int
    color: str
    chroma_kernel: str
    size: tuple[int, int] | None
    multiple: int
    step: int
    overlap: int
    exact: bool
    tried: tuple[int, int]
    local: bool = True
    block: int = 1


def probed(file: OnnxFile) -> tuple[OnnxSession, Traits]:
    """A file ready to run, and what is known of it. Raises ModelError, in one line."""
    size = _fixed(file)
    problems: list[str] = []
    for channels, last in _layouts(file):
        session = OnnxSession(file, channels_last=last)
        try:
            found = _shape(session, channels, size)
        except ModelError as error:
            problems.append(str(error))
            continue
        return session, _traits(session, channels, size, found)
    raise ModelError(problems[0])


def _fixed(file: OnnxFile) -> tuple[int, int] | None:
    """Rows and columns that a file's picture must have; None where one is free to choose."""
    _, last = next(_layouts(file))
    height, width = file.input.shape[1:3] if last else file.input.shape[2:]
    if height is None and width is None:
        return None
    return (height or width or 0, width or height or 0)


def _layouts(file: OnnxFile) -> Iterator[tuple[int, bool]]:
    """The channels that it may take, and whether they are the last side; the likeliest first.

    Raises ModelError where it takes something else.
    """
    count, second, _, last = file.input.shape
    found: list[tuple[int, bool]]
    if count not in (1, None):
        raise ModelError(f"{file.path}: takes {file.input}: must take one picture at a time")
    if file.own is not None:
        yield _channels(file.own), False
        return
    found = [(n, False) for n in (3, 1) if second == n] or [
        (n, True) for n in (3, 1) if last == n and second is None
    ]
    if not found and last in (1, 3):
        found = [(last, True)]
    if not found and second is None:
        found = [(3, False), (1, False)] + ([(3, True), (1, True)] if last is None else [])
    if not found:
        raise ModelError(
            f"{file.path}: takes {file.input}: must have 3 channels, for RGB, or 1, for luma"
        )
    yield from found


def _channels(own: OwnFacts) -> int:
    return (2 * own.context + 1) * (3 if own.color == "rgb" else 1)


@dataclass(frozen=True)
class _Shape:
    """The scale, what sides must be multiples of, and a size that it takes."""

    scale: int
    multiple: int
    tried: tuple[int, int]


def _shape(session: OnnxSession, channels: int, size: tuple[int, int] | None) -> _Shape:
    """What it makes of sizes. Raises ModelError."""
    if size is not None:
        return _Shape(_scale(session, channels, size), 1, size)
    problem: ModelError | None = None
    for side in _SIDES:
        try:
            scale = _scale(session, channels, (side, side))
        except ModelError as error:
            problem = problem or error
            continue
        return _Shape(scale, _multiple(session, channels, side, scale), (side, side))
    assert problem is not None
    raise problem


def _scale(session: OnnxSession, channels: int, size: tuple[int, int]) -> int:
    """How far a picture of a size is enlarged. Raises ModelError."""
    file = session.file
    made = session(_noise(channels, *size))
    _, given, height, width = made.shape
    scale: int = height // size[0]
    if (height, width) != (scale * size[0], scale * size[1]) or not 1 <= scale <= MOST:
        raise ModelError(
            f"{file.path}: makes {width}x{height} of {size[1]}x{size[0]} pixels: both sides must "
            f"become 1 to {MOST} times as long, a whole number"
        )
    wanted = channels if file.own is None else 3 if file.own.color == "rgb" else 1
    if given != wanted:
        raise ModelError(f"{file.path}: gives {given} channels for {channels}: must give {wanted}")
    if file.own is not None and file.own.scale != scale:
        raise ModelError(f"{file.path}: enlarges by {scale}, and says {file.own.scale}")
    if not np.isfinite(made).all():
        raise ModelError(f"{file.path}: gives numbers that are infinite, or are none")
    return scale


def _multiple(session: OnnxSession, channels: int, side: int, scale: int) -> int:
    """What sides must be multiples of."""
    for step in _STEPS:
        try:
            if step >= side or _scale(session, channels, (side, side + step)) == scale:
                return step
        except ModelError:
            continue
    return side


def _traits(
    session: OnnxSession, channels: int, size: tuple[int, int] | None, found: _Shape
) -> Traits:
    own, file = session.file.own, session.file
    scale, multiple, tried = found.scale, found.multiple, found.tried
    if own is not None and size is None:
        reach = (own.receptive_field - 1) // 2
        kernel = own.chroma_kernel
        return Traits(
            scale,
            own.context,
            own.color,
            kernel,
            None,
            multiple,
            multiple,
            reach,
            True,
            tried,
            own.local,
            own.block,
        )
    color = "rgb" if channels == 3 else "y"
    tolerance = max(_TOLERANCE[file.input.dtype], _TOLERANCE[file.output.dtype])
    reached = _reach(session, channels, size, scale, multiple)
    for step in (one for one in _STEPS if one % multiple == 0):
        if reached is None or (size and min(size) - 2 * reached < _COMMON + step):
            break
        overlap = ceil(reached / step) * step
        if _seam(session, channels, size, scale, step, overlap) <= tolerance:
            return Traits(scale, 0, color, "cubic", size, multiple, step, overlap, True, tried)
    overlap = min(_OVERLAP, min(size) // 4) if size else _OVERLAP
    return Traits(scale, 0, color, "cubic", size, multiple, multiple, overlap, False, tried)


def seam(session: OnnxSession, traits: Traits) -> float:
    """The largest difference, in 0..1, between two tiles of a test picture where both count."""
    channels = 3 if traits.color == "rgb" else 1
    return _seam(session, channels, traits.size, traits.scale, traits.step, traits.overlap)


def _reach(
    session: OnnxSession, channels: int, size: tuple[int, int] | None, scale: int, multiple: int
) -> int | None:
    """How many pixels away from its own place one can change the output; None if not found."""
    sizes = [size] if size else [(side, side) for side in _PROBES if side % multiple == 0]
    for height, width in sizes:
        if max(session.file.weights, 1) * height * width > _PATIENCE:
            return None
        found = max(
            _reach_from(session, _noise(channels, height, width, seed), scale) for seed in (1, 2)
        )
        if found + multiple < min(height, width) // 2 - 1:
            return found + multiple - 1  # by wherever in a block of pixels the changed one lies
    return None


def _reach_from(session: OnnxSession, picture: Pictures, scale: int) -> int:
    """The same in one picture, of its pixel in the middle."""
    height, width = picture.shape[2:]
    row, column = height // 2, width // 2
    changed = picture.copy()
    changed[..., row, column] = 1 - np.round(picture[..., row, column])
    differ = (session(picture) != session(changed)).any((0, 1))
    rows, columns = np.flatnonzero(differ.any(1)) // scale, np.flatnonzero(differ.any(0)) // scale
    ends = [*(abs(rows[[0, -1]] - row)), *(abs(columns[[0, -1]] - column))] if len(rows) else [0]
    return int(max(ends))


def _seam(
    session: OnnxSession,
    channels: int,
    size: tuple[int, int] | None,
    scale: int,
    step: int,
    overlap: int,
) -> float:
    """See `seam`. The second tile lies to the right of the first, then below it."""
    side = ceil((2 * overlap + 4 * _COMMON) / step) * step
    height, width = size or (side, side)
    worst = 0.0
    for down in (False, True):
        length = height if down else width
        shift = max(step, (length - 2 * overlap - _COMMON) // 2 // step * step)
        common = slice((shift + overlap) * scale, (length - overlap) * scale)
        moved = (shift, 0) if down else (0, shift)
        large = _test_picture(channels, height + moved[0], width + moved[1])
        one = session(np.ascontiguousarray(large[..., :height, :width]))
        other = session(np.ascontiguousarray(large[..., moved[0] :, moved[1] :]))
        back = slice(common.start - shift * scale, common.stop - shift * scale)
        if down:
            differ = one[..., common, :] - other[..., back, :]
        else:
            differ = one[..., common] - other[..., back]
        worst = max(worst, float(np.abs(differ).max(initial=0)))
    return worst


def _noise(channels: int, height: int, width: int, seed: int = 0) -> Pictures:
    random = np.random.default_rng(seed)
    return random.random((1, channels, height, width), np.float32)


def _test_picture(channels: int, height: int, width: int) -> Pictures:
    """Waves of all lengths, edges and a little noise: what pictures are made of."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves = np.sin(x * x / 97 + y / 5) + np.sin(y * y / 83 - x / 7)
    edges = np.sign(np.sin(x / 6 + y / 11))
    picture = 0.5 + 0.1 * waves + 0.1 * edges + 0.05 * _noise(channels, height, width, 3)
    numbers: Pictures = picture.astype(np.float32)
    return numbers
