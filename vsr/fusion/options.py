"""What `vsr fuse` may be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

from vsr.core.bounds import THREADS, Bounds, check_bounds
from vsr.core.crop import CropRegion, parse_crop
from vsr.core.errors import InputError
from vsr.core.option_checks import check_types, seconds, set_fields
from vsr.core.options import ReadOptions
from vsr.core.paths import quoted
from vsr.fusion.frame_numbers import frame_numbers

FUSED_SCALE = Bounds(1, 8, whole=True)
FRAMES = Bounds(1, 1000, whole=True)
PRIOR = Bounds(0, 100)


@dataclass(frozen=True, kw_only=True)
class FuseOptions:
    """How a still is made of many frames. Raises InputError for values out of range.

    Attributes:
        crop: the region, as players show the picture, in the frame at `at`.
        at: when that frame is shown, in seconds from the file's start; None is the first of the
            span. The region is followed from there, both ways in time, to the ends of the shot.
        scale: the still's sides in parts of the region's: 1 to 8.
        frames: the most frames that take part.
        prior: how much the prior (that pictures are smooth but for edges) counts beside the
            samples: 1 is as much as foretells left-out samples best, 0 next to nothing.
        keep: numbers of frames that take part whatever is said of them, counted from 0 in the span,
            as records do: several, or text such as "3,7,10-14".
        drop: numbers of frames that do not, likewise.
        model: what enlarges the best frame beside it: a name or a file; None is the default model,
            "" none.
        polish: let that network into the still as well: it guesses what the samples leave open. The
            record, the still's metadata and the summary say so.
        read: how the source is read, and the span to take frames from.
        page: whether a page stands beside the still: OUTPUT.html.
        threads: CPU threads for the network beside it; 0 leaves the choice.
        overwrite: replace files that are there.
    """

    crop: CropRegion
    at: Fraction | None = None
    scale: int = 4
    frames: int = 100
    prior: float = 1.0
    keep: tuple[int, ...] = ()
    drop: tuple[int, ...] = ()
    model: str | None = None
    polish: bool = False
    read: ReadOptions = field(default_factory=ReadOptions)
    page: bool = False
    threads: int = 0
    overwrite: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.crop, str):
            set_fields(self, crop=parse_crop(self.crop))
        for name in ("keep", "drop"):
            set_fields(self, **{name: frame_numbers(name, getattr(self, name))})
        check_types(InputError, self)
        set_fields(self, at=seconds("at", self.at))
        bounds = {"scale": FUSED_SCALE, "frames": FRAMES, "prior": PRIOR, "threads": THREADS}
        check_bounds(InputError, self, bounds)
        if self.polish and self.model == "":
            raise InputError("polish: needs a network, and model '' is none")
        if self.read.crop is not None:
            raise InputError("read.crop: the region is `crop`, and is given once")
        if both := set(self.keep) & set(self.drop):
            raise InputError(f"keep and drop: frame {min(both)} is in both; name it in one")
        span = self.read.span
        early = self.at is not None and span.start is not None and self.at < span.start
        late = self.at is not None and span.end is not None and self.at >= span.end
        if early or late:
            until = "on" if span.end is None else f"to {float(span.end):g} s"
            raise InputError(
                f"at {float(self.at or 0):g} s: lies outside the span, "
                f"from {float(span.start or 0):g} s {until}"
            )

    @classmethod
    def given(cls, options: FuseOptions | None, keywords: Mapping[str, object]) -> FuseOptions:
        """What `fuse` is given: options as one value, and single ones, which go before it.

        A field of `read` is given as itself, `start` for one. Raises TypeError for another value,
        a keyword that is no option, and where neither gives a `crop`.
        """
        if not isinstance(options, FuseOptions | None):
            raise TypeError(f"options {quoted(options)}: must be vsr.FuseOptions")
        own = {each.name for each in fields(cls)}
        known = [*own, *(each.name for each in fields(ReadOptions) if each.name not in own)]
        if unknown := next((name for name in keywords if name not in known), None):
            raise TypeError(f"unknown option {unknown!r}; known: {', '.join(sorted(known))}")
        direct: dict[str, Any] = {name: v for name, v in keywords.items() if name in own}
        if options is None and "crop" not in direct:
            raise TypeError("crop: must be given, the region such as '110,118,36,16'")
        if of_read := {name: v for name, v in keywords.items() if name not in own}:
            read = direct.get("read") or (options.read if options else ReadOptions())
            direct["read"] = replace(read, **of_read)
        return replace(options, **direct) if options else cls(**direct)
