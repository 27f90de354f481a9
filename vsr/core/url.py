"""Sources that are addresses: what may be opened, how long it may take, and what it is."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path
from typing import overload
from urllib.parse import unquote, urlsplit

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer

from vsr.core.errors import InputError
from vsr.core.inlet import STANDARD, Bytes, Inlet, is_pipe
from vsr.core.paths import as_path
from vsr.core.playlists import check_playlists

PATIENCE = 15.0
"""Seconds that an address is waited for, at most."""

_PROBING = 5.0  # seconds that libav may look at what comes before it knows the streams
_WEB = "http,https,tcp,tls,httpproxy,crypto"
_RTMP = "rtmp,rtmps,rtmpt,rtmpts,ffrtmphttp,http,https,tcp,tls"
# What each scheme may open on its way. A playlist from the net never names a file here.
_PROTOCOLS = {
    "http": _WEB,
    "https": _WEB,
    "rtsp": "tcp,udp,rtp,srtp",
    "rtsps": "tcp,tls,udp,rtp,srtp",
    "rtmp": _RTMP,
    "rtmps": _RTMP,
    "rtp": "rtp,udp,srtp",
    "udp": "udp",
    "tcp": "tcp",
    "srt": "srt",
    "file": "file,crypto",
}
SCHEMES = tuple(_PROTOCOLS)
"""The schemes that a source may have."""

INDIRECT = {
    *("alias_pix", "alsa", "avisynth", "avs", "brender_pix", "concat", "dash", "fbdev", "hls"),
    *("image2", "image2pipe", "imf", "kmsgrab", "lavfi", "oss", "rtp", "rtsp", "sap", "sdp"),
    *("tty", "vapoursynth", "video4linux2,v4l2", "vobsub", "webm_dash_manifest", "x11grab"),
}
"""Demuxers that open what their input names (other files, addresses), or that are devices."""

_DIRECTIONS = {
    "http": {"hls", "dash"},
    "https": {"hls", "dash"},
    "rtsp": {"rtsp"},
    "rtsps": {"rtsp"},
    "rtp": {"rtp"},
    "file": {"hls", "dash", "concat"},
}
# Prefixes by which libav would open something without "//".
_NEVER = {"async", "cache", "concat", "concatf", "crypto", "data", "fd", "lavfi", "pipe", "subfile"}
_LISTENING = {"udp", "rtp", "tcp", "srt"}  # those that need no host
_SECRET = re.compile(r"((?:pass\w*|pwd|token|secret|key|auth\w*|sig\w*)=)[^&;#]*", re.IGNORECASE)


class Url:
    """An address to read from. As text, in any message, it hides passwords.

    It is no dataclass on purpose: `dataclasses.asdict` would lay the password open.

    Attributes:
        text: the address as given, with its password.
        patience: seconds without a byte after which a connection is taken for broken.
    """

    __slots__ = ("patience", "text")

    def __init__(self, text: str, patience: float = PATIENCE) -> None:
        self.text = text
        self.patience = patience

    @property
    def scheme(self) -> str:
        """What stands before the colon, in small letters."""
        return self.text.partition(":")[0].lower()

    @property
    def is_stream(self) -> bool:
        """Whether the scheme alone tells that this is live and to be opened once."""
        return self.scheme not in ("http", "https", "file")

    @property
    def file(self) -> Path | None:
        """The file that a `file:` address names, with %20 and the like or without."""
        if self.scheme != "file":
            return None
        path = Path(self.text[len("file:") :])
        return path if path.exists() else Path(unquote(str(path)))

    @property
    def is_pipe(self) -> bool:
        """Whether it is a pipe: its writer waits for us, and it does not come again."""
        return False

    def close(self) -> None:
        """Read no more of it. An address has nothing to let go of."""

    def __str__(self) -> str:
        scheme, slashes, rest = self.text.partition("://")
        cut = re.search(r"[/?#]", rest)
        end = cut.start() if cut else len(rest)
        at = rest.rfind("@", 0, end)
        if at < 0 and re.search(r":(?!\d*$)", rest[:end]) and not rest.startswith("["):
            at = rest.rfind("@")  # a password with a slash in it, which libav will not find
        user, colon, _ = rest[: max(at, 0)].partition(":")
        shown = f"{user}:***{rest[at:]}" if colon else rest
        return _SECRET.sub(r"\1***", f"{scheme}{slashes}{shown}")

    def __repr__(self) -> str:
        return f"Url({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Url) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


class Pipe(Url):
    """Standard input, a FIFO or another pipe to read from: a live source.

    Attributes:
        text: "-" for standard input, or a path.
        inlet: its bytes.
    """

    __slots__ = ("inlet",)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.inlet = Inlet(text)

    @property
    def scheme(self) -> str:
        """No address has this one."""
        return "pipe"

    @property
    def is_stream(self) -> bool:
        """It is to be opened once."""
        return True

    @property
    def is_pipe(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Have whoever waits for its bytes get no more."""
        self.inlet.give_up()

    def __str__(self) -> str:
        return self.text


