"""The subcommands of `vsr`, each imported once it is called: the help of all loads none."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import click

from vsr.core.errors import VsrError

_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")

COMMANDS = {
    "adapt": "Fit a model to the camera that took FOOTAGE: videos, images and folders of them.",
    "batch": (
        "Enlarge many files: each SOURCE is a file, a folder, a glob or images such as f_%04d.png."
    ),
    "bench": "Measure how fast each model runs on this machine, and which do so in real time.",
    "check": "Reduce OUTPUT to the size of its source, and tell how far the two agree.",
    "eval": "Score models on true images and clips.",
    "export": "Write MODEL, of `vsr models` or a .safetensors file, as an ONNX file OUTPUT.",
    "fuse": "Make one still of what many frames of INPUT know of a region.",
    "models": "List the models: quality, cost, size, and the licences of what they learnt from.",
    "preview": "Enlarge a few seconds of INPUT and show them beside what a player would do anyway.",
    "probe": "Show the picture format, colour tags, timing and streams of a video, or of images.",
    "restore-image": "Enlarge the image INPUT by what it holds itself, without any weights.",
    "train": "Train a network on DATA: images, videos and folders of them.",
    "ui": "Serve a page that shows the videos of FOLDER, and enlarges them, on this machine.",
    "upscale": "Enlarge the video INPUT to OUTPUT; all else in it is copied.",
}
"""The first sentence of each command's help; the module of its name has `NAME_command`."""


def command(name: str) -> click.Command:
    """One of COMMANDS, imported."""
    place = name.replace("-", "_")
    module = import_module(f".{place}", __package__)
    found: click.Command = getattr(module, f"{place}_command")
    return found


def all_commands() -> dict[str, click.Command]:
    """All of them, for whoever looks at each."""
    return {name: command(name) for name in COMMANDS}


class LateCommands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return command(cmd_name) if cmd_name in COMMANDS else None

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. What an error of it says of options that others have is left out."""
        try:
            return super().invoke(ctx)
        except VsrError as error:
            if not _knows(command(str(ctx.invoked_subcommand)), error.hint):
                error.args = (error.without_hint(),)
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        limit = formatter.width - 6 - max(map(len, COMMANDS))  # as click has it
        stubs = [click.Command(name, help=COMMANDS[name]) for name in sorted(COMMANDS)]
        rows = [(stub.name or "", stub.get_short_help_str(limit)) for stub in stubs]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _knows(command: click.Command, hint: str) -> bool:
    """Whether a command has all options that a hint names."""
    commands = command.commands.values() if isinstance(command, click.Group) else ()
    known = {flag for one in (command, *commands) for each in one.params for flag in each.opts}
    return set(_FLAG.findall(hint)) <= known


@click.group(cls=LateCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vsr-video", prog_name="vsr")
def vsr() -> None:
    """Video super-resolution: every frame, timestamp, colour and audio packet arrives."""
