"""`vsr export`: a network as an ONNX file, for other programs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from vsr.util.text import size_text

from .options import upscale_option
from .output.messages import event, plain_line
from .param_types import FilePath, NetworkScale


@click.command("export")
@click.argument("model", metavar="MODEL")
@click.argument("target", metavar="OUTPUT", type=FilePath())
@click.option(
    "-s",
    "--scale",
    type=NetworkScale(),
    help="Factor whose weights are taken.  [default: 4, or that of a file]",
)
@click.option("--half", is_flag=True, help="Keep the learnt numbers in float16: half the size.")
@upscale_option("run.overwrite")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def export_command(
    model: str, target: Path, scale: int | None, half: bool, overwrite: bool, as_json: bool
) -> None:
    """Write MODEL, of `vsr models` or a .safetensors file, as an ONNX file OUTPUT.

    Sizes are free. A recurrent model becomes its step, whose state goes in and comes out. What
    each input and output is stands in the file, and is shown here.
    """
    # Here, so that other commands need not wait for these imports.
    from vsr.networks.onnx_export import export

    exported = export(model, target, scale=scale, half=half, overwrite=overwrite)
    if as_json:
        event("result", asdict(exported) | {"file": str(exported.file)})
        return
    made = f"{exported.model} x{exported.scale}, opset {exported.opset}"
    click.echo(f"{plain_line(exported.file)}: {made}, {size_text(exported.size)}")
    for kind, tensors in (("in", exported.inputs), ("out", exported.outputs)):
        for name, means in tensors.items():
            click.echo(f"  {kind:<4}{name:<14}{means}")
