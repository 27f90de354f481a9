"""User data in coded pictures: closed captions and active format, as ATSC has them (A/53, part 4).

PyAV gives no way to hand them to an encoder, so they are put into what it has made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

_PROVIDER = b"\xb5\x00\x31"  # ITU-T T.35: the United States, ATSC
_START = b"\x00\x00\x01"

Insert = Callable[[bytes, Sequence[bytes]], bytes]
"""A coded picture and what to put into it -> the picture with it."""


def takes_user_data(codec: str) -> bool:
    """Whether pictures of a codec, by libav's name, have room for it."""
    return codec in _INSERTERS


def with_user_data(codec: str, data: bytes, payloads: Sequence[bytes]) -> bytes:
    """A coded picture with user data put into it; as it is where it cannot be told apart."""
    return _INSERTERS[codec](data, payloads)


def _with_sei(header: bytes, is_picture: Callable[[int], bool]) -> Insert:
    """For H.264 and HEVC in Annex B: an SEI message before the first slice."""

    def insert(data: bytes, payloads: Sequence[bytes]) -> bytes:
        at = 0
        while (at := data.find(_START, at)) >= 0 and not is_picture(data[at + 3]):
            at += 3
        if at < 0:
            return data
        message = b"".join(_sei(_PROVIDER + payload) for payload in payloads)
        unit = b"\0" + _START + header + _escaped(message + b"\x80")
        begin = at - 1 if at and data[at - 1] == 0 else at
        return data[:begin] + unit + data[begin:]

    return insert


def _sei(payload: bytes) -> bytes:
    """A message of registered user data (4)."""
    size, rest = divmod(len(payload), 255)
    return b"\x04" + b"\xff" * size + bytes([rest]) + payload


def _escaped(data: bytes) -> bytes:
    """With emulation prevention: no two zeros before a byte up to 3."""
    made, zeros = bytearray(), 0
    for byte in data:
        if zeros >= 2 and byte <= 3:
            made.append(3)
            zeros = 0
        made.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(made)


def _in_mpeg2(data: bytes, payloads: Sequence[bytes]) -> bytes:
    """Behind the headers of an MPEG-2 picture, before its first slice."""
    at = 0
    while (at := data.find(_START, at)) >= 0 and not 0x01 <= data[at + 3] <= 0xAF:
        at += 3
    if at < 0:
        return data
    return data[:at] + b"".join(_START + b"\xb2" + each for each in payloads) + data[at:]


def _in_av1(data: bytes, payloads: Sequence[bytes]) -> bytes:
    """As metadata units before the first frame of an AV1 temporal unit."""
    at = 0
    while at < len(data):
        kind, extended, sized = data[at] >> 3 & 15, data[at] & 4, data[at] & 2
        if kind in (3, 6):  # frame header, frame
            break
        if not sized:
            return data
        size, behind = _number(data, at + (2 if extended else 1))
        at = behind + size
    if at >= len(data):
        return data
    units = (b"\x04" + _PROVIDER + payload + b"\x80" for payload in payloads)
    return data[:at] + b"".join(b"\x2a" + _leb128(len(u)) + u for u in units) + data[at:]


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A leb128 number, and what stands behind it."""
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            break
    return value, at


def _leb128(value: int) -> bytes:
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


_INSERTERS: dict[str, Insert] = {
    "h264": _with_sei(b"\x06", lambda byte: 1 <= byte & 0x1F <= 5),
    "hevc": _with_sei(b"\x4e\x01", lambda byte: (byte >> 1 & 0x3F) < 32),
    "mpeg2video": _in_mpeg2,
    "av1": _in_av1,
}
