"""`vsr eval`: score models on true images and clips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import listed, upscale_option

if TYPE_CHECKING:
    from vsr.evaluation.evaluate import Score
    from vsr.figures.line_plot import Panel
    from vsr.networks.registry import Model

    from .output.scores import Report

_BASELINE = "bicubic"


@click.command("eval")
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
@upscale_option("model")
@click.option("--models", metavar="NAME|FILE,...", help="Several, side by side; not with --model.")
@upscale_option("scale")
@upscale_option("compute.device")
@upscale_option("compute.precision", default="fp32")
@upscale_option("compute.self_ensemble")
@click.option(
    "--noise",
    default=0.0,
    metavar="SIGMA",
    type=click.FloatRange(0, 100),
    help="Add noise to the shrunk pictures: its deviation, of 255.",
)
@click.option(
    "--crf",
    metavar="N",
    type=click.IntRange(0, 51),
    help="Put the shrunk pictures through H.264 at this rate factor; lower is better.",
)
@click.option(
    "--frames", metavar="N", type=click.IntRange(1), help="Read no more frames of each clip."
)
@upscale_option("read.stills")
@click.option(
    "--plot",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the PSNR of each frame of the clips, as .png or .svg.",
)
@click.option(
    "--crops",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Show where the models' errors differ most, enlarged, as .png or .jpg.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def eval_command(
    paths: tuple[Path, ...],
    model: str | None,
    models: str | None,
    scale: int,
    device: str,
    precision: str,
    self_ensemble: bool,
    noise: float,
    crf: int | None,
    frames: int | None,
    stills: bool,
    plot: Path | None,
    crops: Path | None,
    as_json: bool,
) -> None:
    """Score models on true images and clips.

    Each PATH is an image, a video or a folder of them; three or more images of one size in a
    folder are the frames of a clip. The pictures are shrunk as super-resolution papers do it
    (MATLAB's bicubic), enlarged again by the model, and compared with the true ones: PSNR in
    dB and SSIM of the luma, higher is better; so too for models that work in RGB. SCALE border
    pixels of an image are left out, 8 of a clip. Clips count with the mean over their frames,
    and have one figure more:

    dtSSD, lower is better: how far the change from one frame to the next is from the true
    change, as the root mean square over the pixels, in sample values of 0 to 255. Errors that
    flicker or crawl raise it, errors that stay do not. Cuts are left out.

    Real recordings are not clean. With --noise and --crf the shrunk pictures are given to the
    model as a camera would keep them, and two columns tell what PSNR does not see:

    flicker: how far a frame is from the one before it, moved as the true frames move, in sample
    values. Blur lowers it, so see it beside the true frames' own, which stands below.

    blocks: how much of all change lies on the grid of the encoder's blocks; 1.00 is none.
    """
    wanted = _wanted(model, models)
    # Here, so that other commands need not wait for these imports.
    from vsr.core.errors import InputError
    from vsr.datasets.media import is_clip
    from vsr.degradation.compression import Compression
    from vsr.evaluation.crops import Finder, check_crops, write_crops
    from vsr.evaluation.degrade import Recording
    from vsr.evaluation.evaluate import compare, find_items, mean
    from vsr.figures.line_plot import check_plot, write_plot
    from vsr.networks.registry import load_model

    from .output.scores import JsonReport, TableReport

    recording = None
    if noise or crf is not None:
        recording = Recording(noise, None if crf is None else Compression("h264", crf))
    chosen = [load_model(name, scale) for name in wanted]
    titles = _titles(chosen, wanted)
    groups = [(path, find_items([path], stills)) for path in paths]
    names = [_name(item, path) for path, items in groups for item in items]
    clips = any(is_clip(item) for _, items in groups for item in items)
    if plot is not None:
        check_plot(plot)
        if not clips:
            raise InputError("nothing to plot: there are images alone, and no clip")
    if crops is not None:
        check_crops(crops)
    extra = [] if crops is None else _missing(chosen)
    finder = Finder(scale, aside=len(extra))
    look = None if crops is None else finder.look

    report: Report = TableReport(titles, scale, names, clips, recording is not None)
    if as_json:
        report = JsonReport(titles, scale, {"noise": noise, "crf": crf} if recording else {})
    several = sum(path.is_dir() for path in paths) > 1
    rows: list[tuple[Score, ...]] = []
    report.begin()
    for path, items in groups:
        before = len(rows)
        for all_ in compare(
            items,
            [*extra, *chosen],
            device,
            precision,
            _warn,
            self_ensemble,
            look,
            recording,
            frames,
        ):
            scores = all_[len(extra) :]
            report.item(names[len(rows)], scores)
            rows.append(scores)
        if several and path.is_dir() and items != [path]:
            columns = zip(*rows[before:], strict=True)
            report.group(path.name, [mean(column) for column in columns])
    report.end([mean(column) for column in zip(*rows, strict=True)])
    if plot is not None:
        write_plot(plot, _panels(names, rows, titles, scale))
    if crops is not None:
        called = {score.path: name for name, (score, *_) in zip(names, rows, strict=True)}
        shown = [*(model.name for model in extra), *titles]
        write_crops(
            crops,
            finder.parts,
            shown,
            lambda item: f"{called[item]} x{scale}",
            f"after {recording}" if recording else "",
        )


def _wanted(model: str | None, models: str | None) -> list[str | None]:
    """The models asked for; None is the default one."""
    if models is None:
        return [model]
    if model is not None:
        raise click.UsageError("--model and --models exclude each other")
    return [*listed(models)]


def _titles(models: Sequence[Model], wanted: Sequence[str | None]) -> list[str]:
    """What to call the models: model files of one name are told apart by their paths."""
    count = Counter(model.name for model in models)
    return [
        model.name if count[model.name] == 1 else str(name)
        for model, name in zip(models, wanted, strict=True)
    ]


def _missing(models: Sequence[Model]) -> list[Model]:
    """The baseline that all are shown beside, unless it is one of them."""
    from vsr.networks.registry import load_model

    if any(model.name == _BASELINE for model in models):
        return []
    return [load_model(_BASELINE, models[0].network.scale)]


def _name(item: Path, given: Path) -> str:
    """What the table calls an item: its path inside the given folder."""
    shown = item.relative_to(given.parent) if given.is_dir() else Path(item.name)
    return click.format_filename(shown)


def _panels(
    names: Sequence[str], rows: Sequence[Sequence[Score]], titles: Sequence[str], scale: int
) -> list[Panel]:
    """A panel for each clip."""
    from vsr.figures.line_plot import Curve, Panel

    return [
        Panel(
            f"{name} x{scale}",
            tuple(Curve(t, s.frame_psnr) for t, s in zip(titles, scores, strict=True)),
            scores[0].cuts,
        )
        for name, scores in zip(names, rows, strict=True)
        if scores[0].frame_psnr
    ]


def _warn(message: str) -> None:
    click.echo(f"vsr: warning: {message}", err=True)
