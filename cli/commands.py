"""The subcommands of `vsr`."""

from __future__ import annotations

import click

from .adapt import adapt_command
from .batch import batch_command
from .bench import bench_command
from .eval import eval_command
from .models import models_command
from .preview import preview_command
from .probe import probe_command
from .restore_image import restore_image_command
from .train import train_command
from .upscale import upscale_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vsr-video", prog_name="vsr")
def vsr() -> None:
    """Video super-resolution: every frame, timestamp, colour and audio packet arrives."""


for command in (
    upscale_command,
    batch_command,
    preview_command,
    models_command,
    bench_command,
    probe_command,
    eval_command,
    train_command,
    adapt_command,
    restore_image_command,
):
    vsr.add_command(command)
