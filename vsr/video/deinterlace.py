"""Tell interlaced video by its pictures, and make whole pictures of its fields; by libav.

An interlaced frame holds two moments, one in its even rows and one in its odd rows. Headers say so
of film that is progressive, and say nothing of video that is interlaced: frames are asked.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.core.frame import PIXEL_FORMATS
from vsr.core.url import Url
from vsr.video.cadence import Rows, Watch
from vsr.video.field_vote import FieldOrder, Luma, vote
from vsr.video.open import open_input
from vsr.video.planes import nearest_format
from vsr.video.variants import leave_out_variants

CONTEXT = 1
"""How many frames on each side of a wanted one `deinterlaced` must see for the same bits."""

# Tuned on real clips and on fields woven from them: benchmarks/interlace.py.
_MOST_FRAMES = 250  # to look at
_MOST_PACKETS = 1000  # to try, where little can be decoded
_MOST_VOTES = 60
_FEW_VOTES = 20  # enough where nearly all agree
_LEAST_VOTES = 3  # for fields
_NEARLY_ALL = 0.9
_SHARE = 0.3  # of interlaced frames in what counts as interlaced; telecined film has 0.4
_FARTHER = 1.04  # how much farther apart fields of other frames are in the wrong order

Chain = Sequence[tuple[str, str]]
"""libav's filters, one after the other: the name and the options of each."""

_PARITY = {FieldOrder.TOP: "tff", FieldOrder.BOTTOM: "bff", None: "auto"}
_BASE = Fraction(1, 25)  # of the clock in a filter, where frames are counted; any will do
_TAKEN = {  # by bwdif
    *(name for name in PIXEL_FORMATS if name not in ("gray10le", "gray12le")),
    *("yuvj420p", "yuvj422p", "yuvj444p", "yuvj440p", "yuvj411p", "yuv440p", "yuv410p", "yuv411p"),
    *("gbrp", "gbrp10le", "gbrp12le", "gbrp16le", "gbrap", "gbrap16le"),
    *(f"yuva{layout}p{depth}" for layout in (420, 422, 444) for depth in ("", "10le", "16le")),
}


@dataclass(frozen=True)
class Found:
    """What a video's frames are made of.

    Attributes:
        order: of their fields; None where they are progressive, or tell nothing.
        film: whether they are telecined film.
        turn: when a turn of it begins, in the stream's ticks, where that is known.
    """

    order: FieldOrder | None
    film: bool = False
    turn: int | None = None


def detect(path: Path | Url, stream_index: int) -> Found:
    """What a video's frames are made of.

    The file's first frames are decoded, in a container of their own, until they agree, 250 at
    most; so a part of a video has the answer of the whole. Stills and fades decide nothing, nor
    does what cannot be decoded. Where no header calls a frame interlaced, more is asked of it: see
    `vote`. For film see `cadence`. Raises InputError where the file cannot be opened.
    """
    votes: Counter[FieldOrder | None] = Counter()
    watches = tuple(map(Watch, FieldOrder))
    with closing(_decodable(path, stream_index)) as frames:
        looked_at = _watched(
            islice(frames, _MOST_FRAMES), watches, lambda: votes.total() > votes[None]
        )
        for found in _votes(looked_at):
            votes[found] += 1
            agreed = votes.total() >= _FEW_VOTES and votes[found] >= _NEARLY_ALL * votes.total()
            begun = any(watch.begun for watch in watches)
            if (agreed and not begun) or votes.total() == _MOST_VOTES:
                break
        else:
            for watch in watches:
                watch.end()
    for watch in watches:
        if watch.steady:
            return Found(watch.order, True, watch.first)
    first = max(FieldOrder, key=lambda order: votes[order])
    fields = votes.total() - votes[None]
    enough = fields >= max(_LEAST_VOTES, _SHARE * votes.total())
    return Found(first if enough and votes[first] >= _NEARLY_ALL * fields else None)


