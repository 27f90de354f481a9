"""Scores for people, as a table, and for programs, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import click

from vsr.core.picture import plain, short
from vsr.evaluation.score import Mean, Score

from .messages import plain_line

_TRUE = "the true pictures"
_Figure = Callable[[Score | Mean], float | None]


@dataclass(frozen=True)
class _Column:
    """How the table shows a metric.

    Attributes:
        title: what stands above.
        width, digits: of its numbers.
        of: the figure of a score.
        true: the same of the true pictures, where it has no perfect value.
    """

    title: str
    width: int
    digits: int
    of: _Figure
    true: _Figure = lambda score: None

    def text(self, value: float | None, sign: str = "") -> str:
        if value is None:
            return f"{'-':>{self.width}}"
        return f"{value:{sign}{self.width}.{self.digits}f}"


_COLUMNS = {
    "psnr": _Column("PSNR dB", 9, 2, lambda score: score.psnr),
    "ssim": _Column("SSIM", 8, 4, lambda score: score.ssim),
    "mse": _Column("MSE", 9, 2, lambda score: score.mse),
    "texture": _Column("texture", 9, 4, lambda score: score.texture),
    "dtssd": _Column("dtSSD", 8, 2, lambda score: score.dtssd),
    "flicker": _Column(
        "flicker", 8, 2, lambda score: score.flicker, lambda score: score.true_flicker
    ),
    "blocks": _Column(
        "blocks", 8, 2, lambda score: score.blockiness, lambda score: score.true_blockiness
    ),
    "vmaf-neg": _Column("VMAF-NEG", 10, 2, lambda score: score.vmaf_neg),
    "xpsnr": _Column("XPSNR dB", 10, 2, lambda score: score.xpsnr),
    "erqa": _Column("ERQA", 8, 4, lambda score: score.erqa),
}
METRICS = tuple(_COLUMNS)
"""What --metrics knows."""


def usual_metrics(clips: bool, recorded: bool) -> list[str]:
    """The columns unless told otherwise: with clips, and of pictures that were recorded."""
    return [
        "psnr",
        "ssim",
        *(["dtssd"] if clips else []),
        *(["flicker"] if clips and recorded else []),
        *(["blocks"] if recorded else []),
    ]


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
        scale: their factor; None where the rows tell it.
        names: what the rows will be called.
        metrics: the columns, of METRICS.
        recorded: whether there is a row for what encoders left in the true pictures, too.
    """

    def __init__(
        self,
        models: Sequence[str],
        scale: Fraction | None,
        names: Sequence[str],
        metrics: Sequence[str],
        recorded: bool = False,
    ) -> None:
        self._models = models
        self._title = "" if scale is None else f"x{short(scale)}"
        self._columns = [_COLUMNS[metric] for metric in metrics]
        self._titles = "".join(f"{column.title:>{column.width}}" for column in self._columns)
        self._recorded = recorded and any(metric in ("flicker", "blocks") for metric in metrics)
        self._against = f"against {models[0]}"
        below = ["all (9999 items)", *([self._against] if len(models) > 1 else [])]
        below += [_TRUE] if self._recorded else []
        self._first = max(len(name) for name in [*names, *below])
        longest = max(len(name) for name in models) + 2 if len(models) > 1 else 0
        self._group = max(len(self._titles), longest)

    def begin(self) -> None:
        above = self._title
        if len(self._models) == 1:
            above = f"{self._models[0]} {above}"
        else:
            names = "".join(name.rjust(self._group) for name in self._models)
            click.echo(above.ljust(self._first) + names)
            above = ""
        titles = self._titles.rjust(self._group) * len(self._models)
        click.echo(above.ljust(self._first) + titles)

    def item(self, name: str, scores: Sequence[Score]) -> None:
        self.row(name, scores)

    def group(self, name: str, means: Sequence[Mean]) -> None:
        self.row(f"{name} ({means[0].items} items)", means)

    def end(self, means: Sequence[Mean]) -> None:
        self.row(f"all ({means[0].items} items)", means)
        first, *others = means
        if others:
            cells = "".join(self._difference(other, first) for other in others)
            click.echo(self._against.ljust(self._first) + " " * self._group + cells)
        if self._recorded:
            figures = [column.true(first) for column in self._columns]
            click.echo(_TRUE.ljust(self._first) + self._cell(figures))

    def row(self, name: str, scores: Sequence[Score | Mean]) -> None:
        cells = "".join(self._cell(self._figures(score)) for score in scores)
        click.echo(plain_line(name).ljust(self._first) + cells)

    def _difference(self, one: Mean, other: Mean) -> str:
        pairs = zip(self._figures(one), self._figures(other), strict=True)
        return self._cell([None if a is None or b is None else a - b for a, b in pairs], "+")

    def _figures(self, score: Score | Mean) -> list[float | None]:
        return [column.of(score) for column in self._columns]

    def _cell(self, figures: Sequence[float | None], sign: str = "") -> str:
        cells = zip(self._columns, figures, strict=True)
        return "".join(column.text(value, sign) for column, value in cells).rjust(self._group)


class JsonReport:
    """An object a line: an item for each image or clip and model, at last a result for each model.

    Args:
        models: what to call the models.
        scale: their factor.
        facts: what else holds for all results.
        item_facts: likewise, for all items.
    """

    def __init__(
        self,
        models: Sequence[str],
        scale: Fraction,
        facts: Mapping[str, object] | None = None,
        item_facts: Mapping[str, object] | None = None,
    ) -> None:
        self._models, self._scale = models, scale
        self._facts, self._item_facts = dict(facts or {}), dict(item_facts or {})

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
                "mse": score.mse,
                "frames": score.frames,
            }
            if score.frame_psnr:  # a clip
                facts["dtssd"] = score.dtssd
                facts["frame_psnr"] = score.frame_psnr
                facts["cuts"] = score.cuts
            click.echo(json.dumps(facts | _traces(score) | self._item_facts))

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
                "mse": mean.mse,
                "items": mean.items,
            }
            if mean.dtssd is not None:
                facts["dtssd"] = mean.dtssd
            click.echo(json.dumps(facts | _traces(mean) | self._facts))


def _traces(score: Score | Mean) -> dict[str, float]:
    """What is known of flicker, blocks and texture, and of others' metrics."""
    found = {
        "flicker": score.flicker,
        "true_flicker": score.true_flicker,
        "blockiness": score.blockiness,
        "true_blockiness": score.true_blockiness,
        "texture": score.texture,
        "vmaf_neg": score.vmaf_neg,
        "xpsnr": score.xpsnr,
        "erqa": score.erqa,
    }
    return {name: value for name, value in found.items() if value is not None}
