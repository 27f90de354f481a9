"""Scores for people, as a table, and for programs, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

import click

from vsr.evaluation.evaluate import Mean, Score

_TITLES, _CHANGE = "  PSNR dB    SSIM", "   dtSSD"


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
    """

    def __init__(
        self, models: Sequence[str], scale: int, names: Sequence[str], clips: bool
    ) -> None:
        self._models, self._scale = models, scale
        self._titles = _TITLES + (_CHANGE if clips else "")
        self._clips = clips
        self._against = f"against {models[0]}"
        below = ["all (9999 items)", *([self._against] if len(models) > 1 else [])]
        self._first = max(len(name) for name in [*names, *below])
        longest = max(len(name) for name in models) + 2 if len(models) > 1 else 0
        self._group = max(len(self._titles), longest)

    def begin(self) -> None:
        above = f"x{self._scale}"
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
        if len(means) > 1:
            first, *others = means
            cells = "".join(self._difference(other, first) for other in others)
            click.echo(self._against.ljust(self._first) + " " * self._group + cells)

    def _row(self, name: str, scores: Sequence[Score | Mean]) -> None:
        cells = "".join(self._cell(score.psnr, score.ssim, score.dtssd) for score in scores)
        click.echo(name.ljust(self._first) + cells)

    def _difference(self, one: Mean, other: Mean) -> str:
        change = None
        if one.dtssd is not None and other.dtssd is not None:
            change = one.dtssd - other.dtssd
        return self._cell(one.psnr - other.psnr, one.ssim - other.ssim, change, "+")

    def _cell(self, psnr: float, ssim: float, dtssd: float | None, sign: str = "") -> str:
        cell = f"{psnr:{sign}9.2f}{ssim:{sign}8.4f}"
        if self._clips:
            cell += f"{'-':>8}" if dtssd is None else f"{dtssd:{sign}8.2f}"
        return cell.rjust(self._group)


class JsonReport:
    """An object a line: an item for each image or clip and model, at last a result for each model.

    Args:
        models: what to call the models.
        scale: their factor.
    """

    def __init__(self, models: Sequence[str], scale: int) -> None:
        self._models, self._scale = models, scale

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
            click.echo(json.dumps(facts))

    def group(self, name: str, means: Sequence[Mean]) -> None:
        """Means over a folder are left to whoever reads the items."""

    def end(self, means: Sequence[Mean]) -> None:
        for model, mean in zip(self._models, means, strict=True):
            facts: dict[str, Any] = {
                "event": "result",
                "model": model,
                "scale": self._scale,
                "psnr": mean.psnr,
                "ssim": mean.ssim,
                "items": mean.items,
            }
            if mean.dtssd is not None:
                facts["dtssd"] = mean.dtssd
            click.echo(json.dumps(facts))
