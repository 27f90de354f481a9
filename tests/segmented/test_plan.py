"""Plans: every frame falls into one segment, and all that matters is in the key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clips import Clip, make
from support.segmented_jobs import ignore, job_of, plan_of, scanned, tools_of, uneven

from vsr.core.frame import PIXEL_FORMATS, ColorTags, VideoInfo
from vsr.core.span import Span
from vsr.networks.catalogue import catalogue
from vsr.networks.registry import load_model
from vsr.provenance.fingerprint import Fingerprint
from vsr.provenance.settings import job_settings
from vsr.segmented import plan as planned
from vsr.segmented.plan import (
    Plan,
    Segment,
    borders_at,
    cut,
    even_borders,
    hash_of,
    key_of,
    lifetime_starts,
    picture_of,
    segment_frames,
)
from vsr.video.reader import open_video

INFO = VideoInfo(
    64, 48, Fraction(1, 12800), PIXEL_FORMATS["yuv420p"], frame_rate=Fraction(25), expected_frames=9
)
PLAN = Plan(
    key="k" * 64,
    settings={"crf": 18.5, "model": "\udcff ä", "start": None, "self_ensemble": False, "scale": 4},
    path="/ä/\udcff.mp4",
    source=Fingerprint(2**40, 1_700_000_000_123_456_789, "ab" * 32),
    time_base=Fraction(1001, 30000),
    origin=Fraction(-7, 3),
    shift=-(2**40),
    picture="p",
    format="mp4",
    encoder="libx264",
    threads=16,
    header="h",
    plain=True,
    frames=10**6,
    borders=(-5, 0, 2**41),
)


@st.composite
def clips(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Increasing times, and those of them that are keyframes', the first among them."""
    gaps = draw(st.lists(st.integers(1, 5), min_size=1, max_size=120))
    first = draw(st.integers(-100, 100))
    times = [first + sum(gaps[:number]) for number in range(len(gaps))]
    share = draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    is_key = draw(st.lists(st.floats(0, 1), min_size=len(times), max_size=len(times)))
    return times, [t for t, chance in zip(times, is_key, strict=True) if chance <= share] or times[
        :1
    ]


def counts(times: Sequence[int], borders: Sequence[int]) -> list[int]:
    """How many frames each segment holds; each frame must be in one."""
    parts = replace(PLAN, borders=tuple(borders)).segments
    assert [part.number for part in parts] == list(range(len(borders) + 1))
    assert (parts[0].begin, parts[-1].end) == (None, None)
    for one, next_one in pairwise(parts):
        assert one.end == next_one.begin
    held = [[t for t in times if is_in(t, part)] for part in parts]
    assert [t for part in held for t in part] == list(times)
    return [len(part) for part in held]


def is_in(tick: int, part: Segment) -> bool:
    return (part.begin is None or tick >= part.begin) and (part.end is None or tick < part.end)


