"""Videos as text, for what orders frames: a letter is a frame of one sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vsr.core.frame import Frame


@dataclass(frozen=True)
class Given:
    """A frame as the tests write it: one sample, its value."""

    value: int
    starts_shot: bool = False
    is_context: bool = False

    def at(self, pts: int, duration: int) -> Frame:
        """The frame, in ticks."""
        plane = np.array([[self.value]], np.uint8)
        return Frame((plane,), pts, duration, self.starts_shot, self.is_context)


def parse(text: str) -> list[Given]:
    """A letter a frame, "|" before a new shot; small letters are outside the span."""
    given: list[Given] = []
    for n, letter in enumerate(text):
        if letter != "|":
            cut = n == 0 or text[n - 1] == "|"
            given.append(Given(ord(letter.upper()), cut, letter.islower()))
    return given
