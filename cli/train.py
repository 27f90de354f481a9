"""`vsr train`: teach a network on one's own images and videos."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vsr.core.bounds import FRACTION, LEARNING_RATE, MINUTES, SEED, STEPS
from vsr.core.threads import cores_of
from vsr.inference.passes import scale_for
from vsr.networks import ARCHITECTURES
from vsr.networks.multi_scale import MultiScale
from vsr.networks.registry import weights_path
from vsr.training.adversarial_recipe import ADVERSARIAL, DISCRIMINATORS, AdversarialRecipe
from vsr.training.cycle_recipe import CycleRecipe
from vsr.training.recipe import (
    BOUNDS,
    GENERATOR,
    LOSSES,
    OPTIMIZERS,
    DegradationRecipe,
    Recipe,
    check_stages,
)
from vsr.training.shapes import SHAPES
from vsr.training.symmetry import SYMMETRIES
from vsr.util.signals import heard, interrupt

from .options import LEARNS_ON, upscale_option
from .output.messages import event, warn
from .param_types import FilePath, NetworkScales, Number
from .progress import part_bar
from .renamed_option import RenamedOption
from .train_defaults import with_default

if TYPE_CHECKING:
    from vsr.training.adversarial import AdversarialProgress
    from vsr.training.cycle import CycleProgress
    from vsr.training.fit import Progress
    from vsr.training.learn_degradation import Learning

_PATH = FilePath()
_GAN = "degradation-gan"
_CYCLES = "cycle-in-cycle"
_PLAIN = ("loss", "mse_fraction", "reparam_width", "optimizer", "gradient_clip")
"""Options that adversarial and cycle-in-cycle training have no use for."""
_DEGRADATIONS = {"clean": "bicubic", "footage": "footage", _GAN: "learned", _CYCLES: "bicubic"}
"""By --recipe."""


@click.command("train")
@click.argument("data", nargs=-1, type=_PATH)
@click.option("-o", "--output", "folder", required=True, type=_PATH, help="Where the run lives.")
@click.option(
    "-m",
    "--model",
    type=click.Choice(list(SHAPES)),
    default="espcn",
    show_default=True,
    metavar="NAME",
    help="A vespcn sees neighbouring frames, an edsr works in RGB; srcnn and what follows are "
    "networks of the literature, with defaults of their own: " + ", ".join(SHAPES) + ".",
)
@click.option(
    "-s",
    "--scale",
    "scales",
    type=NetworkScales(),
    default="4",
    show_default=True,
    help="Factor; several for networks that learn them at once, as vdsr and mdsr.",
)
@click.option(
    "--recipe",
    "degradation",
    type=click.Choice(list(_DEGRADATIONS)),
    default="clean",
    show_default=True,
    help="Small pictures: reduced alone, recorded by cameras, or two ways to learn from --real.",
)
@click.option("--real", multiple=True, type=_PATH, help="Footage whose degradation to learn.")
@click.option(
    "--sharp",
    multiple=True,
    type=_PATH,
    help="With --real, instead of DATA: sharp photos and clips.",
)
@click.option(
    "--degradation-iterations",
    type=Number(STEPS),
    help="Steps to learn the degradation.  [default: 20000, unless minutes]",
)
@click.option(
    "--degradation-minutes",
    type=Number(MINUTES),
    help="Time to learn it, before that of the network.",
)
@click.option("--val", "validation", multiple=True, type=_PATH, help="To choose the best on.")
@click.option(
    "--iterations", type=Number(STEPS), help="Steps.  [default: 100000, unless --minutes]"
)
@click.option("--minutes", type=Number(MINUTES), help="Time to train, instead or as well.")
@click.option(
    "--batch", type=Number(BOUNDS["batch"]), help=with_default("Patches a step.", "batch")
)
@click.option(
    "--patch",
    type=Number(BOUNDS["patch"]),
    help=with_default("Side of a patch in small pixels.", "patch"),
)
@click.option(
    "--lr",
    cls=RenamedOption,
    old="--rate",
    type=Number(LEARNING_RATE),
    help=with_default("Highest learning rate.", "lr"),
)
@click.option(
    "--optimizer",
    type=click.Choice(OPTIMIZERS),
    default="adam",
    show_default=True,
    help="Adam, or gradient descent with momentum.",
)
@click.option(
    "--gradient-clip",
    type=Number(BOUNDS["gradient_clip"]),
    help="Keeps each gradient within this over the rate; 0: the norm within 1.  [default: 0]",
)
@click.option(
    "--loss",
    cls=RenamedOption,
    old="--error",
    type=click.Choice(LOSSES),
    help=with_default("To minimise.", "loss"),
)
@click.option(
    "--mse-fraction",
    cls=RenamedOption,
    old="--mse-part",
    type=Number(FRACTION),
    help=with_default("Of the run, at its end, on squared error.", "mse_fraction"),
)
@click.option(
    "--reparam-width",
    cls=RenamedOption,
    old="--width",
    type=Number(BOUNDS["reparam_width"]),
    help=with_default("Kernels behind each convolution while it trains; 0: none.", "reparam_width"),
)
@click.option("--warm-start", metavar="NAME|FILE", help="A bundled model or file to begin from.")
@click.option(
    "--teacher",
    metavar="NAME|FILE",
    help="A recurrent network whose pictures another learns beside the truth.",
)
@click.option(
    "--teacher-share",
    type=Number(FRACTION),
    help="How much of what is learnt is the teacher's.  [default: 0.5]",
)
@click.option(
    "--teacher-ensemble",
    is_flag=True,
    help="The teacher's mean of 8 flips and turns: 8 times its work.",
)
@click.option(
    "--recorded-only",
    is_flag=True,
    help="Recurrent networks: no clean takes; the weights for flawless sources stay.",
)
@click.option(
    "--symmetry",
    type=click.Choice([str(count) for count in SYMMETRIES]),
    callback=lambda ctx, param, count: count and int(count),
    help=with_default(
        "Recurrent networks: positions of a picture that are treated alike; 2: left and right, "
        "4: all flips, 8: turns too.",
        "symmetry",
    ),
)
@click.option(
    "--motion-fraction",
    cls=RenamedOption,
    old="--motion-part",
    type=Number(FRACTION),
    help=with_default(
        "vespcn, recurrent: of the run, at its beginning, for motion alone.", "motion_fraction"
    ),
)
@click.option(
    "--guided-fraction",
    cls=RenamedOption,
    old="--guided-part",
    type=Number(FRACTION),
    help=with_default("vespcn: of the run, after it, with known motion.", "guided_fraction"),
)
@click.option(
    "--adversarial",
    metavar="W",
    type=Number(ADVERSARIAL),
    help="Train against a discriminator, its verdict weighed so: 0.001 in SRGAN's paper.",
)
@click.option(
    "--discriminator",
    type=click.Choice(DISCRIMINATORS),
    help="Of --adversarial: a narrow one for any --patch, or the paper's.  [default: light]",
)
@click.option(
    "--features",
    metavar="FILE",
    type=_PATH,
    help="Of --adversarial: a VGG-19 for the content loss.  "
    "[default: EfficientNet-Lite0 of the extra perceptual]",
)
@click.option("--seed", type=Number(SEED), default=1, show_default=True)
@upscale_option("compute.device", text=LEARNS_ON)
@upscale_option("compute.threads")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def train_command(
    folder: Path,
    model: str,
    scales: tuple[int, ...],
    degradation: str,
    data: tuple[Path, ...],
    real: tuple[Path, ...],
    sharp: tuple[Path, ...],
    degradation_iterations: int | None,
    degradation_minutes: float | None,
    adversarial: float | None,
    discriminator: str | None,
    features: Path | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Train a network on DATA: images, videos and folders of them.

    The folder given by --output gets best.safetensors, checkpoint.pt and log.jsonl. The same
    command goes on where it was stopped, and tells options that are others than it began
    with; Ctrl-C stops it without loss. Give --val images and clips that are not in DATA, and the
    weights that do best on them are kept; without, the last ones.

    With --recipe degradation-gan, what recording does to pictures is learnt first, from --real
    footage and --sharp pictures that need not show the same, into the folder's degradation/;
    look at samples.png there. The network then learns to undo it.

    With --recipe cycle-in-cycle, an espcn or edsr learns from both at once, with a cleaner before
    it and networks that tell and undo what they make. The last weights are kept. Give it
    --warm-start.

    With --adversarial, a network of RGB learns to look like true pictures rather than to be near
    them, as SRGAN does from SRResNet. PSNR falls, and the last weights are kept. Give it
    --warm-start.
    """
    limits = (degradation_iterations, degradation_minutes)
    _check_sources(degradation, data, real, sharp, any(n is not None for n in limits))
    settings["threads"] = settings["threads"] and cores_of(settings["threads"])
    given = {name: value for name, value in settings.items() if value is not None}
    if adversarial is None:
        _check_plain(discriminator, features)
    else:
        _check_own_losses(given, "--adversarial")
        given = {"lr": 1e-4, "reparam_width": 0} | given  # Ledig et al. 2017, 3.2
    if degradation == _CYCLES:
        if adversarial is not None or given["validation"]:
            raise click.UsageError("--recipe cycle-in-cycle takes no --adversarial and no --val")
        _check_own_losses(given, "--recipe cycle-in-cycle")
        given = {"lr": 1e-4, "reparam_width": 0, "patch": 32} | given  # Yuan et al. 2018, 4.1
    learning: DegradationRecipe | None = None
    if degradation == _GAN:
        given["generator"] = folder / "degradation" / GENERATOR
        learning = DegradationRecipe(
            max(scales),
            ARCHITECTURES[SHAPES[model].network].color,
            sharp,
            real,
            *_limits(*limits),
            **{name: settings[name] for name in ("seed", "device", "threads")},
        )
    recipe = _recipe(model, scales, data or sharp, _DEGRADATIONS[degradation], given)
    against = None
    if adversarial is not None:
        kind = discriminator or DISCRIMINATORS[0]
        against = AdversarialRecipe(recipe, adversarial, features, kind)
    cycles = CycleRecipe(recipe, real) if degradation == _CYCLES else None
    _warn_of_both(recipe)
    if learning:
        _check_beginning(recipe)
        _learn(learning, folder / "degradation", as_json)
    if cycles:
        _train_in_cycles(cycles, folder, as_json)
    elif against:
        _train_adversarially(against, folder, as_json)
    else:
        _train(recipe, folder, as_json)


