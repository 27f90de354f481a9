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
            facts = {**asdict(weights), "default": weights.name == default_model()}
            click.echo(json.dumps({"event": "model", **facts}))
        return
    click.echo(f"{'model':<14}{'scale':>5}  {'Set5':>6}  {'Set14':>6}  ")
    for weights in catalogue():
        scores = "  ".join(
            f"{weights.scores[name]['psnr']:6.2f}" if name in weights.scores else f"{'-':>6}"
            for name in ("Set5", "Set14")
        )
        mark = " (default)" if weights.name == default_model() else ""
        click.echo(f"{weights.name:<14}{weights.scale:>5}  {scores}  {weights.summary}{mark}")
    click.echo("Set5, Set14: PSNR of luma in dB, higher is better; see README.md for the protocol.")
