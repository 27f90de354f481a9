"""`vsr eval`: score models on true images and clips."""

from __future__ import annotations

from typing import Any

import click

from vsr.core.bounds import STEPS, Bounds
from vsr.core.picture import USUAL_SCALE

from .options import upscale_option
from .param_types import FilePath, Number, ScaleType


@click.command("eval")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=FilePath())
@upscale_option("model")
@click.option("--models", metavar="NAME|FILE,...", help="Several, side by side; not with --model.")
@click.option(
    "-s",
    "--scale",
    type=ScaleType(),
    default=None,
    metavar="FACTOR",
    help="Factor, 1 to 16.  [default: that of model files, else 4]",
)
@click.option("--scales", metavar="FACTOR,...", help="Several; with --dataset, not with --scale.")
@click.option(
    "--dataset",
    metavar="NAME,...",
    help="PATH is set5, set14, bsd100 or urban100: score it as papers do. Of several, a PATH each.",
)
@click.option("--per-image", is_flag=True, help="With --dataset: show each image, too.")
@click.option(
    "--metrics",
    metavar="NAME,...",
    help="Columns: psnr, ssim, mse, texture, erqa; dtssd, vmaf-neg, xpsnr of clips; "
    "flicker, blocks.",
)
@upscale_option("compute.device")
@upscale_option("compute.precision", default="fp32")
@upscale_option("compute.self_ensemble")
@upscale_option("compute.strength")
@click.option(
    "--noise",
    default=0.0,
    metavar="SIGMA",
    type=Number(Bounds(0, 100)),
    help="Add noise to the shrunk pictures: its deviation, of 255.",
)
@click.option(
    "--crf",
    metavar="N",
    type=Number(Bounds(0, 51, whole=True)),
    help="Put the shrunk pictures through H.264 at this rate factor; lower is better.",
)
@click.option("--frames", metavar="N", type=Number(STEPS), help="Read no more frames of each clip.")
@upscale_option("read.stills")
@click.option(
    "--plot",
    metavar="FILE",
    type=FilePath(dir_okay=False),
    help="Draw the PSNR of each frame of the clips, as .png or .svg.",
)
@click.option(
    "--crops",
    metavar="FILE",
    type=FilePath(dir_okay=False),
    help="Show where the models' errors differ most, enlarged, as .png or .jpg.",
)
@click.option("-y", "--overwrite", is_flag=True, help="Replace the figures if they exist.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def eval_command(**given: Any) -> None:
    """Score models on true images and clips.

    Each PATH is an image, a video or a folder of them; three or more images of one size in a
    folder are the frames of a clip. The pictures are shrunk as super-resolution papers do it
    (MATLAB's bicubic), enlarged again by the model, and compared with the true ones: PSNR in
    dB and SSIM of the luma, higher is better; so too for models that work in RGB. SCALE border
    pixels of an image are left out, 8 of a clip. Clips count with the mean over their frames,
    and have one figure more:

    dtSSD, lower is better: how far the change from one frame to the next is from the true
    change, as the root mean square over the pixels, in sample values of 0 to 255. Errors that
    flicker or crawl raise it, errors that stay do not. Cuts are left out.

    With --dataset a row of the papers' tables stands for each set and scale, the mean over its
    images, once it is certain that the folder holds that set.

    MSE is the mean squared error of the 8-bit luma, in squared sample values of 0 to 255.

    texture, lower is better: how far the statistics of texture are from those of the true
    pictures, 0 to 1, whatever the single pixels are. It must be asked for.

    Real recordings are not clean. With --noise and --crf the shrunk pictures are given to the
    model as a camera would keep them, and two columns tell what PSNR does not see:

    flicker: how far a frame is from the one before it, moved as the true frames move, in sample
    values. Blur lowers it, so see it beside the true frames' own, which stands below.

    blocks: how much of all change lies on the grid of the encoder's blocks; 1.00 is none.

    Others' measures need the extra `metrics`. vmaf-neg: VMAF without enhancement gain, 0 to 100,
    of clips. xpsnr: PSNR in dB, weighted by what eyes see, of clips. erqa: how much of the edges
    was restored, 0 to 1. Higher is better.
    """
    # Here, so that other commands need not wait for these imports.
    from .paper_table import score_sets
    from .scoring import Asked, at_own_scale, score

    if given["scales"] is not None and given["scale"] is not None:
        raise click.UsageError("--scale and --scales exclude each other")
    asked = Asked(**given | {"scale": given["scale"] or USUAL_SCALE})
    if given["scale"] is None and given["scales"] is None:
        asked = at_own_scale(asked)
    if asked.dataset is not None:
        score_sets(asked)
        return
    for name in ("scales", "per_image"):
        if given[name]:
            option = name.replace("_", "-")
            raise click.UsageError(f"--{option} is for --dataset alone")
    score(asked)
