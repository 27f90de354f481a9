"""The record: beside an output, what exactly was done to make it, as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vsr.core.errors import OutputError, writing
from vsr.core.job import Job
from vsr.core.paths import check_output
from vsr.core.result import Result
from vsr.inference.devices import title
from vsr.inference.engine import Engine
from vsr.inference.passes import LoadedModel
from vsr.networks.model import Model
from vsr.provenance.described import Found, described, recorded
from vsr.util.atomic import atomic_write
from vsr.util.version import VERSION, libraries, machine

SCHEMA, NUMBER = "vsr-record", 1
"""What a record calls itself, and the layout that is written and read here."""

STATEMENT = (
    "This picture is computed, not observed: what the source does not hold was estimated by the "
    "model named below. It may differ from what was there; the source is the evidence."
)

# Settings that another block of the record tells: its name, and the name there.
_ELSEWHERE = {
    "version": ("tool", "version"),
    "libav": ("libraries", "pyav"),
    "model": ("model", "name"),
    "weights": ("model", "sha256"),
    "precision": ("run", "precision"),
}
# Facts of a result that have a block of their own, and those that other blocks tell.
_STREAMS, _TIMES = ("copied", "converted", "dropped"), ("seconds", "fps")
_ALONE = ("damage", "warnings", "verified")
_TOLD = {"source", "target", "model", "then", "chosen", "scale", "device", "precision"}

# What a record of this layout must hold: its blocks, and facts in them that others rely on.
_COUNT, _FRACTION = (int,), (int, float)
_LAYOUT: dict[str, type | dict[str, tuple[type, ...]]] = {
    "statement": str,
    "source": {"sha256": (str, type(None))},
    "output": {"sha256": (str, type(None))},
    "tool": {"version": (str,)},
    "libraries": dict,
    "machine": dict,
    "model": {"name": (str,), "sha256": (str,), "chosen": (str,)},
    "settings": dict,
    "run": {"device": (str,), "precision": (str,)},
    "times": {"began": (str,), "ended": (str,), **dict.fromkeys(_TIMES, _FRACTION)},
    "picture": {"frames_in": _COUNT, "frames_out": _COUNT},
    "streams": dict.fromkeys(_STREAMS, (list,)),
    "damage": dict,
    "warnings": list,
    "verified": bool,
    "segments": list,
}


def record_path(target: Path) -> Path:
    """Where an output's record lies: beside it, out.mp4.record.json for out.mp4."""
    named = target.resolve() if target.name in ("", "..") else target  # "." has no name
    return named.parent / f"{named.name}.record.json"


def check_record(target: Path, overwrite: bool, inputs: Iterable[Path]) -> None:
    """Raise OutputError where no record of a run of `inputs` may be written beside `target`.

    A record that is there is replaced, any other file with `overwrite` alone, an input never.
    """
    path = record_path(target)
    check_output(path, overwrite or _is_record(path), inputs)


def make_record(
    job: Job,
    settings: Mapping[str, Any],
    tools: LoadedModel,
    result: Result,
    source: Found | None,
    output: Found,
    began: datetime,
    ended: datetime,
    segments: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """All that is known of a job that is done, ready for JSON. No password is in it.

    `settings` are those of `vsr.provenance.settings`; `source` was taken before the work and is
    None for what comes by the net; `output` is the finished file's, whatever its name is as yet.
    `began` and `ended` know their time zone. `segments` are told as they are, where the work was
    done in several.
    """
    facts = result.facts()
    placed = {*_STREAMS, *_TIMES, *_ALONE, *_TOLD}
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "schema_number": NUMBER,
        "statement": STATEMENT,
        "source": described(job.source, source),
        "output": described(job.target, output),
        "tool": {"name": "vsr", "version": VERSION},
        "libraries": libraries(),
        "machine": machine() | _gpus(tools.engine),
        "model": _model(tools.model)
        | {"chosen": result.chosen, "then": [_model(model) for model in tools.then]},
        "settings": {key: value for key, value in settings.items() if key not in _ELSEWHERE},
        "run": _run(job, result, tools.engine),
        "times": {
            "began": _utc(began),
            "ended": _utc(ended),
            **{name: facts[name] for name in _TIMES},
        },
        "picture": {name: value for name, value in facts.items() if name not in placed},
        "streams": {name: facts[name] for name in _STREAMS},
        **{name: facts[name] for name in _ALONE},
        "segments": [dict(segment) for segment in segments],
    }
    for key, (block, name) in _ELSEWHERE.items():
        if key in settings:
            record[block][name] = settings[key]
    return record


