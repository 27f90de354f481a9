"""A segment's file gives back what an encoder gave, and is never half there."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.packet import Packet
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clips import Clip, make, video_frame
from support.segmented_jobs import Held, held, of_packet, uneven

from vsr.core.errors import OutputError
from vsr.segmented.packet_file import PacketWriter, read_packets

BASE = Fraction(1001, 90000)


def encoded(codec: str, pts: Sequence[int], base: Fraction, **options: str) -> list[Packet[Any]]:
    """An encoder's packets for frames of these times."""
    context: Any = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = 64, 48, "yuv420p"
    context.time_base, context.framerate = base, Fraction(25)
    context.options = options
    packets = []
    for number, time in enumerate(pts):
        frame = video_frame(number, 64, 48, "yuv420p")
        frame.pts, frame.time_base, frame.duration = time, base, 7
        packets += context.encode(frame)
    return [*packets, *context.encode(None)]


def written(path: Path, packets: Sequence[Packet[Any]]) -> PacketWriter:
    writer = PacketWriter(path)
    for packet in packets:
        writer.write(packet)
    return writer


def of_values(value: Held) -> Packet[Any]:
    packet: Packet[Any] = Packet(value.data)
    packet.pts, packet.dts, packet.duration = value.pts, value.dts, value.duration
    packet.time_base, packet.is_keyframe = value.time_base, value.keyframe
    return packet


@pytest.mark.parametrize(
    ("codec", "base", "options"),
    [
        ("libx264", BASE, {"bf": "3", "preset": "veryfast", "g": "6"}),
        ("libx264", Fraction(1, 10**9), {"bf": "2", "b-pyramid": "strict"}),
        ("ffv1", BASE, {}),
        ("mpeg4", Fraction(1, 25), {"bf": "2"}),
        ("libvpx-vp9", BASE, {"deadline": "realtime", "cpu-used": "8"}),
    ],
)
def test_what_an_encoder_gave_comes_back(
    tmp_path: Path, codec: str, base: Fraction, options: dict[str, str]
) -> None:
    times = [-40 + time for time in uneven(14, 3)]
    packets = encoded(codec, times if base != Fraction(1, 25) else range(14), base, **options)
    path = tmp_path / "a.packets"
    writer = written(path, packets)
    assert not path.exists()
    digest = writer.finish()
    assert held(path) == [of_packet(packet) for packet in packets]
    assert (writer.packets, writer.bytes) == (14, path.stat().st_size)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(tmp_path.iterdir()) == [path]


ticks = st.integers(-(2**63) + 1, 2**63 - 1)  # -2**63 is no time


@given(
    st.lists(
        st.builds(
            Held,
            st.binary(max_size=50),
            ticks,
            ticks,
            st.integers(0, 2**63 - 1),
            st.builds(Fraction, st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1)),
            st.booleans(),
        ),
        max_size=4,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_values_come_back(tmp_path_factory: pytest.TempPathFactory, values: list[Held]) -> None:
    path = tmp_path_factory.mktemp("one") / "a.packets"
    written(path, [of_values(value) for value in values]).finish()
    assert held(path) == values


def test_they_decode_to_the_very_pictures(tmp_path: Path) -> None:
    packets = encoded("libx264", range(0, 120, 10), BASE, bf="2")
    path = tmp_path / "a.packets"
    written(path, packets).finish()

    def pictures(packets: Sequence[Packet[Any]]) -> list[tuple[int | None, bytes]]:
        decoder: Any = av.CodecContext.create("h264", "r")
        frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
        return [(frame.pts, frame.to_ndarray().tobytes()) for frame in frames]

    assert pictures(list(read_packets(path))) == pictures(packets)
    assert len(pictures(packets)) == 12


def test_a_file_cut_at_any_byte_is_refused_or_ends_at_a_packets_border(tmp_path: Path) -> None:
    packets = encoded("libx264", range(5), Fraction(1, 25), bf="2", g="3", preset="ultrafast")
    path = tmp_path / "a.packets"
    written(path, packets).finish()
    whole, data = held(path), path.read_bytes()
    sound = 0
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with suppress(OutputError):
            found = held(path)
            assert found == whole[: len(found)]
            assert len(found) < len(whole)
            sound += 1
    assert sound == len(whole)  # one at each border but the last


@pytest.mark.parametrize("data", [b"", b"vsr packets 2\n", b"\0" * 14, b"RIFFnothing of ours"])
def test_another_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.packets"
    path.write_bytes(data)
    with pytest.raises(OutputError, match=r"a\.packets: is no segment's file"):
        held(path)


def test_without_times_a_packet_is_refused(tmp_path: Path) -> None:
    value = Held(b"abc", 3, 2, 1, BASE, True)
    for broken in (value._replace(pts=None), value._replace(dts=None)):
        writer = PacketWriter(tmp_path / "a.packets")
        with pytest.raises(OutputError, match=r"cannot be put aside \(no times\)"):
            writer.write(of_values(broken))
        writer.abandon()
    assert not list(tmp_path.iterdir())


def test_side_data_that_would_be_lost_is_refused(tmp_path: Path) -> None:
    """As of VP9 with alpha, whose second picture is in it."""
    source = make(
        tmp_path / "alpha.webm",
        Clip(
            codec="libvpx",
            pix_fmt="yuva420p",
            options={"deadline": "realtime", "auto-alt-ref": "0"},
        ),
    )
    with av.open(str(source)) as container:
        packet = next(container.demux(video=0))
        writer = PacketWriter(tmp_path / "a.packets")
        with pytest.raises(OutputError, match="cannot be put aside"):
            writer.write(packet)
    writer.abandon()


def test_what_is_abandoned_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.packets"
    packets = encoded("ffv1", range(3), BASE)
    written(path, []).abandon()
    written(path, packets).abandon()
    assert not list(tmp_path.iterdir())
    written(path, packets).finish()
    written(path, packets[:1]).abandon()  # what is finished stays
    assert len(held(path)) == 3


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """In a process of its own, whose files may grow no further."""
    packets = encoded("ffv1", range(12), BASE)
    folder = tmp_path / "work"
    folder.mkdir()
    report = tmp_path / "report"
    pid = os.fork()
    if pid == 0:
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
            writer = PacketWriter(folder / "a.packets")
            try:
                for packet in packets:
                    writer.write(packet)
                writer.finish()
            except OSError as error:
                writer.abandon()
                report.write_text(str(error))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert "File too large" in report.read_text()
    assert not list(folder.iterdir())
