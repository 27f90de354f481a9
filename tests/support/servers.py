"""Small servers on 127.0.0.1 for tests of addresses: each a `with`, ended and joined with it."""

from __future__ import annotations

import base64
import os
import random
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av

for _name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
    os.environ.pop(_name, None)  # libav would ask it for 127.0.0.1
_TICK = 0.02
PATIENCE = 60.0  # seconds after which a server gives up: clients start slowly on a busy machine

# ---------------------------------------------------------------------------------------- http

Answer = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """A GET; the test's answer for its path replies."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server: Any = self.server
        self.visits = server.visit(self.path)
        with suppress(ConnectionError):
            server.answers.get(self.path.partition("?")[0], status(404))(self)

    def head(self, code: int, **fields: object) -> None:
        """The status line and header fields; _ stands for a dash. The connection ends after."""
        self.send_response(code)
        for name, value in {**fields, "Connection": "close"}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.close_connection = True

    @property
    def ends(self) -> bool:
        """Whether the test is over."""
        server: Any = self.server
        return bool(server.over.is_set())

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


class _Web(ThreadingHTTPServer):
    daemon_threads = False  # joined by server_close

    def __init__(self, answers: dict[str, Answer]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answers, self.over = answers, threading.Event()
        self.visits: dict[str, int] = {}

    def visit(self, path: str) -> int:
        """How often this path was asked for before."""
        self.visits[path] = self.visits.get(path, -1) + 1
        return self.visits[path]

    def handle_error(self, *_: object) -> None:
        """Clients may leave at any time."""


@contextmanager
def web(answers: dict[str, Answer]) -> Iterator[str]:
    """Answer GET requests by their path. Gives "127.0.0.1:port"."""
    server = _Web(answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": _TICK})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def status(code: int) -> Answer:
    """Nothing but a status."""
    return lambda request: request.head(code, Content_Length=0)


def locked(user: str, password: str, answer: Answer) -> Answer:
    """Basic authentication before an answer."""

    def reply(request: Request) -> None:
        if request.headers.get("Authorization") == _basic(user, password):
            answer(request)
        else:
            request.head(401, WWW_Authenticate='Basic realm="cam"', Content_Length=0)

    return reply


def whole(data: bytes, *, ranges: bool = True, kind: str = "application/octet-stream") -> Answer:
    """A file of known size, with or without ranges."""

    def reply(request: Request) -> None:
        wanted = request.headers.get("Range", "")
        if not ranges or not wanted.startswith("bytes="):
            fields = {"Accept_Ranges": "bytes"} if ranges else {}
            request.head(200, Content_Type=kind, Content_Length=len(data), **fields)
            request.wfile.write(data)
            return
        begin, _, end = wanted.removeprefix("bytes=").partition("-")
        part = data[int(begin) : int(end) + 1 if end else None]
        where = f"bytes {begin}-{int(begin) + len(part) - 1}/{len(data)}"
        request.head(206, Content_Type=kind, Content_Length=len(part), Content_Range=where)
        request.wfile.write(part)

    return reply


def cut_off(data: bytes, after: int) -> Answer:
    """A file with ranges, whose first connection breaks after so many bytes."""
    rest = whole(data)

    def reply(request: Request) -> None:
        if request.visits:
            rest(request)
            return
        request.head(200, Content_Length=len(data), Accept_Ranges="bytes")
        request.wfile.write(data[:after])

    return reply


def live(parts: Sequence[bytes], *, breaks: bool = True, hangs: bool = False) -> Answer:
    """A stream of unknown size: the n-th visitor gets the n-th part; later ones get 404.

    After each part the connection is reset, ends well, or stays silent.
    """

    def reply(request: Request) -> None:
        if request.visits >= len(parts):
            request.head(404, Content_Length=0)
            return
        request.head(200, Content_Type="video/mp2t")
        request.wfile.write(parts[request.visits])
        request.wfile.flush()
        while hangs and not request.ends:
            time.sleep(_TICK)
        if breaks:
            _drain(request.connection)
            _reset(request.connection)

    return reply


def hangs(request: Request) -> None:
    """Takes the request and says nothing."""
    while not request.ends:
        time.sleep(_TICK)


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _drain(connection: socket.socket) -> None:
    """Wait until the other side has taken what was sent: a reset would throw it away."""
    import fcntl
    import termios

    for _ in range(200):
        left = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        if not int.from_bytes(left, "little"):
            break
        time.sleep(_TICK / 4)
    time.sleep(0.1)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# ----------------------------------------------------------------------------------- tcp, udp


@contextmanager
def tcp(parts: Sequence[bytes]) -> Iterator[str]:
    """Send the n-th part to the n-th who connects, then close. Gives "127.0.0.1:port"."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_TICK)

        def serve() -> None:
            for part in parts:
                client = _accept(listener, over)
                if client is None:
                    return
                with client, suppress(ConnectionError):
                    client.sendall(part)
            listener.close()

        with _running(serve, over):
            yield f"127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def udp(data: bytes) -> Iterator[str]:
    """Send a transport stream in datagrams, once, when somebody listens. Gives "host:port"."""
    over = threading.Event()
    host = f"127.{random.randint(1, 254)}.{os.getpid() % 254 + 1}.1"  # its ports are ours alone
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]

    def serve() -> None:
        while not over.is_set() and not _is_taken(host, port):
            time.sleep(_TICK)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for begin in range(0, len(data), 7 * 188):
                with suppress(ConnectionError):
                    sender.sendto(data[begin : begin + 7 * 188], (host, port))
                if over.wait(0.001):
                    return

    with _running(serve, over):
        yield f"{host}:{port}"


