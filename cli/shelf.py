"""`vsr models add` and `remove`: the user's own model files, by names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from vsr.core.options import ComputeOptions
from vsr.networks import shelf
from vsr.networks.shelf import Shelved
from vsr.util.text import fps_text, size_text

from .options import upscale_option
from .output.messages import warn


@click.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="What to call it.  [default: the file's name]")
@click.option("--licence", metavar="TEXT", default="", help="Its terms, for the record.")
@click.option("--no-speed", is_flag=True, help="Do not measure how fast it is.")
@upscale_option("compute.device")
@click.option("-y", "--overwrite", is_flag=True, help="Replace a model of this name.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def add_command(
    file: Path,
    name: str | None,
    licence: str,
    no_speed: bool,
    device: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Copy a model FILE to your shelf, so that --model NAME finds it from everywhere.

    FILE is a .safetensors, .pth or .ckpt: of `vsr train`, `vsr adapt`, or somebody else's network
    of an architecture that spandrel knows; or an .onnx. How far it sees and how fast it is are
    measured, which takes as long as a few frames do.
    """
    # Here, so that other commands need not wait for these imports.
    from vsr.inference.engine import choose_engine
    from vsr.speedtest.shelving import add_model

    engine = None if no_speed else choose_engine(ComputeOptions(device=device))
    added = add_model(file, name or file.stem, engine, licence, overwrite, warn)
    lines = _events([added]) if as_json else _table([added])
    for line in lines:
        click.echo(line)


@click.command("remove")
@click.argument("name")
def remove_command(name: str) -> None:
    """Take the model NAME off your shelf, with its copy of the file."""
    shelf.remove(name)


def shelf_table() -> Iterator[str]:
    """What is on the shelf, for people; nothing for an empty one."""
    held = list(shelf.shelved())
    if held:
        yield ""
        yield f"Your shelf, {shelf.folder()}:"
        yield from _table(held)


def shelf_events() -> Iterator[str]:
    """The same for programs."""
    yield from _events(list(shelf.shelved()))


def _table(held: list[Shelved]) -> Iterator[str]:
    width = max(len(model.name) for model in held)
    kind = max(len("network"), *(len(model.architecture) for model in held))
    wide = max(len(" scale"), *(len(_scales(model)) + 1 for model in held))
    yield f"{'model':<{width}}{'scale':>{wide}}  {'network':<{kind}}{'file':>9}{'fps':>7}  tiles"
    for model in held:
        fps = fps_text(model.fps) if model.fps else "-"
        yield (
            f"{model.name:<{width}}{_scales(model):>{wide}}  {model.architecture:<{kind}}"
            f"{size_text(model.bytes):>9}{fps:>7}  {model.tiles}"
        )
    places = dict.fromkeys(model.measured_on for model in held if model.fps)
    if places:
        yield f"fps: of the network to 1920x1080, estimated by pixels; on {'; '.join(places)}."
    for model in held:
        yield f"Licence of {model.name}: {model.licence or 'not known; ask whoever made it'}"


def _scales(model: Shelved) -> str:
    return f"x{','.join(map(str, model.scales))}"


def _events(held: list[Shelved]) -> Iterator[str]:
    for model in held:
        yield json.dumps({"event": "model", "shelf": True, **asdict(model)})
