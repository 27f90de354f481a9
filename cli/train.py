"""`vsr train`: teach a network on one's own images and videos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vsr.core.bounds import FRACTION, LEARNING_RATE, MINUTES, SEED, STEPS
from vsr.core.threads import cores_of
from vsr.networks import ARCHITECTURES
from vsr.training.adversarial_recipe import ADVERSARIAL, DISCRIMINATORS, AdversarialRecipe
from vsr.training.cycle_recipe import CycleRecipe
from vsr.training.recipe import BOUNDS, GENERATOR, LOSSES, OPTIMIZERS, DegradationRecipe
from vsr.training.shapes import SHAPES
from vsr.training.symmetry import SYMMETRIES

from .options import LEARNS_ON, upscale_option
from .param_types import FilePath, NetworkScales, Number
from .renamed_option import RenamedOption
from .train_defaults import with_default
from .train_recipes import (
    CYCLE_IN_CYCLE,
    DEGRADATION_GAN,
    DEGRADATIONS,
    check_own_losses,
    check_plain,
    check_sources,
    limits_of,
    recipe_of,
    warn_of_both,
)
from .train_runs import learn, train, train_adversarially, train_in_cycles

_PATH = FilePath()


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
    type=click.Choice(list(DEGRADATIONS)),
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
    check_sources(degradation, data, real, sharp, any(n is not None for n in limits))
    settings["threads"] = settings["threads"] and cores_of(settings["threads"])
    given = {name: value for name, value in settings.items() if value is not None}
    if adversarial is None:
        check_plain(discriminator, features)
    else:
        check_own_losses(given, "--adversarial")
        given = {"lr": 1e-4, "reparam_width": 0} | given  # Ledig et al. 2017, 3.2
    if degradation == CYCLE_IN_CYCLE:
        if adversarial is not None or given["validation"]:
            raise click.UsageError("--recipe cycle-in-cycle takes no --adversarial and no --val")
        check_own_losses(given, "--recipe cycle-in-cycle")
        given = {"lr": 1e-4, "reparam_width": 0, "patch": 32} | given  # Yuan et al. 2018, 4.1
    learning: DegradationRecipe | None = None
    if degradation == DEGRADATION_GAN:
        given["generator"] = folder / "degradation" / GENERATOR
        learning = DegradationRecipe(
            max(scales),
            ARCHITECTURES[SHAPES[model].network].color,
            sharp,
            real,
            *limits_of(*limits),
            **{name: settings[name] for name in ("seed", "device", "threads")},
        )
    recipe = recipe_of(model, scales, data or sharp, DEGRADATIONS[degradation], given)
    against = None
    if adversarial is not None:
        kind = discriminator or DISCRIMINATORS[0]
        against = AdversarialRecipe(recipe, adversarial, features, kind)
    cycles = CycleRecipe(recipe, real) if degradation == CYCLE_IN_CYCLE else None
    warn_of_both(recipe)
    if learning:
        learn(learning, recipe, folder / "degradation", as_json)
    if cycles:
        train_in_cycles(cycles, folder, as_json)
    elif against:
        train_adversarially(against, folder, as_json)
    else:
        train(recipe, folder, as_json)
