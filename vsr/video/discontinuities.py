"""Timestamp discontinuities, as where recordings are joined: times are continued."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.packet import Packet
from av.stream import Stream

from vsr.core.damage import Tally

_BACK = Fraction(1)  # seconds that make it another clock, and not a packet out of order
_MOST_WAITING = 2000  # packets of all streams


@dataclass
class _Waiting:
    """A packet, and by how many restarts its stream's clock had begun anew; None: not yet sure."""

    packet: Packet[Stream]
    clock: int | None


@dataclass
class _Clock:
    """What was seen of one stream: its latest time, and how often it began anew."""

    latest: Fraction | None = None
    ends: Fraction = Fraction(0)  # of the latest packet
    number: int = 0
    suspect: _Waiting | None = None  # a packet far back, until the next one confirms it


def continued(
    packets: Iterator[Packet[Stream]], main: int, tally: Tally
) -> Iterator[Packet[Stream]]:
    """Packets in the file's order, with clocks that run on.

    Where the times of the stream `main` go back by more than a second, and stay there, all
    streams are moved by what lets it follow its last packet, each from its own step back on.
    So the offset between sound and picture stays. A single packet that is out of place moves
    nothing.
    """
    clocks: dict[int, _Clock] = {}
    moves = [Fraction(0)]  # by how much each of the main stream's clocks is moved, in seconds
    waiting: deque[_Waiting] = deque()
    for packet in packets:
        clock = clocks.setdefault(packet.stream_index, _Clock())
        before = clock.ends
        waiting.append(_placed(packet, clock))
        if packet.stream_index == main and clock.number == len(moves):
            first = next(w for w in waiting if w.clock == clock.number and _is_of(w, main))
            moves.append(moves[-1] + before - _seconds(first.packet))
            tally.add("discontinuities")
        while waiting and (_is_sure(waiting[0], moves) or len(waiting) > _MOST_WAITING):
            yield _moved(waiting.popleft(), moves)
    for left in waiting:
        yield _moved(left, moves)


def _placed(packet: Packet[Stream], clock: _Clock) -> _Waiting:
    """The packet on its stream's clock, which is brought up to date."""
    placed = _Waiting(packet, clock.number)
    if packet.dts is None or not packet.size:
        return placed
    time = _seconds(packet)
    if clock.latest is not None and time < clock.latest - _BACK:
        if clock.suspect is None:
            placed.clock, clock.suspect = None, placed
            return placed
        clock.number += 1
        placed.clock = clock.suspect.clock = clock.number
    elif clock.suspect is not None:
        clock.suspect.clock = clock.number
    clock.suspect = None
    lasts = (packet.duration or 0) * packet.time_base
    if not lasts and clock.latest is not None:  # transport streams do not say
        lasts = max(time - clock.latest, Fraction(0))
    clock.latest, clock.ends = time, time + lasts
    return placed


def _is_sure(waiting: _Waiting, moves: list[Fraction]) -> bool:
    return waiting.clock is not None and waiting.clock < len(moves)


def _is_of(waiting: _Waiting, stream: int) -> bool:
    return waiting.packet.stream_index == stream


def _moved(waiting: _Waiting, moves: list[Fraction]) -> Packet[Stream]:
    """The packet on the continued clock."""
    packet = waiting.packet
    move = moves[min(waiting.clock or 0, len(moves) - 1)]
    if move:
        move_by(packet, move)
    return packet


def _seconds(packet: Packet[Stream]) -> Fraction:
    time = packet.dts if packet.dts is not None else packet.pts
    return (time or 0) * packet.time_base


def move_by(packet: Packet[Any], seconds: Fraction) -> None:
    """Move a packet's times by so many seconds, to its nearest tick."""
    ticks = round(seconds / packet.time_base)
    if packet.pts is not None:
        packet.pts += ticks
    if packet.dts is not None:
        packet.dts += ticks