def _is_taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _accept(listener: socket.socket, over: threading.Event) -> socket.socket | None:
    until = time.monotonic() + PATIENCE
    while not over.is_set() and time.monotonic() < until:
        with suppress(TimeoutError):
            client, _ = listener.accept()
            client.settimeout(PATIENCE)
            return client
    return None


@contextmanager
def _running(serve: Callable[[], None], over: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# ---------------------------------------------------------------------------------------- rtsp

_CLOCKS = {"video": 90000, "audio": 48000}


@dataclass(frozen=True)
class Rtp:
    """An RTP packet: of which track, when it is due in seconds of the clip, and its bytes."""

    track: int
    due: Fraction
    data: bytes


def rtp_packets(clip: Path) -> list[Rtp]:
    """A transport stream's H.264 and AAC as RTP packets by libav, its timestamps from 0 on."""
    found: list[Rtp] = []
    with av.open(str(clip)) as source:
        tracks = [_Track(stream, number) for number, stream in enumerate(source.streams)]
        for packet in source.demux():
            if packet.size:
                found += tracks[packet.stream_index].packets(packet)
        for track in tracks:
            found += track.last()
    return found


class _Track:
    """One stream through libav's RTP muxer, which writes a packet at a time."""

    def __init__(self, stream: Any, number: int) -> None:
        self._number, self._clock = number, _CLOCKS[stream.type]
        self._written: list[bytes] = []
        self._zero: int | None = None  # the muxer's clocks begin at random
        self._first = self._latest = Fraction(0)
        self._held = b""
        self._muxer = av.open(self, "w", format="rtp", options={"packetsize": "1200"})
        self._copy = self._muxer.add_stream_from_template(stream)

    def write(self, data: bytes) -> int:
        """What the muxer calls: once for each packet."""
        self._written.append(bytes(data))
        return len(data)

    def packets(self, packet: Any) -> list[Rtp]:
        """The RTP packets that are ready: sound waits for the next packet."""
        self._latest = packet.pts * packet.time_base
        self._first = self._first or self._latest
        self._held = bytes(packet)
        due = packet.dts * packet.time_base
        packet.stream = self._copy
        self._muxer.mux(packet)
        made, self._written = self._written, []
        return [
            Rtp(self._number, due, self._restamped(data))
            for data in made
            if not 200 <= data[1] <= 204  # reports
        ]

    def last(self) -> list[Rtp]:
        """What waits at the end, and no more."""
        if self._clock == _CLOCKS["video"]:
            made = []
        else:
            again = av.Packet(self._held)
            again.time_base = Fraction(1, self._clock)
            again.pts = again.dts = round(self._latest * self._clock) + 1024
            made = self.packets(again)
        self._muxer.close()
        return made

    def _restamped(self, data: bytes) -> bytes:
        """On the clip's own clock."""
        stamp = int(struct.unpack("!I", data[4:8])[0])
        if self._zero is None:
            self._zero = stamp - round(self._first * self._clock)
        return data[:4] + struct.pack("!I", (stamp - self._zero) % 2**32) + data[8:]


@contextmanager
def rtsp(
    clip: Path,
    *,
    password: str = "",
    breaks_after: int | None = None,
    visitors: int = 1,
    pace: float = 0.0,
    silent: bool = False,
) -> Iterator[str]:
    """Send a transport stream's H.264 and AAC by RTSP over TCP. Gives "127.0.0.1:port/cam".

    Each of so many visitors gets it from the beginning, the first only `breaks_after` RTP
    packets; then nobody is let in. `pace` is how many of the clip's seconds pass in a second,
    0 as fast as can be. With a password the user is "user". A silent one plays nothing.
    """
    over = threading.Event()
    packets = rtp_packets(clip)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_TICK)
        place = f"127.0.0.1:{listener.getsockname()[1]}/cam"

        def serve() -> None:
            visited = 0
            while visited < visitors:
                client = _accept(listener, over)
                if client is None:
                    return
                part = packets[:breaks_after] if not visited else packets
                with client, suppress(ConnectionError, TimeoutError):
                    visitor = _Visitor(client, place, clip, password, over)
                    visited += visitor.play([] if silent else part, pace, silent)
            listener.close()

        with _running(serve, over):
            yield place


