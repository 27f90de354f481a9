"""--keep-date: an output of its source's time, which no record takes for an identity."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import av
import pytest
from support.clips import Clip, make

from vsr import DoneError, InputError, OutputError, upscale
from vsr.core.options import UpscaleOptions
from vsr.images.files import read_picture
from vsr.provenance.described import recorded
from vsr.provenance.fingerprint import fingerprint
from vsr.provenance.sidecar import read_record, record_path

THEN = 1_234_567_890_123_456_789  # nanoseconds: a day in 2009
FAST = UpscaleOptions.of(scale=2, model="nearest", preset="ultrafast", keep_date=True, threads=1)
TAGS = {"creation_time": "2009-02-13T23:31:30.000000Z", "location": "+48.1372+011.5755/"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A clip that says when and where it was recorded, and was written at another time."""
    plain, path = make(tmp_path / "plain.mp4", Clip(width=32, height=24)), tmp_path / "in.mp4"
    with av.open(str(plain)) as given, av.open(str(path), "w") as tagged:
        tagged.metadata.update(TAGS)
        stream = tagged.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                tagged.mux(packet)
    os.utime(path, ns=(THEN, THEN))
    return path


def tags_of(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        return {name: container.metadata.get(name, "") for name in TAGS}


@pytest.mark.parametrize("resume", ["never", "always"])
def test_the_record_tells_the_time_that_stays(tmp_path: Path, source: Path, resume: str) -> None:
    target = tmp_path / "out.mp4"
    upscale(source, target, FAST, record=True, resume=resume)
    assert target.stat().st_mtime_ns == THEN
    record = read_record(record_path(target))
    assert record is not None
    assert recorded(record["output"]) == fingerprint(target)
    assert record["run"]["keep_date"] is True
    with pytest.raises(DoneError):
        upscale(source, target, FAST, record=True, resume=resume)
    with pytest.raises(DoneError):  # the date is no setting
        upscale(source, target, FAST, record=True, resume=resume, keep_date=False)


@pytest.mark.parametrize("keep_date", [True, False])
def test_tags_of_time_and_place_stay(tmp_path: Path, source: Path, keep_date: bool) -> None:
    assert tags_of(source) == TAGS
    target = tmp_path / "out.mp4"
    upscale(source, target, FAST, keep_date=keep_date)
    assert tags_of(target) == TAGS
    assert (target.stat().st_mtime_ns == THEN) == keep_date


def test_another_output_of_one_size_and_time_is_another(tmp_path: Path) -> None:
    """Uncompressed pictures have one size whatever they show, and here one time, too."""
    clip = make(tmp_path / "clip.mp4", Clip(width=32, height=24))
    source, target = tmp_path / "in.tif", tmp_path / "out.bmp"
    upscale(clip, tmp_path / "frames", FAST, keep_date=False)
    upscale(sorted((tmp_path / "frames").iterdir())[0], source, FAST, keep_date=False)
    os.utime(source, ns=(THEN, THEN))
    upscale(source, target, FAST, record=True)
    first = target.stat()
    upscale(source, target, FAST, model="bicubic", overwrite=True)
    second = target.stat()
    assert (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns)
    with pytest.raises(OutputError, match="changed since it was made"):
        upscale(source, target, FAST, record=True)
    assert read_picture(target) is not None


def test_it_is_for_one_file_that_becomes_one(tmp_path: Path, source: Path) -> None:
    upscale(source, tmp_path / "frames", FAST, keep_date=False)
    jobs: list[tuple[Any, Path]] = [
        (source, tmp_path / "folder"),
        (tmp_path / "frames", tmp_path / "out.mp4"),
        ("http://localhost:1/clip.mp4", tmp_path / "out.mp4"),
    ]
    for given, target in jobs:
        with pytest.raises(InputError, match="keep_date is for files") as raised:
            upscale(given, target, FAST)
        assert "\n" not in str(raised.value)
        assert not target.exists()
