"""What a video's frames are made of, and how the pictures that are shown are made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import get_args

from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.core.errors import InputError
from vsr.core.events import Warn
from vsr.core.frame import VideoInfo
from vsr.core.options import Deinterlace
from vsr.core.source import Shown
from vsr.core.url import Url
from vsr.video.cadence import TURN, Anchor
from vsr.video.deinterlace import Found, deinterlaced, detect, each_field
from vsr.video.field_vote import FieldOrder
from vsr.video.rate import nominal_rate
from vsr.video.seek import Frames
from vsr.video.telecine import CONTEXT, PICTURES, film_pictures
from vsr.video.timeline import nominal_step


@dataclass(frozen=True)
class Fields:
    """Frames are deinterlaced.

    Attributes:
        order: of their fields; None where only each frame's header may know it.
        mode: what is made: "on" a picture of each frame, "field" one of each field, "ivtc" those
            of film, four of five frames.
        turn: when five such frames begin, in the stream's ticks, where that is known.
    """

    order: FieldOrder | None
    mode: Deinterlace = "on"
    turn: int | None = None


@dataclass(frozen=True)
class _Change:
    """What a mode changes.

    Attributes:
        rate: pictures for each frame.
        parts: into how many a stream's tick is cut, so that each picture's time is one.
        context: frames that must be seen on either side of a picture's for the same bits.
    """

    rate: Fraction = Fraction(1)
    parts: int = 1
    context: int = 0


_CHANGES: dict[str, _Change] = {
    "on": _Change(context=1),
    "field": _Change(rate=Fraction(2), parts=2, context=1),
    "ivtc": _Change(rate=Fraction(PICTURES, TURN), parts=PICTURES, context=CONTEXT),
}
_NTSC = Fraction(29), Fraction(31)  # frames a second: 3:2 pulldown is for these
_AS_THEY_ARE = _Change()


def choose_fields(
    mode: str, path: Path | Url, stream_index: int, frame_rate: Fraction | None, warn: Warn
) -> Fields | None:
    """What to do with a video's frames by `mode`, one of Deinterlace; None leaves them.

    "auto" decides by the file's first frames, and tells where it deinterlaces. `frame_rate` is
    the nominal one, in frames a second.
    """
    if mode not in (modes := get_args(Deinterlace)):
        raise InputError(f"deinterlace {mode!r}: must be {', '.join(modes)}")
    if mode == "off":
        return None
    found = detect(path, stream_index)
    if mode == "auto":
        return _chosen(found, frame_rate, warn)
    if mode == "ivtc":
        return Fields(found.order, "ivtc", found.turn)
    return Fields(found.order, "field" if mode == "field" else "on")


def _chosen(found: Found, frame_rate: Fraction | None, warn: Warn) -> Fields | None:
    """What "auto" does with what was found."""
    if found.order is None:
        return None
    if found.film and frame_rate and _NTSC[0] < frame_rate < _NTSC[1]:
        warn(
            f"the video is telecined film, {found.order.value}: of five frames its four pictures "
            "are taken (--deinterlace on makes one of each frame, off keeps the frames)"
        )
        return Fields(found.order, "ivtc", found.turn)
    warn(f"the video is interlaced, {found.order.value}: deinterlaced (--deinterlace off keeps it)")
    return Fields(found.order)


def single_fields_note(codec: str, first: VideoFrame) -> str:
    """What to tell people of HEVC that is coded field by field; "" where it is not."""
    if codec != "hevc" or not first.interlaced_frame:
        return ""
    return (
        "the video is coded in single fields, which libav gives as frames of half the height: "
        "they are enlarged as such"
    )


@dataclass(frozen=True)
class Pictures:
    """How the pictures that are shown are made of a stream's frames, and when they come.

    Attributes:
        fields: how frames are deinterlaced; None leaves them.
        base: seconds per tick of the stream.
        frame_rate: nominal frames a second of the stream; None where it does not say.
    """

    fields: Fields | None
    base: Fraction
    frame_rate: Fraction | None

    @classmethod
    def of(cls, stream: VideoStream, fields: Fields | None) -> Pictures:
        """How those of a stream are made."""
        assert stream.time_base is not None
        return cls(fields, stream.time_base, nominal_rate(stream))

    @property
    def _change(self) -> _Change:
        change = _CHANGES[self.fields.mode] if self.fields else _AS_THEY_ARE
        if self.is_film and self.frame_rate and self.frame_rate < _NTSC[0]:
            return replace(change, rate=Fraction(1))  # the pictures of film, or no film
        return change

    @property
    def is_film(self) -> bool:
        """Whether frames become the pictures of film, at times that packets do not tell."""
        return self.fields is not None and self.fields.mode == "ivtc"

    @property
    def parts(self) -> int:
        """Into how many of the pictures' ticks each of the stream's is cut."""
        return self._change.parts

    @property
    def shown(self) -> Shown:
        """When pictures are shown, next to the times of packets."""
        return {1: Shown.EACH, 2: Shown.HALVES}.get(self.parts, Shown.QUARTERS)

    @property
    def rate(self) -> Fraction | None:
        """Nominal pictures a second."""
        return self.frame_rate * self._change.rate if self.frame_rate else None

    @property
    def step(self) -> int:
        """Ticks from picture to picture at the nominal rate."""
        return nominal_step(self.rate, self.base / self.parts)

    @property
    def reach(self) -> int:
        """How many of the stream's ticks before a time to read from, for the bits of the whole.

        That is a tick where the frame before is enough.
        """
        change = self._change
        seen = change.context - 1 + (change.parts > 1)
        step = nominal_step(self.frame_rate, self.base)
        return 2 * seen * step + 1 if change.context else 0

    def expected(self, frames: int) -> int:
        """How many pictures so many frames become. A hint for progress."""
        return max(1, round(frames * self._change.rate)) if frames else 0

    def described(self, info: VideoInfo) -> VideoInfo:
        """What holds for the pictures, of what a stream says of its frames."""
        frames = info.expected_frames
        return replace(
            info,
            time_base=self.base / self.parts,
            frame_rate=self.rate,
            expected_frames=None if frames is None else self.expected(frames),
        )

    def made(self, frames: Frames) -> Frames:
        """The pictures, in ticks of `base / parts`."""
        if self.fields is None:
            return frames
        order, fine = self.fields.order, (_finer(frame, self.parts) for frame in frames)
        step = self.parts / (self.frame_rate * self.base) if self.frame_rate else None
        if self.fields.mode == "field":
            return each_field(fine, order, step)
        if self.is_film:
            turn, anchor = self.fields.turn, None
            if turn is not None and step:
                anchor = Anchor(turn * self.parts, step)
            return film_pictures(fine, order or FieldOrder.TOP, anchor)
        return deinterlaced(fine, order)

    def made_from(self, frames: Frames, begin: Fraction | None) -> Frames:
        """The pictures from the stream's tick `begin` on, of frames from `reach` before it on.

        None takes all. Those without times come all, and get one each: they are read from a
        stream's beginning.
        """
        last, first = -self.step, None if begin is None else math.ceil(begin * self.parts)
        for picture in self.made(frames):
            if picture.pts is None:
                picture.pts = last + self.step
            last = picture.pts
            if first is None or picture.pts >= first:
                yield picture


def _finer(frame: VideoFrame, parts: int) -> VideoFrame:
    """A frame whose ticks are cut into parts."""
    if parts > 1:
        frame.pts = None if frame.pts is None else frame.pts * parts
        frame.duration = (frame.duration or 0) * parts
        if frame.time_base:
            frame.time_base /= parts
    return frame
