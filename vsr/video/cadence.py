"""Whether frames are telecined film: four pictures in the fields of five frames.

The pictures A, B, C, D take 2, 3, 2 and 3 fields (3:2 pulldown). Of five such frames

    earlier fields  A B B C D
    later fields    A B C D D

the third one's earlier field repeats the one before it, and the fifth one's later field likewise.
No other video does that, time after time, while all else in it moves. Five frames that begin with
an A are a turn. Whether one begins at a frame is told by the frames near it alone, so that a part
of a video has the answer of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.video.field_vote import FieldOrder

TURN = 5
"""Frames that four pictures take."""

AHEAD = 4 * TURN - 1
"""How many frames from one on must be known to tell whether a turn begins at it."""

LOCK = 50
"""For how many frames after a turn that moves another one may be taken for one by its place."""

Rows = NDArray[np.uint8]
"""(H, W) samples of luma, 0 to 255."""

Blocks = NDArray[np.float32]
"""The mean of each block of 16 columns and 16 rows (8 of a field), row by row."""

_BLOCK = 16
# Tuned on telecined real clips, coded finely and coarsely: benchmarks/interlace.py.
_REPEATS = 0.6  # how much fields that repeat differ, at most, next to those that move
_FITS = 0.1  # of what moves: by so much a picture's fields lie closer than those of two pictures
_MISFITS, _HARDLY = -0.3, 0.3  # where they clearly lie farther: by that, and a sample more
_NOISE, _NOISY = 6.0, 4.0  # a sample: what may be noise, and how often the usual difference
_LITTLE, _MOST_USUAL = 0.4, 1.5  # of what moves, and a sample: what coding may change there
_AS_MUCH = 0.5  # of a block's change: by so much it may not change in a field that repeats
_STRAY = 0.002  # of the blocks: those that may
_LIKE, _BEYOND = 1.5, 0.6  # times, and a sample more: noise like that of turns before
_WHOLE = 0.75  # how far apart a frame's own fields are, next to those of two frames
_UNEVEN = 1.3  # the longest time between a turn's frames, next to the shortest
_LEAST_FILM = 4 * TURN  # frames in turns that move
_LEAST_SHARE = 0.8  # of those, among frames that move
_STILL = 1.5  # a sample: where no block changes by more, nothing moves


@dataclass(frozen=True)
class Seen:
    """What a frame shows next to the one before it, for each block.

    Attributes:
        earlier, later: how much its fields differ from the same field of the frame before.
        own: how far apart its own two fields are.
        across: how far apart its earlier field and the later one of the frame before are.
    """

    earlier: Blocks
    later: Blocks
    own: Blocks
    across: Blocks


class Kind(Enum):
    """What five frames may be."""

    FILM = "a turn of film that moves"
    DOUBTFUL = "a turn of film that hardly moves, or anything else that hardly does"
    STILL = "nothing moves in them"
    OTHER = "no turn of film"


@dataclass(frozen=True)
class Turn:
    """Five frames in a row.

    Attributes:
        kind: what they are.
        noise: a sample: how much the fields differ that repeat in film.
    """

    kind: Kind
    noise: float


def see(before: Rows, rows: Rows, order: FieldOrder) -> Seen | None:
    """What a frame shows next to the one before it; None where it is too small to tell."""
    if min(rows.shape) < _BLOCK:
        return None
    early, even = int(order is FieldOrder.BOTTOM), len(rows) // 2 * 2
    before, rows = before[:even], rows[:even]
    mine = rows[early::2], rows[1 - early :: 2]
    its = before[early::2], before[1 - early :: 2]
    return Seen(
        _change(mine[0], its[0]),
        _change(mine[1], its[1]),
        _apart(mine[0], mine[1], early),
        _apart(mine[0], its[1], early),
    )


def judge(five: Sequence[Seen]) -> Turn:
    """What five frames in a row are."""
    again = np.concatenate((five[2].earlier, five[4].later))  # what repeats, if this is film
    a_b = (five[1].earlier + five[1].later) / 2
    b_c = (five[3].earlier + five[2].later) / 2
    c_d = (five[4].earlier + five[3].later) / 2
    noise, moves = float(again.mean()), (a_b + b_c + c_d) / 3
    if max(float(one.max()) for one in (again, a_b, b_c, c_d)) <= _STILL:
        return Turn(Kind.STILL, noise)
    moved = np.tile(moves, 2).astype(np.float32)
    least = _NOISE + _NOISY * _usual(again, moved)
    strays = int(((again > least) & (again > _AS_MUCH * moved)).sum())
    a, b, c, d = five[0].own, five[1].own, five[3].across, five[4].own
    mixed = five[1].across + five[2].own + five[3].own
    whole = np.maximum(a, b) + np.maximum(b, c) + np.maximum(c, d)
    gain = float((mixed - whole).mean())
    change = 3 * float(moves.mean())
    if strays > _STRAY * len(again) or gain < _MISFITS * change - _HARDLY:
        return Turn(Kind.OTHER, noise)
    clear = noise <= _REPEATS * float(moves.mean()) and gain >= _FITS * change
    return Turn(Kind.FILM if clear else Kind.DOUBTFUL, noise)


def _usual(again: Blocks, moved: Blocks) -> float:
    """How much coding changes a field that repeats, in most blocks.

    Where most of the picture stands still it is what it does where something moves, as far as that
    is little next to what moves, and little at all.
    """
    over_all, active = float(np.median(again)), moved > _STILL
    if not active.any():
        return over_all
    there = float(np.median(again[active]))
    is_little = there <= _LITTLE * float(np.median(moved[active]))
    return max(over_all, min(there, _MOST_USUAL)) if is_little else over_all


def _apart(earlier: Rows, later: Rows, early: int) -> Blocks:
    """How far the rows of one field are from the mean of the other's above and below.

    `early` is the earlier field's first row.
    """
    if early:
        others = np.concatenate((later[1:], later[-1:]))
    else:
        others = np.concatenate((later[:1], later[:-1]))
    return _change(earlier, np.asarray(cv2.addWeighted(later, 0.5, others, 0.5, 0), np.uint8))


def _change(field: Rows, other: Rows) -> Blocks:
    """How much each block of a field differs from another field's."""
    down, across = max(1, len(field) // (_BLOCK // 2)), field.shape[1] // _BLOCK
    apart = np.asarray(cv2.absdiff(field, other), np.float32)
    whole = apart[: down * _BLOCK // 2, : across * _BLOCK]
    means = np.asarray(cv2.resize(whole, (across, down), interpolation=cv2.INTER_AREA), np.float32)
    return means.reshape(-1)


def repeats(blocks: Blocks, noise: float) -> bool:
    """Whether a field repeats the one before, where turns have so much noise."""
    stray = blocks > _NOISE + _NOISY * float(np.median(blocks))
    return not stray.any() and _is_like(float(blocks.mean()), noise)


def _is_like(noise: float, usual: float) -> bool:
    return noise <= _LIKE * usual + _BEYOND


@dataclass(frozen=True)
class Anchor:
    """Where turns begin if nothing moves.

    Attributes:
        tick: when a turn begins.
        step: ticks from frame to frame.
    """

    tick: int
    step: Fraction

    def holds(self, pts: int) -> bool:
        """Whether another one begins at a tick."""
        return round((pts - self.tick) / self.step) % TURN == 0


class Turns:
    """Frames of one size, one by one, and where turns of film begin among them.

    Attributes:
        count: frames so far, numbered from 0.
        seen: what the latest of them show, by number; None where they are too small to tell.
    """

    def __init__(self, order: FieldOrder, anchor: Anchor | None = None) -> None:
        self.count = 0
        self.seen: dict[int, Seen | None] = {}
        self._order, self._anchor = order, anchor
        self._before: Rows | None = None
        self._pts: dict[int, int | None] = {}
        self._turns: dict[int, Turn] = {}

    def add(self, rows: Rows, pts: int | None) -> None:
        """Look at the next frame's luma."""
        before = rows if self._before is None else self._before
        self.seen[self.count] = see(before, rows, self._order)
        self._pts[self.count], self._before = pts, rows
        self.count += 1
        first = self.count - TURN
        five = [seen for n in range(first, self.count) if (seen := self.seen.get(n))]
        if len(five) == TURN and self._is_even(first):
            self._turns[first] = judge(five)
        for known in (self.seen, self._pts, self._turns):
            known.pop(self.count - LOCK - 8 * TURN, None)

    def begins(self, number: int) -> bool:
        """Whether a turn begins at a frame: `AHEAD` from it on must be known, or the video over."""
        if self.is_film(number):
            return not any(map(self.is_film, _before(number)))
        return self._is_quiet(number) and not any(map(self._is_quiet, _before(number)))

    def is_film(self, number: int) -> bool:
        """Whether five frames are film that moves, and others near them, in step, too."""
        if self._kind(number) is not Kind.FILM:
            return False
        for turn in (-TURN, TURN):
            beside, next_to_it = self._kind(number + turn), self._kind(number + 2 * turn)
            if beside is Kind.FILM or (beside is not Kind.OTHER and next_to_it is Kind.FILM):
                return True
        return False

    def moves(self, number: int) -> bool:
        """Whether something else than film moves in five frames."""
        return self._kind(number) is Kind.OTHER

    def is_whole(self, number: int) -> bool:
        """Whether a frame, one of the latest, is progressive, or nothing moves there."""
        seen, following = self.seen.get(number), self.seen.get(number + 1)
        beside = [one.across for one in (seen if number else None, following) if one]
        if seen is None or not beside:
            return False
        changes = [max(one.earlier.max(), one.later.max()) for one in (seen, following) if one]
        own = float(seen.own.mean())
        fits = own < _WHOLE * min(float(blocks.mean()) for blocks in beside)
        return fits or max(map(float, changes)) <= _STILL

    def noise(self, number: int) -> float:
        """By how much fields differ that repeat, in the turn that begins at a frame."""
        return self._turns[number].noise

    def time(self, number: int) -> int | None:
        """The pts of one of the latest frames."""
        return self._pts.get(number)

    def _is_quiet(self, number: int) -> bool:
        """Whether it may be a turn though hardly anything moves: by its place among others."""
        near = range(number - TURN + 1, number + TURN)
        if self._kind(number) is Kind.OTHER or any(map(self.is_film, near)):
            return False
        is_still = self._kind(number) is Kind.STILL
        for before in range(number - TURN, number - LOCK, -1):
            if self.is_film(before) and not any(map(self.is_film, _before(before))):
                is_like = is_still or _is_like(self.noise(number), self.noise(before))
                return is_like and (number - before) % TURN == 0
        pts = self.time(number)
        return is_still and self._anchor is not None and pts is not None and self._anchor.holds(pts)

    def _kind(self, number: int) -> Kind:
        turn = self._turns.get(number)
        return turn.kind if turn else Kind.OTHER

    def _is_even(self, first: int) -> bool:
        """Whether five frames come at even times, or all without."""
        times = [self._pts.get(number) for number in range(first, first + TURN)]
        known = [time for time in times if time is not None]
        if not known:
            return True
        gaps = [after - before for before, after in pairwise(known)]
        return len(known) == TURN and min(gaps) > 0 and max(gaps) <= _UNEVEN * min(gaps)


def _before(number: int) -> range:
    """The frames at which a turn would reach into one that begins here."""
    return range(number - TURN + 1, number)


class Watch:
    """Frames of a video's beginning, and whether they are film throughout.

    Attributes:
        order: the order of fields for which they are looked at.
        first: the time of the first turn's first frame.
    """

    def __init__(self, order: FieldOrder) -> None:
        self.order = order
        self.first: int | None = None
        self._turns = Turns(order)
        self._shape: tuple[int, ...] = ()
        self._next = self._film = self._other = 0

    @property
    def begun(self) -> bool:
        """Whether a turn has been found."""
        return self._film > 0

    @property
    def steady(self) -> bool:
        """Whether what moves is film, nearly all of it."""
        return self._film >= max(_LEAST_FILM, _LEAST_SHARE * (self._film + self._other))

    def add(self, rows: Rows, pts: int | None) -> None:
        """Look at the next frame's luma; once the size has changed, at none."""
        self._shape = self._shape or rows.shape
        if rows.shape != self._shape:
            return
        self._turns.add(rows, pts)
        if self._turns.count >= self._next + AHEAD:
            self._look()

    def end(self) -> None:
        """There are no more frames."""
        while self._turns.count >= self._next + TURN:
            self._look()

    def _look(self) -> None:
        """At the next frame, or turn."""
        if not self._turns.begins(self._next):
            self._other += self._turns.moves(self._next)
            self._next += 1
            return
        if self._turns.is_film(self._next):
            self._film += TURN
            self.first = self._turns.time(self._next) if self.first is None else self.first
        self._next += TURN
