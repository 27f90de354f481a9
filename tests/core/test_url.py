"""Addresses: what is one, what may be opened, and what is said where it cannot."""

from __future__ import annotations

import copy
import json
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from support import servers
from support.clips import Clip, make, planes

from vsr.core.errors import InputError
from vsr.core.url import SCHEMES, Url, as_source, is_live, open_url

_SHORT = Clip(pts=range(0, 8 * 512, 512), options={"preset": "ultrafast", "g": "4"})


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transport stream with an index nowhere."""
    return make(tmp_path_factory.mktemp("url") / "a.ts", _SHORT)


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose index stands at its end: reading it takes seeking."""
    return make(tmp_path_factory.mktemp("url") / "a.mp4", _SHORT)


@pytest.fixture(scope="module")
def playlist(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip as HLS, in two segments."""
    path = tmp_path_factory.mktemp("hls") / "list.m3u8"
    options = {"hls_time": "0.1", "hls_playlist_type": "vod"}
    with av.open(str(clip)) as old, av.open(str(path), "w", options=options) as new:
        copied = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux():
            if packet.size:
                packet.stream = copied
                new.mux(packet)
    assert path.read_text().count(".ts") > 1
    return path


def pictures(container: av.container.InputContainer) -> list[list[np.ndarray]]:
    """The planes of each frame."""
    with container:
        return [
            [
                np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width].copy()
                for plane in frame.planes
            ]
            for frame in container.decode(video=0)
        ]


def same(mine: list[list[np.ndarray]], its: list[list[np.ndarray]]) -> bool:
    """Whether all planes of all frames are equal."""
    return len(mine) == len(its) and all(
        np.array_equal(one, other)
        for a, b in zip(mine, its, strict=True)
        for one, other in zip(a, b, strict=True)
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://user:geheim@host/x", "rtsp://user:***@host/x"),
        ("rtsp://user:ge@heim@host:554/x@y", "rtsp://user:***@host:554/x@y"),
        ("rtsp://user:ge/heim@host/x", "rtsp://user:***@host/x"),
        ("rtsp://user:geheim#1@host/x", "rtsp://user:***@host/x"),
        ("rtsp://:geheim@host/x", "rtsp://:***@host/x"),
        ("http://user:geheim@[::1]:80/x", "http://user:***@[::1]:80/x"),
        ("http://h/x?user=a&password=geheim&n=1", "http://h/x?user=a&password=***&n=1"),
        ("rtsp://h/user=a&pwd=geheim", "rtsp://h/user=a&pwd=***"),
        ("http://h/x?token=geheim", "http://h/x?token=***"),
    ],
)
def test_passwords_are_hidden_however_an_address_is_shown(text: str, shown: str) -> None:
    @dataclass
    class Holder:
        source: Url

    url = Url(text)
    assert str(url) == f"{url}" == shown
    as_json = json.dumps(asdict(Holder(url)), default=str)
    for words in (str(url), repr(url), f"{Holder(url)}", as_json, str(copy.deepcopy(url))):
        assert "geheim" not in words
    assert url.text == text


@pytest.mark.parametrize("text", ["http://h:8080/a@b", "udp://@:1234", "http://[::1]:80/a@b"])
def test_what_is_no_password_is_shown(text: str) -> None:
    assert str(Url(text)) == text


def test_addresses_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a:b.mp4").touch()
    Path("data:1").touch()
    for text in ("clip.mp4", "C:\\x.mp4", "a:b.mp4", "data:1", "nothing:here.mp4", "/x/y"):
        assert as_source(text) == Path(text)
    for scheme in SCHEMES:
        assert as_source(f"{scheme}://h/x") == Url(f"{scheme}://h/x")
        assert as_source(f"{scheme.upper()}://h/x") == Url(f"{scheme.upper()}://h/x")
    assert as_source("file:a.m3u8") == Url("file:a.m3u8")
    assert as_source(Path("x")) == Path("x")
    assert as_source(Url("http://h/x")) == Url("http://h/x")


@pytest.mark.parametrize(
    "text", ["ftp://h/x", "foo://h/x", "concat:a|b", "data:x", "lavfi:x", "subfile:x"]
)
def test_other_schemes_are_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="is not read; allowed are http, https, rtsp"):
        as_source(text)


@pytest.mark.network
@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_over_http_is_at_rest_and_reads_the_same(clip: Path, ranges: bool) -> None:
    with servers.web({"/a.ts": servers.whole(clip.read_bytes(), ranges=ranges)}) as host:
        url = Url(f"http://{host}/a.ts", 2)
        assert not is_live(url, open_url(url))
        for _ in range(2):
            assert same(pictures(open_url(url)), planes(clip))


@pytest.mark.network
def test_a_file_that_needs_seeking(mp4: Path) -> None:
    with servers.web({"/a.mp4": servers.whole(mp4.read_bytes())}) as host:
        assert same(pictures(open_url(Url(f"http://{host}/a.mp4", 2))), planes(mp4))


@pytest.mark.network
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_file_is_fetched_on_where_its_connection_breaks(clip: Path, share: float) -> None:
    data = clip.read_bytes()
    with servers.web({"/a.ts": servers.cut_off(data, round(share * len(data)))}) as host:
        assert same(pictures(open_url(Url(f"http://{host}/a.ts", 4))), planes(clip))


@pytest.mark.network
def test_a_playlist_over_http_and_as_a_file(playlist: Path, clip: Path) -> None:
    parts = {f"/{each.name}": each for each in playlist.parent.iterdir()}
    with servers.web({name: servers.whole(each.read_bytes()) for name, each in parts.items()}) as h:
        url = Url(f"http://{h}/list.m3u8", 2)
        assert not is_live(url, open_url(url))
        assert same(pictures(open_url(url)), planes(clip))
    url = Url(f"file:{playlist}", 2)
    assert not is_live(url, open_url(url))
    assert same(pictures(open_url(url)), planes(clip))


@pytest.mark.network
def test_a_playlist_without_an_end_is_live(playlist: Path) -> None:
    answers = {f"/{e.name}": servers.whole(e.read_bytes()) for e in playlist.parent.iterdir()}
    text = playlist.read_text().replace("#EXT-X-ENDLIST\n", "").replace("TYPE:VOD", "TYPE:EVENT")
    answers["/list.m3u8"] = servers.whole(text.encode())
    with servers.web(answers) as host:
        url = Url(f"http://{host}/list.m3u8", 2)
        with open_url(url) as container:
            assert is_live(url, container)


@pytest.mark.network
def test_a_stream_of_unknown_size_is_live(clip: Path) -> None:
    with servers.web({"/a": servers.live([clip.read_bytes()], breaks=False)}) as host:
        url = Url(f"http://{host}/a", 2)
        with open_url(url) as container:
            assert is_live(url, container)
    for scheme in set(SCHEMES) - {"http", "https", "file"}:
        assert Url(f"{scheme}://h/x").is_stream


@pytest.mark.network
def test_a_playlist_from_the_net_opens_no_file_and_a_file_no_net(
    playlist: Path, tmp_path: Path
) -> None:
    segment = next(playlist.parent.glob("*.ts"))
    asked: list[str] = []

    def ask(request: servers.Request) -> None:
        asked.append(request.path)
        servers.whole(segment.read_bytes())(request)

    to_file = playlist.read_text().replace(segment.name, f"file://{segment}")
    with servers.web({"/list.m3u8": servers.whole(to_file.encode()), "/x.ts": ask}) as host:
        with pytest.raises(InputError):
            pictures(open_url(Url(f"http://{host}/list.m3u8", 1)))
        local = tmp_path / "list.m3u8"
        local.write_text(playlist.read_text().replace(segment.name, f"http://{host}/x.ts"))
        with pytest.raises(InputError):
            pictures(open_url(Url(f"file:{local}", 1)))
    assert not asked


@pytest.mark.network
@pytest.mark.parametrize(
    "text",
    ["ffconcat version 1.0\nfile http://127.0.0.1:1/a.ts\n", "v=0\nm=video 5004 RTP/AVP 96\n"],
)
def test_what_leads_elsewhere_is_no_video_from_the_net(text: str) -> None:
    answers = {"/x": servers.whole(text.encode())}
    refused = pytest.raises(InputError, match="no video that can be read")
    with servers.web(answers) as host, refused:
        open_url(Url(f"http://{host}/x", 1))


def test_a_file_url_with_escapes(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "a b.ts"
    path.write_bytes(clip.read_bytes())
    for text in (f"file:{path}", f"file://{path}", f"file://{path}".replace(" ", "%20")):
        assert same(pictures(open_url(Url(text))), planes(clip))


def answered(text: Callable[[str], str], answer: servers.Answer, patience: float = 1) -> str:
    """The error for an address at a server that answers so."""
    with servers.web({"/x": answer}) as host, pytest.raises(InputError) as caught:
        open_url(Url(text(host), patience))
    message = str(caught.value)
    assert "\n" not in message
    assert "geheim" not in message
    return message


@pytest.mark.network
def test_refusals_are_told_in_plain_words() -> None:
    def plain(host: str) -> str:
        return f"http://user:geheim@{host}/x"

    assert "404, there is no such thing" in answered(plain, servers.status(404))
    assert "server is in trouble" in answered(plain, servers.status(503))
    assert "refuses to give it" in answered(plain, servers.status(403))
    locked = servers.locked("user", "another", servers.status(404))
    assert "401, the user name or password" in answered(plain, locked)
    assert "no video that can be read" in answered(plain, servers.whole(b"<html>" * 500))
    assert "http://user:***@127.0.0.1" in answered(plain, servers.status(404))
    assert (
        "DASH is not"
        in answered(lambda host: f"http://{host}/x?/a.mpd", servers.whole(b"<MPD></MPD>" * 9))
        or "dash" in av.formats_available
    )


@pytest.mark.network
def test_a_password_opens_what_is_locked(clip: Path) -> None:
    answer = servers.locked("user", "geheim", servers.whole(clip.read_bytes()))
    with servers.web({"/a.ts": answer}) as host:
        assert same(pictures(open_url(Url(f"http://user:geheim@{host}/a.ts", 2))), planes(clip))


@pytest.mark.network
@pytest.mark.parametrize("scheme", ["http", "rtsp", "rtmp", "tcp"])
def test_an_address_where_nobody_listens_is_refused(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(InputError, match="refused"):
        open_url(Url(f"{scheme}://127.0.0.1:{port}/x", 2))


@pytest.mark.network
@pytest.mark.parametrize("scheme", ["http", "rtsp", "rtmp", "tcp"])
def test_silence_ends_within_its_time(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # takes connections, says nothing
        began = time.monotonic()
        with pytest.raises(InputError, match=r"nothing came for 0\.2 s"):
            open_url(Url(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/x", 0.2))
        assert time.monotonic() - began < 3


@pytest.mark.network
def test_silence_on_a_datagram_port() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(InputError, match=r"nothing came for 0\.2 s"):
        open_url(Url(f"udp://127.0.0.1:{port}", 0.2))
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("http://nosuch.invalid/x", "unknown host nosuch.invalid"),
        ("rtsp://user:geheim@nosuch.invalid/x", "unknown host nosuch.invalid"),
        ("rtsp:///x", "names no host"),
        ("http://h:99999/x", "host or port cannot be read"),
        ("rtsp://user:geheim/1@h/x", "host or port cannot be read"),
        ("file:/no/such/file", "no such file"),
        ("file:/tmp", "is not a regular file"),
        ("file:/dev/zero", "is not a regular file"),
        ("srt://127.0.0.1:9", "srt is not in this build of libav|nothing came|refused"),
    ],
)
def test_what_cannot_be_opened_at_all(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        open_url(Url(text, 1))
    assert "geheim" not in str(caught.value)