def _watched(
    frames: Iterator[VideoFrame], watches: Sequence[Watch], wanted: Callable[[], bool]
) -> Iterator[VideoFrame]:
    """The frames, which are looked at for film on the way, once that is `wanted`, and some before.

    Most videos are progressive throughout, and need no such look.
    """
    waiting: deque[tuple[Rows, int | None]] = deque(maxlen=_FEW_VOTES)
    for frame in map(planar, frames):
        if layout_of(frame).taken:
            waiting.append((luma_of(frame), frame.pts))
        while waiting and wanted():
            rows, pts = waiting.popleft()
            for watch in watches:
                watch.add(rows, pts)
        yield frame


def deinterlaced(frames: Iterator[VideoFrame], order: FieldOrder | None) -> Iterator[VideoFrame]:
    """One whole picture for each frame, at its earlier field's moment, with the same pts.

    Without an order, what each frame says of itself, and top first where it says nothing. The
    rows of the other field are made by libav's bwdif, which looks at the frames next to each:
    `CONTEXT` of them must be given for the bits that a frame has amid the whole video. Packed
    and semi-planar formats come out planar. Left as they are: pictures with a plane of fewer
    than 4 rows or 3 columns, and gray of 10 and 12 bits.
    """
    chain = [("bwdif", f"mode=send_frame:parity={_PARITY[order]}:deint=all")]
    for layout, run in groupby(map(planar, frames), layout_of):
        if layout.taken:
            yield from _filtered(run, chain)
        else:
            yield from run


def each_field(
    frames: Iterator[VideoFrame], order: FieldOrder | None, step: Fraction | None
) -> Iterator[VideoFrame]:
    """A whole picture for each field: two for each frame, as `deinterlaced` makes one.

    The first has the frame's pts, the second comes halfway to the next frame, or half a `step`
    later where that one is not about a `step` of ticks away: ticks must be fine enough. Captions
    stay with the first. What cannot be deinterlaced is shown once.
    """
    halves: deque[int | None] = deque()
    chain = [
        ("bwdif", f"mode=send_field:parity={_PARITY[order]}:deint=all"),
        ("sidedata", "mode=delete:type=A53_CC:enable='mod(n,2)'"),
    ]
    told = _noting_halves(frames, step, halves)
    for layout, run in groupby(map(planar, told), layout_of):
        if not layout.taken:
            for frame in run:
                halves.popleft()
                yield frame
            continue
        made = _passed(run, chain, 2)
        for (first, like), (second, _) in zip(made, made, strict=True):
            half = halves.popleft()
            first, second = _timed(first, like), _timed(second, like)
            if half is not None:
                assert like.pts is not None
                first.duration = second.duration = half
                second.pts = like.pts + half
            yield first
            yield second


def _noting_halves(
    frames: Iterator[VideoFrame], step: Fraction | None, halves: deque[int | None]
) -> Iterator[VideoFrame]:
    """The frames; how many ticks after each its second field comes is added to `halves`."""
    held: VideoFrame | None = None
    last = round(step / 2) if step else None
    for frame in frames:
        if held is not None:
            halves.append(last := _half(held.pts, frame.pts, step, last))
            yield held
        held = frame
    if held is not None:
        halves.append(_half(held.pts, None, step, last))
        yield held


def _half(
    pts: int | None, following: int | None, step: Fraction | None, last: int | None
) -> int | None:
    """Half of the ticks from a frame to the next; None where nothing is known."""
    if pts is None:
        return None
    gap = following - pts if following is not None else 0
    half = step / 2 if step else None if last is None else Fraction(last)
    if gap > 0 and (half is None or abs(gap - 2 * half) <= half):
        return gap // 2
    return None if half is None else round(half)


def _votes(frames: Iterator[VideoFrame]) -> Iterator[FieldOrder | None]:
    """What frames are, of those that tell: of some field order, or None for progressive."""
    for _, run in groupby(map(planar, frames), layout_of):
        before: VideoFrame | None = None
        middle: VideoFrame | None = None
        told: deque[bool] = deque()  # idet puts its own word in place of the header's
        for after in _filtered(_noting(run, told), [("idet", f"intl_thres={_FARTHER}")]):
            if before is not None and middle is not None:
                kind = middle.metadata["lavfi.idet.single.current_frame"]
                if kind == "progressive":
                    yield None
                elif kind != "undetermined":
                    yield from vote(_luma(before), _luma(middle), _luma(after), told[0])
                told.popleft()
            before, middle = middle, after


