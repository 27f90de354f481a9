"""Make the plan of a long job: open its source and its encoder once, and look for places to cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from vsr.core.errors import SegmentError
from vsr.core.events import Warn, ignore
from vsr.core.frame import PIXEL_FORMATS
from vsr.core.job import Job
from vsr.encoding.codecs import Encoding
from vsr.inference.passes import LoadedModel
from vsr.output.clock import clock_for
from vsr.output.video import shift_of
from vsr.pipeline.frames import enlarged
from vsr.provenance.fingerprint import Fingerprint
from vsr.remux.mapping import plan_streams
from vsr.segmented.keyframe_scan import scan
from vsr.segmented.plan import Plan, cut, edges_of, picture_of, segment_frames
from vsr.segmented.segments import close_alone, header_of, open_alone
from vsr.video.reader import open_video

_FEW = 2  # pictures of film
_BESIDE = {"libvpx", "libvpx-vp9"}  # they hand out alpha beside each packet, as a second one


def make_plan(
    job: Job,
    tools: LoadedModel,
    key: str,
    settings: dict[str, Any],
    source: Fingerprint,
    warn: Warn,
    note: Callable[[str], None] = ignore,
) -> Plan:
    """Look through the source and decide where to cut it.

    Raises VsrError for a job that would fail, SegmentError for one that must be done in one go.
    """
    path, read = job.file, job.options.read
    with open_video(path, read.span, warn, read) as video:
        info = enlarged(video.info, job)
        encoding = Encoding.of(job.options)
        name = encoding.encoder(job.target, info)
        with video.other_streams() as others:
            streams = plan_streams(others, job.target, job.options.streams, name)
            clock_for(job.target, streams.format, others, info)  # refused now, or not at all
        for warning in streams.warnings(job.target):
            warn(warning)
        encoder = open_alone(info, streams.format, name, encoding, warn)
        if encoder.note:
            note(encoder.note)
        header, pixels = header_of(encoder), encoder.settings["pix_fmt"]
        close_alone(encoder)
        if name in _BESIDE and PIXEL_FORMATS[pixels].has_alpha:
            raise SegmentError(f"{job.target}: {name} with alpha cannot be done in segments")
        found = scan(path, video.stream_index)
        if not found.plain:
            found = replace(found, packets=video.pictures.expected(found.packets))
        begin, end = edges_of(video)
        network = tools.model.network
        frames = segment_frames([network, *(model.network for model in tools.then)], video.info)
        by_lifetime = network.warmup > 0
        expected, borders = cut(
            found, video.info, video.parts, video.first_tick, begin, end, frames, by_lifetime
        )
        if found.plain:
            expected = video.pictures.expected(expected)
        return Plan(
            key=key,
            settings=settings,
            path=str(path.resolve()),
            source=source,
            time_base=video.info.time_base,
            origin=video.origin,
            shift=shift_of(video, info),
            picture=picture_of(video.info),
            format=streams.format,
            encoder=name,
            threads=encoding.threads,
            header=header,
            plain=found.plain,
            frames=expected,
            borders=borders,
            slack=_FEW * video.nominal_step if video.pictures.is_film else 0,
        )