def as_source(text: str | Path | Url) -> Path | Url:
    """What a source means, as it was given: an address, a pipe or a path.

    `scheme://...` and `file:...` are addresses; "-" is standard input; all else is a path, C:\\x
    and a:b.mp4 too, and a pipe where it leads to one. Raises InputError for a scheme that is not
    read, and as `as_path` does.
    """
    if isinstance(text, Url):
        return text
    path = as_path(text, "source")
    if text == STANDARD or is_pipe(path):
        return Pipe(str(path))
    if not isinstance(text, str):
        return path
    found = re.match(r"([a-z][a-z0-9+.-]*):(//)?", text, re.IGNORECASE)
    if not found or (not found[2] and path.exists()):
        return path
    scheme = found[1].lower()
    if scheme == "file" or (found[2] and scheme in _PROTOCOLS):
        return Url(text)
    if scheme in ("pipe", "fd"):
        raise InputError(f"{text}: is not read; standard input is called -")
    if found[2] or scheme in _NEVER:
        raise InputError(f"{Url(text)}: {scheme}: is not read; allowed are {', '.join(SCHEMES)}")
    return path


@overload
def patient(source: Url, seconds: float) -> Url: ...


@overload
def patient(source: Path | Url, seconds: float) -> Path | Url: ...


def patient(source: Path | Url, seconds: float) -> Path | Url:
    """An address that is waited for no longer than `seconds`, nor than before; or the path."""
    return Url(source.text, min(source.patience, seconds)) if isinstance(source, Url) else source


def open_url(url: Url, hwaccel: HWAccel | None = None) -> InputContainer:
    """Open an address for reading.

    It may lead to other addresses of its own kind (a playlist), but never from the net to
    a file. Over http a file of known size is fetched on where its connection breaks.

    Raises InputError in one line where nothing can be read, at the latest after about the
    address's patience in silence. The password is in no message. Of a pipe it is the beginning
    that is given, to be looked at; see `take_pipe`.
    """
    if isinstance(url, Pipe):
        return _open_pipe(url, url.inlet.look())
    address, patience = _address(url), url.patience
    seconds = (patience + _PROBING, 2 * patience)  # behind the protocol's own, which know better
    options = {**_limits(url.scheme), **_options(url.scheme, patience)}
    began = time.monotonic()
    try:
        return av.open(
            address,
            "r",
            options=options,
            metadata_errors="replace",
            timeout=seconds,
            hwaccel=hwaccel,
        )
    except (av.FFmpegError, EOFError, OSError, ValueError) as error:
        words = why(error, url, time.monotonic() - began)
        raise InputError(f"{url}: {words}") from None


def take_pipe(url: Pipe) -> InputContainer:
    """Open a pipe for reading all of it, from its beginning on. Raises InputError."""
    return _open_pipe(url, url.inlet.take())


def _open_pipe(pipe: Pipe, data: Bytes) -> InputContainer:
    """A container as it comes by a pipe. It may name no other file and no address."""
    formats = ",".join(sorted(av.formats_available - INDIRECT))
    options = {"protocol_whitelist": "pipe", "format_whitelist": formats}
    try:
        return av.open(data, "r", options=options, metadata_errors="replace")
    except (av.FFmpegError, EOFError, OSError, ValueError) as error:
        raise InputError(f"{pipe}: {_why_no_pipe(error, pipe)}") from None


def _why_no_pipe(error: BaseException, pipe: Pipe) -> str:
    if isinstance(error, OSError) and not isinstance(error, av.FFmpegError):
        return f"cannot be read ({error.strerror or error})"
    if not pipe.inlet.came:
        return "nothing came: it is empty"
    return f"what comes is no video that {AS_IT_COMES}"


AS_IT_COMES = (
    "can be read as it comes (y4m, nut, mpegts and mkv can; an mp4 only with its index first)"
)


