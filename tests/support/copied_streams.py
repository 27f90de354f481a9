"""Send a file's other streams through `passthrough`, beside a video that is copied too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer

from support.clips import video_frame
from vsr.core.options import StreamOptions
from vsr.core.source import OtherStreams
from vsr.remux.containers import open_output
from vsr.remux.copy import Passthrough, copy_streams
from vsr.remux.mapping import StreamMapping, plan_streams
from vsr.remux.timestamps import TrimWindow
from vsr.video.choose import main_video
from vsr.video.open import open_input

WHOLE = TrimWindow()


@dataclass(frozen=True)
class Passed:
    """How a file went through: what was planned, and what was said of damage."""

    plan: StreamMapping
    told: list[str]
    through: Passthrough


def other_streams(
    path: Path,
    container: InputContainer,
    main: int,
    cut: TrimWindow = WHOLE,
    told: list[str] | None = None,
) -> OtherStreams:
    """All streams but `main` of an open file; what is said of damage goes to `told`."""

    def damaged(message: str, packets: int) -> None:
        if told is not None:
            told.append(message)

    return OtherStreams(path, container, main, cut.output_start, cut.end, cut.sharp, damaged)


def passed(
    source: Path,
    target: Path,
    wants: StreamOptions | None = None,
    start: Fraction | None = None,
    end: Fraction | None = None,
    encoder: str = "libx264",
) -> Passed:
    """Copy a video without decoding it, and all else as vsr does. A part must begin at 0, or
    where a packet of the video begins."""
    told: list[str] = []
    cut = TrimWindow(start or Fraction(0), end, sharp=bool(start))
    with open_input(source) as others, open_input(source) as pictures:
        main = main_video(others, source)
        streams = other_streams(source, others, main.index, cut, told)
        plan = plan_streams(streams, target, wants or StreamOptions(), encoder)
        with open_output(target, plan.format, plan.options) as output:
            copies: list[Any] = []

            def add() -> Any:
                copies.append(output.add_stream_from_template(main, opaque=True))
                return copies[0]

            through = copy_streams(streams, output, add, plan)
            output.start_encoding()
            for packet in pictures.demux(pictures.streams[main.index]):
                when = 0 if packet.dts is None else packet.dts * packet.time_base
                inside = not cut.sharp or when >= cut.output_start
                if packet.size and inside and (end is None or when < end):
                    ticks = round(cut.output_start / packet.time_base)
                    if packet.dts is not None and packet.pts is not None:
                        packet.dts, packet.pts = packet.dts - ticks, packet.pts - ticks
                    packet.stream = copies[0]
                    through.until(packet)
                    output.mux_one(packet)
            for _ in through.rest():
                pass
            output.close()
    return Passed(plan, told, through)


def payloads(path: Path, kind: str) -> list[list[bytes]]:
    """The packets of each stream of a kind, covers left out."""
    with av.open(str(path)) as container:
        chosen = [s for s in container.streams if s.type == kind and not s.disposition & 1024]
        found: dict[int, list[bytes]] = {s.index: [] for s in chosen}
        for packet in container.demux(chosen):
            if packet.size:
                found[packet.stream_index].append(bytes(packet))
    return list(found.values())


Writer = Callable[[], None]


def footage(
    path: Path, add: Callable[[Any], Writer], codec: str = "mpeg4", **tags: dict[str, str]
) -> Path:
    """Half a second of video beside what `add` adds: it is given the output, and gives back what
    writes its packets. `video` and `file` are tags."""
    with av.open(str(path), "w") as out:
        out.metadata.update(tags.get("file", {}))
        video: Any = out.add_stream(codec, rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.metadata.update(tags.get("video", {}))
        write = add(out)
        for number in range(12):
            frame = video_frame(number, 64, 48, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        write()
    return path


def wave(length: int, rate: int, channels: int) -> np.ndarray:
    """Sound that is different at every time: (channels, samples) of float32, a falling chirp."""
    t = np.arange(length) / rate
    chirp = 0.4 * np.sin(2 * np.pi * (900 * t - 500 * t * t)) * np.exp(-3 * ((t - 0.2) / 0.2) ** 2)
    return np.stack([chirp * (1 - 0.1 * n) for n in range(channels)]).astype(np.float32)


def sound(
    codec: str, rate: int = 48000, layout: str = "stereo", start: int = 0, gap: int = 0, **tags: str
) -> Callable[[Any], Writer]:
    """Half a second of sound, from sample `start` on, with `gap` samples left out amid it."""

    def add(out: Any) -> Writer:
        stream = out.add_stream(codec, rate=rate)
        stream.layout = layout
        stream.metadata.update(tags)

        def write() -> None:
            samples = wave(rate // 2, rate, av.AudioLayout(layout).nb_channels)
            step = rate // 50
            for first in range(0, samples.shape[1], step):
                data = samples[:, first : first + step].T.reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), "flt", layout)
                frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
                frame.pts = start + first + (gap if first >= rate // 4 else 0)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))

        return write

    return add


def packets(
    codec: str, data: Sequence[bytes], step: Fraction, **facts: Any
) -> Callable[[Any], Writer]:
    """Ready-made packets of a stream, one every `step` seconds."""

    def add(out: Any) -> Writer:
        stream = out.add_mux_stream(codec, **facts)
        stream.time_base = base = Fraction(1, 1000)

        def write() -> None:
            for number, content in enumerate(data):
                packet: Any = av.Packet(content)
                packet.stream, packet.time_base = stream, base
                packet.pts = packet.dts = round(number * step / base)
                packet.duration = round(step / base)
                out.mux(packet)

        return write

    return add