def settings_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a record was made with."""
    told = {key: record[block][name] for key, (block, name) in _ELSEWHERE.items()}
    return {**told, **record["settings"]}


def result_facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of the result that a record tells of, by the names that `Result.facts` has."""
    alone = {name: record[name] for name in _ALONE}
    return {**record["picture"], **record["streams"], **alone, **record["times"]}


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record so that there is the whole of it or nothing, whatever happens meanwhile.

    Raises OutputError in one line.
    """
    text = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    # File names may hold bytes that are no text: JSON has escapes for those.
    with writing(path):
        atomic_write(path, text.encode("utf-8", "backslashreplace"), durable=True)


def read_record(path: Path) -> dict[str, Any] | None:
    """A record, or None where there is none.

    Raises OutputError in one line for a file that is no record, or of a layout unknown here.
    """
    if path.exists() and not path.is_file():  # a FIFO would be waited for, and for ever
        raise OutputError(f"{path}: is no file, so no record of vsr")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputError(f"{path}: cannot be read ({error.strerror or error})") from None
    try:
        record: dict[str, Any] = json.loads(data)
        if record["schema"] != SCHEMA:
            raise ValueError
        number = record["schema_number"]
        if number == NUMBER:
            _check_layout(record)
            _check_sense(record)
            settings_of(record), recorded(record["source"]), recorded(record["output"])
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise OutputError(f"{path}: is no record of vsr, or a damaged one") from None
    if number != NUMBER:
        raise OutputError(f"{path}: is a record of layout {number}; this vsr reads {NUMBER}")
    return record


def _is_record(path: Path) -> bool:
    """Whether a file is a record, of whatever layout."""
    try:
        record = json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and record.get("schema") == SCHEMA


def _check_layout(record: Mapping[str, Any]) -> None:
    """Raise LookupError or TypeError where a block or fact is missing, or of another type."""
    for block, held in _LAYOUT.items():
        kind, facts = (dict, held) if isinstance(held, dict) else (held, {})
        if not isinstance(record[block], kind):
            raise TypeError
        for name, kinds in facts.items():
            if type(record[block][name]) not in kinds:  # where True is no number
                raise TypeError


def _check_sense(record: Mapping[str, Any]) -> None:
    """Raise ValueError or TypeError for a record of a run that cannot have been."""
    picture, times = record["picture"], record["times"]
    counts = [picture["frames_in"], picture["frames_out"], *record["damage"].values()]
    if any(type(count) is not int or count < 0 for count in counts):
        raise ValueError("what is counted must be whole numbers from 0 on")
    if picture["frames_in"] != picture["frames_out"]:
        raise ValueError("a run that loses frames leaves no record")
    if not all(0 <= times[name] < math.inf for name in _TIMES):
        raise ValueError("a run takes some time, and has an end")


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _model(model: Model) -> dict[str, Any]:
    weights = model.weights
    return {
        "name": weights.name,
        "scale": weights.scale,
        "network": weights.network,
        "options": weights.options,
        "file": weights.file,
        "sha256": weights.sha256,
        "licence": weights.licence,
        "trained_on": weights.trained_on,
        "data_licence": weights.data_licence,
    }


def _run(job: Job, result: Result, engine: Engine) -> dict[str, Any]:
    """How it was computed, and what was allowed."""
    read, compute = job.options.read, job.options.compute
    return {
        "device": result.device,
        "precision": result.precision,
        "measured": engine.measured,
        "threads": compute.threads,
        "tile": compute.tile,
        "overwrite": job.options.run.overwrite,
        "keep_date": job.options.run.keep_date,
        "hwaccel": read.hwaccel,
        "strict": read.strict,
        "stall_timeout": read.stall_timeout,
        "limits": asdict(read.limits),
    }


def _gpus(engine: Engine) -> dict[str, Any]:
    """The names of those that took part."""
    if engine.kind.on_cores:
        return {}
    return {"gpus": [title(device) for device in engine.devices]}
