"""Which muxer, which encoder and which options an output gets."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from support.clips import Clip, make

from vsr import upscale
from vsr.core.errors import EncoderError, OutputError
from vsr.core.options import StreamOptions
from vsr.encoding.defaults import default_encoder
from vsr.remux.containers import (
    format_of,
    formats_for,
    holds_chapters,
    lost_tags,
    muxer_options,
    takes_encoder,
)
from vsr.remux.mapping import plan_streams
from vsr.video.open import open_input


@pytest.mark.parametrize(
    ("suffix", "name"),
    [(".mp4", "mp4"), (".m4v", "ipod"), (".MOV", "mov"), (".3gp", "3gp"), (".ogv", "ogv")],
)
def test_the_format_is_the_suffix(tmp_path: Path, suffix: str, name: str) -> None:
    target = tmp_path / f"a{suffix}"
    assert format_of(target) == name
    assert not target.exists()


def test_a_suffix_without_a_container(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"no container for suffix '\.xyz'; for instance \.mp4"):
        format_of(tmp_path / "a.xyz")
    with pytest.raises(OutputError, match="a hls output is many files"):
        format_of(tmp_path / "a.m3u8")


def test_one_file_format_has_several_muxers() -> None:
    assert formats_for(Path("a.mov")) == ("mov", "mp4", "3gp", "3g2")
    assert formats_for(Path("a.m4v")) == ("ipod", "mp4", "mov", "3gp", "3g2")
    assert formats_for(Path("a.mkv")) == ("matroska",)


@pytest.mark.parametrize(
    ("suffix", "encoder"),
    [
        *(
            (suffix, "libx264")
            for suffix in (".mp4", ".mkv", ".mov", ".m4v", ".ts", ".flv", ".3gp")
        ),
        *((".webm", "libsvtav1"), (".avi", "mpeg4"), (".asf", "mpeg4"), (".wmv", "mpeg4")),
        *((".mpg", "mpeg2video"), (".m2v", "mpeg2video"), (".vob", "mpeg2video")),
        *((".ogv", "libvpx"), (".hevc", "libx265")),
    ],
)
def test_the_default_encoder_is_one_that_the_container_holds(suffix: str, encoder: str) -> None:
    name = format_of(Path(f"a{suffix}"))
    assert default_encoder(name, suffix) == encoder
    assert takes_encoder(name, encoder)


def test_a_container_that_nothing_can_be_encoded_for() -> None:
    with pytest.raises(EncoderError, match=r"^\.wav holds no video, which .* instance \.mp4") as e:
        default_encoder("wav", ".wav")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("suffix", "encoder", "name"),
    [
        *((".m4v", "libx265", "mp4"), (".3gp", "libsvtav1", "mp4"), (".mov", "ffv1", "mp4")),
        *((".mov", "libx265", "mov"), (".webm", "libx264", "webm")),
    ],
)
def test_a_muxer_is_taken_that_holds_the_encoder(suffix: str, encoder: str, name: str) -> None:
    target = Path(f"a{suffix}")
    plan = plan_streams(None, target, StreamOptions(), encoder)
    assert plan.format == name
    assert bool(plan.note) == (name != format_of(target))


def test_starts_of_streams_are_not_rounded(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", Clip(audio=("eng",)))
    with open_input(source) as container:
        options = muxer_options("mp4", container, cover=False)
        assert not muxer_options("matroska", container, cover=False)
    assert int(options["movie_timescale"]) % 12800 == int(options["movie_timescale"]) % 48000 == 0


@pytest.mark.parametrize(
    ("tags", "format_name", "cover", "flags"),
    [
        ({"title": "a", "artist": "b"}, "mp4", False, None),
        ({"title": "a", "artist": "b"}, "mov", False, "+use_metadata_tags"),
        ({"title": "a", "com.apple.quicktime.make": "b"}, "mp4", False, "+use_metadata_tags"),
        ({"title": "a", "mood": "b"}, "mp4", False, "+use_metadata_tags"),
        ({"title": "a", "mood": "b"}, "mp4", True, None),  # no room for covers beside them
    ],
)
def test_free_tags_where_they_are_needed(
    tmp_path: Path, tags: dict[str, str], format_name: str, cover: bool, flags: str | None
) -> None:
    source = make(tmp_path / "a.mkv", Clip(metadata=tags))
    with open_input(source) as container:
        assert muxer_options(format_name, container, cover).get("movflags") == flags
        lost = lost_tags(format_name, container.metadata, cover)
    assert [tag.lower() for tag in lost] == (["mood"] if cover else [])


def test_containers_without_tags_or_chapters() -> None:
    tags = {"title": "a", "copyright": "b", "encoder": "stale"}
    assert lost_tags("mpegts", tags, cover=False) == ("title", "copyright")
    assert lost_tags("3gp", tags, cover=False) == ("title",)
    assert not lost_tags("matroska", tags, cover=False)
    assert holds_chapters("mp4")
    assert holds_chapters("matroska")
    assert not holds_chapters("mpegts")


@pytest.mark.parametrize(
    "suffix", [".avi", ".asf", ".flv", ".3gp", ".m4v", ".ts", ".mpg", ".vob", ".m2v", ".ogv"]
)
def test_old_containers_by_default(tmp_path: Path, suffix: str) -> None:
    pts = tuple(range(0, 10 * 512, 512))
    source = make(tmp_path / "in.mp4", Clip(pts=pts))
    target = tmp_path / f"out{suffix}"
    result = upscale(source, target, scale=2, model="nearest", device="cpu")
    assert result.run.frames_out == 10
    with av.open(str(target)) as container:
        times = [f.pts * f.time_base for f in container.decode(video=0) if f.pts is not None]
    gaps = [b - a for a, b in pairwise(times)]
    assert len(times) == 10
    if suffix != ".ogv":  # its clock ticks once a frame, and the first tick is early
        assert all(abs(gap - Fraction(1, 25)) <= Fraction(1, 1000) for gap in gaps)
    assert min(gaps) > 0
