"""GIFs that are opaque by their structure are so when libav has drawn them."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import av
import pytest

from vsr.core.span import Span
from vsr.video.gif_canvas import is_opaque_gif
from vsr.video.reader import open_video

SIDE = 8
CLEAR = 0  # the colour that is transparent where one is
Drawn = tuple[int, int, bool, int]
"""Where a picture begins, its side, whether pixels of it are transparent, what becomes of it."""


def gif(path: Path, pictures: list[Drawn]) -> Path:
    palette = bytes(n % 256 for n in range(3 * 128))
    made = b"GIF89a" + struct.pack("<HHBBB", SIDE, SIDE, 0xF6, 0, 0) + palette
    for number, (at, side, is_clear, left) in enumerate(pictures, 1):
        made += struct.pack("<BBBBHBB", 0x21, 0xF9, 4, left << 2 | is_clear, 10, CLEAR, 0)
        made += struct.pack("<BHHHHB", 0x2C, at, at, side, side, 0)
        pixels = bytes([number] * (side * side))
        pixels = bytes([CLEAR]) + pixels[1:] if is_clear else pixels
        coded = b"\x80" + pixels + b"\x81"  # each pixel stands for itself
        made += bytes([7, len(coded)]) + coded + b"\0"
    path.write_bytes(made + b";")
    return path


def is_drawn_opaque(path: Path) -> bool:
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="rgba") for frame in container.decode(video=0)]
    return all((picture[..., 3] == 255).all() for picture in pictures)


@pytest.mark.parametrize(
    ("pictures", "opaque"),
    [
        ([(0, SIDE, False, 0)], True),
        ([(0, SIDE, False, 2)], True),  # nothing comes behind it
        ([(0, SIDE, True, 0)], False),
        ([(1, SIDE - 1, False, 0)], False),
        ([(0, SIDE, False, 1), (2, 3, True, 1), (1, 3, False, 3), (1, 2, True, 0)], True),
        ([(0, SIDE, False, 2), (1, 3, False, 0)], False),
        ([(0, SIDE, False, 2), (0, SIDE, False, 2), (0, SIDE, False, 2)], True),
        ([(0, SIDE, False, 1), (1, 3, False, 2), (4, 3, False, 0)], False),
    ],
)
def test_what_shows_through(tmp_path: Path, pictures: list[Drawn], opaque: bool) -> None:
    path = gif(tmp_path / "a.gif", pictures)
    assert is_opaque_gif(path) == opaque
    assert is_drawn_opaque(path) or not opaque
    with open_video(path, Span(), lambda message: None) as video:
        planes = {len(frame.planes) for frame in video.frames()}
        assert planes == {video.info.format.planes} == {3 if opaque else 4}


def test_none_is_called_opaque_that_is_not(tmp_path: Path) -> None:
    chance, opaque = random.Random(0), 0
    for _ in range(300):
        pictures = []
        for _ in range(chance.randint(1, 4)):
            at, side = chance.choice([(0, SIDE), (0, SIDE), (1, 3), (0, 5)])
            pictures.append((at, side, chance.random() < 0.3, chance.randrange(4)))
        path = gif(tmp_path / "a.gif", pictures)
        if is_opaque_gif(path):
            assert is_drawn_opaque(path), pictures
            opaque += 1
    assert 20 < opaque < 280


def test_damage_and_other_files_are_not_called_opaque(tmp_path: Path) -> None:
    path = gif(tmp_path / "a.gif", [(0, SIDE, False, 0)])
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"\x7f\x7f")
    assert not is_opaque_gif(path)
    for content in (b"", b"GIF89a", data[:30], b"\x89PNG\r\n\x1a\n" + data):
        path.write_bytes(content)
        assert not is_opaque_gif(path)
    assert not is_opaque_gif(tmp_path / "none.gif")
