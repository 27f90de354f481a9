"""What a page's videos are: as they are where a browser shows each frame at its time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import pytest
from support.clips import Clip, make

from vsr.previews.browser_mp4 import for_browsers

COUNT = 12
EVEN = tuple(range(0, COUNT * 512, 512))
UNEVEN = tuple(512 * n + 200 * (n % 3) for n in range(COUNT))


def spans(file: Path) -> list[tuple[int, int]]:
    """From when to when each frame lasts, by the file, in the order of showing."""
    with av.open(str(file)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
        assert {packet.time_base for packet in packets} == {packets[0].time_base}
        return sorted((packet.pts, packet.pts + packet.duration) for packet in packets)


@pytest.mark.parametrize(
    ("pts", "options", "stays"),
    [(EVEN, {}, True), (UNEVEN, {}, False), (UNEVEN, {"bf": "0"}, True)],
)
def test_no_frame_lasts_into_the_next_one(
    tmp_path: Path, pts: tuple[int, ...], options: dict[str, str], stays: bool
) -> None:
    file = make(tmp_path / "take.mp4", Clip(pts=pts, options=options))
    given = for_browsers(file)
    assert (given == file.read_bytes()) == stays
    shown = tmp_path / "shown.mp4"
    shown.write_bytes(given)
    found = spans(shown)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(found))
    assert [begin for begin, _ in found] == [begin for begin, _ in spans(file)]