def _recipe(
    model: str,
    scales: tuple[int, ...],
    data: tuple[Path, ...],
    degradation: str,
    given: dict[str, Any],
) -> Recipe:
    """The recipe of a model, with what was given in place of its defaults."""
    shape = SHAPES[model]
    check_stages(shape.network, given)
    chosen, options, scale = shape.defaults | given, shape.options, max(scales)
    if issubclass(ARCHITECTURES[shape.network], MultiScale):
        options = options | {"scales": scales}
    elif len(scales) > 1:
        several = [n for n, s in SHAPES.items() if issubclass(ARCHITECTURES[s.network], MultiScale)]
        raise click.UsageError(
            f"--scale {','.join(map(str, scales))}: {model} learns one scale; "
            f"several at once are for {', '.join(several)}"
        )
    if "warm_start" in given:
        name = given["warm_start"]
        is_file = Path(name).suffix == ".safetensors"
        suits = scale if is_file else scale_for(name, Fraction(scale))
        chosen["warm_start"] = weights_path(name, suits)
    if "teacher" in given:
        chosen["teacher"] = weights_path(given["teacher"], scale)
    elif "teacher_share" in given or given.get("teacher_ensemble"):
        raise click.UsageError("--teacher-share and --teacher-ensemble are for --teacher")
    if "iterations" not in given:
        chosen["iterations"] = None if "minutes" in given else 100_000
    chosen["degradation"] = degradation
    return Recipe(shape.network, scale, data, options=options, **chosen)


