"""The work of `vsr eval --dataset`: tables as papers have them, of set x scale x model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import click

from vsr.core.picture import plain, short
from vsr.evaluation.benchmark_sets import SETS, images_of
from vsr.evaluation.evaluate import compare
from vsr.evaluation.score import Score, mean
from vsr.inference.passes import first_model
from vsr.networks.model import Model

from .options import listed
from .output.messages import warn
from .output.scores import JsonReport, TableReport, usual_metrics
from .param_types import ScaleType
from .scoring import Asked, check_columns, model_titles

# What the papers' protocol has no room for, by the names in Asked.
_OTHERS = ("noise", "crf", "frames", "stills", "plot", "crops")


@dataclass(frozen=True)
class _Set:
    """A set that was asked for.

    Attributes:
        name: of SETS.
        images: its pictures.
    """

    name: str
    images: list[Path]

    @property
    def title(self) -> str:
        """As papers call it."""
        return SETS[self.name].title


def score_sets(asked: Asked) -> None:
    """Score the models on each set at each scale, and tell it. Raises VsrError, UsageError."""
    _check(asked)
    check_columns(asked, clips=False)
    scales, names, columns = _scales(asked), asked.names, asked.columns
    models = {scale: [first_model(name, scale) for name in names] for scale in scales}
    titles = model_titles(models[scales[0]], names)
    sets = [
        _Set(name, images_of(name, path, warn))
        for name, path in zip(_set_names(asked), asked.paths, strict=True)
    ]
    table = None
    if not asked.as_json:
        table = TableReport(
            titles, None, _rows(asked, sets, scales), columns or usual_metrics(False, False)
        )
        table.begin()
    for one in sets:
        for scale in scales:
            _score(asked, one, scale, models[scale], titles, table)


def _score(
    asked: Asked,
    one: _Set,
    scale: Fraction,
    models: Sequence[Model],
    titles: Sequence[str],
    table: TableReport | None,
) -> None:
    """A row of the table, or its lines in JSON."""
    facts = {"dataset": one.name}
    lines = JsonReport(titles, scale, facts, facts | {"scale": plain(scale)})
    scores: list[tuple[Score, ...]] = []
    compared = compare(
        one.images,
        models,
        asked.compute,
        warn=warn,
        factor=scale,
        texture=asked.texture,
        metrics=asked.further,
    )
    for image in compared:
        scores.append(image)
        if table is None:
            lines.item(image[0].name, image)
        elif asked.per_image:
            table.item(_image_row(one, scale, image[0].path), image)
    means = [mean(column) for column in zip(*scores, strict=True)]
    if table is None:
        lines.end(means)
    else:
        table.row(_set_row(one, scale), means)


def _check(asked: Asked) -> None:
    """Raise UsageError for what does not go with sets."""
    for name in _OTHERS:
        if getattr(asked, name) not in (None, False, 0):
            raise click.UsageError(f"--{name} and --dataset exclude each other")
    names = _set_names(asked)
    if len(names) != len(asked.paths):
        raise click.UsageError(
            f"--dataset {asked.dataset}: needs one PATH for each set, its folder; "
            f"given: {len(asked.paths)}"
        )


def _set_names(asked: Asked) -> list[str]:
    names = [name.lower() for name in listed(asked.dataset or "", "dataset")]
    for name in names:
        if name not in SETS:
            raise click.UsageError(f"--dataset {name!r}: must be one of {', '.join(SETS)}")
    return names


def _scales(asked: Asked) -> list[Fraction]:
    if asked.scales is None:
        return [asked.scale]
    words = listed(asked.scales, "scales", "factors")
    return list(dict.fromkeys(ScaleType().convert(word, None, None) for word in words))


def _rows(asked: Asked, sets: Sequence[_Set], scales: Sequence[Fraction]) -> list[str]:
    """What the rows of the table will be called."""
    names = [_set_row(one, scale) for one in sets for scale in scales]
    if asked.per_image:
        names += [_image_row(one, s, path) for one in sets for s in scales for path in one.images]
    return names


def _set_row(one: _Set, scale: Fraction) -> str:
    return f"{one.title} x{short(scale)}"


def _image_row(one: _Set, scale: Fraction, image: Path) -> str:
    return f"{one.title}/{click.format_filename(image.name)} x{short(scale)}"
