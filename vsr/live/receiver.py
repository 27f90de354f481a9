"""Take in a live stream as it comes, whatever is done with it, and connect anew when it breaks."""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Collection, Generator, Iterator
from fractions import Fraction
from threading import Condition, Event, Thread
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from vsr.core.damage import Tally
from vsr.core.errors import InputError
from vsr.core.events import Warn
from vsr.core.url import Pipe, Url, open_url, why
from vsr.live.connection import Arrived, Connection, connect, set_clock
from vsr.live.pipe_end import Y4mEnd
from vsr.video.discontinuities import continued

_TICK = 0.1  # seconds between looks at whether to stop
_PAUSE = 0.5  # seconds before the first try to connect anew; twice as long before each further one
_LONGEST_PAUSE = 30.0
_ROOM = 1 << 30  # bytes of the video that may wait for a slow network
_ROOM_OF_PIPES = 64 << 20  # of these the writer waits
_LATE = Fraction(1)  # seconds by which other streams may come later than the picture
_ENDED = "it ended"
_BLIND = 500  # packets of the video without a keyframe; then there are none, and it begins anyway


class Receiver:
    """Takes in packets and sorts them: the video's, and those of all other streams.

    Until `start` it takes in only what is asked for; from then on a thread takes in all as it
    comes, for most sources wait for nobody. Where a connection ends it tries to make another,
    `tries` times in a row, with growing pauses.
    """

    def __init__(
        self,
        url: Url,
        first: Connection,
        tries: int,
        stop: Event,
        tally: Tally,
        warn: Warn,
        least: int = 0,
    ) -> None:
        self._url = url
        self._least = least  # bytes that a pipe gives at least, by its beginning
        self._first = first
        self._tries = tries
        self._stop = stop
        self._tally = tally
        self._warn = warn
        self._video: deque[Arrived] = deque()
        self._others: deque[Arrived] = deque()
        self._waiting = 0  # bytes of the video
        self._changed = Condition()
        self._closing = Event()
        self._failed = 0  # tries in a row
        self._room = _ROOM_OF_PIPES if url.is_pipe else _ROOM
        self._told = url.is_pipe  # whether it was said that too much waits
        self._wanted: Collection[int] | None = None  # places of other streams; None: still unsure
        self._over = False  # nothing more comes
        self._failure: BaseException | None = None
        self._coming = self._all()
        self._thread: Thread | None = None
        self._done = Event()

    def keep(self, places: Collection[int]) -> None:
        """Which of the other streams are wanted; the rest is not kept any longer."""
        with self._changed:
            self._wanted = places
            self._others = deque(each for each in self._others if each.place in places)

    def start(self) -> None:
        """Take in what comes from now on, in a thread."""
        self._thread = Thread(target=self._run, name="vsr-receive", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take in no more. Waits for the thread, at most until its connection is given up."""
        self._closing.set()
        self._url.close()
        if self._thread is not None:
            self._done.wait()  # see `threads` on why an Event
            self._thread.join()
        self._coming.close()
        self._first.container.close()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come, but for what waits."""
        return self._over

    def video(self) -> Iterator[Arrived]:
        """The video's packets and the ends of connections, waiting for each."""
        while (arrived := self._next_video()) is not None:
            yield arrived

    def other(self) -> Arrived | None:
        """The next packet of another stream, which stays; None if none has come."""
        with self._changed:
            return self._others[0] if self._others else None

    def waiting(self) -> list[tuple[int, Packet[Stream]]]:
        """The packets of other streams that wait, each with its stream's place."""
        with self._changed:
            return [(each.place, each.packet) for each in self._others if each.packet]

    def drop_other(self) -> None:
        """Let go of what `other` gave."""
        with self._changed:
            if self._others:
                self._others.popleft()

    def _next_video(self) -> Arrived | None:
        while self._thread is None and not self._video:
            if not self._step():
                return None
        with self._changed:
            while not self._video:
                if self._over or self._quits:
                    if self._failure:
                        raise self._failure
                    return None
                self._changed.wait(_TICK)
            arrived = self._video.popleft()
            self._waiting -= arrived.size
            self._changed.notify_all()
            return arrived

    @property
    def _quits(self) -> bool:
        """Whether nothing more is wanted. A pipe's bytes end by themselves once it is to stop."""
        stops = self._stop.is_set() and not self._url.is_pipe
        return stops or self._closing.is_set()

    def _run(self) -> None:
        try:
            while self._step():
                pass
        except BaseException as error:
            self._failure = error
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()
            self._done.set()

    def _step(self) -> bool:
        """Take in one packet; False where nothing more comes."""
        arrived = next(self._coming, None)
        if arrived is None:
            return False
        is_video = arrived.packet is None or arrived.place == self._first.stream.index
        with self._changed:
            if is_video:
                self._make_room()
                self._video.append(arrived)
                self._waiting += arrived.size
            elif self._wanted is None or arrived.place in self._wanted:
                self._others.append(arrived)
            self._changed.notify_all()
        return True

    def _make_room(self) -> None:
        """Wait while too much of the video waits. The source may not, and is told of once."""
        if self._waiting <= self._room or self._quits:
            return
        if not self._told:
            self._told = True
            self._warn(
                f"the stream comes faster than it is enlarged: {self._room >> 20} MiB of it wait, "
                "and from here on it may break"
            )
        while self._waiting > self._room // 2 and self._video and not self._quits:
            self._changed.wait(_TICK)

    def _all(self) -> Generator[Arrived, None, None]:
        """What comes by one connection after the other."""
        connection, before = self._first, None
        while True:
            with connection.container:
                reason = yield from self._packets(connection, before)
            another = self._again(connection) if reason else None
            if another is None:
                return
            connection, before = another, connection

    def _packets(
        self, connection: Connection, before: Connection | None
    ) -> Generator[Arrived, None, str]:
        """What comes by one connection, and its end; gives the reason why it broke."""
        container, main = connection.container, connection.stream.index
        reasons: list[str] = []
        at, latest = time.monotonic(), Fraction(0)
        for packet in continued(self._demux(container, reasons), main, self._tally):
            place = connection.places.get(packet.stream_index)
            if not packet.size or (place is None and packet.stream_index != main):
                continue
            if packet.stream_index == main:
                place = self._first.stream.index
                at, latest = time.monotonic(), _seconds(packet)
                if not self._begins(connection, packet, at):
                    continue
                if connection.clockless:
                    set_clock(packet, None if at == connection.began else at)
                if before is not None and self._repeats(connection, before):
                    self._warn(
                        "the address ended and gives the same from its beginning again: it was "
                        "taken for a file that had been read to its end"
                    )
                    yield Arrived(connection, None, at, place)
                    return ""
            assert place is not None
            yield Arrived(connection, packet, at, place)
            if connection.ends is not None and latest >= connection.ends + _LATE:
                reasons = [""]
                break
        connection.over = reasons in ([], [_ENDED])
        over = "" if self._url.is_pipe else _why_over(container, latest)
        reason = reasons[0] if reasons else over
        yield Arrived(connection, None, at, main, reason)
        return reason

    def _demux(self, container: InputContainer, reasons: list[str]) -> Iterator[Packet[Stream]]:
        """Packets as they come. Where the connection breaks, the reason is noted."""
        heard, end = time.monotonic(), Y4mEnd()
        try:
            for packet in container.demux():
                heard = time.monotonic()
                if self._quits:
                    reasons.append("")
                    return
                end.saw(packet)
                yield packet
        except (av.FFmpegError, EOFError, OSError, ValueError) as error:
            waited = time.monotonic() - heard
            ended = isinstance(error, OSError) and error.errno == errno.EIO  # size was not told
            reasons.append(_ENDED if ended else why(error, self._url, waited))
        if isinstance(self._url, Pipe) and self._url.inlet.is_over:
            came, is_y4m = self._url.inlet.came, container.format.name == "yuv4mpegpipe"
            missing = end.missing(came) if is_y4m else max(0, self._least - came)
            self._tally.add("missing_bytes", missing)

    def _begins(self, connection: Connection, packet: Packet[Stream], at: float) -> bool:
        """Whether the video has begun: before a keyframe nothing can be decoded."""
        if connection.began is None and not packet.is_keyframe and connection.skipped < _BLIND:
            connection.skipped += 1
            return False
        if connection.began is None:
            connection.began, connection.opening = at, bytes(packet)
            self._failed = 0
        return True

    def _repeats(self, connection: Connection, before: Connection) -> bool:
        """Whether a file is being fetched again, whose size the server had not told."""
        web = self._url.scheme in ("http", "https")
        return web and before.over and connection.opening == before.opening

    def _again(self, broken: Connection) -> Connection | None:
        """Another connection, or None where none is to be had."""
        while self._failed < self._tries and not self._quits:
            self._sleep(min(_PAUSE * 2**self._failed, _LONGEST_PAUSE))
            if self._quits:
                return None
            self._failed += 1
            try:
                container = open_url(self._url)
            except InputError:
                continue
            try:
                return connect(
                    self._url, container, self._first, broken.number + 1, self._first.asked
                )
            except InputError:
                container.close()
        return None

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._quits and (left := until - time.monotonic()) > 0:
            self._closing.wait(min(left, _TICK))


def _why_over(container: InputContainer, latest: Fraction) -> str:
    """Why a connection ended by itself; "" where the stream was over."""
    if "hls" in container.format.name:  # it goes on asking until the playlist says that it ends
        return ""
    if container.duration is not None:
        ends = Fraction((container.start_time or 0) + container.duration, av.time_base)
        if latest >= ends - _LATE:
            return ""
    return _ENDED


def _seconds(packet: Packet[Any]) -> Fraction:
    tick = packet.dts if packet.dts is not None else packet.pts
    return (tick or 0) * packet.time_base
