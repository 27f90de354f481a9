"""`vsr models`: what there is to choose from."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from vsr.networks.catalogue import catalogue, default_model


@click.command("models")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout.")
def models_command(as_json: bool) -> None:
    """List the models, their scales and their measured quality."""
    if as_json:
        for weights in catalogue():
            facts = {
                **asdict(weights),
                "default": weights.name == default_model(),
                "default_for_stills": weights.name == default_model(stills=True),
            }
            click.echo(json.dumps({"event": "model", **facts}))
        return
    benchmarks = list(dict.fromkeys(name for weights in catalogue() for name in weights.scores))
    titles = "".join(f"{name:>8}" for name in benchmarks)
    click.echo(f"{'model':<13}{'scale':>5}{titles}{'params':>9}{'GMACs':>7}")
    for weights in catalogue():
        scores = "".join(
            f"{weights.scores[name]['psnr']:8.2f}" if name in weights.scores else f"{'-':>8}"
            for name in benchmarks
        )
        cost = f"{weights.parameters:>9,}{weights.gmacs:>7.2f}"
        mark = " (default for images)" if weights.name == default_model(stills=True) else ""
        mark = " (default)" if weights.name == default_model() else mark
        name = f"{weights.name:<13}{weights.scale:>5}"
        click.echo(f"{name}{scores}{cost}  {weights.summary}{mark}")
    click.echo(f"{', '.join(benchmarks)}: PSNR of luma in dB, higher is better; see README.md.")
    click.echo("GMACs: multiplications, in 1e9, for an output frame of 1920x1080.")
