"""What networks learn from, are chosen on and are reported on, kept apart scene by scene."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "shared/data"

REPORTED = (
    "flutter_bee",
    "videval_cat",
    "intel_car",
    "gopro_karma",
    "sam2_02_cups",
    "drewnoakes_geese",
)
"""The scenes of the training videos that results on recordings are reported on."""
CHOSEN_ON = (
    "videval_sunset",
    "sam2_04_coffee",
    "hhoppe_palmtrees",
    "flutter_butterfly",
    "udacity_lanes",
)
"""Those that a recurrent network's weights are chosen on, with `aspen`."""
_PHOTOS, _FIRST, _APART = 10, 20, 40  # of BSDS500, by name: alike ones lie side by side


def clips_to_learn_from() -> list[Path]:
    return [clip for clip in _clips() if not clip.name.startswith(REPORTED + CHOSEN_ON)]


def clips_to_choose_on() -> list[Path]:
    """`aspen`, and the first clip of each scene."""
    clips = _clips()
    of_scenes = ([clip for clip in clips if clip.name.startswith(scene)] for scene in CHOSEN_ON)
    return [DATA / "val_video/aspen", *(clip for some in of_scenes for clip in some[:1])]


def clips_to_report_on() -> list[Path]:
    """Those of REPORTED."""
    return [clip for clip in _clips() if clip.name.startswith(REPORTED)]


def photos_to_learn_from() -> list[Path]:
    """All but those that are chosen on."""
    kept = set(photos_to_choose_on())
    return [photo for photo in sorted((DATA / "train_images").glob("*")) if photo not in kept]


def photos_to_choose_on() -> list[Path]:
    """Ten photos, for networks of single frames."""
    return sorted((DATA / "train_images").glob("bsds_*"))[_FIRST::_APART][:_PHOTOS]


def _clips() -> list[Path]:
    return sorted((DATA / "train_video").glob("*.mp4"))
