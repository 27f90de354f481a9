"""What a worker of a Ray cluster does: one segment of a job."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import av

from vsr.cluster.connection import load_ray
from vsr.cluster.files import Parcels, find, open_folder, pieces
from vsr.core.errors import DeviceError, InputError, ModelError, OutputError, VsrError
from vsr.core.events import Reporter
from vsr.core.job import Job
from vsr.core.options import ComputeOptions
from vsr.inference.engine import choose_engine
from vsr.inference.passes import LoadedModel, load_for
from vsr.provenance.fingerprint import Fingerprint
from vsr.segmented.executor import make_segments
from vsr.segmented.plan import Plan, Segment
from vsr.segmented.segments import Stretch
from vsr.segmented.work_dir import SegmentRecord
from vsr.util.version import VERSION


@dataclass(frozen=True)
class Order:
    """What all tasks of a run share.

    Attributes:
        job: its paths are those of the machine that began the run, its threads and precision
            what each task has.
        plan: what is to be done.
        model: the identity of the file that `job.options.model` names; None for a model's name.
        folder: the work folder.
        run: the name of the run; the work folder holds a file of that name and ".part" while
            it lasts, by which a node knows that folder.
        gpu: whether a task has a GPU to itself; else it takes the CPU.
        piece: how many bytes travel at once.
    """

    job: Job
    plan: Plan
    model: Fingerprint | None
    folder: Path
    run: str
    gpu: bool
    piece: int

    @property
    def mark(self) -> Path:
        """The file that shows the work folder to be the one of this run."""
        return self.folder / f"{self.run}.part"


@dataclass(frozen=True)
class Made:
    """A segment is made.

    Attributes:
        done: what the journal is to hold.
        warnings: what was said on the way.
        name: its file in the work folder, for this attempt alone; "" where the node does not
            see that folder.
        contents: then the file itself: its bytes, or references to parts of them.
    """

    done: SegmentRecord
    warnings: tuple[str, ...]
    name: str = ""
    contents: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Missing:
    """The node does not see files that were not sent.

    Attributes:
        files: their SHA-256.
    """

    files: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """The segment cannot be made, here or elsewhere.

    Attributes:
        error: why.
    """

    error: VsrError


Answer: TypeAlias = Made | Missing | Failed


def make_one(order: Order, segment: Segment, parcels: Parcels) -> Answer:
    """Make a segment, if the files for it are here or come as parcels. Raises nothing of vsr's."""
    ray = load_ray()
    places: dict[Path, Path] = {}  # for messages: where a file was sent to, and its own path
    try:
        _check_versions(order.plan)
        missing = []
        for path, known in _files(order):
            place = find(path, known, parcels, order.run, ray.get)
            if place is None:
                missing.append(known.sha256)
            else:
                places[path] = place
        if missing:
            return Missing(tuple(missing))
        made = _make(_here(order, places), order, segment, ray.put)
        return replace(made, warnings=tuple(_told(text, places) for text in made.warnings))
    except VsrError as error:
        return Failed(type(error)(f"{_told(str(error), places)} (on node {platform.node()})"))
    except OSError as error:
        what = f"{error.filename or 'a file'}: {error.strerror or error}"
        return Failed(OutputError(f"{_told(what, places)} (on node {platform.node()})"))
    except MemoryError:
        return Failed(DeviceError(f"the memory of node {platform.node()} is full"))


def gpu_device(number: object, visible: str) -> str:
    """torch's name of the GPU that Ray calls `number`, where CUDA sees those named in `visible`."""
    names = [name.strip() for name in visible.split(",") if name.strip()]
    return f"cuda:{names.index(str(number)) if names else number}"


def _files(order: Order) -> list[tuple[Path, Fingerprint]]:
    """The files that a task reads."""
    files = [(order.job.file, order.plan.source)]
    if order.model is not None:
        files.append((Path(order.job.options.model or ""), order.model))
    return files


def _here(order: Order, places: dict[Path, Path]) -> Job:
    """The job as this node does it."""
    job, device = order.job, "cpu"
    if order.gpu:
        gpu, *_ = load_ray().get_gpu_ids()
        device = gpu_device(gpu, os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    model = str(places[Path(job.options.model or "")]) if order.model else job.options.model
    return replace(job.but(model=model, device=device), source=places[job.file])


def _make(job: Job, order: Order, segment: Segment, put: Callable[[bytes], Any]) -> Made:
    """Make the segment where the run joins it, or in a folder of this node."""
    options = job.options
    tools, told = _tools(options.model, job.enlarges_by, order.model, options.compute)
    if tools.model.weights.sha256 != order.plan.settings["weights"]:
        raise ModelError(f"model {job.options.model}: has other weights than where the work began")
    shared = order.mark.is_file() and os.access(order.folder, os.W_OK)
    warnings: list[str] = [*told]
    done: list[SegmentRecord] = []
    room: AbstractContextManager[Path | str] = (
        nullcontext(order.folder)
        if shared
        else tempfile.TemporaryDirectory(dir=open_folder(order.run))
    )
    with room as folder:
        # A node that is taken for dead may still be at work: no two attempts share a file.
        file = Path(folder, f"{segment.number:06d}.{uuid4().hex}.packets")
        make_segments(
            job,
            tools,
            Stretch(order.plan, [segment], lambda _: file, done.append),
            Reporter(warn=warnings.append),
        )
        if shared:
            return Made(done[0], tuple(warnings), file.name)
        contents: tuple[Any, ...] = ()
        if done[0].bytes <= order.piece:
            contents = (file.read_bytes(),)
        else:
            contents = tuple(put(piece) for piece in pieces(file, order.piece))
        return Made(done[0], tuple(warnings), contents=contents)


@lru_cache(maxsize=1)
def _tools(
    model: str | None, factor: Fraction, _known: Fingerprint | None, compute: ComputeOptions
) -> tuple[LoadedModel, tuple[str, ...]]:
    """Kept from task to task, as a worker process does many; and what is to be told of it."""
    told: list[str] = []
    return load_for(model, factor, choose_engine(compute), told.append), tuple(told)


def _check_versions(plan: Plan) -> None:
    """Raise InputError where the work began with another vsr or libav than this node has."""
    for name, here in (("version", VERSION), ("libav", av.__version__)):
        if plan.settings[name] != here:
            what = {"version": "vsr", "libav": "PyAV"}[name]
            raise InputError(
                f"{what} {here} is installed, the work began with {plan.settings[name]}: "
                "all nodes must have the same"
            )


def _told(text: str, places: dict[Path, Path]) -> str:
    """A message about files as who began the run knows them."""
    for path, place in places.items():
        text = text.replace(str(place), str(path))
    return text
