"""Tell an encrypted video, where its container says that it is one."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from av.container import InputContainer
from av.video.stream import VideoStream

from vsr.core.url import Url

_HEAD = 1 << 20  # bytes to look at
_TS_PACKET, _TS_SYNC = 188, 0x47
_ISO_ENTRIES = (b"encv", b"pssh", b"tenc")  # ISO/IEC 23001-7
_ASF_OBJECTS = tuple(
    UUID(name).bytes_le
    for name in (
        "2211B3FB-BD23-11D2-B4B7-00A0C955FC6E",  # Content Encryption Object
        "298AE614-2622-4C17-B935-DAE07EE9289C",  # Extended Content Encryption Object
    )
)


def is_encrypted(path: Path | Url, container: InputContainer, stream: VideoStream) -> bool:
    """Whether a video that gives no picture is said to be encrypted.

    mp4 and its kin by their sample entry or key boxes, Matroska by the key of its track, a
    transport stream by the scrambling bits of the video's packets, ASF by its header.
    """
    kind = container.format.name
    if "enc_key_id" in stream.metadata:
        return True
    if isinstance(path, Url):
        return False
    head, tail = _ends(path)
    if "mp4" in kind:
        return any(entry in part for entry in _ISO_ENTRIES for part in (head, tail))
    if kind == "mpegts":
        return _is_scrambled(head, stream.id)
    if kind == "asf":
        return any(name in head for name in _ASF_OBJECTS)
    return False


def _ends(path: Path) -> tuple[bytes, bytes]:
    """The first and the last part of a file: an mp4 has its index at either end."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(max(0, path.stat().st_size - _HEAD))
        return head, file.read(_HEAD)


def _is_scrambled(data: bytes, pid: int) -> bool:
    """Whether most packets of a transport stream's PID have scrambling bits (ISO/IEC 13818-1)."""
    begin = data.find(bytes([_TS_SYNC]))
    packets = [data[at : at + 4] for at in range(max(begin, 0), len(data) - 4, _TS_PACKET)]
    bits = [
        packet[3] >> 6
        for packet in packets
        if packet[0] == _TS_SYNC and (packet[1] & 0x1F) << 8 | packet[2] == pid
    ]
    return sum(b >= 2 for b in bits) * 2 > len(bits)
