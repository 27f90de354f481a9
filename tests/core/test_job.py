"""What makes a difference to an output, and what does not, is told apart."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from support.segmented_jobs import tools_of

from vsr.core.crop import parse_crop
from vsr.core.job import Job
from vsr.core.limits import Limits
from vsr.core.options import UpscaleOptions
from vsr.networks.registry import load_model
from vsr.provenance.settings import job_settings
from vsr.segmented.plan import key_of

JOB = Job(
    Path("a.mp4"),
    Path("b.mkv"),
    UpscaleOptions.of(model="bicubic", scale=2, device="cpu", precision="fp32", threads=1),
)
MATTERS: dict[str, Job] = {
    "model": JOB.but(model="nearest"),
    "network": JOB.but(model="espcn-deep"),
    "scale": JOB.but(scale=3),
    "fraction": JOB.but(scale=2.5),
    "width": JOB.but(scale=None, width=500),
    "height": JOB.but(scale=None, height=500),
    "size": JOB.but(scale=None, size="500x500"),
    "to": JOB.but(scale=None, to="1080p"),
    "fit": JOB.but(scale=None, to="1080p", fit="pad"),
    "square pixels": JOB.but(square_pixels=True),
    "precision": JOB.but(precision="bf16"),
    "start": JOB.but(start=1),
    "a third": JOB.but(start=Fraction(1, 3)),
    "end": JOB.but(end=1),
    "crop": JOB.but(crop=parse_crop("0,0,10,10")),
    "video": JOB.but(video_stream=1),
    "other videos": JOB.but(other_videos=False),
    "crop in percent": JOB.but(crop=parse_crop("0%,0%,10%,10%")),
    "codec": JOB.but(codec="ffv1"),
    "crf": JOB.but(crf=0),
    "preset": JOB.but(preset="fast"),
    "pix_fmt": JOB.but(pix_fmt="yuv444p"),
    "audio": JOB.but(audio=False),
    "transcoded": JOB.but(audio="transcode"),
    "subtitles": JOB.but(subtitles=False),
    "deinterlace": JOB.but(deinterlace="off"),
    "rate": JOB.but(rate=Fraction(30000, 1001)),
    "stills": JOB.but(stills=True),
    "denoise": JOB.but(denoise=30),
    "strength": JOB.but(strength=30),
    "numbers": JOB.but(start_number=7),
}
ALIKE: dict[str, Job] = {
    "paths": replace(JOB, source=Path("c.mp4"), target=Path("d.mp4")),
    "threads": JOB.but(threads=2),
    "a part of the cores": JOB.but(threads=0.5),
    "tile": JOB.but(tile=64),
    "strict": JOB.but(strict=True, stall_timeout=1, limits=Limits(pixels=5)),
    "decoder": JOB.but(hwaccel=True),
    "run": JOB.but(overwrite=True, verify=True, resume="always", record=True, cluster="auto"),
    "hours": JOB.but(between="22:00-06:00"),
    "date": JOB.but(keep_date=True),
    "pipe": JOB.but(output_format="nut"),
    "audio by name": JOB.but(audio="copy"),
}


def asked(job: Job) -> dict[str, Any]:
    tools = tools_of(job)
    return job_settings(job.options, tools)


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
        settings = job_settings(JOB.but(**changed).options, tools)
        assert settings != asked(JOB)


def test_a_number_is_one_however_it_was_written() -> None:
    whole, broken = (asked(JOB.but(crf=crf)) for crf in (18, 18.0))
    assert key_of("source", whole) == key_of("source", broken)


def test_other_weights_of_the_same_name_matter() -> None:
    tools = tools_of(JOB)
    model = load_model("espcn-deep", 2)
    other = replace(model, weights=replace(model.weights, sha256="0" * 64))
    one, another = (
        job_settings(JOB.options, replace(tools, model=each)) for each in (model, other)
    )
    assert one != another


def test_a_chosen_precision_counts_and_not_how_it_was_asked_for() -> None:
    auto = JOB.but(precision="auto", device="auto")
    settings = asked(auto)
    assert settings["precision"] != "auto"
    assert settings == asked(JOB.but(precision=settings["precision"]))


def test_settings_are_json_and_come_back_from_it() -> None:
    for job in (JOB, *MATTERS.values()):
        settings = asked(job)
        assert json.loads(json.dumps(settings)) == settings
        assert all(isinstance(v, str | int | float | None) for v in settings.values())


def test_a_job_travels() -> None:
    for job in (JOB, *MATTERS.values(), *ALIKE.values()):
        assert pickle.loads(pickle.dumps(job)) == job


def test_every_option_is_weighed_here() -> None:
    """A new option must be named above, as one that matters or one that does not."""
    usual = JOB.options.flat()
    changed = {
        name
        for job in (*MATTERS.values(), *ALIKE.values())
        for name, value in job.options.flat().items()
        if value != usual[name]
    }
    # Engines are tested elsewhere; what `content` chose is a model.
    apart = {"device", "self_ensemble", "compiled", "content"}
    assert changed | apart == set(usual)
