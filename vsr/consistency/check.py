"""`vsr check`: whether an output agrees with its source, as figures that anybody can repeat."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vsr.consistency.measure import Luma, agreement, levels, psnr
from vsr.core.color import known_matrix
from vsr.core.color_codes import ColorRange
from vsr.core.crop import Box, CropRegion, parse_crop
from vsr.core.errors import InputError, OutputError
from vsr.core.events import Progress, ignore
from vsr.core.frame import Frame
from vsr.core.geometry import geometry_of
from vsr.core.options import READ_DEFAULTS, ReadOptions
from vsr.core.paths import as_path, check_input
from vsr.core.picture import PictureOptions, Size
from vsr.core.recolor import recoloured
from vsr.core.source import Source
from vsr.evaluation.flicker import flicker, motion_between
from vsr.pipeline.routes import open_file
from vsr.provenance.sidecar import read_record, record_path, settings_of

_TIMES = Fraction(1, 2)  # of a frame, by which times may differ


@dataclass(frozen=True)
class Consistency:
    """How far an output agrees with its source.

    Attributes:
        output, source: what was compared.
        frames: how many.
        psnr: of the reduced output against the source, in dB; infinite where they are equal.
        largest: the largest mean difference of a block of 8x8 source pixels, in levels of 255.
        largest_at: seconds from the first frame to the one with it.
        flicker, source_flicker: of the reduced output and of the source, see
            `vsr.evaluation.flicker`; None of a single frame.
        overshoot: the share of the output's pixels, in 0..1, that leave the range of the 3x3
            source pixels around them.
        heat: (h, w) float32, the mean size of the difference at each source pixel, in levels.
    """

    output: Path
    source: Path
    frames: int
    psnr: float
    largest: float
    largest_at: float
    flicker: float | None
    source_flicker: float | None
    overshoot: float
    heat: Luma

    def facts(self) -> dict[str, Any]:
        """The figures, ready for JSON: null is a PSNR without end."""
        return {
            "output": str(self.output),
            "source": str(self.source),
            "frames": self.frames,
            "psnr": None if math.isinf(self.psnr) else round(self.psnr, 3),
            "largest": round(self.largest, 3),
            "largest_at": round(self.largest_at, 3),
            "flicker": _rounded(self.flicker),
            "source_flicker": _rounded(self.source_flicker),
            "overshoot": round(self.overshoot, 6),
        }


def check(
    output: str | Path,
    source: str | Path,
    *,
    read: ReadOptions = READ_DEFAULTS,
    frames: int | None = None,
    warn: Callable[[str], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Consistency:
    """Reduce an output to its source's size, and compare the two frame by frame.

    Args:
        output: what `vsr upscale` made, or anybody else: a video, an image or a folder of images.
        source: what it was made from.
        read: the span and crop that were taken of the source; where neither is given, a record
            beside the output tells.
        frames: compare no more than so many.
        warn: called with each warning.
        progress: called after each frame.

    Raises InputError, in one line, for a file that cannot be read, and where the two do not show
    the same: another shape, a size that upscaling does not make, another number of frames, other
    times.
    """
    made, origin = as_path(output, "output"), as_path(source, "source")
    for path in (made, origin):
        check_input(path)
    read = _as_recorded(made, read)
    tell = warn or ignore
    whole = replace(READ_DEFAULTS, deinterlace="off", limits=read.limits)
    with (
        open_file(origin, read.span, read.clip_rate, tell, read) as small,
        open_file(made, whole.span, read.clip_rate, tell, whole) as large,
    ):
        box = _part(small, large, read.crop)
        counts = [n for n in (small.expected_frames, frames) if n is not None]
        pairs = _told(_pairs(large, small, box, frames), min(counts, default=None), progress)
        return _compared(made, origin, pairs)


@dataclass(frozen=True)
class _Pair:
    """A frame of both, in levels, and when it is shown after the first, in seconds."""

    large: Luma
    small: Luma
    seconds: float


def _as_recorded(output: Path, read: ReadOptions) -> ReadOptions:
    """What was taken of the source, by the record beside the output where nobody says."""
    if not read.span.whole or read.crop is not None:
        return read
    record = read_record(record_path(output))
    if record is None:
        return read
    told = settings_of(record)
    start, end = (None if told.get(n) is None else Fraction(told[n]) for n in ("start", "end"))
    crop = parse_crop(told["crop"]) if told.get("crop") else None
    return replace(read, start=start, end=end, crop=crop)


def _part(small: Source, large: Source, crop: CropRegion | None) -> Box:
    """What is taken of the source's frames. Raises InputError for an output of another shape, or
    that is smaller, or larger than upscaling makes it."""
    info, made = small.info, large.info
    box = crop.inside(info) if crop else Box(0, 0, info.width, info.height)
    across, down = made.width / box.width, made.height / box.height
    if abs(across - down) * min(box.width, box.height) > max(across, down):  # a source pixel
        raise InputError(
            f"{large.path}: {made.width}x{made.height} is no enlargement of {box.width}x"
            f"{box.height}, what is taken of {small.path}",
            hint="--crop says which part it shows",
            python="crop=...",
        )
    size = Size(*info.orientation.pair(made.width, made.height))
    try:
        geometry_of(PictureOptions(size=size, fit="stretch"), info, box)
    except OutputError as error:  # what no upscaling makes: as that says it
        raise InputError(
            f"{large.path}: {error}",
            hint="--crop says which part it shows",
            python="crop=...",
        ) from None
    return box


def _pairs(large: Source, small: Source, box: Box, most: int | None) -> Iterator[_Pair]:
    first: tuple[Fraction, Fraction] | None = None
    rows, columns = slice(box.y, box.y + box.height), slice(box.x, box.x + box.width)
    for number, (made, own) in enumerate(zip_longest(large.frames(), small.frames())):
        if most is not None and number >= most:
            return
        if made is None or own is None:
            short, more = (large, small) if made is None else (small, large)
            raise InputError(f"{short.path}: has {number} frames, and {more.path} has more")
        times = made.pts * large.info.time_base, own.pts * small.info.time_base
        first = first or times
        _check_times(large, small, number, own, (times[0] - first[0]) - (times[1] - first[1]))
        yield _Pair(
            levels(made.planes[0], large.info.format),
            np.ascontiguousarray(_as_told(own, small, large)[rows, columns]),
            float(times[1] - first[1]),
        )


def _as_told(own: Frame, small: Source, large: Source) -> Luma:
    """The levels of a source's frame, as the output tells them.

    Green is no luma, and full range is not limited range.
    """
    have, want = small.info, known_matrix(large.info)
    full = [info.color.range == ColorRange.FULL for info in (have, want)]
    if have.format.rgb == want.format.rgb and (have.format.rgb or full[0] == full[1]):
        return levels(own.planes[0], have.format)
    made = replace(have, format=want.format, color=want.color)
    return levels(recoloured(own.planes, have, made)[0], made.format)


def _told(
    pairs: Iterator[_Pair], expected: int | None, progress: Callable[[Progress], None] | None
) -> Iterator[_Pair]:
    """The same, each told when it is done with."""
    for number, pair in enumerate(pairs, 1):
        yield pair
        (progress or ignore)(Progress(number, expected))


def _check_times(large: Source, small: Source, number: int, own: Frame, off: Fraction) -> None:
    length = max(own.duration, 1) * small.info.time_base
    if abs(off) > _TIMES * length:
        raise InputError(
            f"{large.path}: shows frame {number} {float(abs(off)):.3f} s off {small.path}'s"
        )


def _compared(output: Path, source: Path, pairs: Iterator[_Pair]) -> Consistency:
    sums = _Sums()
    for pair in pairs:
        sums.add(pair)
    if sums.heat is None:
        raise InputError(f"{source}: no frame to compare")
    return Consistency(
        output,
        source,
        len(sums.squares),
        psnr(fmean(sums.squares)),
        sums.largest,
        sums.largest_at,
        fmean(sums.flicker) if sums.flicker else None,
        fmean(sums.source_flicker) if sums.source_flicker else None,
        fmean(sums.overshoots),
        np.asarray(sums.heat / len(sums.squares), np.float32),
    )


@dataclass
class _Sums:
    """The figures of the frames so far."""

    squares: list[float] = field(default_factory=list)
    overshoots: list[float] = field(default_factory=list)
    flicker: list[float] = field(default_factory=list)
    source_flicker: list[float] = field(default_factory=list)
    largest: float = -1.0
    largest_at: float = 0.0
    heat: Luma | None = None
    _before: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None

    def add(self, pair: _Pair) -> None:
        """The next frame."""
        found = agreement(pair.large, pair.small)
        self.squares.append(found.squared)
        self.overshoots.append(found.overshoot)
        self.heat = found.error if self.heat is None else self.heat + found.error
        if found.largest > self.largest:
            self.largest, self.largest_at = found.largest, pair.seconds
        small = np.clip(np.rint(pair.small), 0, 255).astype(np.uint8)
        if self._before is not None:
            self._step(self._before, (found.reduced, small))
        self._before = (found.reduced, small)

    def _step(
        self,
        before: tuple[NDArray[np.uint8], NDArray[np.uint8]],
        now: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    ) -> None:
        """From one frame to the next, by the motion of the source."""
        motion = motion_between(before[1], now[1])
        made, own = (flicker((before[n], now[n]), motion) for n in (0, 1))
        if made is not None and own is not None:
            self.flicker.append(made)
            self.source_flicker.append(own)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
