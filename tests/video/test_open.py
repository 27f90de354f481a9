"""Opening files: what is no media file, and files that point to others."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from support.clips import Clip, make

from vsr.core.errors import InputError
from vsr.core.options import ReadOptions
from vsr.core.span import Span
from vsr.video.open import open_input
from vsr.video.reader import open_video

FAST = {"preset": "ultrafast", "bf": "0"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return make(path, Clip(options=FAST, pts=(0, 512, 1024)))


def refused(path: Path) -> str:
    """The message with which a file is refused, as a file or as a video."""
    with pytest.raises(InputError) as caught, open_video(path, Span(), print):
        pass
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere.mp4") == "no such file"
    (tmp_path / "broken.mp4").symlink_to(tmp_path / "nowhere.mp4")
    assert refused(tmp_path / "broken.mp4").endswith("nowhere.mp4, which does not exist")


def test_a_folder_is_not_opened_as_a_file(tmp_path: Path) -> None:
    assert refused(tmp_path) == "is a folder, not a file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")
def test_what_is_not_a_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert refused(tmp_path / "pipe.mp4") == "is a FIFO, not a regular file"
    assert refused(Path(os.devnull)) == "is a device, not a regular file"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert refused(tmp_path / "empty.mp4") == "is empty (0 bytes)"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".txt", ""])
def test_a_file_of_text_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"notes{suffix}"
    path.write_text("No film, only words about one.\n" * 50)
    assert refused(path)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi", ".mpg", ""])
@pytest.mark.parametrize("seed", range(3))
def test_a_file_of_random_bytes_is_refused(tmp_path: Path, suffix: str, seed: int) -> None:
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(np.random.default_rng(seed).bytes(20_000))
    assert refused(path)


def test_a_subtitle_file_holds_no_video(tmp_path: Path) -> None:
    path = tmp_path / "words.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nWords\n")
    assert refused(path) == "no video stream (it holds only subtitle)"


@pytest.mark.parametrize("kept", [8, 40, 200])
def test_the_beginning_of_a_file(tmp_path: Path, clip: Path, kept: int) -> None:
    path = tmp_path / "begun.mp4"
    path.write_bytes(clip.read_bytes()[:kept])
    assert refused(path)


@pytest.mark.parametrize("where", ["the header", "anywhere"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_damaged_files_are_read_or_refused(tmp_path: Path, suffix: str, where: str) -> None:
    whole = make(tmp_path / f"clip{suffix}", Clip(options=FAST)).read_bytes()
    path = tmp_path / f"damaged{suffix}"
    for seed in range(12):
        random = np.random.default_rng(seed)
        data = np.frombuffer(whole, np.uint8).copy()
        size = len(data) if where == "anywhere" else 700
        places = random.integers(0, size, 6)
        data[places] = random.integers(0, 256, 6)
        path.write_bytes(data.tobytes())
        try:
            with open_video(path, Span(), lambda message: None) as video:
                assert list(video.frames())
        except InputError as error:  # any other error fails the test
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    "name",
    [
        "a:b%03d.mp4",
        "http:clip.mp4",
        "file:clip.mp4",
        "concat:a|b.mp4",
        "%d.mp4",
        "100%.mp4",
        "*?[a-z]{1,2}.mp4",
        "-i.mp4",
        " blank and #hash.mp4",
        'it\'s "so" $HOME\\n.mp4',
        "öäü 漢字 🎬.mp4",
        "o\u0308.mp4",
        "new\nline.mp4",
        "no suffix",
        "wrong.jpg",
    ],
)
def test_names_mean_nothing_but_themselves(
    tmp_path: Path, clip: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(clip, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / name, Path(name)):
        with open_input(path) as container:
            assert container.format.name.startswith("mov,mp4")
            assert len(list(container.decode(video=0))) == 3
    assert [found.name for found in tmp_path.iterdir()] == [name]


HLS = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:1
#EXTINF:1,
{other}
#EXT-X-ENDLIST
"""
CONCAT = """ffconcat version 1.0
file '{other}'
"""
SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s={other}
c=IN IP4 127.0.0.1
t=0 0
a=control:{other}
m=video 5004 RTP/AVP 96
a=rtpmap:96 H264/90000
"""
DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>
<AdaptationSet mimeType="video/mp4"><Representation id="0" bandwidth="1000">
<BaseURL>{other}</BaseURL></Representation></AdaptationSet></Period></MPD>
"""
DOCUMENTS = {
    "hls": (HLS, ".m3u8"),
    "concat": (CONCAT, ".ffconcat"),
    "sdp": (SDP, ".sdp"),
    "dash": (DASH, ".mpd"),
}
POINTING = [
    pytest.param(text, suffix, id=f"{name}{suffix}")
    for name, (text, own) in DOCUMENTS.items()
    for suffix in (".mp4", own)
]


