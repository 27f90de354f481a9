"""One frame of takes: as a sheet of enlarged crops, or as an image each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.core.color_codes import Primaries, Transfer
from vsr.core.errors import InputError
from vsr.core.events import ignore
from vsr.core.frame import Frame, Pixels, Plane, VideoInfo
from vsr.figures.contact_sheet import (
    WIDEST,
    Crop,
    Row,
    cell_width,
    check_png,
    numbered,
    save,
    sheet,
)
from vsr.figures.hotspots import Place, best_places, window_means
from vsr.images.files import shape_of
from vsr.images.info import image_info
from vsr.images.planes import to_planes
from vsr.output.image_files import ImageSpec, create_image_folder
from vsr.previews.synced_reader import in_step, open_takes
from vsr.previews.variant import Take
from vsr.video.upright_image import as_image

_PLACES = 3
_NARROWEST, _TALLEST = 800, 1000  # pixels: of a sheet, of the whole frame on it
_SHARE = 6  # how many crops, about, are as wide as the frame
_FACTORS = (2, 16)  # by which crops are enlarged


def write_sheet(
    target: Path, takes: Sequence[Take], at: int | None = None, overwrite: bool = False
) -> None:
    """Write one frame of takes as a PNG: the whole of it, and places in it, enlarged.

    On top stands the frame of the first take that is no baseline, at most 1600 pixels wide,
    with up to three numbered rectangles, where the takes differ most from the baseline; below,
    for each, that part of every take, enlarged by a whole number, pixel by pixel.

    Args:
        target: a .png, which gets its name once the sheet is whole.
        takes: at least one; the first stands in for a baseline where there is none.
        at: the frame, counted from 0; None takes the one that differs most from the baseline.
        overwrite: whether what is there under the name by then is replaced.

    Raises OutputError where it cannot be written or the takes are not alike, InputError where
    there is no such frame.
    """
    check_png(target, "a sheet")
    found = _read(takes, at)
    base, best = _roles(takes)
    pictures = [_three_channels(as_image(planes, found.info, 8)) for planes in found.planes]
    places = _places(found, base)
    rows = [
        Row(
            tuple(
                Crop(take.label, place.of(picture))
                for take, picture in zip(takes, pictures, strict=True)
            ),
            number=number,
        )
        for number, place in enumerate(places, 1)
    ]
    height, width = pictures[best].shape[:2]
    across = _sheet_width(width)
    whole, marked = _whole(pictures[best], places, across, _aspect(found.info))
    factor = max(1, cell_width(across, len(takes)) // places[0].width)
    said = f"{width}x{height}, frame {found.number}; crops enlarged {factor} times, pixel by pixel"
    save(target, sheet(rows, across, takes[best].label, said, numbered(whole, marked)), overwrite)


def write_frames(
    folder: Path, takes: Sequence[Take], at: int | None = None, overwrite: bool = False
) -> None:
    """Write one frame of each take as a lossless PNG into a folder, named by the take's label.

    Upright, of 16 bits where the takes have more than 8. The folder is made if it is missing;
    one that holds files is refused unless `overwrite`. `at` and errors are as for
    `write_sheet`.
    """
    found = _read(takes, at)
    depth = 16 if found.info.format.depth > 8 else 8
    images = [as_image(planes, found.info, depth) for planes in found.planes]
    spec = ImageSpec(
        target=folder,
        info=_stored(images[0], found.info),
        warn=ignore,  # PNG holds all there is
        depth=depth,
        names=file_names([take.label for take in takes]),
        overwrite=overwrite,
    )
    with create_image_folder(spec) as output:
        for number, image in enumerate(images):
            output.write(Frame(to_planes(image), number, 1))


def file_names(labels: Sequence[str]) -> list[str]:
    """A name for a PNG of each label, safe on all systems, no two alike."""
    names: list[str] = []
    for label in labels:
        stem = re.sub(r"[^\w.+-]+", "-", label).strip("-.") or "take"
        taken = {name.casefold() for name in names}
        number, name = 1, f"{stem}.png"
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}.png"
        names.append(name)
    return names


@dataclass(frozen=True)
class _Found:
    """One frame of all takes.

    Attributes:
        info: of each.
        number: of the frame, from 0.
        planes: of each take.
    """

    info: VideoInfo
    number: int
    planes: tuple[tuple[Plane, ...], ...]


def _read(takes: Sequence[Take], at: int | None) -> _Found:
    """The frame `at`, or the one in which takes differ most from the baseline."""
    if not takes:
        raise InputError("there is nothing to show: no take")
    found, most, number = None, -1.0, -1
    with open_takes(takes) as videos:
        info, (base, _) = videos[0].info, _roles(takes)
        for number, frames in enumerate(in_step(takes, videos)):
            planes = tuple(frame.planes for frame in frames)
            if at is None:
                amount = float(_differences([p[0] for p in planes], base).mean())
                if amount > most:
                    found, most = _Found(info, number, planes), amount
            elif number == at:
                return _Found(info, number, planes)
    if found is None:
        raise InputError(f"frame {at}: must be 0 to {number}")
    return found


def _roles(takes: Sequence[Take]) -> tuple[int, int]:
    """The baseline's number, and that of the take to show in whole: the first other one."""
    base = next((n for n, take in enumerate(takes) if take.is_baseline), 0)
    return base, next((n for n in range(len(takes)) if n != base), base)


