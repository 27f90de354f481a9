"""`vsr restore-image`: one image file restored by itself, and all else that it holds kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from vsr.core.color import enlarge_alpha, from_rgb, known_matrix, to_rgb
from vsr.core.errors import InputError, OutputError, TrainingError
from vsr.core.events import Warn, ignore
from vsr.core.frame import Frame, VideoInfo
from vsr.core.geometry import geometry_of
from vsr.core.options import ComputeOptions
from vsr.core.outlet import leads_out
from vsr.core.paths import check_input, check_output, place_of
from vsr.core.picture import PictureOptions
from vsr.core.untagged import shown_alike
from vsr.images.animated import is_still
from vsr.images.images import Images, open_images
from vsr.images.listing import is_image, is_series
from vsr.inference.engine import choose_engine, torch_device
from vsr.output.image_files import ImageSpec, create_image, names_folder
from vsr.pipeline.checks import check_paths
from vsr.zero_shot.course import Learning
from vsr.zero_shot.estimated import Reduction
from vsr.zero_shot.methods import Method


@dataclass(frozen=True)
class Watch:
    """Who is told on the way. What is raised in it ends the work, and nothing is written.

    Attributes:
        found: told what the picture is taken to have gone through, before the work.
        learning: told after each step.
        warn: told what is amiss, in one line.
    """

    found: Callable[[Reduction], None] = ignore
    learning: Callable[[Learning], None] = ignore
    warn: Warn = ignore


@dataclass(frozen=True)
class RestoredImage:
    """What came of it.

    Attributes:
        target: the image.
        width, height: its size.
        steps: how many were learnt.
        seconds: how long it took.
    """

    target: Path
    width: int
    height: int
    steps: int
    seconds: float


_UNWATCHED = Watch()


def restore_image(
    source: Path,
    target: Path,
    method: Method,
    scale: int,
    reduction: Reduction | None = None,
    device: str = "auto",
    overwrite: bool = False,
    watch: Watch = _UNWATCHED,
    inputs: Iterable[Path] = (),
) -> RestoredImage:
    """Enlarge an image by what it holds itself: no weights, no other pictures.

    Colours are restored in RGB; alpha is enlarged bicubically; the profile and other metadata, and
    the depth, go where the target's format has room for them, as with `vsr.upscale`. The file
    appears when it is complete.

    Args:
        source, target: image files.
        method: how.
        scale: 2, 3 or 4.
        reduction: what the image went through, if that is known.
        device: "auto", "cpu", "cuda" or "cuda:N".
        inputs: what else was read for it, as the kernel's file: it is never replaced.

    Raises InputError, OutputError, DeviceError and TrainingError as each gives cause.
    """
    began, steps = time.monotonic(), 0
    target = _checked(source, target, overwrite, inputs)
    engine = choose_engine(ComputeOptions(device=str(torch_device(device))))

    def count(learning: Learning) -> None:
        nonlocal steps
        steps = learning.step
        watch.learning(learning)

    with open_images(source, watch.warn) as images:
        info, frame = images.info, _only_frame(images)
        geometry = geometry_of(PictureOptions(scale=Fraction(scale)), info)
        large = shown_alike(info, geometry.large(info))
        spec = ImageSpec(
            target=target,
            info=large,
            warn=watch.warn,
            depth=images.depth,
            metadata=images.metadata,
            overwrite=overwrite,
        )
        with create_image(spec) as output:
            small = to_rgb(_tensors(frame), known_matrix(info)).clamp(0, 1)
            known = reduction or method.usual_reduction(small, scale)
            watch.found(known)
            with _naming(source):
                made = method.restored(small, known, engine, count)
            output.write(_frame(made, frame, info, large, scale))
    return RestoredImage(target, large.width, large.height, steps, time.monotonic() - began)


def _checked(source: Path, target: Path, overwrite: bool, inputs: Iterable[Path]) -> Path:
    """The file that is to be written: where `target` is a link, what that leads to.

    Raises InputError or OutputError for what is not one image to one image.
    """
    check_input(source)
    if is_series(source) or not is_still(source):
        raise InputError(
            f"{source}: must be one image; `vsr adapt` learns from the frames of a clip"
        )
    place = target if leads_out(target) else place_of(target)
    if leads_out(place) or names_folder(place) or not is_image(place):
        raise OutputError(f"{place}: must be an image file, such as .png")
    check_paths(source, place, overwrite)
    check_output(place, overwrite, inputs)
    return place


@contextmanager
def _naming(source: Path) -> Iterator[None]:
    """Say of which image it is that a method, which sees its pixels alone, cannot go on."""
    try:
        yield
    except (InputError, TrainingError) as error:
        raise type(error)(f"{source}: {error}") from None


def _only_frame(images: Images) -> Frame:
    if images.expected_frames > 1:
        raise InputError(f"{images.path}: is animated; must be one image")
    if images.info.format.half:
        raise InputError(
            f"{images.path}: holds light as floats; must be of 8 or 16 bits, as `vsr upscale` "
            "makes of it into a .png"
        )
    (frame,) = images.frames()
    return frame


def _tensors(frame: Frame) -> list[Tensor]:
    return [torch.from_numpy(plane)[None] for plane in frame.planes]


def _frame(rgb: Tensor, frame: Frame, info: VideoInfo, large: VideoInfo, scale: int) -> Frame:
    """The large frame of restored colours, and of the small one's alpha."""
    planes = from_rgb(rgb, known_matrix(large))
    planes += enlarge_alpha(_tensors(frame)[3:], info, scale)
    return Frame(tuple(plane[0].numpy() for plane in planes), frame.pts, frame.duration)
