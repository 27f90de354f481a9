"""Segments made by the machines of a Ray cluster.

Each is a task of its own. The tasks know nothing of each other, and whoever began the run alone
writes the journal: so a run here and one on a cluster can finish each other's work.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from uuid import uuid4

from vsr.cluster.connection import Needs, alive, check_address, connected, needs_of
from vsr.cluster.pool import Tasks
from vsr.cluster.task import Failed, Made, Missing, Order
from vsr.core.errors import StoppedError
from vsr.core.events import Progress, Reporter
from vsr.core.job import Job
from vsr.inference.passes import LoadedModel
from vsr.networks.registry import file_of
from vsr.provenance.fingerprint import fingerprint
from vsr.segmented.executor import Maker
from vsr.segmented.plan import Segment
from vsr.segmented.work_dir import WorkDir

_PIECE = 32 << 20  # bytes of a file that travel at once


def make_on(address: str) -> Maker:
    """What makes a job's segments on the cluster at `address`, or of this machine: "auto".

    A connection to a cluster that this process has already is taken, and stays. Raises
    InputError where Ray is not installed or nobody answers.
    """
    check_address(address)

    def make(job: Job, tools: LoadedModel, work: WorkDir, reporter: Reporter) -> None:
        if work.pending():
            with connected(address):
                _make_all(job, work, reporter)

    return make


def _make_all(job: Job, work: WorkDir, reporter: Reporter) -> None:
    """Have all missing segments made. Raises StoppedError, and VsrError otherwise."""
    precision = work.plan.settings["precision"]
    needs = needs_of(job, precision, alive())
    order = _order(job.but(precision=precision), work, needs)
    order.mark.touch()
    tasks = Tasks(order, needs)
    frames = sum(done.frames for done in work.done.values())
    waiting = deque(segment for run in work.pending() for segment in run)
    try:
        while waiting or tasks.running:
            if reporter.stop.is_set():
                waiting.clear()
            while waiting and tasks.has_room():
                tasks.submit(waiting.popleft())
            if tasks.running and (answered := tasks.answer()):
                segment, answer = answered
                if isinstance(answer, Failed):
                    raise answer.error
                if isinstance(answer, Missing):
                    tasks.send(answer.files)
                    waiting.appendleft(segment)
                elif _put_in_place(work, answer, tasks, segment):
                    for message in answer.warnings:
                        reporter.warn(message)
                    frames += answer.done.frames
                    reporter.progress(Progress(frames, work.plan.frames))
                else:
                    waiting.appendleft(segment)
    finally:
        tasks.close()
        order.mark.unlink(missing_ok=True)
    if work.pending():
        raise StoppedError("stopped between two segments")


def _order(job: Job, work: WorkDir, needs: Needs) -> Order:
    """What the tasks are told; they know no current folder."""
    model = file_of(job.options.model) if job.options.model else None
    return Order(
        job=replace(
            job.but(
                model=str(model.absolute()) if model else job.options.model, threads=needs.cpus
            ),
            source=job.file.absolute(),
            target=job.target.absolute(),
        ),
        plan=work.plan,
        model=fingerprint(model) if model else None,
        folder=work.folder.absolute(),
        run=uuid4().hex,
        gpu=bool(needs.gpus),
        piece=_PIECE,
    )


def _put_in_place(work: WorkDir, made: Made, tasks: Tasks, segment: Segment) -> bool:
    """Give a segment's file its name, and enter it; False where it was lost on its way."""
    place = work.file(segment.number)
    if made.name:
        part = work.folder / made.name
    else:
        part = place.with_suffix(".part")
        if not tasks.fetch(segment, made, part):
            return False
    part.replace(place)
    work.add(made.done)
    return True
