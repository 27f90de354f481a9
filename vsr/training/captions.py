"""On-screen text of true frames: the clock, date and name that recorders write over a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import cv2
import numpy as np

from vsr.datasets.ground_truth import Samples
from vsr.figures.text import REGULAR, Mask, lay, lettered

_CLOCK, _NAME = 0.8, 0.5  # of the takes with text; one of the two at least
_HEIGHTS = (4.0, 10.0)  # of capitals, in small pixels
_WEIGHTS = (REGULAR, 600, 800)
_FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%d-%m-%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%d.%m.%Y  %H:%M:%S",
    "%H:%M:%S",
)
_COUNTED = 0.4  # of the clocks count frames or hundredths besides
_RATES = (10, 15, 25, 30, 60)
_NAMES = ("CAM", "Camera", "IPC", "CH", "FRONT DOOR", "Entrance", "PARKING", "Lobby", "REC", "DVR")
_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_EDGED = 0.5


@dataclass(frozen=True)
class Clock:
    """The time of day that a recorder writes.

    Attributes:
        start: at the first frame.
        form: of the text, as `datetime.strftime` takes it.
        rate: frames a second.
        counted: whether hundredths of a second follow, so that each frame has its own text.
    """

    start: datetime
    form: str
    rate: int
    counted: bool = False

    def text(self, frame: int) -> str:
        """At a frame, counted from 0."""
        now = self.start + timedelta(seconds=frame / self.rate)
        hundredths = f".{now.microsecond // 10_000:02}" if self.counted else ""
        return now.strftime(self.form) + hundredths


@dataclass(frozen=True)
class Caption:
    """A line of text in a corner of true frames. All lengths are large pixels.

    Attributes:
        text: what it says, or the clock that does.
        capitals: their height.
        weight: of the strokes, 100 to 900.
        ink: their luma, 0..255.
        edge: the width of a black edge around them; 0 for none.
        right, bottom: which corner it is in.
        margin: from the picture's sides, x and y. What is longer than the picture is cut off at
            the other side.
    """

    text: str | Clock
    capitals: int
    weight: int = REGULAR
    ink: int = 255
    edge: int = 0
    right: bool = False
    bottom: bool = False
    margin: tuple[int, int] = (0, 0)

    def draw(self, frames: Samples) -> None:
        """Onto true luma (T, H, W) uint8, in place."""
        for number, frame in enumerate(frames):
            text = self.text if isinstance(self.text, str) else self.text.text(number)
            letters = np.pad(lettered(text, self.capitals, None, self.weight), self.edge)
            if self.edge:
                self._lay(frame, _widened(letters, self.edge), 0)
            self._lay(frame, letters, self.ink)

    def _lay(self, frame: Samples, mask: Mask, ink: int) -> None:
        height, width = frame.shape
        shown = mask[:height, -width:] if self.right else mask[:height, :width]
        rows, columns = shown.shape
        left, top = min(self.margin[0], width - columns), min(self.margin[1], height - rows)
        left = width - columns - left if self.right else left
        top = height - rows - top if self.bottom else top
        lay(frame, shown, left, top, ink)


def draw_captions(scale: int, side: int, random: np.random.Generator) -> tuple[Caption, ...]:
    """A clock, a name or both, in corners of their own, for frames of `side` large pixels."""
    at_bottom = bool(random.integers(2))  # the other one, if any, at the top: they may be long
    corners = [(bool(random.integers(2)), bottom) for bottom in (at_bottom, not at_bottom)]
    low, high = (math.log(n * scale) for n in _HEIGHTS)
    capitals = round(math.exp(random.uniform(low, high)))
    edge = max(1, round(capitals * random.uniform(0.06, 0.15))) if random.random() < _EDGED else 0
    look = (capitals, int(random.choice(_WEIGHTS)), int(random.integers(200, 256)), edge)
    margin = (int(random.integers(side // 5)), int(random.integers(side // 5)))
    texts: list[str | Clock] = []
    if random.random() < _CLOCK:
        texts.append(_draw_clock(random))
    if not texts or random.random() < _NAME:
        texts.append(_draw_name(random))
    return tuple(
        Caption(text, *look, *corner, margin) for text, corner in zip(texts, corners, strict=False)
    )


def _draw_clock(random: np.random.Generator) -> Clock:
    start = datetime(2000, 1, 1) + timedelta(seconds=float(random.uniform(0, 9e8)))
    form, rate = str(random.choice(_FORMS)), int(random.choice(_RATES))
    return Clock(start, form, rate, bool(random.random() < _COUNTED))


def _draw_name(random: np.random.Generator) -> str:
    """A word that cameras are called by, and signs of any kind, so that all are seen."""
    signs = "".join(random.choice(list(_SIGNS), int(random.integers(1, 7))))
    return f"{random.choice(_NAMES)} {signs}"


def _widened(mask: Mask, reach: int) -> Mask:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(mask, disc), np.float32)