class _Visitor:
    """One RTSP connection."""

    def __init__(
        self, client: socket.socket, place: str, clip: Path, password: str, over: threading.Event
    ) -> None:
        self._client, self._place, self._clip = client, place, clip
        self._password, self._over = password, over

    def play(self, packets: Sequence[Rtp], pace: float, silent: bool) -> bool:
        """Answer until PLAY, then send. Gives whether it came to that."""
        method = ""
        while method != "PLAY":
            method = self._answer()
            if not method:
                return False
        tracks = sorted({packet.track for packet in packets})
        for track in tracks:
            self._send(2 * track + 1, _report(packets, track))
        began = time.monotonic()
        first = min((packet.due for packet in packets), default=Fraction(0))
        for packet in packets:
            while pace and time.monotonic() - began < float(packet.due - first) / pace:
                if self._over.wait(_TICK / 4):
                    return True
            self._send(2 * packet.track, packet.data)
            if select.select([self._client], [], [], 0)[0] and not self._answer():
                return True
        while silent and not self._over.wait(_TICK):
            pass
        _drain(self._client)
        return True

    def _send(self, channel: int, data: bytes) -> None:
        self._client.sendall(struct.pack("!cBH", b"$", channel, len(data)) + data)

    def _answer(self) -> str:
        """Take one request and reply. Gives its method, "" where the visitor has left."""
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            byte = self._client.recv(1)
            if not byte:
                return ""
            if byte == b"$" and not request:  # a receiver's report
                self._client.recv(struct.unpack("!xH", self._client.recv(3))[0])
                continue
            request += byte
        lines = request.decode().split("\r\n")
        method, target = lines[0].split()[:2]
        fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        reply, body, code = [f"CSeq: {fields.get('CSeq', '0')}"], "", "200 OK"
        if method == "OPTIONS":
            reply.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
        elif self._password and fields.get("Authorization") != _basic("user", self._password):
            code = "401 Unauthorized"
            reply.append('WWW-Authenticate: Basic realm="cam"')
        elif "/cam" not in target:
            code = "404 Not Found"
        elif method == "DESCRIBE":
            body = _description(self._clip)
            reply += ["Content-Type: application/sdp", f"Content-Base: rtsp://{self._place}/"]
        elif method == "SETUP":
            reply += [f"Transport: {fields['Transport']}", "Session: 1"]
        else:
            reply.append("Session: 1")
        if body:
            reply.append(f"Content-Length: {len(body)}")
        head = "\r\n".join([f"RTSP/1.0 {code}", *reply])
        self._client.sendall(f"{head}\r\n\r\n{body}".encode())
        return "" if method == "TEARDOWN" else method


def _report(packets: Sequence[Rtp], track: int) -> bytes:
    """A sender report: by it the tracks' clocks are compared. All stand at 0 at one time."""
    source = next(packet.data[8:12] for packet in packets if packet.track == track)
    return struct.pack("!BBH4sIIIII", 0x80, 200, 6, source, 3_900_000_000, 0, 0, 0, 0)


def _description(clip: Path) -> str:
    """The session's description (SDP)."""
    lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=cam", "t=0 0"]
    with av.open(str(clip)) as source:
        for number, stream in enumerate(source.streams):
            if stream.type == "video":
                lines += [
                    "m=video 0 RTP/AVP 96",
                    "a=rtpmap:96 H264/90000",
                    "a=fmtp:96 packetization-mode=1",
                ]
            else:
                lines += [
                    "m=audio 0 RTP/AVP 97",
                    "a=rtpmap:97 MPEG4-GENERIC/48000/2",
                    "a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;"
                    "indexdeltalength=3;config=1190",
                ]
            lines.append(f"a=control:track{number}")
    return "\r\n".join([*lines, ""])