def _warn_of_both(recipe: Recipe) -> None:
    """Warn where what the weights are chosen on is learnt from, too."""
    if not recipe.validation:
        return
    from vsr.training.validation import in_both

    if both := in_both(recipe.data, recipe.validation):
        more = f", and {len(both) - 1} more" if len(both) > 1 else ""
        warn(f"{both[0]}{more}: in DATA and in --val; what has been learnt by heart scores best")


def _check_beginning(recipe: Recipe) -> None:
    """Raise what would end the second stage, before hours go into the first."""
    from vsr.training.fit import check_beginning

    check_beginning(recipe)


def _train(recipe: Recipe, folder: Path, as_json: bool) -> None:
    """Train, and tell where the weights are."""
    # Here, so that other commands need not wait for this import.
    from vsr.training.fit import fit

    best: float | None = None
    with _told("progress", "", as_json) as tell:

        def report(progress: Progress) -> None:
            nonlocal best
            best = progress.best
            tell(progress, _describe(progress))

        weights = fit(recipe, folder, report, warn=warn)
    _tell_result(recipe, weights, best, as_json)


def _train_adversarially(recipe: AdversarialRecipe, folder: Path, as_json: bool) -> None:
    """Train against a discriminator, and tell where the weights are."""
    from vsr.training.adversarial import fit_adversarially

    last: float | None = None
    with _told("progress", "", as_json) as tell:

        def report(progress: AdversarialProgress) -> None:
            nonlocal last
            last = progress.psnr
            tell(progress, _describe_adversarial(progress))

        weights = fit_adversarially(recipe, folder, report, warn)
    _tell_result(recipe.generator, weights, last, as_json)


def _train_in_cycles(recipe: CycleRecipe, folder: Path, as_json: bool) -> None:
    """Train on recordings in two cycles, and tell where the weights are."""
    from vsr.training.cycle import fit_in_cycles

    with _told("progress", "", as_json) as tell:
        weights = fit_in_cycles(recipe, folder, lambda now: tell(now, _describe_cycles(now)), warn)
    _tell_result(recipe.whole, weights, None, as_json)


