"""What is wrong with a source: counted, told once, and under --strict an error."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vsr.core.errors import InputError
from vsr.core.events import Warn
from vsr.core.frame import Frame
from vsr.core.url import Url


@dataclass(frozen=True)
class Damage:
    """How much of a source was damaged, and what was done about it.

    Attributes:
        missing_bytes: what the file should hold beyond its end, by its own account.
        unreadable: places where its structure is broken, so that something was passed over.
        undecodable: packets of the video that no picture came of; the one before stays.
        gaps: packets of the video marked as damaged, as by lost packets of a broadcast.
        corrupt: pictures that the decoder could not restore wholly, taken as they came.
        untimed: pictures without a time, as raw streams have them; no damage by itself.
        repaired_pts: pictures whose time did not increase.
        discontinuities: places where the clock went back, as where recordings are joined.
        other_packets: packets of the other streams that were left out or mended.
        cut_bytes: what the file had lost at its end when it had been read, since it was opened.
        rewritten: 1 where it was written to meanwhile.
        absent: pictures that the file's index promises and that have not come of a file so changed.
    """

    missing_bytes: int = 0
    unreadable: int = 0
    undecodable: int = 0
    gaps: int = 0
    corrupt: int = 0
    untimed: int = 0
    repaired_pts: int = 0
    discontinuities: int = 0
    other_packets: int = 0
    cut_bytes: int = 0
    rewritten: int = 0
    absent: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """All but zeros, by the keys that JSON has for them."""
        return {_KEYS.get(kind, kind): count for kind, count in asdict(self).items() if count}

    @property
    def is_in_pictures(self) -> bool:
        """Whether pictures that were read are wrong, or missing between others."""
        return bool(self.unreadable or self.undecodable or self.gaps or self.corrupt)

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Damage:
        """What `counts` tells."""
        fields = {key: kind for kind, key in _KEYS.items()}
        return cls(**{fields.get(key, key): count for key, count in counts.items()})


_KEYS = {"repaired_pts": "mended", "discontinuities": "restarts", "other_packets": "others"}
"""Fields that records and other JSON know by earlier names."""


NO_DAMAGE = Damage()

_WORDS = {  # for one, and for {n}
    "missing_bytes": (
        "the file is truncated: its last byte is missing",
        "the file is truncated: {n} bytes are missing at its end",
    ),
    "unreadable": (
        "the file is damaged at one place, which was passed over",
        "the file is damaged at {n} places, which were passed over",
    ),
    "undecodable": (
        "1 packet of the video could not be decoded and was skipped",
        "{n} packets of the video could not be decoded and were skipped",
    ),
    "gaps": (
        "1 packet of the video is marked as damaged",
        "{n} packets of the video are marked as damaged",
    ),
    "corrupt": (
        "1 picture is damaged and was taken as the decoder mended it",
        "{n} pictures are damaged and were taken as the decoder mended them",
    ),
    "untimed": (
        "1 timestamp was missing and was made up",
        "{n} timestamps were missing and were made up",
    ),
    "repaired_pts": (
        "1 timestamp did not increase and was mended",
        "{n} timestamps did not increase and were mended",
    ),
    "discontinuities": (
        "the clock went back once and was continued",
        "the clock went back {n} times and was continued",
    ),
    "cut_bytes": (
        "the file was cut short while it was read: it has lost 1 byte at its end",
        "the file was cut short while it was read: it has lost {n} bytes at its end",
    ),
    "rewritten": (
        "the file was written to while it was read",
        "the file was written to {n} times while it was read",
    ),
    "absent": (
        "about 1 picture that its header promises has not come",
        "about {n} pictures that its header promises have not come",
    ),
}


@dataclass(frozen=True)
class _Growth:
    """How a count has grown. A raw stream's grows with each frame: 16 bytes a time.

    Attributes:
        ticks: of the frames at which it was larger than before, ascending.
        counts: what it was then.
    """

    ticks: array[int] = field(default_factory=lambda: array("q"))
    counts: array[int] = field(default_factory=lambda: array("q"))

    def mark(self, tick: int, count: int) -> None:
        """Remember a count, if it is another than the last one."""
        if not self.counts or self.counts[-1] != count:
            self.counts.append(count)
            self.ticks.append(tick)  # last: other threads look by it

    def before(self, tick: int) -> int:
        """What it was at the last frame before `tick`."""
        place = bisect_left(self.ticks, tick)
        return self.counts[place - 1] if place else 0


class Tally:
    """Counts damage as it is met. Strict, it raises instead.

    The thread that reads the picture and the one that copies the other streams share one.

    Attributes:
        path: the source that is damaged.
    """

    def __init__(self, path: Path | Url, strict: bool = False) -> None:
        self.path = path
        self._strict = strict
        self._counts: Counter[str] = Counter()
        self._grown: dict[str, _Growth] = {}

    def add(self, kind: str, count: int = 1) -> None:
        """Count damage of a kind, a field of `Damage`. Raises InputError if strict."""
        if count and self._strict and kind != "untimed":
            raise self._refused(_words(kind, count))
        self._counts[kind] += count

    def others(self, message: str, count: int, warn: Warn) -> None:
        """Count packets of the other streams, with a warning. Raises InputError if strict."""
        if self._strict:
            raise self._refused(message)
        self._counts["other_packets"] += count
        warn(message)

    def _refused(self, what: str) -> InputError:
        return InputError(
            f"{self.path}: {what}", hint="--strict allows no damage", python="strict=True"
        )

    def forget(self) -> None:
        """Begin anew: what was read so far is read again."""
        self._counts.clear()

    def mark(self, tick: int) -> None:
        """Remember that what has been found lay before the end of the frame at `tick`."""
        for kind, count in self._counts.copy().items():
            self._grown.setdefault(kind, _Growth()).mark(tick, count)

    def marked(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The frames, with a mark at each."""
        for frame in frames:
            self.mark(frame.pts)
            yield frame

    def before(self, tick: int) -> Damage:
        """What had been found when the last frame before `tick` was marked."""
        grown = self._grown.copy()
        return Damage(**{kind: growth.before(tick) for kind, growth in grown.items()})

    def within(self, begin: int | None, end: int | None) -> Damage:
        """What was found from the frame at a tick up to the one at another.

        None is where the first begins or the last ends.
        """
        before = NO_DAMAGE if begin is None else self.before(begin)
        found = asdict(self.damage if end is None else self.before(end))
        return Damage(**{kind: found[kind] - count for kind, count in asdict(before).items()})

    @property
    def damage(self) -> Damage:
        """What has been counted so far."""
        return Damage(**self._counts)

    def tell(self, warn: Warn) -> None:
        """A warning for each kind of damage that was met."""
        for kind, count in self._counts.copy().items():
            if count and kind in _WORDS:
                warn(_words(kind, count))


def damage_words(damage: Damage) -> list[str]:
    """What of the picture is lost or mended, in words; its times do not count."""
    counts = asdict(damage)
    return [_words(kind, counts[kind]) for kind in _OF_PICTURE if counts[kind]]


_OF_PICTURE = (
    *("missing_bytes", "unreadable", "undecodable", "gaps", "corrupt"),
    *("cut_bytes", "rewritten", "absent"),
)


def _words(kind: str, count: int) -> str:
    one, many = _WORDS[kind]
    return one if count == 1 else many.format(n=count)