def _noting(frames: Iterator[VideoFrame], told: deque[bool]) -> Iterator[VideoFrame]:
    """The frames, with what their headers say added to `told`: whether they are interlaced."""
    for number, frame in enumerate(frames):
        if number:  # the first is never in the middle
            told.append(frame.interlaced_frame)
        yield frame


def _luma(frame: VideoFrame) -> Luma:
    return luma_of(frame).astype(np.int32)


def luma_of(frame: VideoFrame) -> Rows:
    """The first plane, (H, W) uint8, which lasts: of deeper ones the highest bits."""
    plane, bits = frame.planes[0], frame.format.components[0].bits
    samples: Any = np.frombuffer(plane, np.uint16 if bits > 8 else np.uint8)  # type: ignore[call-overload]
    samples = samples >> max(0, bits - 8)
    rows: Rows = samples.reshape(plane.height, -1)[:, : plane.width].astype(np.uint8)
    return rows


def _decodable(path: Path | Url, stream_index: int) -> Generator[VideoFrame, None, None]:
    """The frames of a stream, less what cannot be decoded."""
    with open_input(path) as container, suppress(av.FFmpegError, OSError, IndexError):
        stream = container.streams[stream_index]
        assert isinstance(stream, VideoStream)
        leave_out_variants(container, stream)
        stream.thread_type = "AUTO"
        for packet in islice(container.demux(stream), _MOST_PACKETS):
            with suppress(av.FFmpegError):
                yield from packet.decode()


def _filtered(frames: Iterator[VideoFrame], chain: Chain) -> Iterator[VideoFrame]:
    """What filters make of frames of one layout: one for each, with the same times."""
    return (_timed(made, like) for made, like in _passed(frames, chain, 1))


def _passed(
    frames: Iterator[VideoFrame], chain: Chain, each: int
) -> Iterator[tuple[VideoFrame, VideoFrame]]:
    """What filters make of frames of one layout, beside the frames: so many of `each`.

    Filters see them counted: real timestamps may be missing, stand still or go back.
    """
    graph = Graph()
    waiting: deque[VideoFrame] = deque()
    for number, frame in enumerate(frames):
        if number == 0:
            _connect(graph, frame, chain)
        pts, frame.pts = frame.pts, number
        graph.vpush(frame)
        frame.pts = pts
        waiting.extend([frame] * each)
        for made in _ready(graph):
            yield made, waiting.popleft()
    graph.vpush(None)
    for made in _ready(graph):
        yield made, waiting.popleft()


def _connect(graph: Graph, frame: VideoFrame, chain: Chain) -> None:
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=_BASE
    )
    filters = (graph.add(name, options) for name, options in chain)
    graph.link_nodes(source, *filters, graph.add("buffersink"))
    graph.configure()


def _ready(graph: Graph) -> list[VideoFrame]:
    """What can be had from a filter by now."""
    frames = []
    with suppress(BlockingIOError, EOFError):
        while True:
            frames.append(graph.vpull())
    return frames


def _timed(frame: VideoFrame, like: VideoFrame) -> VideoFrame:
    """A frame with the times of another."""
    frame.pts, frame.dts, frame.duration = like.pts, like.dts, like.duration
    if like.time_base is not None:
        frame.time_base = like.time_base
    return frame


def planar(frame: VideoFrame) -> VideoFrame:
    """A frame in the nearest format that bwdif takes, where there is one."""
    if frame.format.name in _TAKEN:
        return frame
    name = nearest_format(frame.format).name
    if name not in _TAKEN:
        return frame
    return _timed(frame.reformat(format=name), frame)


class Layout(NamedTuple):
    """What a filter must know of all its frames, and whether bwdif takes such."""

    width: int
    height: int
    format: str
    taken: bool


def layout_of(frame: VideoFrame) -> Layout:
    name = frame.format.name
    large = all(plane.width >= 3 and plane.height >= 4 for plane in frame.planes)
    return Layout(frame.width, frame.height, name, large and name in _TAKEN)
