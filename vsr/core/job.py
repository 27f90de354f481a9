"""A job as it was asked for, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from vsr.core.options import UpscaleOptions
from vsr.core.picture import USUAL_SCALE
from vsr.core.quality import FLAWLESS, Quality
from vsr.core.url import Url


@dataclass(frozen=True)
class Job:
    """What `vsr.upscale` was asked for; see there. All but who watches it, so it may travel.

    Attributes:
        source, target: the files; the source may be an address.
        options: everything else.
        quality: what a recurrent network is told of the source, once that was looked at.
        factor: by how much networks must enlarge at least, once that is known; None where that is
            the scale asked for.
        one_frame: whether an image is to be made of a video that gives one frame, once that is
            known.
    """

    source: Path | Url
    target: Path
    options: UpscaleOptions = field(default_factory=UpscaleOptions)
    quality: Quality = FLAWLESS
    factor: Fraction | None = None
    one_frame: bool = False

    def but(self, **keywords: object) -> Job:
        """The same job, but for single options by their names."""
        return replace(self, options=self.options.but(**keywords))

    @property
    def enlarges_by(self) -> Fraction:
        """By how much networks must enlarge, at least."""
        return self.factor or self.options.picture.factor or USUAL_SCALE

    @property
    def file(self) -> Path:
        """The source, of a job whose source is a file."""
        assert isinstance(self.source, Path)
        return self.source
