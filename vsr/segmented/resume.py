"""A long job in segments: each is kept once it is finished, so that the same job goes on there.

The frame flow is the same as for a short one, run once over all that is missing; only what it
writes to changes from segment to segment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vsr.core.errors import OutputError, StoppedError
from vsr.core.events import Reporter
from vsr.core.job import Job
from vsr.core.result import Run
from vsr.inference.passes import LoadedModel
from vsr.provenance.fingerprint import Fingerprint
from vsr.segmented.concat import join
from vsr.segmented.executor import Maker, make_here
from vsr.segmented.plan import key_of
from vsr.segmented.planner import make_plan
from vsr.segmented.work_dir import SegmentRecord, WorkDir, open_work, others

_TRIES = 3  # to have all segments on the disk as they were written


def run_in_segments(
    job: Job,
    tools: LoadedModel,
    source: Fingerprint,
    settings: dict[str, Any],
    reporter: Reporter,
    *,
    before_commit: Callable[[Path, Run, Sequence[SegmentRecord]], None] | None = None,
    provenance_tag: str = "",
    make: Maker = make_here,
) -> Run:
    """Do a job segment by segment, going on where the same job ended before.

    Args:
        job: from a video file to a video file.
        tools: made from it.
        source: the file, as it is.
        settings: those of the job, with which `source` makes the key.
        reporter: who is told on the way.
        before_commit: told of the finished file, what was done, and its segments, before it gets
            its name.
        provenance_tag: what goes into its metadata.
        make: makes the segments.

    Raises StoppedError, and VsrError otherwise; what is finished stays.
    """
    key = key_of(source.sha256, settings)
    for line in others(job.target, key, settings):
        reporter.warn(line)
    early: list[str] = []
    with open_work(
        job.target,
        key,
        lambda: make_plan(job, tools, key, settings, source, early.append, reporter.note),
    ) as work:
        for message in work.warnings:
            reporter.warn(message)

        def warn(message: str) -> None:
            if message not in work.warnings:
                work.warn(message)
                reporter.warn(message)

        for message in early:
            warn(message)
        try:
            _make_all(job, tools, work, replace(reporter, warn=warn), make)
        except StoppedError:
            done, total = len(work.done), len(work.plan.segments)
            raise StoppedError(
                f"{job.target}: stopped with {done} of {total} segments done; the same command "
                "goes on from there"
            ) from None
        return join(job, work, warn, before_commit, provenance_tag)


def _make_all(job: Job, tools: LoadedModel, work: WorkDir, reporter: Reporter, make: Maker) -> None:
    """Have every segment made, and as it was written."""
    for _ in range(_TRIES):
        make(job, tools, work, reporter)
        work.check(reporter.warn)
        if not work.pending():
            return
    raise OutputError(f"{work.folder}: the disk does not keep what is written to it")
