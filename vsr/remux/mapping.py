"""Stream mapping: what becomes of each other stream, and which muxer loses the fewest."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.codec import Codec
from av.container import InputContainer, OutputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from vsr.core.options import StreamOptions
from vsr.core.source import OtherStreams, Sampled
from vsr.core.stream_report import Others
from vsr.remux.audio import Settings, add_audio, settings_for
from vsr.remux.containers import (
    Y4M,
    counts_frames,
    formats_for,
    holds_chapters,
    holds_timecode,
    lost_tags,
    muxer_options,
    name_options,
    takes_encoder,
)
from vsr.remux.metadata import codec_name, label
from vsr.remux.mux_probe import holds, is_chapter_text, sample
from vsr.remux.subtitles import ENCODERS, add_text, is_text
from vsr.remux.timecode import is_timecode_track
from vsr.remux.timestamps import splitter
from vsr.util.text import counted
from vsr.video.choose import is_cover
from vsr.video.variants import is_left_out

# Streams for which a file is written as another kind than its suffix says.
_COUNTED = ("audio", "subtitle", "video")
_NONE: Mapping[str, str] = {}
COVERS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}
"""Codecs of covers: the suffix and kind of an attachment."""


@dataclass(frozen=True)
class StreamAction:
    """What becomes of one stream.

    Attributes:
        name: the stream, for people.
        copied: whether it stays as it is.
        audio: how to encode sound that is not copied.
        text: the codec that subtitles become.
        picture: a cover's bytes, for a container that keeps covers as attachments.
        reason: why it is left out.
    """

    name: str
    copied: bool = False
    audio: Settings | None = None
    text: str = ""
    picture: bytes = b""
    reason: str = ""

    @property
    def becomes(self) -> str:
        """What a stream that is converted is turned into."""
        return self.text or (Codec(self.audio.codec, "w").canonical_name if self.audio else "")


@dataclass(frozen=True)
class StreamMapping:
    """How a file is to be muxed.

    Attributes:
        format: the muxer's name in libav.
        options: what the muxer is told.
        actions: what becomes of each stream, by its index; those not asked for are missing.
        lost: tags and chapters that the container cannot hold.
        note: a warning where another muxer than the suffix's own is taken, or "".
    """

    format: str
    options: dict[str, str] = field(default_factory=dict)
    actions: dict[int, StreamAction] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    note: str = ""

    @property
    def others(self) -> Others:
        """What becomes of the streams, for people."""
        actions = self.actions.values()
        return Others(
            tuple(action.name for action in actions if action.copied),
            tuple(f"{action.name} as {action.becomes}" for action in actions if action.becomes),
            (
                *(f"{action.name}: {action.reason}" for action in actions if action.reason),
                *self.lost,
            ),
        )

    def warnings(self, target: Path) -> Iterator[str]:
        """What people should know before the work begins."""
        if self.note:
            yield self.note
        if counts_frames(self.format) and self.format != Y4M:  # which repeats frames instead
            yield f"{target.suffix} keeps no timestamps: frames are shown at a fixed rate"
        if self.others.dropped:
            yield f"left out: {'; '.join(self.others.dropped)}"


def plan_streams(
    streams: OtherStreams | None,
    target: Path,
    wants: StreamOptions,
    encoder: str,
    provenance_tag: str = "",
) -> StreamMapping:
    """How to mux a source's other streams into `target`, with `encoder`'s video.

    Each stream is tried in memory, with its first packets: those `sampled`, or else the file is
    opened once more. Where several muxers write files of the target's suffix, the one that
    leaves out the fewest is taken. There shall be room for `provenance_tag` in its tags. Raises
    OutputError if there is no muxer at all.
    """
    formats = formats_for(target)
    able = [name for name in formats if name == formats[0] or takes_encoder(name, encoder)]
    if len(able) > 1 and not takes_encoder(formats[0], encoder):
        able.remove(formats[0])
    if streams is None:
        return StreamMapping(able[0], note=_note(target, formats[0], able[0]))
    source, main = streams.container, streams.main
    wanted = _wanted(streams, wants)
    codes = [s for s in wanted if is_timecode_track(source, s, main)]
    wanted = [s for s in wanted if s not in codes]
    sampled = streams.sampled
    if sampled is None:
        sampled = sample(source, streams.path, main) if wanted else {}
    best: tuple[int, str, dict[int, StreamAction]] | None = None
    for name in able:
        actions = _actions(wanted, name, target, wants, sampled)
        missing = sum(bool(actions[s.index].reason) for s in wanted if s.type in _COUNTED)
        if best is None or missing < best[0]:
            best = missing, name, actions
        if not missing:
            break
    assert best is not None
    _, name, actions = best
    if not holds_timecode(name):
        why = f"{target.suffix} cannot hold it"
        actions.update((s.index, StreamAction(label(s), reason=why)) for s in codes)
    cover = any(is_cover(s) and actions[s.index].copied for s in wanted)
    return StreamMapping(
        name,
        muxer_options(name, source, cover, provenance_tag),
        actions,
        _lost(source, name, target, cover),
        _note(target, formats[0], name),
    )


def all_left_out(streams: OtherStreams | None, target: Path, wants: StreamOptions) -> Others:
    """What becomes of a source's other streams where the target is images, which hold none."""
    if streams is None:
        return Others()
    holder = target.suffix or "an image"
    dropped = [f"{label(s)}: {holder} cannot hold it" for s in _wanted(streams, wants)]
    if count := len(streams.container.chapters()):
        dropped.append(_chapters_lost(count, holder))
    return Others(dropped=tuple(dropped))


