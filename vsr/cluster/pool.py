"""Tasks in the hands of Ray: few enough to stop soon, and what comes of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from vsr.cluster.connection import Needs, alive, load_ray
from vsr.cluster.files import pieces, sweep, write_checked
from vsr.cluster.task import Answer, Made, Order, make_one
from vsr.core.errors import DeviceError, InputError, OutputError
from vsr.segmented.plan import Segment

_RETRIES = 5  # of a task whose node or worker died
_TICK = 0.5  # seconds between looks at whether to stop
_LOOK = 5  # seconds between looks at which nodes are there
_PATIENCE = 120  # seconds without any node that could do a task
_ENDED_WITHIN = 5  # seconds for tasks that are cancelled, and for nodes to tidy up


class Tasks:
    """The tasks of a run.

    Attributes:
        running: those handed to Ray, and the segments that they are for.
    """

    def __init__(self, order: Order, needs: Needs) -> None:
        ray = load_ray()
        self.running: dict[Any, Segment] = {}
        self._order, self._needs = order, needs
        self._shared_order = ray.put(order)
        self._parcels: dict[str, list[Any]] = {}
        self._lost: Counter[int] = Counter()
        self._untidy = False  # whether nodes keep files of the run
        self._at_once, self._looked = 0, 0.0
        self._able = time.monotonic()  # when some node could do a task
        options: dict[str, Any] = {"num_cpus": needs.cpus, "max_retries": _RETRIES}
        if needs.gpus:
            # So that a worker may keep its model for tasks on whichever GPU: see `gpu_device`.
            see_all = {"RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES": "1"}
            options |= {"num_gpus": needs.gpus, "max_calls": 0}
            options |= {"runtime_env": {"env_vars": see_all}}
        self._remote = ray.remote(**options)(make_one)

    def has_room(self) -> bool:
        """Whether Ray may have another task: twice what the nodes can do at once."""
        return len(self.running) < 2 * max(1, self._at_once_now())

    def submit(self, segment: Segment) -> None:
        """Hand a segment to Ray."""
        self.running[self._remote.remote(self._shared_order, segment, self._parcels)] = segment

    def answer(self) -> tuple[Segment, Answer] | None:
        """What has come of a task, after a short wait. Raises OutputError, DeviceError."""
        ray = load_ray()
        self._at_once_now()
        ready, _ = ray.wait(list(self.running), num_returns=1, timeout=_TICK)
        if not ready:
            return None
        segment = self.running.pop(ready[0])
        try:
            return segment, ray.get(ready[0])
        except ray.exceptions.RayError as error:
            raise OutputError(_unmade(segment, error)) from None

    def fetch(self, segment: Segment, made: Made, part: Path) -> bool:
        """Write the file that came with an answer; False where it was lost with its node since.

        Raises OutputError.
        """
        ray = load_ray()
        self._untidy = True
        contents = (one if isinstance(one, bytes) else ray.get(one) for one in made.contents)
        try:
            write_checked(part, contents, made.done.sha256)
        except ray.exceptions.RayError as error:
            self._lost[segment.number] += 1
            if self._lost[segment.number] > _RETRIES:
                raise OutputError(_unmade(segment, error)) from None
            return False
        return True

    def send(self, files: Iterable[str]) -> None:
        """Put files that nodes do not see where Ray brings them from. Raises InputError."""
        ray = load_ray()
        self._untidy = True
        job = self._order.job
        for sha256 in files:
            is_source = sha256 == self._order.plan.source.sha256
            path = job.file if is_source else Path(job.options.model or "")
            if sha256 in self._parcels:
                continue
            try:
                parts = [ray.put(piece) for piece in pieces(path, self._order.piece)]
            except OSError as error:
                raise InputError(f"{path}: cannot be read ({error.strerror})") from None
            self._parcels = {**self._parcels, sha256: parts}

    def close(self) -> None:
        """Cancel what runs, and have nodes remove their files of the run, as far as that goes."""
        ray = load_ray()
        on = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        with suppress(Exception):
            running = list(self.running)
            for task in running:
                ray.cancel(task, force=True)
            if running:  # until they have ended, they may still write
                ray.wait(running, num_returns=len(running), timeout=_ENDED_WITHIN)
            if not self._untidy:
                return
            swept = []
            for node in ray.nodes():
                if node["Alive"]:
                    place = on(node["NodeID"], soft=False)
                    remote = ray.remote(num_cpus=0, scheduling_strategy=place)(sweep)
                    swept.append(remote.remote(self._order.run))
            ray.wait(swept, num_returns=len(swept), timeout=_ENDED_WITHIN)

    def _at_once_now(self) -> int:
        """How many tasks the nodes can do at once, as they come and go."""
        now = time.monotonic()
        if not self._at_once or now - self._looked >= _LOOK:
            self._at_once, self._looked = self._needs.at_once(alive()), now
        if self._at_once:
            self._able = now
        elif now - self._able > _PATIENCE:
            raise DeviceError(
                f"the cluster has had no node with {self._needs} for {_PATIENCE} s; the same "
                "command goes on from what is done"
            )
        return self._at_once


def _unmade(segment: Segment, error: Exception) -> str:
    """One line of what Ray says, whose own are many."""
    ray = load_ray()
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [repr(error)]
    line = lines[-1] if isinstance(error, ray.exceptions.RayTaskError) else lines[0]
    return (
        f"segment {segment.number}: no node could make it ({line[:300]}); the same command goes "
        "on from what is done"
    )