def is_live(url: Url, container: InputContainer) -> bool:
    """Whether an opened address can be read only once, as it comes.

    Otherwise it is a file at rest, which may be opened again and reads the same.
    """
    if url.is_stream:
        return True
    if url.scheme == "file":
        return False
    if container.format.name in ("hls", "dash"):  # whose own size is a playlist's
        return container.duration is None
    return container.size <= 0


def why(error: BaseException, url: Url, waited: float) -> str:
    """What a failure to read, after `waited` seconds without anything, means in plain words."""
    if isinstance(error, av.error.HTTPUnauthorizedError):
        return "401, the user name or password is missing or wrong"
    if isinstance(error, av.error.HTTPNotFoundError):
        return "404, there is no such thing at this address"
    if isinstance(error, av.error.HTTPClientError):
        return f"the server refuses to give it ({_words(error)})"
    if isinstance(error, av.error.HTTPServerError):
        return f"the server is in trouble ({_words(error)})"
    if isinstance(error, av.error.ProtocolNotFoundError):
        return f"{url.scheme} is not in this build of libav"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    vague = av.error.InvalidDataError if url.scheme.startswith("rtsp") else OSError
    silent = waited > 0.9 * url.patience and isinstance(error, vague)  # so libav puts it at times
    if silent or isinstance(error, av.error.ExitError | TimeoutError):
        return f"nothing came for {url.patience:g} s"
    if isinstance(error, EOFError):
        return "it ended before a video came"
    if isinstance(error, av.error.InvalidDataError) and _is_dash(url) and not _reads("dash"):
        return "DASH is not in this build of libav"
    if isinstance(error, av.error.InvalidDataError | ValueError):  # or it leads elsewhere
        return "what comes from there is no video that can be read"
    if isinstance(error, OSError) and not _resolves(url):
        return f"unknown host {urlsplit(url.text).hostname}"
    return f"cannot be read ({_words(error)})"


def _words(error: BaseException) -> str:
    """libav's own words, without the address, which would show the password."""
    return str(getattr(error, "strerror", None) or type(error).__name__)


def _address(url: Url) -> str:
    """What libav is to open. Raises InputError where that is clearly nothing."""
    if path := url.file:
        if not path.is_file():
            raise InputError(
                f"{url}: {'is not a regular file' if path.exists() else 'no such file'}"
            )
        try:
            check_playlists(path)
        except OSError as error:
            raise InputError(f"{url}: cannot be read ({error.strerror})") from None
        except InputError as error:
            raise InputError(f"{url}: {error}") from None
        return f"file:{path}"
    try:
        parts = urlsplit(url.text)
        host, _ = parts.hostname, parts.port
    except ValueError:  # whose words may hold a piece of a password
        raise InputError(
            f"{url}: its host or port cannot be read (in a password, write / ? # @ as %2F %3F "
            "%23 %40)"
        ) from None
    if not host and url.scheme not in _LISTENING:
        raise InputError(f"{url}: names no host")
    return url.text


def _limits(scheme: str) -> dict[str, str]:
    """What may be opened and taken for what."""
    formats = av.formats_available - (INDIRECT - _DIRECTIONS.get(scheme, set()))
    return {
        "protocol_whitelist": _PROTOCOLS[scheme],
        "format_whitelist": ",".join(sorted(formats)),
    }


def _options(scheme: str, patience: float) -> dict[str, str]:
    """The protocol's own settings; its times are microseconds."""
    wait = str(round(patience * 1_000_000))
    if scheme in ("rtsp", "rtsps"):
        return {"timeout": wait, "rtsp_flags": "prefer_tcp"}
    if scheme in ("udp", "rtp"):
        return {"timeout": wait, "overrun_nonfatal": "1", "buffer_size": str(4 << 20)}
    if scheme in ("http", "https"):
        pause = str(max(1, round(patience)))
        return {"rw_timeout": wait, "reconnect": "1", "reconnect_delay_max": pause}
    return {"rw_timeout": wait}  # `timeout` would make rtmp listen


def _is_dash(url: Url) -> bool:
    return urlsplit(url.text).path.lower().endswith(".mpd")


def _reads(format_name: str) -> bool:
    try:
        return av.ContainerFormat(format_name, "r").is_input
    except ValueError:
        return False


def _resolves(url: Url) -> bool:
    """Whether the host's name is known: libav calls that an input/output error too."""
    host = urlsplit(url.text).hostname
    if not host:
        return True
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True
