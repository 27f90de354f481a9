"""`vsr eval`: score a model on true images and clips."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from .options import device_option, model_option, precision_option, scale_option


@click.command("eval")
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
@model_option
@scale_option
@device_option
@precision_option("fp32")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def eval_command(
    paths: tuple[Path, ...],
    model: str | None,
    scale: str,
    device: str,
    precision: str,
    as_json: bool,
) -> None:
    """Score a model on true images and videos.

    Each PATH is an image, a video or a folder of them. The pictures are shrunk as
    super-resolution papers do it (MATLAB's bicubic), enlarged again by the model, and
    compared with the true ones: PSNR in dB and SSIM of the luma, with SCALE border pixels
    left out. Videos count with the mean over their frames.
    """
    # Here, so that other commands need not wait for these imports.
    from vsr.evaluation.evaluate import Mean, Score, evaluate, mean
    from vsr.media import list_media
    from vsr.networks.catalogue import load_model

    chosen = load_model(model, int(scale))
    names = [_name(file, path) for path in paths for file in list_media([path])]
    width = max([*(len(name) for name in names), len("all (9999 items)")])

    def row(name: str, of: Score | Mean) -> None:
        click.echo(f"{name:<{width}}  {of.psnr:7.2f}  {of.ssim:6.4f}")

    def item(path: Path, score: Score) -> None:
        if as_json:
            event = {"event": "item", "name": score.name, "path": str(score.path)}
            measured = {"psnr": score.psnr, "ssim": score.ssim, "frames": score.frames}
            click.echo(json.dumps(event | measured))
        else:
            row(_name(score.path, path), score)

    if not as_json:
        click.echo(f"{chosen.name} x{chosen.scale}".ljust(width) + "  PSNR dB    SSIM")
    several = sum(path.is_dir() for path in paths) > 1
    scores: list[Score] = []
    for path in paths:
        group: list[Score] = []
        for score in evaluate([path], chosen, device, precision, _warn):
            item(path, score)
            group.append(score)
        if several and path.is_dir() and not as_json:
            row(f"{path.name} ({len(group)} items)", mean(group))
        scores += group
    total = mean(scores)
    if as_json:
        facts = {"event": "result", "model": chosen.name, "scale": chosen.scale}
        click.echo(json.dumps(facts | asdict(total)))
    else:
        row(f"all ({total.items} items)", total)


def _name(file: Path, given: Path) -> str:
    """What the table calls a file: its path inside the given folder."""
    shown = file.relative_to(given.parent) if given.is_dir() else Path(file.name)
    return click.format_filename(shown)


def _warn(message: str) -> None:
    click.echo(f"vsr: warning: {message}", err=True)