@given(clips(), st.integers(1, 12))
@settings(max_examples=200, deadline=None)
def test_borders_lie_at_keyframes_where_they_can(
    clip: tuple[list[int], list[int]], frames: int
) -> None:
    times, keyframes = clip
    patience = planned._PATIENCE * frames
    borders = list(borders_at(times, set(keyframes), frames))
    held = counts(times, borders)
    assert all(frames <= count <= patience for count in held[:-1])
    assert held[-1] >= 1
    starts = [times.index(border) for border in borders]
    for begin, end in pairwise([0, *starts]):
        # No keyframe that would have done is passed over; else patience has ended.
        passed = [at for at in range(begin + frames, end) if times[at] in set(keyframes)]
        assert not [at for at in passed if len(times) - at >= frames // 2]
        assert times[end] in set(keyframes) or end - begin == patience
    last = [t for t in times[(starts or [0])[-1] + frames :] if t in set(keyframes)]
    assert all(len(times) - times.index(t) < frames // 2 for t in last)
    assert held[-1] <= max(patience, frames + patience)


def test_segments_of_a_recurrent_network_begin_with_lifetimes() -> None:
    times = [number * 40 for number in range(-300, 2000) if number % 7]
    found = lifetime_starts(times, Fraction(1, 1000))
    assert sorted(found) == [
        time if time % 280 else time + 40 for time in range(-10000, 80000, 10000)
    ]
    held = counts(times, list(borders_at(times, found, 400)))
    assert min(held) > 200


@given(st.integers(-1000, 1000), st.integers(1, 50), st.integers(0, 300), st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_even_borders_leave_no_small_rest(first: int, step: int, count: int, frames: int) -> None:
    times = [first + number * step for number in range(count)]
    held = counts(times, list(even_borders(first, step, count, frames)))
    assert all(size == frames for size in held[:-1])
    assert count < 2 * frames or frames <= held[-1] < 2 * frames


@given(clips(), st.integers(1, 5), st.data())
@settings(max_examples=100, deadline=None)
def test_a_span_is_cut_inside_alone(
    clip: tuple[list[int], list[int]], parts: int, data: st.DataObject
) -> None:
    times, keyframes = clip
    edge = st.none() | st.integers(times[0] * parts - 5, times[-1] * parts + 5)
    begin, end = data.draw(edge), data.draw(edge)
    found = scanned(times, keyframes)
    count, borders = cut(found, INFO, parts, times[0] * parts, begin, end, 4)
    inside = [t * parts for t in times]
    inside = [t for t in inside if (begin is None or t >= begin) and (end is None or t < end)]
    assert count == len(inside)
    assert set(borders) <= set(inside[1:])
    assert all(size >= 4 for size in counts(inside, borders)[:-1])


@pytest.mark.parametrize(
    ("begin", "end", "borders"),
    [
        (None, None, (1000 + 8 * 512, 1000 + 16 * 512)),
        (1000 + 8 * 512, None, (1000 + 16 * 512,)),
        (None, 1000 + 16 * 512, (1000 + 8 * 512,)),
        (1000 + 4000, 1000 + 4200, (1000 + 8 * 512,)),
        (1000 + 17 * 512, None, ()),
    ],
)
def test_without_times_borders_are_even(
    begin: int | None, end: int | None, borders: tuple[int, ...]
) -> None:
    found = replace(scanned([]), packets=30)
    assert cut(found, INFO, 1, 1000, begin, end, 8) == (30, borders)


@pytest.mark.parametrize("weights", catalogue(), ids=lambda each: f"{each.name} x{each.scale}")
def test_segments_of_all_models_and_sizes_are_neither_short_nor_long(weights: Any) -> None:
    network = load_model(weights.name, weights.scale).network
    last = 10**9
    for width, height in ((2, 2), (480, 270), (8192, 4320)):
        for rate in (None,) if width == 480 else (Fraction(1, 10), Fraction(240), None):
            info = replace(INFO, width=width, height=height, frame_rate=rate)
            frames = segment_frames([network], info)
            pace = float(rate or 25)
            assert max(8, round(2 * pace)) <= frames <= max(8, round(60 * pace))
        assert frames <= last  # larger pictures make no longer segments
        last = frames


def test_json_gives_all_back() -> None:
    assert Plan.from_json(PLAN.to_json()) == PLAN
    assert Plan.from_json(json.dumps(json.loads(PLAN.to_json()), indent=None)) == PLAN


BROKEN = (ValueError, TypeError, KeyError, ArithmeticError)  # what a work folder takes for none
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(values)
@settings(max_examples=100, deadline=None)
def test_other_json_is_no_plan(value: Any) -> None:
    with pytest.raises(BROKEN):
        Plan.from_json(json.dumps(value))


@given(st.sampled_from([field.name for field in fields(Plan)]), values)
@settings(max_examples=200, deadline=None)
def test_a_broken_field_is_no_error_of_another_kind(name: str, value: Any) -> None:
    facts = json.loads(PLAN.to_json())
    with pytest.raises(BROKEN):
        Plan.from_json(json.dumps({key: facts[key] for key in facts if key != name}))
    with suppress(*BROKEN):
        Plan.from_json(json.dumps({**facts, name: value}))


@pytest.mark.parametrize("base", ["1/0", float("inf"), float("nan"), None, "x", [1]])
def test_a_time_base_that_is_none(base: object) -> None:
    facts = json.loads(PLAN.to_json())
    with pytest.raises(BROKEN):
        Plan.from_json(json.dumps({**facts, "time_base": base}))


def test_half_a_file_is_no_plan() -> None:
    text = PLAN.to_json()
    for length in range(len(text)):
        with pytest.raises(BROKEN):
            Plan.from_json(text[:length])


def test_the_key_changes_with_every_setting_and_the_source(tmp_path: Path) -> None:
    job = job_of(tmp_path / "a.mp4", tmp_path / "b.mp4")
    tools = tools_of(job)
    asked = job_settings(job.options, tools)
    keys = [key_of("a", asked), key_of("b", asked)]
    for name, value in asked.items():
        for other in (f"{value}.", None if value is not None else 0, [value]):
            keys.append(key_of("a", {**asked, name: other}))
        keys.append(key_of("a", {key: asked[key] for key in asked if key != name}))
    assert len(set(keys)) == len(keys)
    assert key_of("a", dict(reversed(asked.items()))) == keys[0]
    assert len(keys[0]) == 64


def test_segments_agree_on_the_picture_and_not_on_a_headers_promise() -> None:
    assert picture_of(replace(INFO, expected_frames=None)) == picture_of(INFO)
    others = [
        replace(INFO, width=66),
        replace(INFO, time_base=Fraction(1, 12801)),
        replace(INFO, format=PIXEL_FORMATS["yuv422p"]),
        replace(INFO, color=ColorTags(range=2)),
        replace(INFO, pixel_aspect=Fraction(4, 3)),
        replace(INFO, display_matrix=(1,) * 9),
        replace(INFO, frame_rate=None),
    ]
    assert len({picture_of(info) for info in [INFO, *others]}) == 1 + len(others)


@pytest.mark.parametrize("whole", [Span(), Span(Fraction(1, 3), Fraction(2)), Span(Fraction(1))])
def test_the_spans_of_segments_are_the_jobs(whole: Span) -> None:
    plan = replace(PLAN, time_base=Fraction(1, 90000), origin=Fraction(100, 3), borders=(3120000,))
    first, second = (plan.span(part.begin, part.end, whole) for part in plan.segments)
    assert (first.start, second.end) == (whole.start, whole.end)
    assert first.end == second.start == Fraction(3120000, 90000) - Fraction(100, 3)
    assert plan.span(None, None, whole) == whole


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
@pytest.mark.parametrize("span", [Span(), Span(Fraction(1, 2), Fraction(3, 2)), Span(Fraction(1))])
def test_a_plan_is_of_the_frames_that_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, span: Span
) -> None:
    monkeypatch.setattr(planned, "_WORK", 1)
    monkeypatch.setattr(planned, "_SHORTEST", 0)
    pts = range(40) if name == "a.avi" else uneven(40)
    base = Fraction(1, 25) if name == "a.avi" else Fraction(1, 12800)
    codec, options = (
        ("mpeg4", {"g": "5"}) if name == "a.avi" else ("libx264", {"g": "5", "bf": "2"})
    )
    clip = Clip(width=32, height=24, codec=codec, options=options, pts=pts, time_base=base)
    job = job_of(make(tmp_path / name, clip), tmp_path / "out.mp4", start=span.start, end=span.end)
    plan = plan_of(job, tools_of(job))
    with open_video(job.file, span, ignore) as video:
        times = [frame.pts for frame in video.frames()]
        assert (plan.time_base, plan.origin) == (video.info.time_base, video.origin)
    assert plan.plain
    assert plan.frames == len(times)
    assert set(plan.borders) <= set(times[1:])
    assert all(8 <= count <= 16 for count in counts(times, plan.borders)[:-1])
    assert plan.borders
    for part in plan.segments:  # each alone begins with its frame
        with open_video(job.file, plan.span(part.begin, part.end, span), ignore) as video:
            alone = [frame.pts for frame in video.frames()]
        assert alone == [t for t in times if is_in(t, part)]
    assert Plan.from_json(plan.to_json()) == plan
    assert plan_of(job, tools_of(job)) == plan


def test_a_plan_names_one_core_count(tmp_path: Path) -> None:
    """The encoder's packets depend on it, so that it cannot be "all" on each machine."""
    source = make(tmp_path / "a.mp4", Clip(width=32, height=24))
    job = job_of(source, tmp_path / "b.mp4", threads=0)
    plan = plan_of(job, tools_of(job))
    assert plan.threads > 0
    assert plan.frames == 12
    assert plan.borders == ()


@pytest.mark.parametrize("borders", [(4, 2), (2, 2), ("x",), (None,), (True, 2), (0.5, 2), ([],)])
def test_a_plan_holds_each_frame_once_or_is_none(borders: tuple[Any, ...]) -> None:
    """Whoever wrote it: segments that do not follow each other leave frames out, or repeat them."""
    with pytest.raises((ValueError, TypeError)):
        replace(PLAN, borders=borders)
    facts = {**json.loads(PLAN.to_json()), "borders": list(borders)}
    del facts["sha256"]
    with pytest.raises((ValueError, TypeError)):
        Plan.from_json(json.dumps({**facts, "sha256": hash_of(facts)}))
