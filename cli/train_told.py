"""How `vsr train` tells how a run stands, and what came of it."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vsr.training.recipe import Recipe
from vsr.util.signals import heard, interrupt

from .output.messages import event
from .progress import part_bar

if TYPE_CHECKING:
    from vsr.training.adversarial import AdversarialProgress
    from vsr.training.cycle import CycleProgress
    from vsr.training.learn_degradation import Learning
    from vsr.training.progress import Progress


@contextmanager
def told(
    name: str, of: str, as_json: bool
) -> Iterator[Callable[[Progress | AdversarialProgress | CycleProgress | Learning, str], None]]:
    """Gives the function that tells how a run stands: as a value, and in words.

    The words stand on a bar; where files were saved there is a line, too. Ctrl-C waits for the
    end of a step, and says which that was.
    """
    step: int | None = None
    with part_bar() as bar, interrupts_between_steps() as check:

        def tell(now: Progress | AdversarialProgress | CycleProgress | Learning, text: str) -> None:
            nonlocal step
            step = now.step
            bar.set_postfix_str(text, refresh=False)
            bar.update(now.done - bar.n)
            if now.saved and as_json:
                event(name, asdict(now))
            elif now.saved and bar.disable:
                click.echo(f"{now.done:6.1%}  {text}", err=True)
            check()

        try:
            yield tell
        except KeyboardInterrupt:
            bar.close()
            if step is not None:
                click.echo(f"stopped after step {step}{of}; the same command goes on", err=True)
            raise
    if step is None and not of:
        click.echo(
            "the run was over already, and nothing more was learnt: higher --iterations or "
            "--minutes go on with it, another folder begins anew",
            err=True,
        )


def described(progress: Progress) -> str:
    text = f"step {progress.step}, loss {progress.loss:.5f}, rate {progress.rate:.1e}"
    from vsr.training.progress import StreamProgress

    if progress.psnr is not None and isinstance(progress, StreamProgress):
        text += f", gain over bicubic {progress.psnr:+.3f}, best {progress.best:+.3f} dB"
    elif progress.psnr is not None:
        text += f", PSNR {progress.psnr:.3f}, best {progress.best:.3f} dB"
    return text


def described_adversarial(progress: AdversarialProgress) -> str:
    text = (
        f"step {progress.step}, content {progress.content:.5f}, "
        f"adversarial {progress.adversarial:.3f}, told apart {progress.apart:.3f}, "
        f"rate {progress.rate:.1e}"
    )
    return text if progress.psnr is None else f"{text}, PSNR {progress.psnr:.3f} dB"


def described_cycles(progress: CycleProgress) -> str:
    return (
        f"step {progress.step}, inner cycle {progress.inner:.4f}, outer {progress.outer:.4f}, "
        f"told apart {progress.apart:.3f}, rate {progress.rate:.1e}"
    )


def described_learning(progress: Learning) -> str:
    return (
        f"degradation: step {progress.step}, changed {progress.changed:.2f}, "
        f"noise {progress.noise:.2f}, verdict {progress.verdict:.3f}, "
        f"told apart {progress.apart:.3f}"
    )


def tell_result(recipe: Recipe, weights: Path, psnr: float | None, as_json: bool) -> None:
    if as_json:
        facts = {"weights": str(weights), "scale": recipe.scale}
        event("result", facts | {"psnr": psnr})
    else:
        file = shlex.quote(str(weights))
        click.echo(f"best weights: {weights}")
        click.echo(f"use them: vsr upscale INPUT OUTPUT --scale {recipe.scale} --model {file}")


@contextmanager
def interrupts_between_steps() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C and the like wait for a step's end, so that the checkpoint is of a whole one.

    Yields the function to call after each step. Before the first one, and the second time,
    they interrupt at once.
    """
    stepping = pressed = False

    def note(number: int, frame: object) -> None:
        nonlocal pressed
        if pressed or not stepping:
            interrupt(number, frame)
        pressed = True

    def check() -> None:
        nonlocal stepping
        stepping = True
        if pressed:
            raise KeyboardInterrupt

    signals = (signal.SIGINT, *heard())
    before = [signal.signal(number, note) for number in signals]
    try:
        yield check
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
