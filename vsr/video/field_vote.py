"""Whether a frame is woven of two moments, by how its fields fit each other and its neighbours'.

Fields of an interlaced frame differ among themselves as much as from the nearest ones of the
frames around it, and more from the farther ones. Drawn pictures (games, text, test patterns) have
detail of single rows, by which whole frames may look so, too: of those that no header calls
interlaced, more is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Luma = NDArray[np.int32]
"""(H, W) samples, 0 to 255."""


class FieldOrder(Enum):
    """Which field of an interlaced frame is the earlier one."""

    TOP = "top first"  # rows 0, 2, 4, ...
    BOTTOM = "bottom first"


# Tuned on real clips, on fields woven from them, and on drawn games: benchmarks/interlace.py.
_FLICKER = 0.02  # change of brightness over two frames, beyond which rows cannot be compared
_COMBED = 0.75  # how far apart a frame's own fields are, next to the nearest of other frames
_NEARLY_ALL = 0.96  # of the blocks that move: in so many no frame's own fields fit better
_BY_FAR, _MOSTLY = 1.1, 0.85  # how much worse the farther fields fit, else in how many blocks
_BLOCK = 16
_FEWEST_BLOCKS, _MANY_BLOCKS = 4, 16  # that move
_MOVES = 0.1  # by how much a block's fields differ more from one field than from another
_LEAST_CHANGE = 1.0  # a sample

_ACROSS, _DOWN = 12, 6  # how far a block is looked for in the frame before; even
_LOOKED_FOR = 16  # blocks
_SMALL = 0.5  # of a block's change: what may be left where it comes from
_CHANGED = 16  # a sample that moves
_FOUND = 1 / 8  # of that change: what may be left where it comes from exactly
_WHOLLY = 0.7  # of the samples that move
_EXACTLY = 0.4  # of the blocks that move


def vote(before: Luma, middle: Luma, after: Luma, told: bool) -> Iterator[FieldOrder | None]:
    """The field order of the frame in the middle, None for progressive; nothing if it cannot tell.

    `told` is whether a header calls the video interlaced. A change of brightness tells nothing.
    """
    levels = float(before.mean()), float(after.mean())
    if max(levels) - min(levels) > _FLICKER * max(levels):
        return
    own, early, late = _apart(middle, middle), _apart(before, middle), _apart(after, middle)
    even_before, odd_before = _by_rows(early)
    even_after, odd_after = _by_rows(late)
    top, bottom = odd_after + even_before, even_after + odd_before  # what the farther ones differ
    if int(own.sum()) < _COMBED * min(top, bottom):
        yield None
        return
    if even_before > odd_before and odd_after > even_after:
        order = FieldOrder.TOP
    elif even_before < odd_before and odd_after < even_after:
        order = FieldOrder.BOTTOM
    else:
        return
    if told:
        yield order
        return
    pairs = (before, middle), (middle, after)
    kinds = [kind for pair in pairs for kind in _moves(*pair)]
    if _is_doubtful(kinds):
        return
    woven = _is_woven(kinds) or (not _is_whole(kinds) and _blocks_agree(own, early, late, order))
    yield order if woven else None


def _apart(rows: Luma, others: Luma) -> Luma:
    """How far each row is from the mean of the rows around it in `others`, doubled."""
    apart: Luma = np.abs(others[1:-3] + others[3:-1] - 2 * rows[2:-2])
    return apart


def _by_rows(apart: Luma) -> tuple[int, int]:
    """The sums of even and of odd rows."""
    return int(apart[0::2].sum()), int(apart[1::2].sum())


def _blocks_agree(own: Luma, early: Luma, late: Luma, order: FieldOrder) -> bool:
    """Whether the blocks that move look woven, too, and not only a few with much detail.

    In most the farther fields must fit worse than the nearer ones, unless they do so by far in
    all; and a frame's own must not fit better than the nearer ones nearly everywhere.
    """
    first, second = (early, late) if order is FieldOrder.BOTTOM else (late, early)
    nearer, farther = first.copy(), second.copy()
    nearer[1::2], farther[1::2] = second[1::2], first[1::2]
    mine, near, far = _blocks(own), _blocks(nearer), _blocks(farther)
    least = _MOVES * mine + _LEAST_CHANGE * _BLOCK * _BLOCK
    moving = np.maximum(near, far) - np.minimum(np.minimum(near, far), mine) > least
    count = int(moving.sum())
    if count < _FEWEST_BLOCKS:
        return True
    if count >= _MANY_BLOCKS and int((mine < near)[moving].sum()) > _NEARLY_ALL * count:
        return False
    by_far = int(farther.sum()) >= _BY_FAR * int(nearer.sum())
    return by_far or int((near < far)[moving].sum()) >= _MOSTLY * count


def _blocks(apart: Luma) -> NDArray[np.int64]:
    rows, columns = (side // _BLOCK for side in apart.shape)
    cut = apart[: rows * _BLOCK, : columns * _BLOCK]
    sums: NDArray[np.int64] = cut.reshape(rows, _BLOCK, columns, _BLOCK).sum((1, 3), np.int64)
    return sums.ravel()


class _Kind(Enum):
    """What the move of a block from one frame to the next tells."""

    WHOLE = "its rows are of one moment"
    WOVEN = "they are of two"
    ODD = "an odd number of rows, exactly"  # from rows of the other field, and back
    EVEN = "an even number of rows straight up or down, exactly"
    OTHER = ""


def _is_woven(kinds: list[_Kind]) -> bool:
    """Whether most blocks that move across become smoother by moving one field half as far."""
    woven, whole = kinds.count(_Kind.WOVEN), kinds.count(_Kind.WHOLE)
    return woven >= _FEWEST_BLOCKS and woven >= 2 * whole


def _is_whole(kinds: list[_Kind]) -> bool:
    """Whether moves show that the frames are whole.

    They do where rows come, sample by sample, from rows of the other field, and back; and where
    most blocks that move across do not become smoother by moving one field half as far.
    """
    odd, even, whole, woven = (
        kinds.count(kind) for kind in (_Kind.ODD, _Kind.EVEN, _Kind.WHOLE, _Kind.WOVEN)
    )
    exact = odd >= _FEWEST_BLOCKS and odd + even >= _EXACTLY * len(kinds)
    return exact or (whole >= _FEWEST_BLOCKS and whole >= 2 * woven)


def _is_doubtful(kinds: list[_Kind]) -> bool:
    """Whether drawings move straight up or down by an even number of rows.

    Then what fields are made of looks as detail of single rows does.
    """
    odd, even = kinds.count(_Kind.ODD), kinds.count(_Kind.EVEN)
    return even >= max(odd, _FEWEST_BLOCKS) and even + odd >= _EXACTLY * len(kinds)


def _moves(before: Luma, middle: Luma) -> Iterator[_Kind]:
    """What the busiest blocks tell, of those in which enough moves."""
    if middle.shape[0] < _BLOCK + 2 * _DOWN or middle.shape[1] < _BLOCK + 2 * _ACROSS:
        return
    changes = _blocks(np.abs(middle - before)[_DOWN:-_DOWN, _ACROSS:-_ACROSS])
    across = (middle.shape[1] - 2 * _ACROSS) // _BLOCK
    for number in np.argsort(-changes, kind="stable")[:_LOOKED_FOR].tolist():
        if changes[number] <= _LEAST_CHANGE * _BLOCK * _BLOCK:
            return
        row, column = _DOWN + number // across * _BLOCK, _ACROSS + number % across * _BLOCK
        wide = slice(column - _ACROSS, column + _BLOCK + _ACROSS)
        there = before[row - _DOWN : row + _BLOCK + _DOWN, wide]
        here = middle[row - 1 : row + _BLOCK + 1, wide]
        yield from _across(there[_DOWN:-_DOWN], here) or _exactly(there, here[1:-1])


def _across(there: Luma, here: Luma) -> list[_Kind]:
    """What a block tells that moves across by 2 columns or more.

    `there` is the band of the frame before, (16, 16 + 2 * _ACROSS); `here` that of the frame, with
    a row more at either side.
    """
    block = here[1:-1, _ACROSS:-_ACROSS]
    fits = np.abs(sliding_window_view(there, _BLOCK, 1) - block[:, None]).sum((0, 2))
    move = int(fits.argmin()) - _ACROSS
    if abs(move) < 2 or fits[move + _ACROSS] > _SMALL * fits[_ACROSS]:
        return []
    around = here[:-2:2] + here[2::2]
    apart = np.abs(sliding_window_view(around, _BLOCK, 1) - 2 * block[::2, None]).sum((0, 2))
    halves = [
        _ACROSS + sign * (abs(move) // 2 + more) for sign in (1, -1) for more in (0, move % 2)
    ]
    woven = min(int(apart[half]) for half in halves) < int(apart[_ACROSS])
    return [_Kind.WOVEN if woven else _Kind.WHOLE]


def _exactly(there: Luma, here: Luma) -> list[_Kind]:
    """The kind of a block's exact move; none where too little of it moves in either field.

    `there` is where it may come from, (16 + 2 * _DOWN, 16 + 2 * _ACROSS).
    """
    block = here[:, _ACROSS:-_ACROSS]
    change = np.abs(block - there[_DOWN:-_DOWN, _ACROSS:-_ACROSS])
    moving = change >= _CHANGED
    even_rows, odd_rows = int(moving[0::2].sum()), int(moving[1::2].sum())
    if min(even_rows, odd_rows) < _BLOCK // 2:
        return []
    places: Any = sliding_window_view(there, (_BLOCK, _BLOCK))
    fits = (np.abs(places - block) <= change * _FOUND) & moving
    shares = np.minimum(
        fits[:, :, 0::2].sum((2, 3)) / even_rows, fits[:, :, 1::2].sum((2, 3)) / odd_rows
    )
    odd, even, straight = (
        float(some.max()) for some in (shares[1::2], shares[::2], shares[::2, _ACROSS])
    )
    if odd >= _WHOLLY and odd > even:
        return [_Kind.ODD]
    is_straight = straight >= _WHOLLY and straight >= even and straight > odd
    return [_Kind.EVEN if is_straight else _Kind.OTHER]