@pytest.mark.parametrize(("text", "suffix"), POINTING)
@pytest.mark.parametrize("name", ["other.ts", "other.mp4"])
@pytest.mark.parametrize("form", ["{name}", "{folder}/{name}", "file:{folder}/{name}"])
def test_a_file_that_points_to_a_video_is_refused(
    tmp_path: Path, text: str, suffix: str, name: str, form: str
) -> None:
    make(tmp_path / name, Clip(options=FAST, pts=(0, 512, 1024)))
    path = tmp_path / f"list{suffix}"
    path.write_text(text.format(other=form.format(name=name, folder=tmp_path)))
    assert refused(path).startswith("cannot be read as a video (")


def test_libav_itself_would_have_followed(tmp_path: Path) -> None:
    """The lists above are real ones, or refusing them would mean nothing."""
    make(tmp_path / "other.ts", Clip(options=FAST, pts=(0, 512, 1024)))
    for text, name in ((HLS, "list.m3u8"), (CONCAT, "list.mp4")):
        (tmp_path / name).write_text(text.format(other="other.ts"))
        with av.open(str(tmp_path / name)) as container:
            assert len(list(container.decode(video=0))) == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")
@pytest.mark.parametrize(("text", "suffix"), POINTING)
def test_a_file_pointed_to_is_not_even_opened(tmp_path: Path, text: str, suffix: str) -> None:
    other = tmp_path / "other.ts"
    os.mkfifo(other)
    opened = threading.Event()

    def write() -> None:  # to a pipe: waits until someone reads
        os.close(os.open(other, os.O_WRONLY))
        opened.set()

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    path = tmp_path / f"list{suffix}"
    path.write_text(text.format(other="other.ts"))
    try:
        assert refused(path)
        assert not opened.wait(0.02)
    finally:
        reader = os.open(other, os.O_RDONLY | os.O_NONBLOCK)
        writer.join()
        os.close(reader)


@pytest.fixture
def hits() -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine: its address, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.network
@pytest.mark.parametrize(("text", "suffix"), POINTING)
def test_an_address_pointed_to_is_not_asked(
    tmp_path: Path, text: str, suffix: str, hits: tuple[str, list[str]]
) -> None:
    address, asked = hits
    path = tmp_path / f"list{suffix}"
    path.write_text(text.format(other=f"{address}/other.ts"))
    assert refused(path)
    assert asked == []


@pytest.mark.network
def test_an_address_is_not_a_path(hits: tuple[str, list[str]]) -> None:
    address, asked = hits
    with pytest.raises(InputError, match="no such file"):
        open_input(Path(f"{address}/other.ts"))
    assert asked == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a CUDA GPU")
def test_without_a_gpu_that_decodes_the_cpu_does(tmp_path: Path, clip: Path) -> None:
    said: list[str] = []
    with (
        open_video(clip, Span(), print) as plain,
        open_video(clip, Span(), said.append, ReadOptions(hwaccel=True)) as fallen_back,
    ):
        frames = zip(plain.frames(), fallen_back.frames(), strict=True)
        assert all(a.pts == b.pts and a.shows_same(b) for a, b in frames)
    (line,) = said
    assert line.startswith(f"{clip}: decoded on the CPU, the GPU's decoder is not to be had (")
    with (
        pytest.raises(InputError, match="no such file"),
        open_video(tmp_path / "none.mp4", Span(), said.append, ReadOptions(hwaccel=True)),
    ):
        pass
    assert len(said) == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
def test_a_gpu_decodes_the_same_samples(clip: Path) -> None:
    with (
        open_video(clip, Span(), print) as plain,
        open_video(clip, Span(), print, ReadOptions(hwaccel=True)) as on_gpu,
    ):
        frames = zip(plain.frames(), on_gpu.frames(), strict=True)
        assert all(a.pts == b.pts and a.shows_same(b) for a, b in frames)


def test_a_playlist_says_how_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXTINF:1,\n0.ts\n#EXT-X-ENDLIST\n")
    assert refused(path) == f"cannot be read as a video (a playlist is opened as file:{path})"
