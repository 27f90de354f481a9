"""Enlarge a few seconds of a video in several ways, by the job that would do the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vsr.core.events import Progress, ignore
from vsr.core.job import Job
from vsr.core.options import EncodeOptions, StreamOptions, UpscaleOptions
from vsr.core.span import Span
from vsr.estimation.estimate import Estimate, Piece, enlarge_piece, whole
from vsr.networks.registry import FILES, has_state
from vsr.previews.variant import Take

_ALONE = StreamOptions(audio="none", subtitles=False)  # a take's clock begins with the span
_LOSSLESS = EncodeOptions(codec="ffv1")
_LEAST_DOUBT = 0.1  # of any estimate: frames differ


WHOLE = 100.0
"""The strength that keeps all of a network's detail."""


@dataclass(frozen=True)
class Made:
    """A take, and what making it has told.

    Attributes:
        take: the enlarged seconds.
        model: what enlarged them.
        strength: how much of its detail they have, 0 to 100.
        piece: the run, and what its frames cost.
        estimate: what to expect of the whole video.
        doubt: by which share of it the estimate may be off.
    """

    take: Take
    model: str
    strength: float
    piece: Piece
    estimate: Estimate
    doubt: float


def of_take(options: UpscaleOptions, model: str, strength: float) -> UpscaleOptions:
    """The options of a take: without what only recurrent models can be told, for others."""
    own = options.but(model=model, content="auto", strength=strength)
    return own if has_state(model) else own.but(denoise=None)


def make_takes(
    job: Job,
    compared: Sequence[tuple[str, float]],
    span: Span,
    folder: Path,
    lossless: bool,
    begun: Callable[[str], None],
    warn: Callable[[str], None],
    progress: Callable[[Progress], None] = ignore,
) -> list[Made]:
    """Enlarge `span` once by each model and strength, into files of `folder`.

    Args:
        job: what the whole video would be made by, but for the model.
        compared: names or files of models, and strengths, the baseline first; each is made once.
        span: both of its ends are known.
        folder: where the takes go.
        lossless: whether to keep the frames as they are, instead of what that job's encoder makes
            of them; then nothing is to be learnt of the output's size.
        begun: told of each model as its turn comes.
        warn: called with each warning of a run.
        progress: called after each frame, with those of all takes so far.

    Raises VsrError.
    """
    assert span.start is not None
    assert span.end is not None
    made: list[Made] = []
    takes = tuple(dict.fromkeys(compared))

    def told(now: Progress) -> None:
        done = sum(one.piece.result.frames_out for one in made)
        progress(Progress(done + now.frames, now.expected and now.expected * len(takes)))

    for number, (model, strength) in enumerate(takes):
        begun(model)
        asked = of_take(job.options, model, strength)
        file = folder / f"{number}{'.mkv' if lossless else job.target.suffix}"
        encode = _LOSSLESS if lossless else job.options.encode
        alone = replace(asked, streams=_ALONE, encode=encode)
        piece = enlarge_piece(job.file, file, alone, span.start, span.end, warn, told)
        take = Take(_name(model, strength), file, not number)
        estimate = whole(job.file, job.target, asked, piece.rate)
        made.append(Made(take, model, strength, piece, estimate, max(_LEAST_DOUBT, piece.doubt)))
    return made


def _name(model: str, strength: float) -> str:
    """What a take is called."""
    name = Path(model).stem if Path(model).suffix.lower() in FILES else model
    return name if strength == WHOLE else f"{name}, strength {strength:g}"
