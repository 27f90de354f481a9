"""What the commands share that learn from one picture: its kernel, and how it is told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from tqdm import tqdm

from vsr.core.bounds import Bounds

from .output.messages import event
from .param_types import FilePath, Number
from .progress import part_bar

if TYPE_CHECKING:
    from vsr.zero_shot.course import Learning
    from vsr.zero_shot.estimated import Reduction
    from vsr.zero_shot.restore_image import Watch

Command = TypeVar("Command", bound=Callable[..., Any])

_EVERY = 0.02  # of the learning: how often it is told in JSON


def kernel_options(command: Command) -> Command:
    """--kernel and --blur, which `told_reduction` takes."""
    kernel = click.option(
        "--kernel",
        type=FilePath(dir_okay=False),
        metavar="FILE",
        help="What the picture was reduced by: weights of the large pixels, as .npy or grey .png.",
    )
    blur = click.option(
        "--blur",
        type=Number(Bounds(0, 10)),
        metavar="SIGMA",
        help="The same as a Gaussian before bicubic: its deviation in pixels of the picture.",
    )
    return kernel(blur(command))


def told_reduction(kernel: Path | None, blur: float | None, scale: int) -> Reduction | None:
    """What --kernel or --blur say; None for neither. Raises UsageError, InputError."""
    if kernel is not None and blur is not None:
        raise click.UsageError("--kernel and --blur exclude each other")
    from vsr.zero_shot.estimated import Reduction
    from vsr.zero_shot.kernel import bicubic, read_kernel

    if kernel is not None:
        return Reduction(read_kernel(kernel, scale))
    return None if blur is None else Reduction(bicubic(scale, blur), blur=blur)


class LearningTeller:
    """Tells how it goes: in lines and with a bar, or as JSON; not at all where it is quiet."""

    def __init__(self, as_json: bool, quiet: bool = False) -> None:
        self._as_json, self._quiet = as_json, quiet
        self._bar: tqdm[None] | None = None
        self._told = 0.0

    @property
    def watch(self) -> Watch:
        """What the library takes."""
        from vsr.zero_shot.restore_image import Watch

        return Watch(self.found, self.learning, self.warn)

    def found(self, found: Reduction) -> None:
        if self._as_json:
            size = len(found.kernel.weights)
            facts = {"blur": found.blur, "noise": found.noise, "estimated": found.is_estimated}
            event("found", {"kernel": [size, size], **facts})
            return
        if self._quiet:
            return
        click.echo(_line(found), err=True)
        self._bar = part_bar()

    def learning(self, now: Learning) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(f"step {now.step}, loss {now.loss:.5f}", refresh=False)
            self._bar.update(now.done - self._bar.n)
        elif self._as_json and (now.done - self._told >= _EVERY or now.done >= 1):
            self._told = now.done
            event("progress", asdict(now))

    def warn(self, message: str) -> None:
        tqdm.write(f"vsr: warning: {message}", file=sys.stderr)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _line(found: Reduction) -> str:
    if found.blur is None:
        size = len(found.kernel.weights)
        line = f"kernel: {size}x{size} weights, as given"
    elif found.blur:
        line = f"kernel: bicubic after a Gaussian blur of {found.blur:.2f} pixels"
    else:
        line = "kernel: bicubic"
    line += ", estimated" if found.is_estimated else ""
    return line + (f"; noise: {found.noise:.1f} of 255" if found.noise else "")
