"""The queue: which job runs, which waits, and what becomes of each.

All that counts is in the jobs' folders; a server that begins anew goes on from there.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Condition, Lock, Thread
from typing import Any

from vsr.core.events import Warn, ignore

from .child import Child, begin, clear, is_locked
from .job import ENDED, LEAST, MOST, Job, State
from .orders import Order
from .refused import RefusedError
from .running import Run, run_words
from .store import JobFolder, JobStore

_TICK = 0.4  # seconds, while something runs
_ATTEMPTS = 3  # of a job whose process vanishes
_SOME_FAILED, _INTERRUPTED = 3, 130  # exit codes of vsr
_MOST_JOBS = 10_000
_PASSING = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)  # there may be some again

Listener = Callable[[str], None]
"""Told the id of a job that has changed, or is gone. Called from any thread."""


class JobQueue:
    """All jobs, and the thread that begins and follows them.

    Args:
        store: where they are kept.
        program: the words that start vsr.
        at_once: how many run at a time.
        warn: told of what is amiss with the store.
    """

    def __init__(
        self, store: JobStore, program: Sequence[str], at_once: int = 1, warn: Warn = ignore
    ) -> None:
        self._store, self._program, self._at_once = store, tuple(program), at_once
        self._jobs: dict[str, Job] = {}
        self._runs: dict[str, Run] = {}
        self._changed = Condition()  # with the lock of all of the above
        self._listeners: list[Listener] = []
        self._listening = Lock()  # of the listeners alone: who comes need not wait for the disk
        self._closed = False
        self._thread = Thread(target=self._work, name="job queue", daemon=True)
        for job in store.load(warn):
            self._jobs[job.id] = job
            self._adopt(job)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> list[Job]:
        """Work no more. Gives the jobs whose processes go on by themselves."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        return [self._jobs[job_id] for job_id in self._runs]

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Be told of changes, until what is returned is called."""
        with self._listening:
            self._listeners.append(listener)

        def leave() -> None:
            with self._listening:
                self._listeners.remove(listener)

        return leave

    def all(self) -> list[dict[str, Any]]:
        """All jobs as the page is told of them, the oldest first."""
        with self._changed:
            return [self._told(job) for job in self._jobs.values()]

    def one(self, job_id: str) -> dict[str, Any]:
        """One of them. Raises RefusedError."""
        with self._changed:
            return self._told(self._job(job_id))

    def targets(self) -> set[str]:
        """What is made by jobs that have not ended."""
        with self._changed:
            return self._targets()

    def _targets(self) -> set[str]:
        jobs = self._jobs.values()
        return {job.target for job in jobs if job.command != "check" and job.state not in ENDED}

    def folder(self, job_id: str) -> JobFolder:
        """Where one of them is kept. Raises RefusedError."""
        with self._changed:
            return self._store.folder(self._job(job_id).id)

    def log(self, job_id: str, start: int) -> tuple[str, int, int]:
        """As `JobStore.log`. Raises RefusedError."""
        return self._store.log(self.folder(job_id).path.name, start)

    def add(self, order: Order, priority: int = 0) -> dict[str, Any]:
        """Queue a command line. Raises RefusedError."""
        _check_priority(priority)
        with self._changed:
            if len(self._jobs) >= _MOST_JOBS:
                raise RefusedError(409, f"{_MOST_JOBS} jobs: forget some that are done")
            self._check_target(order.command, order.target)
            job = Job(
                id=self._store.new_id(),
                command=order.command,
                words=order.words,
                sources=order.sources,
                target=order.target,
                live=order.live,
                priority=priority,
                made=time.time(),
            )
            self._keep(job)
            return self._told(job)

    def prioritise(self, job_id: str, priority: int) -> None:
        """Let a job be begun earlier or later. Raises RefusedError."""
        _check_priority(priority)
        with self._changed:
            job = self._job(job_id)
            if job.state in ENDED:
                raise RefusedError(409, f"a job that is {job.state} has no priority any more")
            self._keep(replace(job, priority=priority))

    def pause(self, job_id: str) -> None:
        """Let a job rest: see `Run.pause`. Raises RefusedError."""
        with self._changed:
            job = self._waiting(job_id, "paused")
            if job.live and job.id in self._runs:
                raise RefusedError(
                    409, "a live source does not wait; cancelled, what has come is kept"
                )
            run = self._runs.get(job_id)
            if run is not None and job.state == "running":
                job = run.pause(job)
            self._set(replace(job, state="paused"))

    def resume(self, job_id: str) -> None:
        """Queue a job that is paused, or that has failed or was cancelled, again."""
        with self._changed:
            job = self._job(job_id)
            if job.state == "done" or job.asked == "cancel":
                raise RefusedError(409, f"a job that is {job.asked or job.state} cannot go on")
            if job.state in ENDED:
                self._check_target(job.command, job.target)
                self._store.folder(job.id).log.unlink(missing_ok=True)
                job = replace(job, attempts=0, error="", notes=(), begun=None, ended=None)
                self._keep(replace(job, state="queued", result=None))
            elif job.state == "paused":
                self._keep(replace(job, state="queued"))

    def cancel(self, job_id: str) -> None:
        """End a job. A live one ends well, with what has come; asked again, it is cancelled."""
        with self._changed:
            job = self._waiting(job_id, "cancelled")
            run = self._runs.get(job_id)
            if run is None:
                self._keep(replace(job, state="cancelled", ended=time.time()))
            else:
                self._set(run.cancel(job))

    def forget(self, job_id: str) -> None:
        """Take a job that has ended off the list. What it has made stays. Raises RefusedError."""
        with self._changed:
            job = self._job(job_id)
            if job.state not in ENDED:
                raise RefusedError(409, f"the job is {job.state}: cancel it first")
            del self._jobs[job.id]
            self._store.remove(job.id)
            self._tell(job.id)

    def _job(self, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        if job is None:
            raise RefusedError(404, "there is no such job")
        return job

    def _waiting(self, job_id: str, what: State) -> Job:
        job = self._job(job_id)
        if job.state in ENDED:
            raise RefusedError(409, f"a job that is {job.state} cannot be {what}")
        return job

    def _check_target(self, command: str, target: str) -> None:
        """No two jobs write one file; batches may fill one folder, and `check` writes none."""
        if command not in ("batch", "check") and target in self._targets():
            raise RefusedError(409, f"{target}: is what another job makes that has not ended")

    def _keep(self, job: Job) -> None:
        """Take what a job is now for true, on the disk first; RefusedError where it is full."""
        try:
            self._store.save(job)
        except OSError as error:
            raise RefusedError(507, f"the job cannot be kept: {error.strerror}") from None
        self._jobs[job.id] = job
        self._tell(job.id)
        self._changed.notify_all()

    def _tell(self, job_id: str) -> None:
        with self._listening:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(job_id)

    def _told(self, job: Job) -> dict[str, Any]:
        run = self._runs.get(job.id)
        return {**job.told, "progress": None if run is None else run.stand}

    def _adopt(self, job: Job) -> None:
        """Take over what an earlier server has left of a job."""
        if job.state in ENDED:
            return
        folder = self._store.folder(job.id)
        begun = job.state == "running" or job.held or bool(job.asked)
        if is_locked(folder.lock) or (begun and folder.exit.exists()):
            run = self._runs[job.id] = Run(folder, Child(folder))
            if job.state == "running" and not job.held:
                run.release()  # stopped, where a full disk kept that from being noted
        elif begun:
            self._jobs[job.id] = self._lost(job)
            with suppress(OSError):  # a full disk: the next server finds the same
                self._store.save(self._jobs[job.id])

    def _work(self) -> None:
        with self._changed:
            while not self._closed:
                put_off = self._step()
                going = any(not self._jobs[job_id].held for job_id in self._runs)
                self._changed.wait(_TICK if going or put_off else None)

    def _step(self) -> bool:
        """Follow what runs, and begin what may. Gives whether something is to be tried again."""
        put_off = False
        for job_id in list(self._runs):
            # Too many open files, a full disk: tried again with the next step.
            with suppress(OSError, RefusedError):
                self._follow(job_id)
        waiting = [job for job in self._jobs.values() if self._may_begin(job)]
        for job in sorted(waiting, key=lambda job: (-job.priority, job.id)):
            if job.watches or self._busy() < self._at_once:
                try:
                    self._begin(job)
                except OSError:
                    put_off = True
        return put_off

    def _busy(self) -> int:
        """How many places are taken; one that waits for files takes none."""
        jobs = [self._jobs[job_id] for job_id in self._runs]
        return sum(not (job.held or job.watches) for job in jobs)

    def _may_begin(self, job: Job) -> bool:
        """One that is still about to stop is not begun a second time."""
        return job.state == "queued" and (job.id not in self._runs or job.held)

    def _begin(self, job: Job) -> None:
        run = self._runs.get(job.id)
        if run is not None:
            run.release()
            self._set(replace(job, state="running", held=False, asked=""))
            return
        folder = self._store.folder(job.id)
        started = replace(
            job, state="running", attempts=job.attempts + 1, begun=time.time(), resumable=False
        )
        try:
            clear(folder)
            self._store.save(started)  # first: a server that is killed now finds it again
            child = begin(folder, [*self._program, *run_words(started, folder)])
        except OSError as error:
            if error.errno in _PASSING:
                raise
            why = f"cannot be started: {error.strerror}"
            self._set(replace(job, state="failed", ended=time.time(), error=why))
            return
        self._runs[job.id] = Run(folder, child)
        self._set(started)

    def _set(self, job: Job) -> None:
        """As `_keep`, for what is true already, even if the disk is full."""
        try:
            self._keep(job)
        except RefusedError:
            self._jobs[job.id] = job
            self._tell(job.id)

    def _follow(self, job_id: str) -> None:
        run, job = self._runs[job_id], self._jobs[job_id]
        ended = not run.child.runs()  # asked first: what it has said by then is read below
        code = run.child.code() if ended else None
        news = run.news(job)
        if ended:
            while (more := run.news(news)) != news:
                news = more
            del self._runs[job_id]
            self._set(self._ended(news, run, code))
        elif news != job:
            self._set(news)
        elif run.moved:
            self._tell(job_id)
        if not ended:
            run.insist(self._jobs[job_id])

    def _ended(self, job: Job, run: Run, code: int | None) -> Job:
        """What has become of a job whose process is gone."""
        over = replace(job, held=False, asked="", ended=time.time())
        if code == 0:
            return replace(over, state="done")
        if job.asked == "cancel":
            return replace(over, state="cancelled")
        if job.asked == "pause" and (code in (_INTERRUPTED, None) or code < 0):
            return replace(over, ended=None)  # paused still, or queued again meanwhile
        if code is None:
            return self._lost(job)
        return replace(over, state="failed", error=run.why(code, _SOME_FAILED))

    def _lost(self, job: Job) -> Job:
        """A job whose process has vanished without a word: it is queued again."""
        job = replace(job, held=False, asked="")
        if job.state == "paused":
            return job
        if job.attempts >= _ATTEMPTS:
            error = f"its process vanished {_ATTEMPTS} times without a word"
            return replace(job, state="failed", ended=time.time(), error=error)
        return replace(job, state="queued")


def _check_priority(priority: object) -> None:
    if isinstance(priority, bool) or not isinstance(priority, int):
        raise RefusedError(400, "priority: must be a whole number")
    if not LEAST <= priority <= MOST:
        raise RefusedError(400, f"priority {priority}: must be of {LEAST} to {MOST}")
