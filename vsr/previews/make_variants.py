"""Enlarge a few seconds of a video in several ways, by the job that would do the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vsr.core.options import EncodeOptions, StreamOptions, UpscaleOptions
from vsr.core.span import Span
from vsr.estimation.estimate import Estimate, Piece, enlarge_piece, whole
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


def make_takes(
    source: Path,
    folder: Path,
    span: Span,
    models: Sequence[str],
    baseline: str,
    target: Path,
    options: UpscaleOptions,
    lossless: bool,
    begun: Callable[[str], None],
    warn: Callable[[str], None],
) -> list[Made]:
    """Enlarge `span` once by each model, the `baseline` first, into files of `folder`.

    Args:
        source: a video file.
        span: both of its ends are known.
        models, baseline: names or files; a model that is the baseline too is made once.
        target: what the whole video would become, with `options`.
        lossless: whether to keep the frames as they are, instead of what that job's encoder makes
            of them; then nothing is to be learnt of the output's size.
        begun: told of each model as its turn comes.
        warn: called with each warning of a run.

    Raises VsrError.
    """
    assert span.start is not None
    assert span.end is not None
    made = []
    for number, model in enumerate(dict.fromkeys([baseline, *models])):
        begun(model)
        asked = options.but(model=model, content="auto")
        suffix = ".mkv" if lossless else target.suffix
        file = folder / f"{number}{suffix}"
        encode = _LOSSLESS if lossless else options.encode
        alone = replace(asked, streams=_ALONE, encode=encode)
        piece = enlarge_piece(source, file, alone, span.start, span.end, warn)
        take = Take(Path(model).stem if model.endswith(".safetensors") else model, file, not number)
        estimate = whole(source, target, asked, piece.rate)
        made.append(Made(take, model, piece, estimate, max(_LEAST_DOUBT, piece.doubt)))
    return made
