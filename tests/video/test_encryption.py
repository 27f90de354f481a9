"""Encrypted videos are called that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import pytest
from support.clips import Clip, make

from vsr.core.errors import InputError
from vsr.core.span import Span
from vsr.video.choose import main_video
from vsr.video.encryption import is_encrypted
from vsr.video.reader import open_video

WHOLE = Span()


def judged(path: Path) -> bool:
    with av.open(str(path)) as container:
        return is_encrypted(path, container, main_video(container, path))


def blinded(path: Path, change: Callable[[bytearray], None]) -> Path:
    """The clip with no packet that can be decoded, and with a change to its structure."""
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    for place, size in places:
        data[place : place + size] = bytes(size)
    change(data)
    path.write_bytes(data)
    return path


def scrambled(path: Path, pid: int) -> Path:
    """Every packet of a PID with its scrambling bits set and its payload turned about."""
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 188):
        if (data[at + 1] & 0x1F) << 8 | data[at + 2] == pid:
            begin = at + 4 + (data[at + 4] + 1 if data[at + 3] & 0x20 else 0)
            data[begin : at + 188] = bytes(b ^ 0xA5 for b in data[begin : at + 188])
            data[at + 3] |= 0x80
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".asf"])
def test_a_clip_in_the_clear_is_not(tmp_path: Path, suffix: str) -> None:
    codec = "wmv2" if suffix == ".asf" else "libx264"
    assert not judged(make(tmp_path / f"clip{suffix}", Clip(codec=codec, options={})))


def test_an_mp4_by_its_sample_entry(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(options={"bf": "0"}))

    def rename(data: bytearray) -> None:
        at = data.index(b"avc1", data.index(b"stsd"))
        data[at : at + 4] = b"encv"

    blinded(path, rename)
    with pytest.raises(InputError, match="encrypted"), open_video(path, WHOLE, lambda _: None):
        pass


def test_a_transport_stream_by_its_scrambling_bits(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.ts", Clip(options={"bf": "0"}))
    with av.open(str(path)) as container:
        pid = container.streams.video[0].id
    assert not judged(path)
    data = path.read_bytes()
    path.write_bytes(data + scrambled(path, pid).read_bytes() * 3)  # its parameters are known
    assert judged(path)


def test_garbage_is_not_called_encrypted(tmp_path: Path) -> None:
    path = blinded(make(tmp_path / "clip.mp4", Clip(options={"bf": "0"})), lambda data: None)
    with pytest.raises(InputError) as caught, open_video(path, WHOLE, lambda _: None):
        pass
    assert "no frame can be decoded" in str(caught.value)
