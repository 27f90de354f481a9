"""Open media: a local file and nothing that it may point to, or what an address names.

Parts lists alone, see `vsr.core.parts`, are opened with the files that they name.
"""

from __future__ import annotations

from pathlib import Path

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer

from vsr.core.errors import InputError
from vsr.core.events import Warn
from vsr.core.parts import is_part_list
from vsr.core.paths import check_input
from vsr.core.playlists import is_playlist
from vsr.core.url import INDIRECT, Url, open_url
from vsr.video.joined import open_joined
from vsr.video.truncation import lacks_index

_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": ",".join(sorted(av.formats_available - INDIRECT)),
}


def open_on_gpu(path: Path | Url, warn: Warn) -> InputContainer:
    """As `open_input`, but NVDEC decodes; where it cannot, a warning says so, and the CPU does.

    Frames come in the host's memory all the same, with the same samples.
    """
    with open_input(path) as container:  # first: what is no video is told as always
        plain = not container.streams.video
    try:
        return open_input(path) if plain else _open(path, HWAccel("cuda"))
    except (av.FFmpegError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        warn(f"{path}: decoded on the CPU, the GPU's decoder is not to be had ({reason(error)})")
        return open_input(path)


def open_input(path: Path | Url) -> InputContainer:
    """Open media for reading. Raises InputError, in one line, when it is none."""
    if isinstance(path, Url):
        return open_url(path)
    check_input(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder, not a file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty (0 bytes)")
    try:
        return _open(path)
    except (av.FFmpegError, EOFError, OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a video ({_why_not(path, error)})") from None


def _why_not(path: Path, error: BaseException) -> str:
    if path.suffix.lower() in (".m3u8", ".m3u") and is_playlist(path):
        return f"a playlist is opened as file:{path}"
    return "its index is missing: it was not finished" if lacks_index(path) else reason(error)


def _open(path: Path | Url, hwaccel: HWAccel | None = None) -> InputContainer:
    if isinstance(path, Url):
        return open_url(path, hwaccel=hwaccel)
    if is_part_list(path):
        return open_joined(path, hwaccel)
    options = dict(_OPTIONS)
    return av.open(f"file:{path}", "r", options=options, metadata_errors="replace", hwaccel=hwaccel)


def reason(error: BaseException) -> str:
    """libav's own words for an error, without its number and path."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
