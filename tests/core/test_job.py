"""What makes a difference to an output, and what does not, is told apart."""

from __future__ import annotations

import json
import pickle
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from support.segmented_jobs import tools_of

from vsr.core.crop import parse_crop
from vsr.core.job import Job
from vsr.core.limits import Limits
from vsr.core.options import ReadOptions, StreamOptions
from vsr.core.span import Span
from vsr.encoding.codecs import Encoding
from vsr.networks.registry import load_model
from vsr.segmented.plan import key_of

JOB = Job(
    Path("a.mp4"),
    Path("b.mkv"),
    model="bicubic",
    scale=2,
    device="cpu",
    precision="fp32",
    threads=1,
)
MATTERS: dict[str, Job] = {
    "model": replace(JOB, model="nearest"),
    "network": replace(JOB, model="espcn-deep"),
    "scale": replace(JOB, scale=3),
    "precision": replace(JOB, precision="bf16"),
    "start": replace(JOB, span=Span(Fraction(1))),
    "a third": replace(JOB, span=Span(Fraction(1, 3))),
    "end": replace(JOB, span=Span(None, Fraction(1))),
    "crop": replace(JOB, crop=parse_crop("0,0,10,10")),
    "crop in percent": replace(JOB, crop=parse_crop("0%,0%,10%,10%")),
    "codec": replace(JOB, encoding=Encoding("ffv1")),
    "crf": replace(JOB, encoding=Encoding(crf=0)),
    "preset": replace(JOB, encoding=Encoding(preset="fast")),
    "pix_fmt": replace(JOB, encoding=Encoding(pix_fmt="yuv444p")),
    "audio": replace(JOB, wants=StreamOptions(audio=False)),
    "transcoded": replace(JOB, wants=StreamOptions(audio="transcode")),
    "subtitles": replace(JOB, wants=StreamOptions(subtitles=False)),
    "deinterlace": replace(JOB, reading=ReadOptions(deinterlace="off")),
    "rate": replace(JOB, rate=Fraction(30000, 1001)),
    "stills": replace(JOB, stills=True),
}
ALIKE: dict[str, Job] = {
    "paths": replace(JOB, source=Path("c.mp4"), target=Path("d.mp4")),
    "threads": replace(JOB, threads=2, encoding=Encoding(threads=2)),
    "tile": replace(JOB, tile=64),
    "strict": replace(JOB, reading=ReadOptions(strict=True, patience=1, limits=Limits())),
    "decoder": replace(JOB, reading=ReadOptions(hwaccel=True)),
    "overwrite": replace(JOB, overwrite=True, verify=True),
    "audio by name": replace(JOB, wants=StreamOptions(audio="copy")),
}


def asked(job: Job) -> dict[str, Any]:
    tools = tools_of(job)
    return job.settings(tools.model, tools.engine)


def test_all_that_matters_is_told_apart() -> None:
    keys = {key_of("source", asked(job)) for job in [JOB, *MATTERS.values()]}
    assert len(keys) == 1 + len(MATTERS)


@pytest.mark.parametrize("name", list(ALIKE))
def test_what_gives_the_same_is_alike(name: str) -> None:
    assert asked(ALIKE[name]) == asked(JOB)


def test_self_ensemble_and_compiling_matter() -> None:
    tools = tools_of(JOB)
    for name in ("self_ensemble", "compiled"):
        changed: Any = {name: True}
        settings = replace(JOB, **changed).settings(tools.model, tools.engine)
        assert settings != asked(JOB)


def test_a_number_is_one_however_it_was_written() -> None:
    whole, broken = (asked(replace(JOB, encoding=Encoding(crf=crf))) for crf in (18, 18.0))
    assert key_of("source", whole) == key_of("source", broken)


def test_other_weights_of_the_same_name_matter() -> None:
    tools = tools_of(JOB)
    model = load_model("espcn-deep", 2)
    other = replace(model, weights=replace(model.weights, sha256="0" * 64))
    assert JOB.settings(model, tools.engine) != JOB.settings(other, tools.engine)


def test_a_chosen_precision_counts_and_not_how_it_was_asked_for() -> None:
    auto = replace(JOB, precision="auto", device="auto")
    settings = asked(auto)
    assert settings["precision"] != "auto"
    assert settings == asked(replace(JOB, precision=settings["precision"]))


def test_settings_are_json_and_come_back_from_it() -> None:
    for job in (JOB, *MATTERS.values()):
        settings = asked(job)
        assert json.loads(json.dumps(settings)) == settings
        assert all(isinstance(v, str | int | float | None) for v in settings.values())


def test_a_job_travels() -> None:
    for job in (JOB, *MATTERS.values(), *ALIKE.values()):
        assert pickle.loads(pickle.dumps(job)) == job


def test_every_field_is_weighed_here() -> None:
    """A new field must be named above, as one that matters or one that does not."""
    changed = {
        field.name
        for job in (*MATTERS.values(), *ALIKE.values())
        for field in fields(Job)
        if getattr(job, field.name) != getattr(JOB, field.name)
    }
    apart = {"device", "self_ensemble", "compiled"}  # engines are tested elsewhere
    assert changed | apart == {field.name for field in fields(Job)}
