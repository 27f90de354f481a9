"""Scores for people, as a table, and for programs, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

import click

from vsr.core.picture import plain, short
from vsr.evaluation.evaluate import Mean, Score

_TRUE = "the true pictures"
_TITLES, _CHANGE, _FLICKER, _BLOCKS = "  PSNR dB    SSIM", "   dtSSD", " flicker", "  blocks"


class Report(Protocol):
    """Takes scores as they come; the sequences hold one for each model."""

    def begin(self) -> None: ...
    def item(self, name: str, scores: Sequence[Score]) -> None: ...
    def group(self, name: str, means: Sequence[Mean]) -> None: ...
    def end(self, means: Sequence[Mean]) -> None: ...


class TableReport:
    """A row for each image or clip, a group of columns for each model.

    Args:
        models: what to call the models.
        scale: their factor.
        names: what the rows will be called.
        clips: whether there is a column for dtSSD.
        recorded: whether there are columns for what encoders leave, too.
    """

    def __init__(
        self,
        models: Sequence[str],
        scale: Fraction,
        names: Sequence[str],
        clips: bool,
        recorded: bool = False,
    ) -> None:
        self._models, self._scale = models, scale
        self._clips, self._recorded = clips, recorded
        self._titles = _TITLES + (_CHANGE if clips else "")
        if recorded:
            self._titles += (_FLICKER if clips else "") + _BLOCKS
        self._against = f"against {models[0]}"
        below = ["all (9999 items)", *([self._against] if len(models) > 1 else [])]
        below += [_TRUE] if recorded else []
        self._first = max(len(name) for name in [*names, *below])
        longest = max(len(name) for name in models) + 2 if len(models) > 1 else 0
        self._group = max(len(self._titles), longest)

    def begin(self) -> None:
        above = f"x{short(self._scale)}"
        if len(self._models) == 1:
            above = f"{self._models[0]} {above}"
        else:
            names = "".join(name.rjust(self._group) for name in self._models)
            click.echo(above.ljust(self._first) + names)
            above = ""
        titles = self._titles.rjust(self._group) * len(self._models)
        click.echo(above.ljust(self._first) + titles)

    def item(self, name: str, scores: Sequence[Score]) -> None:
        self._row(name, scores)

    def group(self, name: str, means: Sequence[Mean]) -> None:
        self._row(f"{name} ({means[0].items} items)", means)

    def end(self, means: Sequence[Mean]) -> None:
        self._row(f"all ({means[0].items} items)", means)
        first, *others = means
        if others:
            cells = "".join(self._difference(other, first) for other in others)
            click.echo(self._against.ljust(self._first) + " " * self._group + cells)
        if self._recorded:
            figures = [None, None, None, first.true_flicker, first.true_blockiness]
            click.echo(_TRUE.ljust(self._first) + self._cell(figures))

    def _row(self, name: str, scores: Sequence[Score | Mean]) -> None:
        cells = "".join(self._cell(_figures(score)) for score in scores)
        click.echo(name.ljust(self._first) + cells)

    def _difference(self, one: Mean, other: Mean) -> str:
        pairs = zip(_figures(one), _figures(other), strict=True)
        return self._cell([None if a is None or b is None else a - b for a, b in pairs], "+")

    def _cell(self, figures: Sequence[float | None], sign: str = "") -> str:
        psnr, ssim, dtssd, flicker, blocks = figures
        cell = _padded(psnr, 9, 2, sign) + _padded(ssim, 8, 4, sign)
        if self._clips:
            cell += _padded(dtssd, 8, 2, sign)
        if self._recorded:
            cell += _padded(flicker, 8, 2, sign) if self._clips else ""
            cell += _padded(blocks, 8, 2, sign)
        return cell.rjust(self._group)


def _figures(score: Score | Mean) -> tuple[float | None, ...]:
    return score.psnr, score.ssim, score.dtssd, score.flicker, score.blockiness


def _padded(value: float | None, width: int, digits: int, sign: str) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{sign}{width}.{digits}f}"


class JsonReport:
    """An object a line: an item for each image or clip and model, at last a result for each model.

    Args:
        models: what to call the models.
        scale: their factor.
        facts: what else holds for all results.
    """

    def __init__(
        self, models: Sequence[str], scale: Fraction, facts: Mapping[str, object] | None = None
    ) -> None:
        self._models, self._scale = models, scale
        self._facts = dict(facts or {})

    def begin(self) -> None:
        """Nothing stands above the items."""

    def item(self, name: str, scores: Sequence[Score]) -> None:
        for model, score in zip(self._models, scores, strict=True):
            facts: dict[str, Any] = {
                "event": "item",
                "model": model,
                "name": score.name,
                "path": str(score.path),
                "psnr": score.psnr,
                "ssim": score.ssim,
                "frames": score.frames,
            }
            if score.frame_psnr:  # a clip
                facts["dtssd"] = score.dtssd
                facts["frame_psnr"] = score.frame_psnr
                facts["cuts"] = score.cuts
            facts.update(_traces(score))
            click.echo(json.dumps(facts))

    def group(self, name: str, means: Sequence[Mean]) -> None:
        """Means over a folder are left to whoever reads the items."""

    def end(self, means: Sequence[Mean]) -> None:
        for model, mean in zip(self._models, means, strict=True):
            facts: dict[str, Any] = {
                "event": "result",
                "model": model,
                "scale": plain(self._scale),
                "psnr": mean.psnr,
                "ssim": mean.ssim,
                "items": mean.items,
            }
            if mean.dtssd is not None:
                facts["dtssd"] = mean.dtssd
            click.echo(json.dumps(facts | _traces(mean) | self._facts))


def _traces(score: Score | Mean) -> dict[str, float]:
    """What is known of flicker and blocks."""
    found = {
        "flicker": score.flicker,
        "true_flicker": score.true_flicker,
        "blockiness": score.blockiness,
        "true_blockiness": score.true_blockiness,
    }
    return {name: value for name, value in found.items() if value is not None}
