"""The work of `vsr eval`: models scored on true pictures, told line by line and drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import click

from vsr.core.errors import InputError, OutputError
from vsr.core.options import ComputeOptions, Precision
from vsr.core.paths import check_output
from vsr.core.picture import short
from vsr.datasets.media import is_clip
from vsr.degradation.compression import Compression
from vsr.evaluation.crops import Finder, check_crops, write_crops
from vsr.evaluation.degrade import Recording
from vsr.evaluation.evaluate import compare, find_items
from vsr.evaluation.further import FURTHER, check_further
from vsr.evaluation.measure import Look
from vsr.evaluation.score import Mean, Score, mean
from vsr.figures.line_plot import Curve, Panel, check_plot, write_plot
from vsr.inference.passes import first_model
from vsr.networks.model import Model
from vsr.networks.registry import own_scale
from vsr.pipeline.checks import input_files

from .options import listed
from .output.messages import warn
from .output.scores import METRICS, JsonReport, Report, TableReport, usual_metrics

_BASELINE = "bicubic"
_OF_CLIPS = ("dtssd", "flicker")  # of vsr's own metrics


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What `vsr eval` was asked for; see its options.

    Attributes:
        paths: images, videos and folders of them.
        model, models: one model, or several with commas between; None is the default one.
        scale: the factor.
        scales: several, with commas between; of sets alone.
        dataset: which of `vsr.evaluation.benchmark_sets.SETS` the paths are, with commas between.
        per_image: whether a set's images are shown, too.
        metrics: the columns of the table, with commas between; None for the usual ones.
        device, precision, self_ensemble, strength: how they are computed.
        noise, crf: what becomes of the shrunk pictures.
        frames: the most to read of a clip.
        stills: whether each image of a folder is taken by itself.
        plot, crops: the figures to draw.
        overwrite: whether they may replace files.
        as_json: whether to tell it for programs.
    """

    paths: tuple[Path, ...]
    model: str | None
    models: str | None
    scale: Fraction
    scales: str | None
    dataset: str | None
    per_image: bool
    metrics: str | None
    device: str
    precision: Precision
    self_ensemble: bool
    strength: float
    noise: float
    crf: int | None
    frames: int | None
    stills: bool
    plot: Path | None
    crops: Path | None
    overwrite: bool
    as_json: bool

    @property
    def names(self) -> list[str | None]:
        """The models asked for; None is the default one. Raises UsageError."""
        if self.models is None:
            return [self.model]
        if self.model is not None:
            raise click.UsageError("--model and --models exclude each other")
        return [*listed(self.models)]

    @property
    def columns(self) -> list[str] | None:
        """The metrics asked for; None for the usual ones. Raises UsageError."""
        if self.metrics is None:
            return None
        found = listed(self.metrics, "metrics")
        for name in found:
            if name not in METRICS:
                allowed = ", ".join(METRICS)
                raise click.UsageError(f"--metrics {name!r}: must be some of {allowed}")
        return list(dict.fromkeys(found))

    @property
    def texture(self) -> bool:
        """Whether the texture distance is asked for."""
        return "texture" in (self.columns or ())

    @property
    def further(self) -> list[str]:
        """Those of the metrics asked for that others' packages measure. Raises UsageError."""
        return [name for name in self.columns or () if name in FURTHER]

    @property
    def recording(self) -> Recording | None:
        """What becomes of the shrunk pictures; None where they stay clean."""
        if not self.noise and self.crf is None:
            return None
        return Recording(self.noise, None if self.crf is None else Compression("h264", self.crf))

    @property
    def compute(self) -> ComputeOptions:
        """How the models are computed."""
        return ComputeOptions(
            device=self.device,
            precision=self.precision,
            self_ensemble=self.self_ensemble,
            strength=self.strength,
        )


@dataclass(frozen=True)
class _Group:
    """The images and clips of one path.

    Attributes:
        path: as it was given.
        items: the images and clips.
    """

    path: Path
    items: list[Path]

    @property
    def is_folder(self) -> bool:
        """Whether the path is a folder of several, and no clip itself."""
        return self.path.is_dir() and self.items != [self.path]

    def name(self, item: Path) -> str:
        """What the table calls an item: its path inside the folder."""
        shown = item.relative_to(self.path.parent) if self.path.is_dir() else Path(item.name)
        return click.format_filename(shown)


@dataclass(frozen=True)
class _Row:
    """The scores of one item.

    Attributes:
        name: of the item.
        scores: of each model.
    """

    name: str
    scores: tuple[Score, ...]


def at_own_scale(asked: Asked) -> Asked:
    """The same, at the scale that the models' files are for, where that is one. Raises ModelError,
    UsageError."""
    scale = own_scale(asked.names)
    return asked if scale is None else replace(asked, scale=Fraction(scale))


