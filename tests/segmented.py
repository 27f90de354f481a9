"""Jobs in segments that tests make part by part, and what their files hold."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from av.packet import Packet

from vsr.encoding.encoders import Encoding
from vsr.flow import Tools
from vsr.inference.engine import choose_engine
from vsr.jobs.fingerprint import fingerprint
from vsr.jobs.job import Job
from vsr.jobs.make import make_segments
from vsr.jobs.packets import read_packets
from vsr.jobs.plan import Plan, Segment, key_of
from vsr.jobs.planning import make_plan
from vsr.jobs.scan import Scan
from vsr.jobs.work import Done
from vsr.networks.catalogue import Model, load_model


class Held(NamedTuple):
    """All of a packet that is kept."""

    data: bytes
    pts: int | None
    dts: int | None
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
    encoding = Encoding(preset="ultrafast", threads=1)
    given: dict[str, Any] = {"scale": 2, "model": "bicubic", "threads": 1, "encoding": encoding}
    return Job(source, target, **given | {"device": "cpu", "precision": "fp32"} | more)


def tools_of(job: Job, model: Model | None = None) -> Tools:
    """What it is done with; a model of the test's own takes the place of its own."""
    engine = choose_engine(job.device, job.precision, threads=job.threads)
    return Tools(model or load_model(job.model, job.scale), engine)


def plan_of(job: Job, tools: Tools, borders: Sequence[int] | None = None) -> Plan:
    """The plan of a job; with `borders`, cut there."""
    settings, source = job.settings(tools.model, tools.engine), fingerprint(job.file)
    plan = make_plan(job, tools, key_of(source.sha256, settings), settings, source, ignore)
    return plan if borders is None else replace(plan, borders=tuple(borders))


def made(
    job: Job,
    tools: Tools,
    plan: Plan,
    folder: Path,
    segments: Sequence[Segment] | None = None,
    note: Callable[[str], None] | None = None,
) -> list[Done]:
    """Make segments, all of them if not told which, in one go."""
    folder.mkdir(exist_ok=True)
    found: list[Done] = []
    wanted = plan.segments if segments is None else segments

    def file_of(number: int) -> Path:
        return folder / f"{number}.packets"

    make_segments(job, tools, plan, wanted, file_of, found.append, note or ignore, ignore)
    return found


def scanned(times: Sequence[int], keyframes: Sequence[int] = ()) -> Scan:
    """A scan of frames of these times, in the order of showing."""
    return Scan(array("q", times), array("q", keyframes), len(times))


def uneven(count: int, step: int = 512) -> tuple[int, ...]:
    """Times whose gaps are one, two and three steps by turns."""
    gaps = [step * (1 + number % 3) for number in range(count)]
    return tuple(int(time) for time in np.cumsum([0, *gaps[:-1]]))


def ignore(*_: object) -> None:
    """Whoever is told of something, and does not care."""