def _tell_result(recipe: Recipe, weights: Path, psnr: float | None, as_json: bool) -> None:
    if as_json:
        facts = {"weights": str(weights), "scale": recipe.scale}
        event("result", facts | {"psnr": psnr})
    else:
        file = shlex.quote(str(weights))
        click.echo(f"best weights: {weights}")
        click.echo(f"use them: vsr upscale INPUT OUTPUT --scale {recipe.scale} --model {file}")


def _check_plain(discriminator: str | None, features: Path | None) -> None:
    """Raise UsageError where options of adversarial training stand without it."""
    if discriminator or features:
        raise click.UsageError("--discriminator and --features are for --adversarial")


def _check_own_losses(given: dict[str, Any], what: str) -> None:
    """Raise UsageError where an option is given that `what`, with losses of its own, ignores."""
    for name in _PLAIN:
        if name in given and (name, given[name]) != ("optimizer", "adam"):  # which is its default
            raise click.UsageError(f"--{name.replace('_', '-')} is not for {what}")


def _check_sources(
    recipe: str,
    data: tuple[Path, ...],
    real: tuple[Path, ...],
    sharp: tuple[Path, ...],
    limits: bool,
) -> None:
    """Raise UsageError where a recipe's sources are missing, or others are given."""
    learns = recipe in (_GAN, _CYCLES)
    if learns and (data or not real or not sharp):
        raise click.UsageError(
            f"--recipe {recipe} takes --real FOOTAGE and --sharp PHOTOS, and no DATA"
        )
    if not learns and (real or sharp):
        raise click.UsageError(
            f"--real and --sharp are for --recipe {_GAN} or {_CYCLES}, not {recipe}"
        )
    if recipe != _GAN and limits:
        raise click.UsageError(f"--degradation-... are for --recipe {_GAN}, not {recipe}")
    if not learns and not data:
        raise click.UsageError(f"--recipe {recipe} needs DATA: images, videos or folders of them")


def _limits(iterations: int | None, minutes: float | None) -> tuple[int | None, float | None]:
    """How long to learn a degradation."""
    return (20_000 if iterations is None and minutes is None else iterations), minutes


def _learn(recipe: DegradationRecipe, folder: Path, as_json: bool) -> None:
    """Learn a degradation, or find it learnt."""
    from vsr.training.learn_degradation import learn_degradation

    with _told("degradation", " of the degradation", as_json) as tell:
        learn_degradation(recipe, folder, lambda now: tell(now, _describe_learning(now)), warn)


@contextmanager
def _told(
    name: str, of: str, as_json: bool
) -> Iterator[Callable[[Progress | AdversarialProgress | CycleProgress | Learning, str], None]]:
    """Gives the function that tells how a run stands: as a value, and in words.

    The words stand on a bar; where files were saved there is a line, too. Ctrl-C waits for the
    end of a step, and says which that was.
    """
    step: int | None = None
    with part_bar() as bar, _interrupts_between_steps() as check:

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


def _describe(progress: Progress) -> str:
    text = f"step {progress.step}, loss {progress.loss:.5f}, rate {progress.rate:.1e}"
    from vsr.training.fit import StreamProgress

    if progress.psnr is not None and isinstance(progress, StreamProgress):
        text += f", gain over bicubic {progress.psnr:+.3f}, best {progress.best:+.3f} dB"
    elif progress.psnr is not None:
        text += f", PSNR {progress.psnr:.3f}, best {progress.best:.3f} dB"
    return text


def _describe_adversarial(progress: AdversarialProgress) -> str:
    text = (
        f"step {progress.step}, content {progress.content:.5f}, "
        f"adversarial {progress.adversarial:.3f}, told apart {progress.apart:.3f}, "
        f"rate {progress.rate:.1e}"
    )
    return text if progress.psnr is None else f"{text}, PSNR {progress.psnr:.3f} dB"


def _describe_cycles(progress: CycleProgress) -> str:
    return (
        f"step {progress.step}, inner cycle {progress.inner:.4f}, outer {progress.outer:.4f}, "
        f"told apart {progress.apart:.3f}, rate {progress.rate:.1e}"
    )


def _describe_learning(progress: Learning) -> str:
    return (
        f"degradation: step {progress.step}, changed {progress.changed:.2f}, "
        f"noise {progress.noise:.2f}, verdict {progress.verdict:.3f}, "
        f"told apart {progress.apart:.3f}"
    )


@contextmanager
def _interrupts_between_steps() -> Iterator[Callable[[], None]]:
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
