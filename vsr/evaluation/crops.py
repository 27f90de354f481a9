"""Where models' errors differ most: those parts of true pictures, and what each made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vsr.core.errors import OutputError
from vsr.datasets.ground_truth import Plane
from vsr.datasets.media import is_clip
from vsr.evaluation.clip import Restored
from vsr.evaluation.measure import CLIP_BORDER, border_of, bounded_psnr
from vsr.figures.contact_sheet import WIDEST, Crop, Row, save, sheet
from vsr.figures.hotspots import Place, best_places, window_means

SUFFIXES = (".png", ".jpg", ".jpeg")
_WIDTH, _HEIGHT = 96, 72  # pixels of a part, less where a picture has not so many
_MOST = 5  # parts
_CELL = 400  # pixels that an enlarged part is wide, at most


@dataclass(frozen=True, eq=False)  # arrays cannot be compared so
class Part:
    """A part of a true picture.

    Attributes:
        item: the image or clip.
        frame: of a clip, counted from 0; None for an image.
        place: where in the true picture, cropped to a multiple of the scale.
        difference: by how much the mean squared errors of the best and of the worst model that
            were compared differ there.
        truth: its luma, (h, w) uint8.
        made: what each model made of it, likewise.
    """

    item: Path
    frame: int | None
    place: Place
    difference: float
    truth: Plane
    made: tuple[Plane, ...]


class Finder:
    """Looks at frames as they are scored and keeps the parts where models differ most.

    They are at most five, so that memory does not grow with what is looked at. Parts of one
    item lie in different places: a place in which models differ does so for many frames.

    Attributes:
        parts: what has been found, those of the largest difference first.
    """

    def __init__(self, scale: Fraction, aside: int = 0) -> None:
        """The first `aside` models are kept for show, unless fewer than two others are left."""
        self.parts: tuple[Part, ...] = ()
        self._scale = scale
        self._aside = aside

    def look(self, item: Path, number: int, made: Sequence[Restored]) -> None:
        """See what the models made of a frame: a `vsr.evaluation.measure.Look`."""
        frame, border = (number, CLIP_BORDER) if is_clip(item) else (None, border_of(self._scale))
        height, width = made[0].truth.shape
        across, down = min(_WIDTH, width - 2 * border), min(_HEIGHT, height - 2 * border)
        compared = made if len(made) - self._aside < 2 else made[self._aside :]
        for difference, place in best_places(
            _spread(compared, border, across, down), across, down, _MOST
        ):
            if difference <= self._least:
                break
            place = Place(place.left + border, place.top + border, across, down)
            # Copies, as the parts are views, which would keep the whole frames.
            truth, *parts = (
                place.of(plane).copy() for plane in (made[0].truth, *(m.picture for m in made))
            )
            part = Part(item, frame, place, difference, truth, tuple(parts))
            self.parts = _with(self.parts, part)

    @property
    def _least(self) -> float:
        """What a part must exceed to be kept."""
        return self.parts[-1].difference if len(self.parts) == _MOST else 0.0


def check_crops(path: Path) -> None:
    """Raise OutputError where no crops could be written, before the work that they show."""
    if path.suffix.lower() not in SUFFIXES:
        allowed = ", ".join(SUFFIXES)
        raise OutputError(
            f"{path}: a sheet of crops cannot be a {path.suffix!r}; allowed: {allowed}"
        )
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist")


def write_crops(
    path: Path,
    parts: Sequence[Part],
    models: Sequence[str],
    name: Callable[[Path], str],
    after: str = "",
    overwrite: bool = False,
) -> None:
    """Draw parts below each other: the truth, and what each of `models` made of it.

    A PNG, or a JPEG for its size. Crops are enlarged by a whole number, pixel by pixel, each
    with its PSNR. `name` is what to call an item, `after` what the pictures went through before
    they were enlarged, if anything. The file gets its name once it is whole; see `commit`. Raises
    OutputError where it cannot be written, or where there is no part.
    """
    check_crops(path)
    if not parts:
        raise OutputError(f"{path}: no crops to draw: the models' errors differ nowhere")
    crops = 1 + len(models)
    width = min(WIDEST, crops * _CELL)
    rows = [_row(part, models, name(part.item)) for part in parts]
    note = "luma, and its PSNR in the crop; enlarged pixel by pixel"
    note += f"; {after}" if after else ""
    save(path, sheet(rows, width, "Where errors differ most", note), overwrite)


def _row(part: Part, models: Sequence[str], name: str) -> Row:
    where = f"at {part.place.left}, {part.place.top}"
    title = f"{name}, {where}" if part.frame is None else f"{name}, frame {part.frame}, {where}"
    made = [
        Crop(model, plane, f"{bounded_psnr(plane, part.truth, 0):.2f} dB")
        for model, plane in zip(models, part.made, strict=True)
    ]
    return Row((Crop("truth", part.truth), *made), title)


def _spread(made: Sequence[Restored], border: int, across: int, down: int) -> NDArray[np.float64]:
    """The largest mean squared error less the smallest, over each rectangle within the border."""
    errors = (_squares(m, border) for m in made)
    means = [window_means(error, across, down) for error in errors]
    return reduce(np.maximum, means) - reduce(np.minimum, means)


def _squares(made: Restored, border: int) -> NDArray[np.float32]:
    inside = np.s_[border : -border or None, border : -border or None]
    difference = made.picture[inside].astype(np.float32) - made.truth[inside]
    return difference * difference


def _with(parts: tuple[Part, ...], new: Part) -> tuple[Part, ...]:
    """The best of parts and a new one; of two in one place only the better stays."""
    rivals = [p for p in parts if p.item == new.item and p.place.overlaps(new.place)]
    if any(rival.difference >= new.difference for rival in rivals):
        return parts
    kept = [part for part in parts if part not in rivals]
    return tuple(sorted([*kept, new], key=lambda part: -part.difference)[:_MOST])