def score(asked: Asked) -> None:
    """Score the models, tell it, and draw the figures asked for. Raises VsrError, UsageError."""
    recording, names, columns = asked.recording, asked.names, asked.columns
    models = [first_model(name, asked.scale) for name in names]
    titles = model_titles(models, names)
    groups = [_Group(path, find_items([path], asked.stills)) for path in asked.paths]
    _check_figures(asked, groups)
    check_columns(asked, _has_clips(groups))
    beside = _baseline(models, asked.scale) if asked.crops else []
    finder = Finder(asked.scale, aside=len(beside))
    look = finder.look if asked.crops else None
    report = _report(asked, titles, groups, columns)
    several = sum(group.path.is_dir() for group in groups) > 1

    rows: list[_Row] = []
    report.begin()
    for group in groups:
        before = len(rows)
        for row in _scored(asked, group, models, beside, look):
            report.item(row.name, row.scores)
            rows.append(row)
        if several and group.is_folder:
            report.group(group.path.name, _means(rows[before:]))
    report.end(_means(rows))

    if asked.plot:
        write_plot(asked.plot, _panels(rows, titles, asked.scale), asked.overwrite)
    if asked.crops:
        called = {row.scores[0].path: row.name for row in rows}
        shown = [*(model.name for model in beside), *titles]
        after = f"after {recording}" if recording else ""
        write_crops(
            asked.crops,
            finder.parts,
            shown,
            lambda item: f"{called[item]} x{short(asked.scale)}",
            after,
            asked.overwrite,
        )


def check_columns(asked: Asked, clips: bool) -> None:
    """Raise InputError for a metric that cannot be measured, or not of images, without `clips`."""
    still = [name for name in asked.columns or () if name in _OF_CLIPS]
    if still and not clips:
        raise InputError(f"metric {still[0]!r}: is of clips, and there are images alone")
    check_further(asked.further, clips)


def model_titles(models: Sequence[Model], names: Sequence[str | None]) -> list[str]:
    """What to call the models: model files of one name are told apart by their paths."""
    count = Counter(model.name for model in models)
    return [
        model.name if count[model.name] == 1 else str(name)
        for model, name in zip(models, names, strict=True)
    ]


def _check_figures(asked: Asked, groups: Sequence[_Group]) -> None:
    """Raise VsrError where a figure could not be drawn, before the work that it shows."""
    inputs = list(input_files(item for group in groups for item in (group.path, *group.items)))
    if asked.plot and asked.crops and asked.plot.resolve() == asked.crops.resolve():
        raise OutputError(f"{asked.crops}: --plot and --crops need a file each")
    for figure in filter(None, (asked.plot, asked.crops)):
        check_output(figure, asked.overwrite, inputs)
    if asked.plot:
        check_plot(asked.plot)
        if not _has_clips(groups):
            raise InputError("nothing to plot: there are images alone, and no clip")
    if asked.crops:
        check_crops(asked.crops)


def _has_clips(groups: Sequence[_Group]) -> bool:
    return any(is_clip(item) for group in groups for item in group.items)


def _baseline(models: Sequence[Model], scale: Fraction) -> list[Model]:
    """The model that crops show beside all others, unless it is one of them."""
    if any(model.name == _BASELINE for model in models):
        return []
    return [first_model(_BASELINE, scale)]


def _report(
    asked: Asked, titles: Sequence[str], groups: Sequence[_Group], columns: list[str] | None
) -> Report:
    """Who takes the scores."""
    is_recorded = asked.recording is not None
    if asked.as_json:
        facts = {"noise": asked.noise, "crf": asked.crf} if is_recorded else {}
        return JsonReport(titles, asked.scale, facts)
    names = [group.name(item) for group in groups for item in group.items]
    columns = columns or usual_metrics(_has_clips(groups), is_recorded)
    return TableReport(titles, asked.scale, names, columns, is_recorded)


def _scored(
    asked: Asked,
    group: _Group,
    models: Sequence[Model],
    beside: Sequence[Model],
    look: Look | None,
) -> Iterator[_Row]:
    """The scores of `models` on each item. Those `beside` are computed for `look` alone."""
    compared = compare(
        group.items,
        [*beside, *models],
        asked.compute,
        warn=warn,
        look=look,
        recording=asked.recording,
        frames=asked.frames,
        factor=asked.scale,
        texture=asked.texture,
        metrics=asked.further,
    )
    for item, scores in zip(group.items, compared, strict=True):
        yield _Row(group.name(item), scores[len(beside) :])


def _means(rows: Sequence[_Row]) -> list[Mean]:
    """The means of each model."""
    return [mean(column) for column in zip(*(row.scores for row in rows), strict=True)]


def _panels(rows: Sequence[_Row], titles: Sequence[str], scale: Fraction) -> list[Panel]:
    """A panel for each clip."""
    return [
        Panel(
            f"{row.name} x{short(scale)}",
            tuple(Curve(t, s.frame_psnr) for t, s in zip(titles, row.scores, strict=True)),
            row.scores[0].cuts,
        )
        for row in rows
        if row.scores[0].frame_psnr
    ]
