"""Jobs in segments that tests make part by part, and what their files hold."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from av.packet import Packet

from support.clips import picture
from vsr.core.damage import NO_DAMAGE, Damage
from vsr.core.events import Reporter, Warn
from vsr.core.frame import PIXEL_FORMATS, Frame, VideoInfo
from vsr.core.job import Job
from vsr.core.options import UpscaleOptions
from vsr.encoding.codecs import Encoding
from vsr.inference.engine import choose_engine
from vsr.inference.passes import LoadedModel, load_for
from vsr.networks.model import Model
from vsr.provenance.fingerprint import Fingerprint, fingerprint
from vsr.provenance.settings import job_settings
from vsr.segmented.executor import make_segments
from vsr.segmented.keyframe_scan import Scan
from vsr.segmented.packet_file import read_packets
from vsr.segmented.plan import Plan, Segment, key_of, picture_of
from vsr.segmented.planner import make_plan
from vsr.segmented.segments import Stretch, close_alone, header_of, open_alone
from vsr.segmented.work_dir import SegmentRecord


class Held(NamedTuple):
    """All of a packet that is kept."""

    data: bytes
    pts: Any
    dts: Any
    duration: int | None
    time_base: Any
    keyframe: bool


def of_packet(packet: Packet[Any]) -> Held:
    return Held(
        bytes(packet),
        packet.pts,
        packet.dts,
        packet.duration,
        packet.time_base,
        packet.is_keyframe,
    )


def held(file: Path) -> list[Held]:
    """The packets of a segment's file."""
    return [of_packet(packet) for packet in read_packets(file)]


def job_of(source: Path, target: Path, **more: Any) -> Job:
    """A quick job: bicubic, on one core."""
    given: dict[str, Any] = {"scale": 2, "model": "bicubic", "threads": 1, "preset": "ultrafast"}
    given |= {"device": "cpu", "precision": "fp32"}
    return Job(source, target, UpscaleOptions.of(**given | more))


def tools_of(job: Job, model: Model | None = None) -> LoadedModel:
    """What it is done with; a model of the test's own takes the place of its own."""
    options = job.options
    engine = choose_engine(options.compute)
    return LoadedModel(model, engine) if model else load_for(options.model, job.enlarges_by, engine)


def plan_of(job: Job, tools: LoadedModel, borders: Sequence[int] | None = None) -> Plan:
    """The plan of a job; with `borders`, cut there."""
    settings = job_settings(job.options, tools)
    source = fingerprint(job.file)
    plan = make_plan(job, tools, key_of(source.sha256, settings), settings, source, ignore)
    return plan if borders is None else replace(plan, borders=tuple(borders))


def made(
    job: Job,
    tools: LoadedModel,
    plan: Plan,
    folder: Path,
    segments: Sequence[Segment] | None = None,
    warn: Warn | None = None,
) -> list[SegmentRecord]:
    """Make segments, all of them if not told which, in one go."""
    folder.mkdir(exist_ok=True)
    found: list[SegmentRecord] = []
    wanted = plan.segments if segments is None else segments

    def file_of(number: int) -> Path:
        return folder / f"{number}.packets"

    stretch = Stretch(plan, wanted, file_of, found.append)
    make_segments(job, tools, stretch, Reporter(warn=warn or ignore))
    return found


def info_of(width: int = 64, height: int = 48, base: Fraction = Fraction(1, 12800)) -> VideoInfo:
    """A video of 25 frames a second in the commonest format."""
    layout = PIXEL_FORMATS["yuv420p"]
    return VideoInfo(width, height, base, layout, frame_rate=Fraction(25))


def frames_of(
    info: VideoInfo, times: Sequence[int], first: int = 0, last: int | None = None
) -> list[Frame]:
    """Frames of these times that all differ, counted from `first`; the last one lasts 512."""
    ends = [*times[1:], times[-1] + 512 if last is None else last]
    return [
        Frame(
            tuple(
                picture(number + 31 * plane, size[1], size[0])
                for plane in range(3)
                if (size := info.format.plane_size(plane, info.width, info.height))
            ),
            pts,
            end - pts,
        )
        for number, (pts, end) in enumerate(zip(times, ends, strict=True), first)
    ]


def plan_for(
    info: VideoInfo, codec: str, container: str, borders: Sequence[int], encoding: Encoding
) -> Plan:
    """A plan for frames that come from nowhere."""
    encoder = open_alone(info, container, codec, replace(encoding, threads=1), ignore)
    plan = Plan(
        key="0" * 64,
        settings={},
        path="",
        source=Fingerprint(0, 0, ""),
        time_base=info.time_base,
        origin=Fraction(0),
        shift=0,
        picture=picture_of(info),
        format=container,
        encoder=codec,
        threads=1,
        header=header_of(encoder),
        plain=True,
        frames=0,
        borders=tuple(borders),
    )
    close_alone(encoder)
    return plan


def undamaged(begin: int | None, end: int | None) -> Damage:
    """Of a source that is whole."""
    return NO_DAMAGE


def scanned(times: Sequence[int], keyframes: Sequence[int] = ()) -> Scan:
    """A scan of frames of these times, in the order of showing."""
    return Scan(array("q", times), array("q", keyframes), len(times))


def uneven(count: int, step: int = 512) -> tuple[int, ...]:
    """Times whose gaps are one, two and three steps by turns."""
    gaps = [step * (1 + number % 3) for number in range(count)]
    return tuple(int(time) for time in np.cumsum([0, *gaps[:-1]]))


def ignore(*_: object) -> None:
    """Whoever is told of something, and does not care."""
