"""Which jobs are done in segments: those that can be, and are long or begun or asked to be."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.clips import Clip, make
from support.segmented_jobs import job_of, plan_of, tools_of

from vsr.core.errors import InputError
from vsr.core.job import Job
from vsr.core.span import Span
from vsr.core.url import as_source
from vsr.segmented import policy as choice
from vsr.segmented.policy import in_segments
from vsr.segmented.work_dir import open_work

SMALL: dict[str, Any] = {"width": 48, "height": 32, "options": {"preset": "ultrafast"}}
A_FRAME_A_SECOND: dict[str, Any] = {"time_base": Fraction(1, 100), "pts": range(0, 61 * 100, 100)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip, one of 61 seconds, an image, an animation, a folder of images."""
    path = tmp_path_factory.mktemp("sources")
    make(path / "short.mp4", Clip(**SMALL))
    make(path / "long.mp4", Clip(**SMALL, **A_FRAME_A_SECOND))
    make(path / "long.h264", Clip(**SMALL, **A_FRAME_A_SECOND))
    gif: dict[str, Any] = {
        "codec": "gif",
        "pix_fmt": "gray",
        "width": 48,
        "height": 32,
        "options": {},
    }
    make(path / "moving.gif", Clip(**gif, time_base=Fraction(1, 100), pts=range(0, 40, 10)))
    (path / "images").mkdir()
    for name in ("image.png", "images/1.png", "images/2.png"):
        cv2.imwrite(str(path / name), np.zeros((8, 8, 3), np.uint8))
    return path


def chosen(job: Job, resume: str = "auto", cluster: str = "") -> bool:
    return in_segments(job, tools_of(job), resume, cluster)


def test_a_short_job_is_so_only_where_it_is_asked_for(folder: Path, tmp_path: Path) -> None:
    job = job_of(folder / "short.mp4", tmp_path / "out.mp4")
    assert not chosen(job, "auto")
    assert chosen(job, "always")
    assert not chosen(job, "never")
    assert chosen(job, "auto", cluster="auto")
    assert chosen(job, "always", cluster="auto")


def test_a_long_one_is_so_unless_it_is_refused(folder: Path, tmp_path: Path) -> None:
    job = job_of(folder / "long.mp4", tmp_path / "out.mp4")
    assert chosen(job, "auto")
    assert chosen(job, "always")
    assert not chosen(job, "never")


@pytest.mark.parametrize(
    ("span", "long"),
    [
        (Span(), True),
        (Span(Fraction(1), None), True),
        (Span(Fraction(2), None), False),
        (Span(None, Fraction(59)), False),
        (Span(None, Fraction(60)), True),
        (Span(Fraction(1), Fraction(1000)), True),
        (Span(Fraction(1000), None), False),  # beyond its end, which is told later
    ],
)
def test_the_part_that_is_taken_counts(
    folder: Path, tmp_path: Path, span: Span, long: bool
) -> None:
    job = job_of(folder / "long.mp4", tmp_path / "out.mp4", span=span)
    assert chosen(job) == long


def test_much_work_is_long_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(folder / "short.mp4", tmp_path / "out.mp4", model="espcn-deep")
    tools = tools_of(job)
    assert not in_segments(job, tools, "auto")
    # Twelve frames of 48x32, enlarged: so many multiplications, and not one more.
    work = 12 * tools.model.weights.gmacs * 1e9 * (96 * 64) / (1920 * 1080)
    monkeypatch.setattr(choice, "_LONG_WORK", 1.01 * work)
    assert not in_segments(job, tools, "auto")
    monkeypatch.setattr(choice, "_LONG_WORK", 0.99 * work)
    assert in_segments(job, tools, "auto")
    assert not in_segments(job, tools, "never")
    half = replace(job, span=Span(None, Fraction(1, 4)))
    assert not in_segments(half, tools, "auto")


def test_where_nothing_is_said_of_its_length_the_files_size_counts(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(folder / "long.h264", tmp_path / "out.mp4")
    assert not chosen(job)
    monkeypatch.setattr(choice, "_LARGE", job.file.stat().st_size)
    assert chosen(job)
    monkeypatch.setattr(choice, "_LARGE", job.file.stat().st_size + 1)
    assert not chosen(job)


def test_what_was_begun_goes_on_whatever_its_settings(folder: Path, tmp_path: Path) -> None:
    job = job_of(folder / "short.mp4", tmp_path / "out.mp4")
    tools = tools_of(job)
    plan = plan_of(job, tools)
    with open_work(job.target, plan.key, lambda: plan):
        pass
    assert chosen(job)
    assert chosen(replace(job, scale=4))
    assert not chosen(job, "never")
    assert not chosen(replace(job, target=tmp_path / "other.mp4"))
    assert not chosen(replace(job, target=tmp_path / "out.mkv"))


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("image.png", "out.mp4", "as it is no video"),
        ("images", "out.mp4", "as it is no video"),
        ("images", "out", "as it is no video"),
        ("image.png", "out.png", "as it is no video"),
        ("long.mp4", "out", "as it does not become a video"),
        ("long.mp4", "out.png", "as it does not become a video"),
        ("moving.gif", "out.png", "as it does not become a video"),
        ("http://localhost/a.mp4", "out.mp4", "as it is no file of this machine"),
        ("rtsp://localhost/a", "out.mp4", "as it is no file of this machine"),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_asked_for(
    folder: Path, tmp_path: Path, source: str, target: str, why: str
) -> None:
    found: Any = as_source(source) if "://" in source else folder / source
    job = job_of(found, tmp_path / target)
    assert not chosen(job, "auto")
    assert not chosen(job, "never")
    for resume, cluster in (("always", ""), ("auto", "auto"), ("always", "auto")):
        with pytest.raises(InputError) as caught:
            chosen(job, resume, cluster)
        assert str(caught.value).endswith(f": cannot be done in segments, {why}")
        assert "\n" not in str(caught.value)


def test_an_animation_is_a_video(folder: Path, tmp_path: Path) -> None:
    job = job_of(folder / "moving.gif", tmp_path / "out.mp4")
    assert chosen(job, "always")
    assert not chosen(job, "auto")


def test_a_source_that_cannot_be_read_is_told_of_later(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing")
    (tmp_path / "empty.mp4").touch()
    for name in ("broken.mp4", "empty.mp4", "missing.mp4"):
        assert not chosen(job_of(tmp_path / name, tmp_path / "out.mp4"))


@pytest.mark.parametrize("resume", ["", "yes", "Always", "auto "])
def test_other_words_are_refused(folder: Path, tmp_path: Path, resume: str) -> None:
    job = job_of(folder / "short.mp4", tmp_path / "out.mp4")
    with pytest.raises(InputError, match="must be one of auto, always, never"):
        chosen(job, resume)


def test_a_cluster_cannot_go_without(folder: Path, tmp_path: Path) -> None:
    job = job_of(folder / "short.mp4", tmp_path / "out.mp4")
    with pytest.raises(InputError, match="a cluster works in segments"):
        chosen(job, "never", "auto")
