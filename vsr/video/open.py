"""Open local media files, and nothing that their contents may point to."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer

from vsr.errors import InputError

# Demuxers that open what their file names: other files, devices, addresses.
_INDIRECT = {
    *("alias_pix", "alsa", "avisynth", "avs", "brender_pix", "concat", "dash", "fbdev", "hls"),
    *("image2", "image2pipe", "imf", "kmsgrab", "lavfi", "oss", "rtp", "rtsp", "sap", "sdp"),
    *("tty", "vapoursynth", "video4linux2,v4l2", "vobsub", "webm_dash_manifest", "x11grab"),
}
_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": ",".join(sorted(av.formats_available - _INDIRECT)),
}


def open_input(path: Path) -> InputContainer:
    """Open a media file for reading. Raises InputError, in one line, when it is none."""
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if path.is_dir():
        raise InputError(f"{path}: is a folder, not a file")
    if not path.is_file():
        raise InputError(f"{path}: is not a regular file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty (0 bytes)")
    try:
        return av.open(f"file:{path}", "r", options=dict(_OPTIONS), metadata_errors="replace")
    except (av.FFmpegError, EOFError, OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a video ({reason(error)})") from None


def reason(error: BaseException) -> str:
    """libav's own words for an error, without its number and path."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