def _differences(luma: Sequence[Plane], base: int) -> NDArray[np.float32]:
    """How much planes differ from one of them: the largest squared difference at each pixel."""
    true = luma[base].astype(np.float32)
    others = (plane for number, plane in enumerate(luma) if number != base)
    most = np.zeros_like(true)
    for plane in others:
        np.maximum(most, (plane - true) ** 2, out=most)
    return most


def _places(found: _Found, base: int) -> list[Place]:
    """Where the takes differ most from the baseline, in upright pixels."""
    luma = [found.info.orientation.shown(planes[0]) for planes in found.planes]
    height, width = luma[0].shape
    cell = cell_width(_sheet_width(width), len(luma))
    least, most = _FACTORS
    factor = min(max(least, round(cell * _SHARE / width)), most)
    across = min(max(1, cell // factor), width)
    down = min(max(1, across * 2 // 3), height)
    means = window_means(_differences(luma, base), across, down)
    return [place for _, place in best_places(means, across, down, _PLACES)]


def _sheet_width(width: int) -> int:
    """Pixels between the margins, for a frame of a width: a small one is enlarged."""
    return min(WIDEST, width * max(1, -(-_NARROWEST // width)))


def _whole(
    picture: NDArray[np.uint8], places: Sequence[Place], across: int, aspect: float
) -> tuple[NDArray[np.uint8], list[Place]]:
    """The whole frame as players show it, in the size for the sheet; the places on it."""
    height, width = picture.shape[:2]
    shape = width * aspect, float(height)
    scale = min(across / shape[0], _TALLEST / shape[1])
    size = max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
    kernel = cv2.INTER_AREA if size[0] < width else cv2.INTER_NEAREST
    x, y = size[0] / width, size[1] / height
    marked = [
        Place(round(p.left * x), round(p.top * y), round(p.width * x), round(p.height * y))
        for p in places
    ]
    return np.asarray(cv2.resize(picture, size, interpolation=kernel), np.uint8), marked


def _aspect(info: VideoInfo) -> float:
    """Width over height of an upright pixel."""
    aspect = float(info.pixel_aspect or 1)
    return 1 / aspect if info.orientation.transposed else aspect


def _three_channels(pixels: Pixels) -> NDArray[np.uint8]:
    """(H, W, 3) of 8 bits, without alpha."""
    colored = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels[..., :3]
    return np.ascontiguousarray(colored, np.uint8)


def _stored(image: Pixels, info: VideoInfo) -> VideoInfo:
    """What holds for the planes of an image: see `to_planes`."""
    shape = shape_of(image)
    images = image_info(shape)
    color = replace(images.color, primaries=Primaries.UNSPECIFIED, transfer=Transfer.UNSPECIFIED)
    width, height = shape.width, shape.height
    return replace(info, width=width, height=height, format=images.format, color=color)
