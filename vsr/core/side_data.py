"""What frames and streams say beside their samples, and what becomes of it in the output.

One table names every kind that libav has: what is kept, what is changed, what is true of the old
encoding alone, and what is left out and therefore named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import numpy as np
from av.video.frame import VideoFrame

from vsr.core.stereo import STEREO

CAPTIONS, ACTIVE_FORMAT = "closed captions", "active format description"
"""What goes on as user data where the encoder's codec has room for it: see `user_data_of`."""


class Fate(Enum):
    """What becomes of a kind of side data."""

    KEPT = "kept"
    CHANGED = "kept, or its meaning is put into the frames"
    OLD = "true of the old encoding alone"
    DROPPED = "left out, and named"


Kinds = Mapping[str, tuple[Fate, str]]
"""By libav's name: what becomes of it, and what it is called for people."""

OF_FRAMES: Kinds = {
    "DISPLAYMATRIX": (Fate.CHANGED, "rotation"),  # into the container, or frames are turned
    "MASTERING_DISPLAY_METADATA": (Fate.KEPT, "mastering display"),  # encoders without room: a note
    "CONTENT_LIGHT_LEVEL": (Fate.KEPT, "light level"),
    "A53_CC": (Fate.KEPT, CAPTIONS),  # named where the encoder's codec has no room
    "AFD": (Fate.KEPT, ACTIVE_FORMAT),
    "SPHERICAL": (Fate.DROPPED, "360-degree projection"),
    "STEREO3D": (Fate.KEPT, STEREO),  # named where the container cannot say it
    "PANSCAN": (Fate.DROPPED, "pan and scan"),
    "ICC_PROFILE": (Fate.DROPPED, "ICC profile"),
    "S12M_TIMECODE": (Fate.DROPPED, "timecode of each frame"),
    "DYNAMIC_HDR_PLUS": (Fate.DROPPED, "HDR10+ metadata"),
    "DYNAMIC_HDR_VIVID": (Fate.DROPPED, "HDR Vivid metadata"),
    "DOVI_RPU_BUFFER": (Fate.DROPPED, "Dolby Vision metadata"),
    "DOVI_METADATA": (Fate.DROPPED, "Dolby Vision metadata"),
    "AMBIENT_VIEWING_ENVIRONMENT": (Fate.DROPPED, "ambient viewing environment"),
    "FILM_GRAIN_PARAMS": (Fate.DROPPED, "film grain parameters"),
    "SEI_UNREGISTERED": (Fate.DROPPED, "unregistered user data"),
    "DETECTION_BBOXES": (Fate.DROPPED, "detected objects"),
    "REGIONS_OF_INTEREST": (Fate.OLD, "regions of interest"),
    "VIDEO_HINT": (Fate.OLD, "hints to an encoder"),
    "MOTION_VECTORS": (Fate.OLD, "motion vectors"),
    "VIDEO_ENC_PARAMS": (Fate.OLD, "quantisers"),
    "GOP_TIMECODE": (Fate.OLD, "timecode of the groups of pictures"),  # every MPEG-2 file has it
    # of sound, which is copied
    "MATRIXENCODING": (Fate.KEPT, "matrix encoding"),
    "DOWNMIX_INFO": (Fate.KEPT, "downmix"),
    "REPLAYGAIN": (Fate.KEPT, "replay gain"),
    "SKIP_SAMPLES": (Fate.KEPT, "skipped samples"),
    "AUDIO_SERVICE_TYPE": (Fate.KEPT, "audio service type"),
    # that PyAV cannot name; a frame that has some cannot be asked: see `UNREADABLE`
    "LCEVC": (Fate.DROPPED, "LCEVC enhancement"),
    "VIEW_ID": (Fate.DROPPED, "view of a stereoscopic video"),
    "3D_REFERENCE_DISPLAYS": (Fate.DROPPED, "stereoscopic reference displays"),
    "EXIF": (Fate.DROPPED, "EXIF"),
}
UNREADABLE = "side data of an unknown kind"

