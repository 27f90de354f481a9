"""The training loop that every kind of run goes through."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch

from vsr.core.errors import writing
from vsr.core.threads import ahead
from vsr.inference.devices import type_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
Told = TypeVar("Told", bound="DataclassInstance", covariant=True)

SAVE_EVERY = 120.0  # seconds
SAVE_SHARE = 0.1  # of the time, at most: where measuring takes long, saves are further apart, and
# checkpoints alone are written between them


class Taken(Protocol):
    """How far a run is.

    Attributes:
        step: steps taken.
        elapsed: seconds spent on them.
    """

    step: int
    elapsed: float


class Trainer(Protocol[T, Told]):
    """What learns, step by step."""

    @property
    def run(self) -> Taken:
        """How far it is."""
        ...

    def examples(self) -> Iterator[T]:
        """What each step from here on shows."""
        ...

    def train(self, examples: T, fraction: float) -> None:
        """Take one step, when `fraction` (0..1) of the run is over, and count it."""
        ...

    def save(self) -> None:
        """Write the checkpoint, and what the run is for as it is by now."""
        ...

    def save_checkpoint(self) -> None:
        """Write what the run goes on from."""
        ...

    def progress(self, fraction: float, saved: bool) -> Told:
        """How the run stands. Means count from the last one that was saved."""
        ...


def run_trainer(
    trainer: Trainer[T, Told],
    fraction_of: Callable[[int, float], float],
    log_file: Path,
    device: torch.device,
    report: Callable[[Told], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Train until `fraction_of` steps and seconds is 1, saving as often as `save_due` says.

    A checkpoint is never older than SAVE_EVERY and a step.

    `report` is called after each step. It may raise to stop the run, KeyboardInterrupt for one: a
    checkpoint of that step is written first, as where saving fails. `clock` tells the seconds
    that steps take.
    """
    run, took = trainer.run, 0.0
    saved_at = kept_at = time.monotonic()
    fraction = fraction_of(run.step, run.elapsed)
    if fraction >= 1 and not _is_logged(run.step, log_file):  # saving failed after the last step
        trainer.save()
    with drawn_ahead(trainer.examples(), device) as examples:
        while fraction < 1:
            began = clock()
            trainer.train(next(examples), fraction)
            run.elapsed += clock() - began
            fraction = fraction_of(run.step, run.elapsed)
            ended = time.monotonic()
            due = fraction >= 1 or save_due(ended - saved_at, took)
            if due:
                try:
                    trainer.save()
                except BaseException:  # as where a validation clip is damaged further on
                    trainer.save_checkpoint()
                    raise
                took = time.monotonic() - ended
            progress = trainer.progress(min(fraction, 1.0), due)
            if due:
                log(progress, log_file)
                saved_at = kept_at = time.monotonic()
            elif ended - kept_at > SAVE_EVERY:
                trainer.save_checkpoint()
                kept_at = time.monotonic()
            try:
                report(progress)
            except BaseException:
                trainer.save_checkpoint()
                raise


def save_due(since: float, took: float) -> bool:
    """Whether to save, so many seconds after the last time, which took that many itself."""
    return since > max(SAVE_EVERY, took / SAVE_SHARE)


@contextmanager
def drawn_ahead(examples: Iterator[T], device: torch.device) -> Iterator[Iterator[T]]:
    """The examples of each step, for a GPU drawn some steps ahead, so that it does not wait."""
    depth = type_of(device).drawn_ahead
    if depth:
        with ahead(examples, depth) as coming:
            yield coming
    else:
        yield examples


def _is_logged(step: int, path: Path) -> bool:
    """Whether a step is the last one of a log."""
    with suppress(OSError, UnicodeDecodeError):
        lines = path.read_text("utf-8").splitlines()
        return bool(lines) and f'"step": {step},' in lines[-1]
    return False


def log(progress: DataclassInstance, path: Path) -> None:
    """Add how a run stands, without `saved`, as a line of JSON. Raises OutputError."""
    facts: dict[str, Any] = asdict(progress)
    line = {name: value for name, value in facts.items() if name != "saved"}
    with writing(path), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
