"""The frames of a source, counted again at the end of a job in segments."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import av
import pytest
from support.clips import Clip, make
from support.segmented_jobs import ignore, job_of, made, plan_of, tools_of, uneven

from vsr import upscale
from vsr.core.errors import OutputError
from vsr.segmented.concat import join
from vsr.segmented.count import frames_given
from vsr.segmented.work_dir import is_begun, open_work
from vsr.video import reader


def clip_of(path: Path, frames: int = 30) -> Path:
    times, options = uneven(frames), {"bf": "2", "g": "7"}
    return make(path, Clip(width=32, height=32, pts=times, options=options))


def without_a_packet(source: Path, target: Path, number: int) -> Path:
    """A copy whose packet of a number holds noise."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for count, packet in enumerate(p for p in old.demux(video=0) if p.size):
            if count == number:
                spoilt: Any = av.Packet(b"\0\0\0\1" + b"\xff" * 40)
                spoilt.pts, spoilt.dts, spoilt.time_base = packet.pts, packet.dts, packet.time_base
                packet = spoilt
            packet.stream = stream
            new.mux(packet)
    return target


def decoded_by(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with every frame that is decoded."""
    count: list[int] = []
    read = reader.PlaneReader.__call__

    def counted(self: Any, frame: Any) -> Any:
        count.append(1)
        return read(self, frame)

    monkeypatch.setattr(reader.PlaneReader, "__call__", counted)
    return count


def test_what_agrees_with_the_packets_is_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(clip_of(tmp_path / "in.mp4"), tmp_path / "out.mp4")
    decoded = decoded_by(monkeypatch)
    assert frames_given(job, 30) == 30
    assert not decoded
    assert frames_given(job, 29) == 30
    assert len(decoded) == 30


def test_a_span_counts_its_own_frames(tmp_path: Path) -> None:
    source = clip_of(tmp_path / "in.mp4")
    job = job_of(source, tmp_path / "out.mp4", start=0.3, end=1.1)
    times = [time / 12800 for time in uneven(30)]
    inside = sum(0.3 <= time < 1.1 for time in times)
    assert 0 < inside < 30
    assert frames_given(job, inside) == frames_given(job, 0) == inside


def test_what_a_decoder_cannot_give_is_not_missed(tmp_path: Path) -> None:
    source = without_a_packet(clip_of(tmp_path / "whole.mp4"), tmp_path / "in.mp4", 12)
    with av.open(str(source)) as container:
        assert container.streams.video[0].frames == 30
    options = {"scale": 2, "model": "bicubic", "preset": "ultrafast"}
    result = upscale(source, tmp_path / "out.mkv", resume="always", **options)
    assert result.frames_in == result.frames_out < 30
    assert result.run.damage.undecodable
    assert not is_begun(tmp_path / "out.mkv")


def test_segments_of_another_source_are_not_joined(tmp_path: Path) -> None:
    """It was changed while it was worked on, to one that looks the same."""
    source, after = clip_of(tmp_path / "in.mp4", 27), clip_of(tmp_path / "after.mp4", 30)
    job = job_of(source, tmp_path / "out.mp4")
    tools = tools_of(job)
    plan = plan_of(job, tools, [uneven(30)[10]])
    with open_work(job.target, plan.key, lambda: plan) as work:
        for done in made(job, tools, plan, tmp_path / "made"):
            (tmp_path / "made" / f"{done.segment}.packets").rename(work.file(done.segment))
            work.add(done)
        shutil.copyfile(after, source)
        with pytest.raises(OutputError) as caught:
            join(job, work, ignore, None)
        said = f"{job.target}: its segments have 27 frames, but {source} gives 30: the source or"
        assert str(caught.value).startswith(said)
        assert str(work.folder) in str(caught.value)
    assert not job.target.exists()