OF_STREAMS: Kinds = {
    # of the picture; libav hands these on to its frames, where they are found
    **{
        name.lower(): OF_FRAMES[name]
        for name in (
            *("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL", "A53_CC", "AFD", "SPHERICAL"),
            *("ICC_PROFILE", "S12M_TIMECODE", "AMBIENT_VIEWING_ENVIRONMENT", "LCEVC", "EXIF"),
            *("3D_REFERENCE_DISPLAYS", "SKIP_SAMPLES", "AUDIO_SERVICE_TYPE"),
        )
    },
    "display_matrix": OF_FRAMES["DISPLAYMATRIX"],
    "stereo_3d": OF_FRAMES["STEREO3D"],
    "dynamic_hdr10_plus": OF_FRAMES["DYNAMIC_HDR_PLUS"],
    "dovi_conf": OF_FRAMES["DOVI_METADATA"],
    "replay_gain": OF_FRAMES["REPLAYGAIN"],
    # read by libav's decoders, or made anew by its encoders and muxers
    "palette": (Fate.CHANGED, "palette"),
    "param_change": (Fate.CHANGED, "change of parameters"),
    "matroska_block_additional": (Fate.CHANGED, "transparency of VP8 and VP9"),
    "frame_cropping": (Fate.CHANGED, "cropping"),
    "new_extradata": (Fate.OLD, "header"),
    "h263_mb_info": (Fate.OLD, "macroblocks"),
    "quality_stats": (Fate.OLD, "quality of the encoding"),
    "cpb_properties": (Fate.OLD, "buffer of the decoder"),
    "encryption_init_info": (Fate.OLD, "encryption"),  # such videos are refused
    "encryption_info": (Fate.OLD, "encryption"),
    "prft": (Fate.OLD, "clock of the sender"),
    "rtcp_sr": (Fate.OLD, "clock of the sender"),
    "mpegts_stream_id": (Fate.OLD, "number of the stream"),
    # of other streams, whose packets are copied
    "fallback_track": (Fate.KEPT, "fallback track"),
    "jp_dual_mono": (Fate.KEPT, "dual mono"),
    "strings_metadata": (Fate.KEPT, "tags that change"),
    "metadata_update": (Fate.KEPT, "tags that change"),
    "subtitle_position": (Fate.KEPT, "position of a subtitle"),
    "webvtt_identifier": (Fate.KEPT, "name of a subtitle"),
    "webvtt_settings": (Fate.KEPT, "position of a subtitle"),
    "iamf_mix_gain_param": (Fate.KEPT, "loudness of a mix"),
    "iamf_info_param": (Fate.KEPT, "parts of a mix"),
    "iamf_recon_gain_info_param": (Fate.KEPT, "loudness of a mix"),
}

# The settings that x264 and x265 write into a video's first frame, by their UUIDs.
_SETTINGS = (
    bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef"),
    bytes.fromhex("2ca2de09b51747dbbb55a4fe7fc2fc4e"),
)
_UUID = 16  # bytes
_PAN_SCAN_POSITIONS = 12  # bytes of AVPanScan before them


def said_of(frame: VideoFrame) -> dict[str, bytes]:
    """A decoded frame's side data by libav's names; of a kind that PyAV does not know, nothing."""
    try:
        return {data.type.name: bytes(data) for data in _all(frame) if _is_plain(data)}
    except (ValueError, KeyError):
        return {UNREADABLE: b""}


def dropped_of(said: Mapping[str, bytes]) -> Iterator[str]:
    """What a frame says that no output keeps, named for people."""
    for kind, data in said.items():
        fate, name = OF_FRAMES.get(kind, (Fate.DROPPED, UNREADABLE))
        if fate is Fate.DROPPED and not _is_empty(kind, data):
            yield name


def user_data_of(said: Mapping[str, bytes]) -> dict[str, bytes]:
    """What a frame says that goes on as ATSC user data (A/53, part 4), by CAPTIONS and so on.

    It is what stands behind the provider's code, from the identifier on.
    """
    found = {}
    captions = said.get("A53_CC", b"")
    count = min(len(captions) // 3, _MOST_CAPTIONS)
    if count:
        found[CAPTIONS] = (
            b"GA94\x03" + bytes([0x40 | count, 0xFF]) + captions[: 3 * count] + b"\xff"
        )
    if active := said.get("AFD", b""):
        found[ACTIVE_FORMAT] = b"DTG1\x41" + bytes([0xF0 | active[0] & 0x0F])
    return found


def with_captions(said: Mapping[str, bytes], before: bytes) -> dict[str, bytes]:
    """The same, with the captions of a frame before that is not shown; padding makes room."""
    both = before + said.get("A53_CC", b"")
    triples = [both[at : at + 3] for at in range(0, len(both), 3)]
    valid = b"".join(triple for triple in triples if triple[0] & _VALID)
    return {**said, "A53_CC": valid} if valid else dict(said)


_VALID = 4  # the bit of a caption's first byte that tells it from padding
_MOST_CAPTIONS = 31  # of three bytes


def _all(frame: VideoFrame) -> Any:
    return frame.side_data


def _is_plain(data: Any) -> bool:
    """Whether it is bytes, and not one of PyAV's own views."""
    return OF_FRAMES.get(data.type.name, (Fate.DROPPED, ""))[0] is not Fate.OLD


def _is_empty(kind: str, data: bytes) -> bool:
    """Whether it says nothing that matters: decoders give some to every frame."""
    if kind == "PANSCAN":
        return not np.frombuffer(data[_PAN_SCAN_POSITIONS:], np.uint8).any()
    if kind != "SEI_UNREGISTERED":
        return False
    return len(data) <= _UUID or data.startswith(_SETTINGS)  # a name without anything to it
