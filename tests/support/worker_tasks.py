"""What workers do in tests of the pool: the name of the source says what."""

from __future__ import annotations

import os
import time

from vsr.batch.outcome import Item
from vsr.batch.worker import Finished
from vsr.core.errors import InputError, StalledError, StoppedError
from vsr.core.events import Progress, Reporter
from vsr.core.options import UpscaleOptions
from vsr.util.atomic import part_of


def act(item: Item, options: UpscaleOptions, reporter: Reporter) -> Finished:
    """Do what the source's stem is called up to a "-"; after "once-" only the first time.

    What begins leaves a file .begun beside the target, with its process id; what is done
    writes the target.
    """
    what, _, rest = item.source.stem.partition("-")
    begun = item.target.with_suffix(".begun")
    if what == "once":
        what = "good" if begun.exists() else rest
    begun.write_text(str(os.getpid()))
    match what:
        case "abort":
            part_of(item.target).touch()
            os.abort()
        case "exit":
            os._exit(7)
        case "hang":
            part_of(item.target).touch()
            time.sleep(600)
        case "bad":
            raise InputError(f"{item.source}: is\nno video")
        case "stall":
            raise StalledError("nothing comes")
        case "memory":
            raise MemoryError
        case "wrong":
            raise ValueError("a\nslip")
        case "long":
            reporter.stop.wait(60)
            raise StoppedError("goes on from here")
        case "short":
            reporter.stop.wait(60)
        case "told":
            reporter.warn("begun")
            reporter.stop.wait(60)
        case "warn":
            reporter.warn("first")
            reporter.warn("second")
        case "frames":
            for number in range(700):
                reporter.progress(Progress(number + 1, 700))
                time.sleep(0.001)
    item.target.write_text(str(os.getpid()))
    return Finished("done", facts={"frames_out": 5, "threads": options.compute.threads})
