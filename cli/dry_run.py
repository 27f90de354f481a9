"""What `vsr batch` would do: a line for each file, and the sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from vsr.core.options import UpscaleOptions
from vsr.core.picture import USUAL_SCALE
from vsr.estimation.estimate import Estimate, estimate
from vsr.inference.engine import choose_engine, suiting
from vsr.inference.passes import first_model
from vsr.util.text import counted, duration_text, size_text

from .output.messages import event, plain_line

Own = Mapping[Path, tuple[tuple[str, Any], ...]]
"""What single sources have of their own: names of options and values."""


def dry_run(
    pairs: Sequence[tuple[Path, Path]],
    options: UpscaleOptions,
    as_json: bool,
    own: Own = MappingProxyType({}),
) -> None:
    """Print what would become of each source and its target, and how long all of it would take."""
    width = max((len(str(source)) for source, _ in pairs), default=0)
    if not as_json:
        click.echo(_line("source", "frames", "time", "size", "output", width))
    seconds, size, unknown, there = 0.0, 0, 0, 0
    for each in _estimates(pairs, options, own):
        if each is None:
            there += 1
            continue
        seconds += each.seconds or 0
        size += each.bytes or 0
        unknown += each.seconds is None
        if as_json:
            event("estimate", _facts(each))
        else:
            click.echo(_row(each, width))
    todo = len(pairs) - there
    if as_json:
        sums = {"files": todo, "there": there, "seconds": round(seconds, 1), "bytes": size}
        event("summary", sums | {"unknown": unknown} | _place(options))
        return
    parts = [f"{counted(todo, 'file')} to do"]
    if there:
        parts.append(f"{there} there already")
    parts.append(f"about {duration_text(seconds)} and {size_text(size)}")
    if unknown:
        parts.append(f"without {unknown} of unknown length or that cannot be done")
    click.echo(", ".join(parts))
    place = _place(options)
    since = f", as vsr bench measured on {place['measured']}" if place["measured"] else ""
    click.echo(f"on {place['device']} in {place['precision']}{since}")


def _place(options: UpscaleOptions) -> dict[str, str]:
    """Where it would be computed, and in what numbers; the day on which `vsr bench` chose that."""
    engine = choose_engine(options.compute)
    if options.model:
        factor = options.picture.factor or USUAL_SCALE
        engine = suiting(engine, first_model(options.model, factor).network)
    return {"device": engine.name, "precision": engine.precision, "measured": engine.measured}


def _estimates(
    pairs: Sequence[tuple[Path, Path]], options: UpscaleOptions, own: Own
) -> Iterator[Estimate | None]:
    """One for each file; None for those that are there already."""
    todo: dict[tuple[tuple[str, Any], ...], list[tuple[Path, Path]]] = {}
    for source, target in pairs:
        if target.exists() and not options.run.overwrite:
            yield None
        else:
            todo.setdefault(own.get(source, ()), []).append((source, target))
    for keywords, alike in todo.items():
        yield from estimate(alike, options.but(**dict(keywords)))


def _facts(each: Estimate) -> dict[str, object]:
    return {
        "source": str(each.source),
        "target": str(each.target),
        "frames": each.frames,
        "seconds": None if each.seconds is None else round(each.seconds, 1),
        "bytes": each.bytes,
        "measured": each.measured,
        "reason": each.reason,
        "model": each.model,
        "chosen": each.chosen,
    }


def _row(each: Estimate, width: int) -> str:
    said = each.reason.removeprefix(f"{each.source}: ") or each.chosen
    target = plain_line(each.target)
    return _line(
        plain_line(each.source),
        "?" if each.frames is None else str(each.frames),
        "?" if each.seconds is None else duration_text(each.seconds),
        "?" if each.bytes is None else size_text(each.bytes),
        f"{target} ({said})" if said else target,
        width,
    )


def _line(source: str, frames: str, time: str, size: str, output: str, width: int) -> str:
    return f"{source:<{width}} {frames:>9} {time:>10} {size:>9}  {output}"
