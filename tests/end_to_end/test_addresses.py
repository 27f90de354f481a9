"""Addresses through the whole of it: pictures, sound, Ctrl-C, and passwords that nobody sees."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import pytest
from support import servers
from support.cli_runner import SCRIPT, vsr
from support.clips import Clip, held, make, planes

from vsr import InputError, upscale
from vsr.core.url import Url, patient
from vsr.remux.mux_probe import sample
from vsr.video.open import open_input

FAST = ("-s", "2", "-m", "nearest", "--preset", "ultrafast")
LOSSLESS = {"scale": 2, "model": "nearest", "codec": "ffv1", "device": "cpu"}
FRAMES = 24


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Clip(
        pts=range(0, FRAMES * 512, 512),
        options={"bf": "2", "g": "6", "preset": "ultrafast"},
        audio=("eng",),
    )
    return make(tmp_path_factory.mktemp("clips") / "clip.ts", made)


def firsts(large: Path, small: Path) -> tuple[list[bytes], list[bytes]]:
    """Luma of every frame: of the large file every second sample, and of the small one all."""
    shrunk = [frame[0][::2, ::2].tobytes() for frame in planes(large)]
    return shrunk, [frame[0].tobytes() for frame in planes(small)]


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
def test_a_camera_with_sound_for_a_while(clip: Path, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"out{suffix}"
    codec = "ffv1" if suffix == ".mkv" else "prores_ks"
    with servers.rtsp(clip, password="geheim") as place:
        options = ["-s", "2", "-m", "nearest", "-c", codec, "--duration", "0.8", "--json"]
        ran = vsr("upscale", f"rtsp://user:geheim@{place}", target, *options)
    assert ran.code == 0, ran.err
    assert "geheim" not in ran.out + ran.err
    result = ran.events[-1]
    before, after = held(clip), held(target)
    assert result["frames_in"] == result["frames_out"] == len(after.pts) == 20
    base = after.time_base
    expected = [t - before.pts[0] for t in before.pts[:20]]
    assert all(abs(t - after.pts[0] - e) <= base for t, e in zip(after.pts, expected, strict=True))
    assert result["copied"] == ["1 audio aac"]
    ahead = before.times["audio"][0][0] - before.pts[0]
    assert abs(after.times["audio"][0][0] - after.pts[0] - ahead) <= Fraction(1, 25)
    assert result["av_offset_out"] == pytest.approx(result["av_offset_in"], abs=0.0011)
    if suffix == ".mkv":
        large, small = firsts(target, clip)
        assert large == small[:20]


@pytest.mark.network
def test_a_file_on_a_server_is_the_file(clip: Path, tmp_path: Path) -> None:
    near, far = tmp_path / "near.mkv", tmp_path / "far.mkv"
    upscale(clip, near, **LOSSLESS)
    with servers.web({"/clip.ts": servers.whole(clip.read_bytes())}) as host:
        result = upscale(f"http://{host}/clip.ts", far, **LOSSLESS)
    assert result.frames_out == FRAMES
    assert held(far).pts == held(near).pts
    assert held(far).packets == held(near).packets
    assert firsts(far, clip)[0] == firsts(near, clip)[0]


@pytest.mark.network
def test_a_part_of_a_file_on_a_server(clip: Path, tmp_path: Path) -> None:
    span = {"start": Fraction(1, 5), "end": Fraction(3, 5)}
    upscale(clip, tmp_path / "near.mkv", **LOSSLESS, **span)
    with servers.web({"/clip.ts": servers.whole(clip.read_bytes())}) as host:
        upscale(f"http://{host}/clip.ts", tmp_path / "far.mkv", **LOSSLESS, **span)
    assert held(tmp_path / "far.mkv").pts == held(tmp_path / "near.mkv").pts


@pytest.mark.slow
@pytest.mark.network
def test_ctrl_c_keeps_what_has_come(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    with servers.web({"/live": servers.live([clip.read_bytes()] * 9, hangs=True)}) as host:
        words = [SCRIPT, "upscale", f"http://{host}/live", target, *FAST, "--json"]
        running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert running.stdout is not None
        running.stdout.readline()  # the first frame is through
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=50)
    assert running.returncode == 0, err
    frames = json.loads(out.splitlines()[-1])["frames_out"]
    assert 1 <= frames <= FRAMES
    assert len(held(target).pts) == frames
    assert [path.name for path in tmp_path.iterdir()] == ["out.mkv"]


@pytest.mark.network
def test_a_start_in_a_live_stream_is_refused(clip: Path, tmp_path: Path) -> None:
    with (
        servers.rtsp(clip) as place,
        pytest.raises(InputError, match="a live stream has no beginning"),
    ):
        upscale(f"rtsp://{place}", tmp_path / "out.mkv", start=1, **LOSSLESS)


@pytest.mark.network
@pytest.mark.parametrize("mode", ["on", "field", "ivtc"])
def test_deinterlacing_a_live_stream_is_refused(clip: Path, tmp_path: Path, mode: str) -> None:
    with (
        servers.rtsp(clip) as place,
        pytest.raises(InputError, match=f"a live stream is not deinterlaced.* {mode}"),
    ):
        upscale(f"rtsp://{place}", tmp_path / "out.mkv", deinterlace=mode, **LOSSLESS)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://host/a.mp4", "ftp: is not read; allowed are http, https"),
        ("concat:a.mp4|b.mp4", "concat: is not read"),
        ("file:none.mp4", "no such file"),
        ("rtsp://u:geheim@127.0.0.1:1/x", "the connection was refused"),
    ],
)
def test_bad_addresses_are_one_line(tmp_path: Path, address: str, words: str) -> None:
    ran = vsr("upscale", address, tmp_path / "out.mp4", *FAST)
    assert ran.code == 1
    assert words in ran.err
    assert "geheim" not in ran.err
    assert len(ran.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_address_is_never_its_own_target(clip: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.ts"
    copy.write_bytes(clip.read_bytes())
    ran = vsr("upscale", f"file:{copy}", copy, *FAST, "-y")
    assert ran.code == 1
    assert "is the input itself" in ran.err
    assert copy.read_bytes() == clip.read_bytes()


@pytest.mark.network
def test_streams_of_a_file_on_a_server_are_tried_with_their_packets(
    clip: Path, tmp_path: Path
) -> None:
    with servers.web({"/clip.ts": servers.whole(clip.read_bytes())}) as host:
        address = Url(f"http://{host}/clip.ts")
        with open_input(address) as far, open_input(clip) as near:
            assert sample(far, address, 0) == sample(near, clip, 0)
            assert sample(far, address, 0)[1]


@pytest.mark.network
@pytest.mark.parametrize("scheme", ["http", "https", "rtsp", "tcp"])
def test_a_server_that_never_answers_ends_in_one_line(tmp_path: Path, scheme: str) -> None:
    target = tmp_path / "out.mp4"
    with socket.create_server(("127.0.0.1", 0)) as server:  # takes connections, says nothing
        address = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/x"
        began = time.monotonic()
        ran = vsr("upscale", address, target, "-m", "nearest", "-q", "--stall-timeout", "0.3")
        assert time.monotonic() - began < 12  # of 15 s without the option
    assert (ran.code, ran.err) == (1, f"vsr: error: {address}: nothing came for 0.3 s\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.network
def test_a_server_that_falls_silent_after_it_was_opened_once(clip: Path, tmp_path: Path) -> None:
    data, target = clip.read_bytes(), tmp_path / "out.mkv"

    def answer(request: servers.Request) -> None:
        """The file to the first visitor; the others wait for ever."""
        (servers.hangs if request.visits else servers.whole(data, ranges=False))(request)

    with servers.web({"/clip.ts": answer}) as host:
        began = time.monotonic()
        with pytest.raises(InputError, match=r"nothing (came|has come) .*0\.3 s"):
            upscale(f"http://{host}/clip.ts", target, **LOSSLESS, stall_timeout=0.3)
        assert time.monotonic() - began < 12
    assert not list(tmp_path.iterdir())


def test_patience_is_the_least_that_was_asked_for() -> None:
    address = Url("http://h/x")
    assert patient(address, 300).patience == address.patience == 15
    assert patient(patient(address, 2), 9).patience == 2
    assert patient(address, 2) == address
    assert patient(Path("x"), 2) == Path("x")
