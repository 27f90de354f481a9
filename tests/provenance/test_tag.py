"""What an output says of itself arrives in it, and takes nothing's place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clips import Clip, make

from vsr.provenance.fingerprint import Fingerprint, digest_of
from vsr.provenance.tag import statement
from vsr.remux.metadata import with_statement

SOURCE = Fingerprint(7, 7, "ab" * 32)
SETTINGS = {"version": "0.1.0", "model": "vespcn", "weights": "0123456789abcdef" * 4, "scale": 4}
SMALL = Clip(width=32, height=24, pts=tuple(range(0, 4 * 512, 512)), options={})


def global_tags(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        return {key.lower(): value for key, value in container.metadata.items()}


NAMES = st.text("aZ0.+;, ä\n\u2028\U0001f600")


@given(NAMES, NAMES, st.sampled_from(["", "cd" * 32]), st.sampled_from([None, SOURCE]))
def test_the_statement_is_a_short_line(name: str, version: str, weights: str, source: Any) -> None:
    settings = {"version": version, "model": name, "weights": weights, "scale": 4}
    text = statement(settings, source)
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 255


def test_it_tells_what_was_done_to_what() -> None:
    text = statement(SETTINGS, SOURCE)
    for fact in ("not observed", "vsr 0.1.0", "vespcn x4", "0123456789abcdef", SOURCE.sha256):
        assert fact in text
    folder = {"a.png": SOURCE, "b.png": replace(SOURCE, sha256="ef" * 32)}
    assert digest_of(folder) in statement(SETTINGS, folder)
    assert "source" not in statement(SETTINGS, None)
    assert "weights" not in statement({**SETTINGS, "weights": ""}, SOURCE)


TAGS = st.dictionaries(
    st.sampled_from(["comment", "COMMENT", "description", "Synopsis", "title", "encoded_by"]),
    st.sampled_from(["own", "said", ""]),
)


@given(TAGS, st.sampled_from(["", "mp4", "avi", "asf"]))
def test_tags_that_are_there_stay(tags: dict[str, str], format_name: str) -> None:
    grown = with_statement(tags, "said", format_name)
    assert grown.items() >= tags.items()
    new = grown.keys() - tags.keys()
    assert len(new) <= 1
    assert not {key.lower() for key in new} & {key.lower() for key in tags}


def test_it_takes_the_first_that_is_free() -> None:
    assert with_statement({"title": "T"}, "said") == {"title": "T", "comment": "said"}
    assert with_statement({"COMMENT": "c"}, "said")["description"] == "said"
    assert with_statement({"comment-deu": "c", "Description": "d"}, "said")["synopsis"] == "said"
    full = {"comment": "c", "description": "d", "synopsis": "s"}
    assert with_statement(full, "said") == full


@pytest.mark.parametrize(
    ("suffix", "format_name", "codec"),
    [
        *((".mp4", "mp4", "libx264"), (".m4v", "ipod", "libx264"), (".mkv", "matroska", "libx264")),
        *((".mov", "mov", "libx264"), (".webm", "webm", "libvpx-vp9"), (".avi", "avi", "mpeg4")),
        *((".wmv", "asf", "mpeg4"), (".nut", "nut", "mpeg4"), (".flv", "flv", "libx264")),
    ],
)
def test_the_statement_arrives_in_a_video(
    tmp_path: Path, suffix: str, format_name: str, codec: str
) -> None:
    text = statement(SETTINGS, SOURCE)
    for own in ({}, {"comment": "the source's"}):
        # As for all tags beside the few that a .mov holds otherwise.
        newer = {"movflags": "+use_metadata_tags"} if own and suffix == ".mov" else {}
        tags = with_statement(own, text, format_name)
        clip = replace(SMALL, codec=codec, metadata=tags, muxer=newer)
        found = global_tags(make(tmp_path / f"out{len(own)}{suffix}", clip))
        assert list(found.values()).count(text) == 1
        assert own.items() <= found.items()


def test_a_transport_stream_holds_no_tags(tmp_path: Path) -> None:
    clip = replace(SMALL, metadata=with_statement({}, "said"), pts=tuple(range(0, 25 * 512, 512)))
    assert "said" not in global_tags(make(tmp_path / "out.ts", clip)).values()
