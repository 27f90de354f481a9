"""The papers' four sets of still images: which pictures a folder must hold to be one of them.

Numbers are comparable only where the pictures are the same, and the sets are handed around in
many forms: with the small copies beside the true ones, a picture short, or cropped beforehand.
Names differ from copy to copy, so pictures are known by their sizes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vsr.core.errors import InputError
from vsr.core.events import Warn, ignore
from vsr.datasets.media import is_clip, list_items
from vsr.images.files import read_shape
from vsr.util.text import counted

Size = tuple[int, int]
"""Columns and rows."""

_CROP = 12  # a side that 2, 3 and 4 divide is shorter by less than this
_SHOWN = 3  # names in a message


@dataclass(frozen=True)
class BenchmarkSet:
    """One of the sets.

    Attributes:
        title: as papers call it.
        count: how many pictures it has.
        pictures: their names and sizes, where each is known.
        sizes: what sizes there are, where only that is known.
        numbers: the pattern of a number in the names by which most copies call the pictures.
    """

    title: str
    count: int
    pictures: tuple[tuple[str, Size], ...] = ()
    sizes: tuple[Size, ...] = ()
    numbers: str = ""


SETS = {
    # Bevilacqua et al. 2012, "Low-Complexity Single-Image Super-Resolution based on Nonnegative
    # Neighbor Embedding"
    "set5": BenchmarkSet(
        "Set5",
        5,
        (
            ("baby", (512, 512)),
            ("bird", (288, 288)),
            ("butterfly", (256, 256)),
            ("head", (280, 280)),
            ("woman", (228, 344)),
        ),
    ),
    # Zeyde, Elad and Protter 2010, "On Single Image Scale-Up using Sparse-Representations"
    "set14": BenchmarkSet(
        "Set14",
        14,
        (
            ("baboon", (500, 480)),
            ("barbara", (720, 576)),
            ("bridge", (512, 512)),
            ("coastguard", (352, 288)),
            ("comic", (250, 361)),
            ("face", (276, 276)),
            ("flowers", (500, 362)),
            ("foreman", (352, 288)),
            ("lenna", (512, 512)),
            ("man", (512, 512)),
            ("monarch", (768, 512)),
            ("pepper", (512, 512)),
            ("ppt3", (529, 656)),
            ("zebra", (586, 391)),
        ),
    ),
    # Martin et al. 2001, "A Database of Human Segmented Natural Images": the 100 test pictures
    "bsd100": BenchmarkSet("BSD100", 100, sizes=((481, 321), (321, 481))),
    # Huang, Singh and Ahuja 2015, "Single Image Super-Resolution from Transformed Self-Exemplars"
    "urban100": BenchmarkSet("Urban100", 100, numbers=r"img_?(\d+)"),
}
"""The sets by the names that `vsr eval --dataset` knows."""


def images_of(name: str, folder: Path, warn: Warn = ignore) -> list[Path]:
    """The pictures of one of SETS, in the order of their names, which `folder` must hold.

    `warn` is told of pictures that were cropped beforehand, by less than 12 pixels a side: their
    scores differ a little from the papers'. Raises InputError, in one line, for a folder that is
    not that set.
    """
    wanted = SETS[name]
    if not folder.is_dir():
        raise InputError(f"{folder}: must be a folder, with the {wanted.count} images of {name}")
    items = list_items([folder], stills=True)
    if video := next((item for item in items if is_clip(item)), None):
        raise InputError(f"{folder}: is not {wanted.title}: it holds a video, {video.name}")
    if not items:
        raise InputError(f"{folder}: is not {wanted.title}: it holds no image")
    _check_names(wanted, folder, items)
    _check_sizes(wanted, folder, items, warn)
    if len(items) != wanted.count:
        raise _wrong(wanted, folder, items)
    return items


def _check_names(wanted: BenchmarkSet, folder: Path, items: Sequence[Path]) -> None:
    """Raise InputError where the pictures are numbered, and some number is not there."""
    if not wanted.numbers:
        return
    found = [re.search(wanted.numbers, item.stem, re.IGNORECASE) for item in items]
    numbers = [int(match[1]) for match in found if match]
    if len(numbers) != len(items):
        return
    absent = sorted(set(range(1, wanted.count + 1)) - set(numbers))
    if absent:
        raise _wrong(wanted, folder, items, f"without number {_listed(map(str, absent))}")


def _check_sizes(wanted: BenchmarkSet, folder: Path, items: Sequence[Path], warn: Warn) -> None:
    """Raise InputError where the pictures' sizes are not those of the set."""
    shapes = {item: read_shape(item) for item in items} if wanted.pictures or wanted.sizes else {}
    sizes = {item: (shape.width, shape.height) for item, shape in shapes.items()}
    if wanted.sizes:
        strange = [item for item, size in sizes.items() if not _fits_any(size, wanted.sizes)]
        cropped = [item for item, size in sizes.items() if size not in wanted.sizes]
        absent: list[str] = []
    else:
        strange, cropped, absent = _matched(wanted.pictures, sizes)
    if strange or absent:
        told = [f"{item.name} is {sizes[item][0]}x{sizes[item][1]}" for item in strange]
        reason = f"{_listed(told)}, as none of the set is" if told else ""
        if absent:
            reason += f"{'; ' if reason else ''}missing: {_listed(absent)}"
        raise _wrong(wanted, folder, items, reason)
    if cropped and len(items) == wanted.count:
        names = _listed(item.name for item in cropped)
        warn(
            f"{folder}: {names}: a few pixels smaller than published, so scores differ a little "
            "from the papers'"
        )


def _matched(
    pictures: Sequence[tuple[str, Size]], sizes: dict[Path, Size]
) -> tuple[list[Path], list[Path], list[str]]:
    """Files that are none of the pictures, files that are cropped ones, and what is missing.

    Each file is one picture: those of exact size are taken first.
    """
    left, absent = dict(sizes), list(pictures)
    cropped: list[Path] = []
    fits: tuple[Callable[[Size, Size], bool], ...] = (lambda a, b: a == b, _fits)
    for fit in fits:
        for picture in list(absent):
            item = next((i for i, size in left.items() if fit(size, picture[1])), None)
            if item is not None:
                cropped += [item] if left[item] != picture[1] else []
                absent.remove(picture)
                del left[item]
    return list(left), cropped, [f"{name} ({size[0]}x{size[1]})" for name, size in absent]


def _fits_any(size: Size, sizes: Sequence[Size]) -> bool:
    return any(_fits(size, one) for one in sizes)


def _fits(size: Size, published: Size) -> bool:
    """Whether a picture may be a published one, whole or cropped a little."""
    return all(0 <= whole - side < _CROP for side, whole in zip(size, published, strict=True))


def _wrong(
    wanted: BenchmarkSet, folder: Path, items: Sequence[Path], reason: str = ""
) -> InputError:
    """The error for a folder that is not the set."""
    why = reason
    if len(items) != wanted.count:
        why = f"holds {counted(len(items), 'image')}, not {wanted.count}"
        why += f" ({reason})" if reason else ""
        if len(items) > wanted.count:
            why += "; name the folder with the true images alone"
    return InputError(f"{folder}: is not {wanted.title}: {why}")


def _listed(words: Iterable[str]) -> str:
    """A few of several words."""
    all_ = list(words)
    more = len(all_) - _SHOWN
    return ", ".join(all_[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
