"""A job as it was asked for, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from vsr.core.crop import Region
from vsr.core.span import Span
from vsr.core.url import Url
from vsr.encoding.codecs import Encoding
from vsr.inference.engine import Engine
from vsr.networks.registry import Model
from vsr.remux.mapping import Selection
from vsr.util.version import VERSION
from vsr.video.reader import PLAIN, Reading


@dataclass(frozen=True)
class Job:
    """What `vsr.upscale` was asked for; see there. All but who watches it, so it may travel.

    Attributes:
        source, target: the files; the source may be an address.
        model, scale: what enlarges the picture.
        device, precision, threads, tile, self_ensemble, compiled: see `choose_engine`.
        span: the part of the time to take.
        crop: the part of the picture to take.
        reading: how the source is read.
        encoding: how the picture is encoded.
        wants: which other streams to take.
        rate: frames a second of a folder of images.
        stills: whether images of a folder are no clip.
        overwrite: whether an existing target is replaced.
        verify: whether the finished file is decoded again.
    """

    source: Path | Url
    target: Path
    model: str | None = None
    scale: int = 4
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    tile: int | None = None
    self_ensemble: bool = False
    compiled: bool = False
    span: Span = field(default_factory=Span)
    crop: Region | None = None
    reading: Reading = PLAIN
    encoding: Encoding = field(default_factory=Encoding)
    wants: Selection = field(default_factory=Selection)
    rate: Fraction = Fraction(25)
    stills: bool = False
    overwrite: bool = False
    verify: bool = False

    def settings(self, model: Model, engine: Engine) -> dict[str, Any]:
        """All that makes a difference to the output, as strings, numbers and None.

        `model` and `engine` are those chosen for the job. Tiles, cores and devices are not
        among these: all give the same picture.
        """
        return {
            "version": VERSION,
            "libav": av.__version__,
            "model": model.name,
            "weights": model.weights.sha256,
            "scale": self.scale,
            "precision": engine.precision,
            "self_ensemble": self.self_ensemble,
            "compiled": self.compiled,
            "start": _exact(self.span.start),
            "end": _exact(self.span.end),
            "crop": None if self.crop is None else str(self.crop),
            "codec": self.encoding.codec,
            "crf": None if self.encoding.crf is None else float(self.encoding.crf),
            "preset": self.encoding.preset,
            "pix_fmt": self.encoding.pix_fmt,
            "audio": self._audio,
            "subtitles": self.wants.subtitles,
            "deinterlace": self.reading.deinterlace,
            "rate": str(self.rate),
            "stills": self.stills,
        }

    @property
    def file(self) -> Path:
        """The source, of a job whose source is a file."""
        assert isinstance(self.source, Path)
        return self.source

    @property
    def _audio(self) -> str:
        if isinstance(self.wants.audio, str):
            return self.wants.audio
        return "copy" if self.wants.audio else "none"


def _exact(time: Fraction | None) -> str | None:
    return None if time is None else str(time)
