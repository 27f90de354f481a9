"""Colours without tags: what players take them for, and the tags that keep that so.

Players guess the matrix of such a picture by its size. Where a larger or smaller picture would be
shown with another matrix than its source, it is tagged with what the source is taken for.
"""

from __future__ import annotations

from dataclasses import replace

from vsr.core.color import guessed_matrix
from vsr.core.color_codes import Matrix, Primaries, Transfer
from vsr.core.frame import ColorTags, VideoInfo

_SD_ROWS, _HD_COLUMNS = 576, 1280  # beyond or from these some players guess BT.709 already
# By rows: the two systems of BT.601, whose red, green and blue differ from BT.709's.
_LINES = {
    576: (Matrix.BT470BG, Primaries.BT470BG),
    480: (Matrix.SMPTE170M, Primaries.SMPTE170M),
    486: (Matrix.SMPTE170M, Primaries.SMPTE170M),
}
_NAMES: dict[int, str] = {
    Matrix.BT709: "BT.709",
    Matrix.BT470BG: "BT.601 of 625 lines",
    Matrix.SMPTE170M: "BT.601",
}


def shown_alike(source: VideoInfo, made: VideoInfo) -> VideoInfo:
    """`made`, a picture of `source` at another size, with the tags that keep the colours' look.

    Tags that are there stay. Where the matrix has none, and players may guess another by the size
    of `made` than by that of `source`, it gets the source's: that, and BT.601's primaries and
    transfer where 576 or 480 lines tell them.
    """
    tagged = made.color.matrix != Matrix.UNSPECIFIED
    if tagged or not _has_guess(source) or not _may_differ(source, made):
        return made
    return replace(made, color=_guess(source))


def untagged_note(source: VideoInfo, made: VideoInfo, held: bool = True) -> str:
    """What to tell people of tags that `shown_alike` has given `made`; "" where there are none.

    `held` is whether the output can hold them.
    """
    untagged = replace(made, color=source.color)
    if made.color == source.color or made != shown_alike(source, untagged):
        return ""
    name = _NAMES.get(made.color.matrix, str(made.color.matrix))
    sizes = f"{source.width}x{source.height}, not at {made.width}x{made.height}"
    if not held:
        return (
            f"the colours have no tags, and the output can hold none: players take them for {name} "
            f"at {sizes}"
        )
    return f"the colours have no tags: tagged as {name}, which players take them for at {sizes}"


def _has_guess(source: VideoInfo) -> bool:
    """Whether players guess a matrix: grey and RGB have none."""
    layout = source.format
    return layout.planes > 1 and not layout.rgb and source.color.matrix == Matrix.UNSPECIFIED


def _may_differ(source: VideoInfo, made: VideoInfo) -> bool:
    """Whether players that agree about `source` may take `made` for something else."""
    if guessed_matrix(source.height) == Matrix.BT709:
        return guessed_matrix(made.height) != Matrix.BT709
    if source.width >= _HD_COLUMNS:  # low and wide, as films in HD: players do not agree
        return False
    return made.height > _SD_ROWS or made.width >= _HD_COLUMNS


def _guess(source: VideoInfo) -> ColorTags:
    """The tags of a picture without a matrix, as players guess it."""
    color = source.color
    if source.height not in _LINES:
        return replace(color, matrix=guessed_matrix(source.height))
    matrix, usual = _LINES[source.height]
    unsaid = color.primaries == Primaries.UNSPECIFIED
    primaries = usual if unsaid else color.primaries
    unsaid = color.transfer == Transfer.UNSPECIFIED
    transfer = Transfer.SMPTE170M if unsaid else color.transfer
    return replace(color, matrix=matrix, primaries=primaries, transfer=transfer)
