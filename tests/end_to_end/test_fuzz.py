"""Whatever is damaged in a file, a run ends well or with one line, and leaves nothing half done."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from support.clips import Clip, make
from support.damaged_files import (
    KINDS,
    OPTIONS,
    SOURCES,
    Harm,
    harm,
    make_sources,
    targets,
    try_out,
    try_probe,
)

EXAMPLES = 60

SHARES = st.floats(0, 1, exclude_max=True)
HARMS = st.builds(
    Harm, st.sampled_from(KINDS), SHARES, SHARES.map(lambda share: share**3), st.integers(0, 2**32)
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_sources(tmp_path_factory.mktemp("sources"))


@pytest.mark.slow
@given(
    data=st.data(),
    name=st.sampled_from(sorted(SOURCES)),
    harms=st.lists(HARMS, min_size=1, max_size=3),
)
@settings(
    derandomize=True,
    database=None,
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.generate],  # a failing file is small as it is
    suppress_health_check=list(HealthCheck),
)
def test_a_damaged_file_gives_whole_output_or_one_line(
    sources: dict[str, Path], data: st.DataObject, name: str, harms: list[Harm]
) -> None:
    suffix = data.draw(st.sampled_from(targets(sources[name])))
    options = data.draw(st.sampled_from(OPTIONS))
    with tempfile.TemporaryDirectory() as folder:
        damaged, out = Path(folder, name), Path(folder, "out")
        out.mkdir()
        harm(sources[name], damaged, harms)
        outcome = try_out(damaged, out / f"out{suffix}", *options)
        note(str(outcome))
        assert outcome.what != "wrong", outcome.why
        probed = try_probe(damaged)
        assert probed.what != "wrong", probed.why


def check_whole(source: Path, folder: Path, suffix: str) -> None:
    outcome = try_out(source, folder / f"out{suffix}", "--strict")
    assert outcome.what in ("whole", "salvaged"), outcome.why
    assert outcome.ran is not None
    assert outcome.ran.events[-1]["frames_out"] == 8


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_whole_comes_whole(sources: dict[str, Path], tmp_path: Path, name: str) -> None:
    """In its own container, or in Matroska where that is not written."""
    source = sources[name]
    check_whole(source, tmp_path, source.suffix if source.suffix in targets(source) else ".mkv")


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_what_is_whole_comes_whole_elsewhere(
    sources: dict[str, Path], tmp_path: Path, name: str
) -> None:
    for suffix in targets(sources[name]):
        folder = tmp_path / suffix.lstrip(".")
        folder.mkdir()
        check_whole(sources[name], folder, suffix)


# Files that have broken a promise once.
KNOWN: dict[str, tuple[str, Harm, str, tuple[str, ...]]] = {
    "a demuxer that cannot seek": (
        "raw.h264",
        Harm("flip", 0, 0, 7),
        ".mp4",
        ("--start", "0.1"),
    ),
    "an index that is gone": (
        "plain.mkv",
        Harm("delete", 0.11783, 0.81769, 0),
        ".mkv",
        ("--start", "0.1"),
    ),
    "audio that no decoder knows": ("plain.mp4", Harm("swap", 0.89063, 0.62269, 0), ".mp4", ()),
    "a frame or two, and no rate to be guessed from them": (
        "plain.webm",
        Harm("drop packets", 0.2797, 0.75138, 3602385691),
        ".webm",
        (),
    ),
    "an encoder that speaks when it is stopped": (
        "vp9.webm",
        Harm("repeat packets", 0.41535, 0.07756, 591759968),
        ".webm",
        ("--strict",),
    ),
    "a clock of weeks": ("plain.avi", Harm("flip", 0.34351, 0.03166, 62228757), ".avi", ()),
}


@pytest.mark.parametrize("name, harmed, suffix, options", KNOWN.values(), ids=KNOWN)
def test_damage_that_was_handled_wrongly_once(
    sources: dict[str, Path],
    tmp_path: Path,
    name: str,
    harmed: Harm,
    suffix: str,
    options: tuple[str, ...],
) -> None:
    damaged, out = tmp_path / name, tmp_path / "out"
    out.mkdir()
    harm(sources[name], damaged, [harmed])
    outcome = try_out(damaged, out / f"out{suffix}", *options)
    assert outcome.what != "wrong", outcome.why


@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".mp4"])
def test_frames_closer_than_a_clock_can_tell_stay_in_order(tmp_path: Path, suffix: str) -> None:
    pts = (0, 511, 512, 1024, 1025, 1026, 1536, 2048)
    clip = Clip(width=48, height=32, pts=pts, time_base=Fraction(1, 12800))
    out = tmp_path / "out"
    out.mkdir()
    outcome = try_out(make(tmp_path / "source.mp4", clip), out / f"out{suffix}")
    assert outcome.what in ("whole", "salvaged"), outcome.why


def test_a_single_frame_has_no_rate(tmp_path: Path) -> None:
    clip = Clip(width=48, height=32, pts=(0,))
    source = make(tmp_path / "source.mkv", clip)
    out = tmp_path / "out"
    out.mkdir()
    assert try_out(source, out / "out.webm").what in ("whole", "salvaged")
