"""Progress bars: of a batch, one for all files and one for each at work; and of what is learnt."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict

from tqdm import tqdm

from vsr import Progress
from vsr.util.signals import times_gone_on
from vsr.util.text import duration_text, fps_text, shortened

from .output.messages import event

_NAME = 24  # columns for a file's name


class Stops:
    """Whether the process was stopped for a while, as by Ctrl-Z: that time is no part of a pace."""

    def __init__(self) -> None:
        self._seen = times_gone_on()

    def since_last(self) -> bool:
        """Whether it has gone on after a stop since this was asked last."""
        before, self._seen = self._seen, times_gone_on()
        return self._seen != before


class Lines:
    """A line on stderr every now and then where that is no terminal, and so shows no bar."""

    def __init__(self, wanted: bool, every: float = 30.0) -> None:
        """`every` is seconds from one line to the next, at least."""
        self._wanted = wanted and not sys.stderr.isatty()
        self._every = every
        self._began: dict[str, tuple[float, int]] = {}
        self._due: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        self._stops = Stops()

    def start(self, name: str) -> None:
        """Begin anew to count the time for what is called so."""
        self._began.pop(name, None)

    def progress(self, now: Progress, name: str = "") -> None:
        """Tell how far a run is, once it is time to; `name` is that of one of several."""
        if not self._wanted:
            return
        clock = time.monotonic()
        if self._stops.since_last():
            self._leave_out(clock)
        self._heard[name] = clock
        if name not in self._began:
            self._began[name] = clock, now.frames - 1  # the rest was done by an earlier run
            self._due[name] = clock + self._every
        if clock < self._due[name]:
            return
        self._due[name] = clock + self._every
        began, before = self._began[name]
        pace = (now.frames - before) / (clock - began) if clock > began else 0.0
        print(
            f"vsr: {name}{': ' if name else ''}{_how_far(now, pace)}", file=sys.stderr, flush=True
        )

    def _leave_out(self, clock: float) -> None:
        """Count nothing since the last word of each: it was stopped meanwhile."""
        for name, (began, before) in self._began.items():
            stopped = clock - self._heard[name]
            self._began[name] = began + stopped, before
            self._due[name] += stopped
            self._heard[name] = clock


def _how_far(now: Progress, pace: float) -> str:
    """Such as "1200 of about 5000 frames, 12.3 fps, about 0:05:09 left"."""
    if not now.expected or now.expected < now.frames:
        return f"{now.frames} frames, {fps_text(pace)} fps"
    left = (now.expected - now.frames) / pace if pace else 0
    return (
        f"{now.frames} of about {now.expected} frames, {fps_text(pace)} fps, about "
        f"{duration_text(left)} left"
    )


def part_bar() -> tqdm[None]:
    """A bar on stderr from 0 to 1; none where stderr is no terminal."""
    layout = "{percentage:5.1f}%|{bar}| {elapsed}<{remaining}{postfix}"
    return tqdm(
        total=1.0, bar_format=layout, miniters=0, mininterval=0.5, disable=None, dynamic_ncols=True
    )


class ProgressEvents:
    """Progress as JSON lines on stdout, about twice a second, where they are wanted."""

    def __init__(self, wanted: bool, every: float = 0.5) -> None:
        """`every` is seconds from one line to the next, at least."""
        self._wanted, self._every = wanted, every
        self._last: float | None = None

    def progress(self, now: Progress) -> None:
        """Tell how far a run is, once it is time to."""
        self.tell(asdict(now))

    def tell(self, facts: dict[str, object]) -> None:
        """The same of what counts its work otherwise."""
        clock = time.monotonic()
        if not self._wanted or (self._last is not None and clock - self._last < self._every):
            return
        self._last = clock
        event("progress", facts)


class Bars:
    """Bars on stderr where it is a terminal, and lines above them."""

    def __init__(self, files: int | None, wanted: bool) -> None:
        """`files` is how many there are, None where they keep coming."""
        self._disable = None if wanted else True  # None: where stderr is no terminal
        self._all = self._bar(0, files, "all", " files")
        self._running: dict[int, tqdm[None]] = {}
        self._names: dict[int, str] = {}
        self._stops = Stops()

    def start(self, slot: int, name: str) -> None:
        """A worker has begun a file, maybe anew."""
        self._end(slot)
        self._names[slot] = shortened(name, _NAME)
        self._running[slot] = self._bar(slot + 1, None, self._names[slot], " frames")

    def move(self, slot: int, now: Progress) -> None:
        """It is so far."""
        if self._stops.since_last():
            for each in (self._all, *self._running.values()):
                each.unpause()
        bar = self._running[slot]
        if bar.n:
            bar.update(now.frames - bar.n)
        else:  # its pace is that of the frames from now on
            self._end(slot)
            self._running[slot] = self._bar(
                slot + 1, now.expected, self._names[slot], " frames", now.frames
            )

    def end(self, slot: int, frames: int) -> None:
        """It is through with a file; `frames` were written by now, of all files."""
        self._end(slot)
        self._all.set_postfix_str(f"{frames} frames", refresh=False)
        self._all.update()

    def write(self, line: str) -> None:
        """Show a line."""
        tqdm.write(line, file=sys.stderr)

    def close(self) -> None:
        """Take the bars away."""
        for slot in list(self._running):
            self._end(slot)
        self._all.close()

    def _end(self, slot: int) -> None:
        bar = self._running.pop(slot, None)
        if bar is not None:  # a bar without a total is neither true nor false
            bar.close()

    def _bar(
        self, position: int, total: int | None, name: str, unit: str, done: int = 0
    ) -> tqdm[None]:
        return tqdm(
            total=total,
            initial=done,
            miniters=1,  # workers tell a few times a second, whatever their pace
            unit=unit,
            desc=name,
            position=position,
            leave=False,
            dynamic_ncols=True,
            disable=self._disable,
            file=sys.stderr,
        )