def _wanted(streams: OtherStreams, wants: StreamOptions) -> list[Stream]:
    """The other streams that are asked for."""
    others = (s for s in streams.container.streams if s.index != streams.main)
    asked = (s for s in others if wants.wants(s.type, is_cover(s)))
    return [s for s in asked if not (is_chapter_text(s) or is_left_out(s))]


def _note(target: Path, own: str, name: str) -> str:
    if name == own:
        return ""
    return f"{target.name}: written as {name}, as {own} cannot hold all that goes into it"


def _lost(source: InputContainer, format_name: str, target: Path, cover: bool) -> tuple[str, ...]:
    lost = []
    if tags := lost_tags(format_name, source.metadata, cover):
        lost.append(f"tags {', '.join(tags)}: {target.suffix} cannot hold them")
    if (count := len(source.chapters())) and not holds_chapters(format_name):
        lost.append(_chapters_lost(count, target.suffix))
    return tuple(lost)


def _chapters_lost(count: int, holder: str) -> str:
    return f"{counted(count, 'chapter')}: {holder} cannot hold {'it' if count == 1 else 'them'}"


def _actions(
    wanted: Sequence[Stream],
    format_name: str,
    target: Path,
    wants: StreamOptions,
    sampled: Mapping[int, list[Sampled]],
) -> dict[int, StreamAction]:
    """What can become of each stream in a container, beside those before it."""
    actions: dict[int, StreamAction] = {}
    heard = False
    for stream in wanted:
        first = sampled.get(stream.index, [])
        action = _action(stream, format_name, target, wants, first, beside_sound=heard)
        heard = heard or (isinstance(stream, AudioStream) and not action.reason)
        actions[stream.index] = action
    return actions


def _action(
    stream: Stream,
    format_name: str,
    target: Path,
    wants: StreamOptions,
    sampled: list[Sampled],
    beside_sound: bool,
) -> StreamAction:
    """What can become of a stream in a container, `beside_sound` or not."""
    name = label(stream)
    if is_cover(stream) and format_name == "matroska":
        if sampled and codec_name(stream) in COVERS:
            return StreamAction(name, copied=True, picture=sampled[0].data)
        return StreamAction(name, reason=f"{target.suffix} cannot hold it")
    known = stream.codec_context is not None
    if isinstance(stream, AudioStream) and not (known and stream.sample_rate and stream.channels):
        return StreamAction(name, reason="its sample rate or channels are unknown")
    if holds(format_name, stream, sampled, splitter(stream, format_name)):
        if not _is_one_too_many(stream, format_name, target, beside_sound):
            return StreamAction(name, copied=True)
        if isinstance(stream, VideoStream):
            return StreamAction(name, reason=f"{target.suffix} holds one video")
    if isinstance(stream, AudioStream):
        settings = settings_for(format_name, stream)
        if settings and _takes_audio(format_name, settings):
            if wants.transcodes:
                return StreamAction(name, audio=settings)
            why = f"{target.suffix} cannot hold it (--audio transcode converts it)"
            return StreamAction(name, reason=why)
    if is_text(stream):
        for codec in ENCODERS:
            if _takes_text(format_name, stream, codec):
                return StreamAction(name, text=codec)
    return StreamAction(name, reason=f"{target.suffix} cannot hold it")


def _takes_audio(format_name: str, settings: Settings) -> bool:
    return _takes(format_name, lambda trial: add_audio(trial, settings))


def _takes_text(format_name: str, stream: Stream, codec: str) -> bool:
    if format_name == "mpegts":  # as private data, of which no reader knows what it is
        return False
    return _takes(format_name, lambda trial: add_text(trial, stream, codec))


def _is_one_too_many(stream: Stream, format_name: str, target: Path, beside_sound: bool) -> bool:
    """Whether a stream is a video, or sound of a codec, of which the container holds one.

    It stands for both here.
    """
    seen = isinstance(stream, VideoStream) and not is_cover(stream)
    if not seen and not (isinstance(stream, AudioStream) and beside_sound):
        return False

    def add(trial: OutputContainer) -> None:
        for _ in range(2):
            trial.add_stream_from_template(stream, opaque=True)

    return not _takes(format_name, add, name_options(target))


def _takes(
    format_name: str, add: Callable[[OutputContainer], Any], options: Mapping[str, str] = _NONE
) -> bool:
    """Whether a container takes an encoder's stream, tried in memory."""
    try:
        trial = av.open(io.BytesIO(), "w", format=format_name, container_options=dict(options))
        with trial:
            add(trial)
            trial.start_encoding()
    except (av.FFmpegError, OSError, ValueError, RuntimeError):
        return False
    return True
