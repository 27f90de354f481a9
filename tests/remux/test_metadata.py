"""Tags, languages, dispositions and chapters survive, as far as a container can hold them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.stream import Disposition
from support.clips import Clip, make
from support.copied_streams import footage, passed, sound

from vsr.remux.metadata import lasting

CREATED = "2010-02-05T16:05:04.000000Z"


def tags(path: Path) -> dict[str, str]:
    with av.open(str(path), metadata_errors="replace") as container:
        return {key.lower(): value for key, value in container.metadata.items()}


def languages(path: Path) -> list[str | None]:
    with av.open(str(path)) as container:
        return [stream.metadata.get("language") for stream in container.streams]


@pytest.mark.parametrize(
    ("language", "in_mov"),
    [
        *(("deu", "ger"), ("ger", "ger"), ("nld", "dut"), ("fra", "fra"), ("fre", "fra")),
        *(("swe", "sve"), ("zho", "chi"), ("ces", "ces"), ("cze", "ces"), ("jpn", "jpn")),
    ],
)
def test_quicktime_has_names_of_its_own(tmp_path: Path, language: str, in_mov: str) -> None:
    source = footage(tmp_path / "in.mkv", sound("aac", language=language))
    passed(source, tmp_path / "out.mov", encoder="mpeg4")
    assert languages(tmp_path / "out.mov")[1] == in_mov
    passed(tmp_path / "out.mov", tmp_path / "out.mp4", encoder="mpeg4")
    assert languages(tmp_path / "out.mp4")[1] == ("swe" if language == "swe" else in_mov)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_languages_stay(tmp_path: Path, suffix: str) -> None:
    for language in ("deu", "nld", "swe", "por"):
        source = footage(tmp_path / "in.mkv", sound("aac", language=language))
        passed(source, tmp_path / f"out{suffix}", encoder="mpeg4")
        assert languages(tmp_path / f"out{suffix}")[1] == language


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv"])
def test_every_tag_survives(tmp_path: Path, suffix: str) -> None:
    wanted = {
        **{"title": "T", "artist": "A", "comment": "said äöü", "genre": "G", "mood": "own"},
        **{"com.apple.quicktime.make": "Apple", "com.android.version": "13"},
        **{"creation_time": CREATED, "location": "+48.1000-011.6000/"},
    }
    source = make(tmp_path / "in.mkv", Clip(metadata=wanted))
    target = tmp_path / f"out{suffix}"
    passed(source, target)
    found = tags(target)
    assert {key: found.get(key) for key in wanted} == wanted


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_times_of_creation_and_titles_of_streams(tmp_path: Path, suffix: str) -> None:
    facts = {"creation_time": CREATED, "title": "left", "handler_name": "Sound"}
    whole = {"creation_time": CREATED}
    source = footage(tmp_path / f"in{suffix}", sound("aac", **facts), file=whole)
    target = tmp_path / f"out{suffix}"
    passed(source, target, encoder="mpeg4")
    for path in (source, target):
        with av.open(str(path)) as container:
            found = container.streams.audio[0].metadata
            assert found["creation_time"] == CREATED
            assert found["handler_name"] == "Sound"
            assert found.get("title", found.get("name")) == "left"


def test_what_is_true_of_another_file_as_well() -> None:
    before = {
        "title": "a",
        "title-eng": "a",
        "date-fra": "hier",
        "ENCODER": "x",
        "encoder-eng": "x",
        "BPS-eng": "9",
        "NUMBER_OF_BYTES": "9",
        "_STATISTICS_TAGS-eng": "BPS",
        "major_brand": "qt  ",
        "e-mail": "me",
    }
    assert lasting(before) == {"title": "a", "date-fra": "hier", "e-mail": "me"}


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts", ".flv", ".3gp"])
def test_odd_tags_do_no_harm(tmp_path: Path, suffix: str) -> None:
    odd = {
        "title": "\x01\x7f\ufffd\u202e",
        "comment": "long " * 20_000,
        "creation_time": "yesterday",
        "location": "nowhere",
        "": "no name",
        "k\u00e4se = brot; #": "\n\t\\",
        "track": "99999999999/-1",
    }
    source = make(tmp_path / "in.mkv", Clip(metadata={k: v for k, v in odd.items() if k}))
    passed(source, tmp_path / f"out{suffix}")
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        assert len(container.streams.video) == 1


def test_bytes_that_are_no_utf8_do_no_harm(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", Clip(metadata={"title": "abcdefgh"}, audio=("eng",)))
    data = source.read_bytes()
    assert data.count(b"abcdefgh") >= 1
    source.write_bytes(data.replace(b"abcdefgh", b"ab\xff\xfe\x80fgh"))
    for suffix in (".mp4", ".mkv", ".mov"):
        target = tmp_path / f"out{suffix}"
        passed(source, target)
        title = tags(target)["title"]
        assert (title[:2], title[-3:]) == ("ab", "fgh")


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_dispositions_survive(tmp_path: Path, suffix: str) -> None:
    wanted = (
        Disposition.default,
        Disposition.comment,
        Disposition.hearing_impaired,
        Disposition.visual_impaired,
    )
    clip = Clip(audio=("eng",) * len(wanted), dispositions=[int(d) for d in wanted])
    source = make(tmp_path / f"in{suffix}", clip)
    target = tmp_path / f"out{suffix}"
    passed(source, target)
    with av.open(str(source)) as before, av.open(str(target)) as after:
        found = [[int(s.disposition) for s in c.streams.audio] for c in (before, after)]
    assert found[0] == found[1]
    if suffix == ".mkv":
        assert found[1] == [int(disposition) for disposition in wanted]


def chapters(path: Path) -> list[tuple[int, int, str | None]]:
    with av.open(str(path)) as container:
        found: list[Any] = container.chapters()
    return [
        (
            *(round(c[edge] * c["time_base"] * 1000) for edge in ("start", "end")),
            c["metadata"].get("title"),
        )
        for c in found
    ]


def _with_chapters(path: Path, edges: list[tuple[int, int, str | None]]) -> Path:
    """Chapters of Matroska, which may have gaps and no names."""
    plain = make(path.with_suffix(".plain.mp4"))
    with av.open(str(plain)) as old, av.open(str(path), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0])
        new.set_chapters(
            [
                {
                    "id": number,
                    "start": start,
                    "end": end,
                    "time_base": Fraction(1, 1000),
                    "metadata": {} if title is None else {"title": title},
                }
                for number, (start, end, title) in enumerate(edges, 1)
            ]
        )
        for packet in old.demux(old.streams.video[0]):
            if packet.size:
                packet.stream = copy
                new.mux(packet)
    return path


GAPS: list[tuple[int, int, str | None]] = [(40, 100, "one"), (200, 300, None), (300, 480, "drei ü")]


def test_chapters_with_gaps_and_without_names(tmp_path: Path) -> None:
    source = _with_chapters(tmp_path / "in.mkv", GAPS)
    before = chapters(source)
    assert [(c[0], c[1]) for c in before] == [(c[0], c[1]) for c in GAPS]
    passed(source, tmp_path / "out.mkv")
    assert chapters(tmp_path / "out.mkv") == before
    for suffix in (".mp4", ".mov"):  # these have starts alone
        passed(source, tmp_path / f"out{suffix}")
        after = chapters(tmp_path / f"out{suffix}")
        assert [(c[0], (c[2] or "").strip()) for c in after] == [
            (0, ""),  # of which the first is at 0
            *((c[0], c[2] or "") for c in before),
        ]


def test_chapters_that_end_before_they_begin_do_no_harm(tmp_path: Path) -> None:
    source = _with_chapters(tmp_path / "in.mkv", [(40, 40, "none"), (100, 200, "some")])
    for suffix in (".mp4", ".mkv"):
        passed(source, tmp_path / f"out{suffix}")
        assert [c[0] for c in chapters(tmp_path / f"out{suffix}")][-1] == 100


def test_no_chapters_are_made_up(tmp_path: Path) -> None:
    passed(make(tmp_path / "in.mkv"), tmp_path / "out.mp4")
    assert chapters(tmp_path / "out.mp4") == []
