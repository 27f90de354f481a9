"""Enlarge a few seconds of a video in several ways, by the job that would do the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vsr.core.job import Job
from vsr.core.options import EncodeOptions, StreamOptions, UpscaleOptions
from vsr.core.span import Span
from vsr.estimation.estimate import Estimate, Piece, enlarge_piece, whole
from vsr.networks.registry import has_state
from vsr.previews.variant import Take

_ALONE = StreamOptions(audio="none", subtitles=False)  # a take's clock begins with the span
_LOSSLESS = EncodeOptions(codec="ffv1")
_LEAST_DOUBT = 0.1  # of any estimate: frames differ


@dataclass(frozen=True)
class Made:
    """A take, and what making it has told.

    Attributes:
        take: the enlarged seconds.
        model: what enlarged them.
        piece: the run, and what its frames cost.
        estimate: what to expect of the whole video.
        doubt: by which share of it the estimate may be off.
    """

    take: Take
    model: str
    piece: Piece
    estimate: Estimate
    doubt: float


def told(options: UpscaleOptions) -> UpscaleOptions:
    """The options of a take: without what only recurrent models can be told, for others."""
    assert options.model
    return options if has_state(options.model, options.scale) else options.but(denoise=None)


def make_takes(
    job: Job,
    models: Sequence[str],
    span: Span,
    folder: Path,
    lossless: bool,
    begun: Callable[[str], None],
    warn: Callable[[str], None],
) -> list[Made]:
    """Enlarge `span` once by each model, into files of `folder`.

    Args:
        job: what the whole video would be made by, but for the model.
        models: names or files, the baseline first; each is made once.
        span: both of its ends are known.
        folder: where the takes go.
        lossless: whether to keep the frames as they are, instead of what that job's encoder makes
            of them; then nothing is to be learnt of the output's size.
        begun: told of each model as its turn comes.
        warn: called with each warning of a run.

    Raises VsrError.
    """
    assert span.start is not None
    assert span.end is not None
    made = []
    for number, model in enumerate(dict.fromkeys(models)):
        begun(model)
        asked = told(job.options.but(model=model, content="auto"))
        file = folder / f"{number}{'.mkv' if lossless else job.target.suffix}"
        encode = _LOSSLESS if lossless else job.options.encode
        alone = replace(asked, streams=_ALONE, encode=encode)
        piece = enlarge_piece(job.file, file, alone, span.start, span.end, warn)
        take = Take(Path(model).stem if model.endswith(".safetensors") else model, file, not number)
        estimate = whole(job.file, job.target, asked, piece.rate)
        made.append(Made(take, model, piece, estimate, max(_LEAST_DOUBT, piece.doubt)))
    return made
