"""Real clips from cameras: every frame, its time and all sound, on a part and on a whole file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from support.clips import Held, held, nearest
from support.paths import SHARED

from vsr import Result, upscale
from vsr.core.color_codes import Matrix

FOOTAGE = SHARED / "footage"
FILES = sorted(FOOTAGE.rglob("*.mp4")) or [FOOTAGE]
LENGTH = Fraction(2)
MARGIN = Fraction(3, 4)  # more than any decoder here holds back

pytestmark = pytest.mark.skipif(not FOOTAGE.is_dir(), reason=f"no footage at {FOOTAGE}")


def enlarge(source: Path, target: Path, **span: Fraction) -> Result:
    return upscale(
        source, target, scale=2, model="bicubic", preset="ultrafast", crf=35, device="cpu", **span
    )


def origin(path: Path) -> Fraction:
    with av.open(str(path)) as container:
        return Fraction(container.start_time or 0, av.time_base)


def assert_same_facts(after: Held, before: Held, result: Result, size: tuple[int, int]) -> None:
    assert result.frames_in == result.frames_out == len(after.pts)
    assert after.sizes == {(2 * size[0], 2 * size[1])}
    tags = {"range", "matrix", "primaries", "transfer"}
    untagged = before.info["matrix"] == Matrix.UNSPECIFIED != after.info["matrix"]
    apart = tags if untagged else set()
    kept, was = ({k: v for k, v in i.items() if k not in apart} for i in (after.info, before.info))
    assert kept == was
    # Matroska says nothing of a language that is not known.
    languages, languages_before = (
        [(kind, name.replace("und", "")) for kind, name in file.languages]
        for file in (after, before)
    )
    assert languages == languages_before
    assert after.dispositions == before.dispositions
    assert not result.dropped
    assert [text[:24] for text in result.warnings] == ["the colours have no tags"] * untagged


@pytest.mark.slow
@pytest.mark.parametrize("source", FILES, ids=lambda path: path.stem)
def test_two_seconds_of_each(tmp_path: Path, source: Path) -> None:
    with av.open(str(source)) as container:
        base = Fraction(container.streams.video[0].time_base)
        length = Fraction(container.duration, av.time_base)
    start = max(Fraction(0), min(Fraction(1, 2), length - LENGTH))
    start -= start % base  # on a tick: then nothing is rounded but to the output's ticks
    end = start + LENGTH
    target = tmp_path / "out.mp4"
    result = enlarge(source, target, start=start, end=end)
    begin = origin(source) + start
    before, after = held(source, until=begin + LENGTH + MARGIN), held(target)
    shown = [time for time in before.pts if begin <= time < begin + LENGTH]
    assert after.pts == [
        tick * after.time_base
        for tick in nearest([time - begin for time in shown], after.time_base)
    ]
    assert_same_facts(after, before, result, next(iter(before.sizes)))
    for tracks, tracks_before in zip(
        zip(after.packets.get("audio", []), after.times.get("audio", []), strict=True),
        zip(before.packets.get("audio", []), before.times.get("audio", []), strict=True),
        strict=True,
    ):
        (sound, times), (all_sound, all_times) = tracks, tracks_before
        inside = [n for n, t in enumerate(all_times) if begin <= t < begin + LENGTH]
        first = inside[0] - (len(sound) > len(inside))  # the one that sounds across the start
        assert sound == all_sound[first : inside[-1] + 1]
        ahead = all_times[first] - shown[0]  # of the first picture
        assert abs(times[0] - after.pts[0] - ahead) <= base


def test_a_whole_file(tmp_path: Path) -> None:
    source = FOOTAGE / "cameras" / "entrance" / "door_320x180_crf30.mp4"
    target = tmp_path / "out.mkv"
    result = enlarge(source, target)
    before, after = held(source), held(target)
    assert len(after.pts) == 289
    assert_same_facts(after, before, result, (320, 180))
    assert after.packets == before.packets
    shift = round(after.pts[0] / after.time_base) - nearest(before.pts, after.time_base)[0]
    assert [time / after.time_base for time in after.pts] == [
        tick + shift for tick in nearest(before.pts, after.time_base)
    ]
    lead, lead_before = (file.times["audio"][0][0] - file.pts[0] for file in (after, before))
    assert abs(lead - lead_before) <= after.time_base
