"""What a run has done: one pass through the pipeline, and the whole job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from vsr.core.damage import NO_DAMAGE, Damage
from vsr.core.picture import plain
from vsr.core.stream_report import Others, together
from vsr.core.url import Url


@dataclass(frozen=True)
class Run:
    """What one pass of the pipeline did.

    Attributes:
        frames_in, frames_out: read and written.
        encoder: its name in libav, "" for images.
        others: what became of all but the picture.
        duration_in, duration_out: seconds from the first frame's beginning to the last one's
            end, in the source and in the finished file; None for images.
        sound_in, sound_out: seconds by which the first audio track begins after the picture,
            less than 0 where it begins before; None without sound.
        damage: what was wrong with the source.
        encoding: the settings that the encoder was opened with.
        width, height: of the large frames as they are stored; 0 for images of several sizes.
        stood_still: the share of all frames' pixels, 0..1, that were not computed again, as they
            stood still; None where the network computes each.
    """

    frames_in: int
    frames_out: int
    encoder: str
    others: Others
    duration_in: Fraction | None = None
    duration_out: Fraction | None = None
    sound_in: Fraction | None = None
    sound_out: Fraction | None = None
    damage: Damage = NO_DAMAGE
    encoding: dict[str, str] = field(default_factory=dict)
    width: int = 0
    height: int = 0
    stood_still: float | None = None


def share_of_all(shares: Iterable[tuple[int, float | None]]) -> float | None:
    """The share of all frames, of parts that are so many frames each; None if one is not known."""
    frames, total = 0, 0.0
    for count, share in shares:
        if count and share is None:
            return None
        frames, total = frames + count, total + count * (share or 0.0)
    return total / frames if frames else None


def in_all(runs: Sequence[Run]) -> Run:
    """Several images as one run."""
    return Run(
        frames_in=sum(each.frames_in for each in runs),
        frames_out=sum(each.frames_out for each in runs),
        encoder="",
        others=together(each.others for each in runs),
    )


@dataclass(frozen=True)
class Result:
    """What a job did.

    Attributes:
        source, target: the files.
        run: frames, durations, streams and damage.
        verified: whether the finished file was decoded again, frame by frame.
        seconds: wall time, with start-up.
        model: the name of what enlarged the picture.
        scale: by how much; where a size was asked for, the larger factor of its sides.
        device, precision: where, and in what numbers.
        warnings: all that was said on the way.
        chosen: what the source was taken for, and so the model chosen, in one line; "" where
            nothing was to be decided.
        then: the models that enlarged further what `model` made, where the scale is above 4.
    """

    source: Path | Url
    target: Path
    run: Run
    verified: bool
    seconds: float
    model: str
    scale: Fraction
    device: str
    precision: str
    warnings: tuple[str, ...]
    chosen: str = ""
    then: tuple[str, ...] = ()

    @property
    def frames_in(self) -> int:
        """Frames that the source shows, in the span."""
        return self.run.frames_in

    @property
    def frames_out(self) -> int:
        """Frames in the target: as many, or the run would have failed."""
        return self.run.frames_out

    @property
    def encoder(self) -> str:
        """The encoder's name in libav, "" for images."""
        return self.run.encoder

    @property
    def copied(self) -> tuple[str, ...]:
        """Streams that were copied as they are, named for people."""
        return self.run.others.copied

    @property
    def converted(self) -> tuple[str, ...]:
        """Streams that were converted to what the container holds."""
        return self.run.others.converted

    @property
    def dropped(self) -> tuple[str, ...]:
        """Streams that were left out, and why."""
        return self.run.others.dropped

    @property
    def fps(self) -> float:
        """Frames a second, start-up included."""
        return self.frames_out / self.seconds if self.seconds else 0.0

    def facts(self) -> dict[str, Any]:
        """All of it as plain numbers, strings and lists, for JSON. Times are in seconds."""
        run = self.run
        return {
            "source": str(self.source),
            "target": str(self.target),
            "frames_in": run.frames_in,
            "frames_out": run.frames_out,
            "duration_in": _number(run.duration_in),
            "duration_out": _number(run.duration_out),
            "duration_difference": _number(_difference(run.duration_out, run.duration_in)),
            "av_offset_in": _number(run.sound_in),
            "av_offset_out": _number(run.sound_out),
            **{name: list(held) for name, held in asdict(run.others).items()},
            "damage": run.damage.counts,
            "verified": self.verified,
            "seconds": self.seconds,
            "fps": round(self.fps, 3),
            "model": self.model,
            "chosen": self.chosen,
            "then": list(self.then),
            "width": run.width,
            "height": run.height,
            "stood_still": None if run.stood_still is None else round(run.stood_still, 4),
            "scale": plain(self.scale),
            "device": self.device,
            "precision": self.precision,
            "encoder": run.encoder,
            "encoding": dict(run.encoding),
            "warnings": list(self.warnings),
        }


def _difference(out: Fraction | None, in_: Fraction | None) -> Fraction | None:
    return None if out is None or in_ is None else out - in_


def _number(value: Fraction | None) -> float | None:
    return None if value is None else round(float(value), 6)
