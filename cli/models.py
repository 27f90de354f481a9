"""`vsr models`: what there is to choose from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain

import click

from vsr.networks.catalogue import ModelCard, bundled_bytes, catalogue, default_model, footage_model
from vsr.util.text import size_text

from .shelf import add_command, remove_command, shelf_events, shelf_table


@click.group("models", invoke_without_command=True)
@click.option("--all", "all_groups", is_flag=True, help="Those of the literature, too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout.")
@click.pass_context
def models_command(context: click.Context, all_groups: bool, as_json: bool) -> None:
    """List the models: quality, cost, size, and the licences of what they learnt from.

    Below them stands your shelf: model files that `vsr models add` gave names.
    """
    if context.invoked_subcommand is not None:
        return
    known = catalogue(all_groups)
    if as_json:
        lines = chain(_events(known), shelf_events())
    else:
        lines = chain(_sections(known, all_groups), shelf_table())
    for line in lines:
        click.echo(line)


models_command.add_command(add_command)
models_command.add_command(remove_command)


def _sections(known: Sequence[ModelCard], all_groups: bool) -> Iterator[str]:
    """The models to choose from, and by themselves those of the literature."""
    yield from _table([weights for weights in known if not weights.group])
    if not all_groups:
        return
    yield ""
    yield "Networks of the literature, to compare with; nothing takes one unless it is named:"
    literature = [weights for weights in known if weights.group]
    yield from (
        _table(literature) if literature else ["  none has weights yet; `vsr train` makes them"]
    )


def _events(known: Sequence[ModelCard]) -> Iterator[str]:
    for weights in known:
        facts = {
            **asdict(weights),
            "file_bytes": bundled_bytes(weights),
            "default": weights.name == default_model(),
            "default_for_stills": weights.name == default_model(stills=True),
            "default_for_footage": weights.name == footage_model(),
        }
        yield json.dumps({"event": "model", **facts})


def _table(known: Sequence[ModelCard]) -> Iterator[str]:
    """A row for each model and scale; below it what is the same for all scales, said once."""
    benchmarks = list(dict.fromkeys(name for weights in known for name in weights.scores))
    width = max(len(weights.name) for weights in known)
    titles = "".join(f"{name:>8}" for name in benchmarks)
    yield f"{'model':<{width}} scale{titles}{'params':>11}{'GMACs':>9}{'file':>9}"
    for weights in known:
        scores = "".join(
            f"{weights.scores[name]['psnr']:8.2f}" if name in weights.scores else f"{'-':>8}"
            for name in benchmarks
        )
        cost = f"{weights.parameters:>11,}{weights.gmacs:>9.2f}{_size(weights):>9}"
        yield f"{weights.name:<{width}}{f'x{weights.scale}':>6}{scores}{cost}"
    if benchmarks:
        yield f"{', '.join(benchmarks)}: PSNR of luma in dB, higher is better."
    yield "GMACs: multiplications, in 1e9, for an output frame of 1920x1080."
    yield ""
    for name, summary in dict.fromkeys((weights.name, weights.summary) for weights in known):
        yield f"{name:<{width}}  {summary}{_mark(name)}"
    yield ""
    yield from _terms("weights", [(weights.licence, weights.name) for weights in known])
    yield from _terms("training data", [(weights.data_licence, weights.name) for weights in known])


def _terms(of: str, held: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Each distinct licence once, and the models that it is for."""
    for terms in dict.fromkeys(licence for licence, _ in held if licence):
        names = dict.fromkeys(name for licence, name in held if licence == terms)
        yield f"Licence of {of}, {', '.join(names)}:"
        yield f"  {terms}"


def _size(weights: ModelCard) -> str:
    size = bundled_bytes(weights)
    return size_text(size) if size else "-"


def _mark(name: str) -> str:
    uses = (
        (default_model(), "default"),
        (default_model(stills=True), "default for images"),
        (footage_model(), "default for footage"),
        (footage_model(stills=True), "default for images as footage"),
    )
    return next((f" ({use})" for model, use in uses if model == name), "")
