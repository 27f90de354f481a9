"""Segments made by a Ray cluster of this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Any

import av
import pytest
from safetensors.torch import save_file
from support.clips import Clip, make
from support.random_weights import drawn
from support.ray_cluster import kill_at_work, local_cluster

from vsr import DeviceError, InputError, OutputError, Progress, StoppedError, upscale
from vsr.cluster import run as driver
from vsr.cluster.connection import load_ray, needs_of
from vsr.cluster.files import Parcels, find, folder_of, is_there, pieces, sweep
from vsr.cluster.run import make_on
from vsr.cluster.task import gpu_device
from vsr.core.job import Job
from vsr.networks.espcn import Espcn
from vsr.provenance import settings as jobs
from vsr.provenance.fingerprint import fingerprint
from vsr.segmented import plan as plans

if find_spec("ray") is None:
    pytest.skip("vsr-video[cluster] is not installed", allow_module_level=True)
ray = load_ray()

FRAMES, GROUP = 64, 8  # of the clip, and of each of its segments
FAST: dict[str, Any] = {
    "scale": 2,
    "model": "bicubic",
    "preset": "ultrafast",
    "device": "cpu",
    "precision": "fp32",
}
NODE = Job(Path("in.mp4"), Path("out.mp4"))


@pytest.fixture(scope="module", autouse=True)
def short_segments() -> Iterator[None]:
    """A plan is made by whoever begins a run: here with a segment for each keyframe."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "_WORK", 0)
        patch.setattr(plans, "_SHORTEST", 0)
        yield


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _clip(tmp_path_factory.mktemp("in") / "in.mp4", FRAMES, 32, 24)


def _clip(path: Path, frames: int, width: int, height: int) -> Path:
    options = {"bf": "2", "preset": "ultrafast", "g": str(GROUP), "sc_threshold": "0"}
    pts = tuple(range(0, frames * 512, 512))
    return make(path, Clip(width, height, pts=pts, options=options, audio=("eng",)))


@pytest.fixture(scope="module")
def local(source: Path) -> list[tuple[Any, ...]]:
    """What a run here makes of the clip."""
    target = source.with_name("local.mp4")
    upscale(source, target, resume="always", **FAST)
    return packets(target)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head and two nodes that work; the last tests that need both leave one."""
    with local_cluster(2) as started:
        yield started


@pytest.fixture(scope="module")
def joined(cluster: Any) -> Iterator[str]:
    """The address of the cluster, to which this process has a connection by then."""
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster.address
    ray.shutdown()


def packets(path: Path) -> list[tuple[Any, ...]]:
    """Every packet of a file, in its order."""
    with av.open(str(path)) as container:
        return [
            (packet.stream_index, packet.pts, packet.dts, packet.is_keyframe, bytes(packet))
            for packet in container.demux()
        ]


def folders() -> set[Path]:
    """What nodes keep of runs, besides work folders."""
    place = folder_of("*")
    return set(place.parent.glob(place.name))


class Hidden:
    """A folder by a path that means something to this process alone."""

    def __init__(self, folder: Path) -> None:
        self._opened = os.open(folder, os.O_RDONLY)
        self.path = Path("/proc/self/fd", str(self._opened))

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        os.close(self._opened)


hiding = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc/self/fd")


def test_ray_is_no_need_until_it_is_asked_for(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'vsr-video\[cluster\]'"):
        upscale(source, tmp_path / "out.mp4", cluster="auto", **FAST)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1", "http://127.0.0.1:80", "h:1:2"])
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(InputError, match=r"must be auto, HOST:PORT or ray://HOST:PORT"):
        make_on(address)


@pytest.mark.network
@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_where_nobody_answers_is_told(scheme: str) -> None:
    with socket.socket() as bound:  # it does not listen
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(InputError, match="cannot be reached"):
            make_on(f"{scheme}127.0.0.1:{bound.getsockname()[1]}")


@pytest.mark.slow
@pytest.mark.network
def test_what_is_no_ray_is_given_up() -> None:
    """In a process of its own, as Ray goes on trying."""
    script = (
        "import socket, vsr.cluster.connection as c\n"
        "c._CONNECTED_WITHIN = 1\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "try:\n"
        "    with c.connected(f'127.0.0.1:{s.getsockname()[1]}'): pass\n"
        "except c.InputError as error: print(error)\n"
    )
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "no Ray head answers there" in ran.stdout


def test_a_task_takes_a_node_or_a_gpu() -> None:
    small, large, head = {"CPU": 4.0}, {"CPU": 10.0}, {"memory": 1.0}
    needs = needs_of(NODE, "bf16", [head, small, large])
    assert (needs.cpus, needs.gpus) == (4, 0)
    assert needs.at_once([head, small, large]) == 3
    assert needs_of(NODE.but(threads=5), "bf16", [small, large]).at_once([large]) == 2
    assert needs_of(NODE.but(threads=0.5), "bf16", [small, large]).cpus == 2
    gpus = {"CPU": 8.0, "GPU": 2.0}
    for device in ("auto", "cuda", "cuda:1,cuda:2"):
        needs = needs_of(NODE.but(device=device), "fp16", [small, gpus])
        assert (needs.gpus, needs.at_once([small, gpus])) == (1, 2)
    for job, precision in ((NODE.but(device="cpu"), "bf16"), (NODE, "int8")):
        assert needs_of(job, precision, [small, gpus]).gpus == 0


def test_what_no_node_has_is_told() -> None:
    nodes = [{"CPU": 4.0}]
    with pytest.raises(DeviceError, match="has a GPU"):
        needs_of(NODE.but(device="cuda"), "fp16", nodes)
    with pytest.raises(DeviceError, match="fp16 needs GPUs"):
        needs_of(NODE, "fp16", nodes)
    with pytest.raises(DeviceError, match="has 5 CPUs"):
        needs_of(NODE.but(threads=5), "bf16", nodes)
    with pytest.raises(DeviceError, match="no node of the cluster has"):
        needs_of(NODE, "bf16", [{}])


def test_a_gpu_is_known_by_its_place_among_those_seen() -> None:
    assert gpu_device(1, "") == "cuda:1"
    assert gpu_device("3", "2,3") == "cuda:1"
    assert gpu_device("GPU-b", "GPU-a, GPU-b") == "cuda:1"
    assert gpu_device("2", "2") == "cuda:0"  # where Ray shows a task its own alone


def test_a_file_is_seen_by_what_it_holds(tmp_path: Path) -> None:
    file, other = tmp_path / "a.bin", tmp_path / "b.bin"
    file.write_bytes(b"one")
    known = fingerprint(file)
    assert is_there(file, known)
    os.utime(file, ns=(1, 1))
    assert is_there(file, known)
    other.write_bytes(b"two")
    assert not is_there(other, known)
    other.write_bytes(b"three")
    assert not is_there(other, known)
    assert not is_there(tmp_path / "c.bin", known)
    assert not is_there(tmp_path, known)


def test_a_file_that_is_sent_is_put_together_once(tmp_path: Path) -> None:
    file, run = tmp_path / "a.bin", f"test-{os.getpid()}"
    file.write_bytes(bytes(range(256)) * 5)
    known, elsewhere = fingerprint(file), tmp_path / "not here.bin"
    sent: Parcels = {known.sha256: list(pieces(file, 100))}
    assert len(sent[known.sha256]) == 13
    taken: list[bytes] = []

    def take(piece: bytes) -> bytes:
        taken.append(piece)
        return piece

    assert find(elsewhere, known, {}, run, take) is None
    try:
        place = find(elsewhere, known, sent, run, take)
        assert place is not None
        assert place.suffix == ".bin"
        assert place.read_bytes() == file.read_bytes()
        assert find(elsewhere, known, sent, run, take) == place
        assert len(taken) == 13
        other = replace(known, sha256="0" * 64)
        with pytest.raises(OutputError, match="came otherwise"):
            find(elsewhere, other, {other.sha256: [b"x"]}, run, take)
        assert {path.suffix for path in folder_of(run).iterdir()} == {".bin", ".lock"}
    finally:
        sweep(run)
    assert not folder_of(run).exists()


@pytest.mark.slow
@pytest.mark.network
def test_a_run_on_a_cluster_is_a_run_here(
    tmp_path: Path,
    source: Path,
    local: list[tuple[Any, ...]],
    cluster: Any,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before, target, seen = signal.getsignal(signal.SIGTERM), tmp_path / "out.mp4", []
    capfd.readouterr()

    def progress(now: Progress) -> None:
        seen.append((now.frames, now.expected))

    result = upscale(source, target, cluster=cluster.address, progress=progress, **FAST)
    assert packets(target) == local
    assert (result.frames_in, result.frames_out, result.warnings) == (FRAMES, FRAMES, ())
    assert seen == [(frames, FRAMES) for frames in range(GROUP, FRAMES + 1, GROUP)]
    assert list(tmp_path.iterdir()) == [target]
    assert not ray.is_initialized()
    assert signal.getsignal(signal.SIGTERM) is before
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.network
@hiding
def test_nodes_are_sent_what_they_do_not_see(
    tmp_path: Path,
    source: Path,
    joined: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Source, model and work folder; each in pieces."""
    monkeypatch.setattr(driver, "_PIECE", 1000)
    before = folders()
    network = drawn(Espcn(2), last=0.1)
    facts = {"vsr": '{"network": "espcn", "scale": 2}'}
    save_file(network.state_dict(), tmp_path / "own.safetensors", facts)
    with Hidden(tmp_path) as here, Hidden(source.parent) as there:
        options = {**FAST, "model": str(here / "own.safetensors")}
        upscale(there / source.name, here / "far.mp4", cluster=joined, **options)
        upscale(there / source.name, here / "near.mp4", resume="always", **options)
    assert packets(tmp_path / "far.mp4") == packets(tmp_path / "near.mp4")
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".mp4", ".mp4", ".safetensors"]
    assert folders() == before
    assert ray.is_initialized()


@pytest.mark.slow
@pytest.mark.network
def test_a_cluster_and_a_machine_finish_each_others_work(
    tmp_path: Path, source: Path, local: list[tuple[Any, ...]], joined: str
) -> None:
    for name, first, second in (
        ("a.mp4", {"cluster": joined}, {"resume": "always"}),
        ("b.mp4", {"resume": "always"}, {"cluster": joined}),
    ):
        stop, target = Event(), tmp_path / name
        with pytest.raises(StoppedError, match="of 8 segments done"):
            upscale(source, target, stop=stop, progress=lambda _, s=stop: s.set(), **first, **FAST)
        assert not target.exists()
        (work,) = tmp_path.glob(f".{name}.*.work")
        kept = len(list(work.glob("*.packets")))
        assert 0 < kept < FRAMES // GROUP
        assert not list(work.glob("*.part"))
        seen: list[int] = []
        upscale(source, target, progress=lambda now, s=seen: s.append(now.frames), **second, **FAST)
        assert min(seen) > kept * GROUP
        assert packets(target) == local


@pytest.mark.slow
@pytest.mark.network
def test_an_interrupted_run_goes_on(
    tmp_path: Path, source: Path, local: list[tuple[Any, ...]], joined: str
) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    target, before = tmp_path / "out.mp4", folders()
    with pytest.raises(KeyboardInterrupt):
        upscale(source, target, cluster=joined, progress=interrupt, **FAST)
    (work,) = tmp_path.iterdir()
    assert len((work / "journal.jsonl").read_text().splitlines()) == 1
    upscale(source, target, cluster=joined, **FAST)
    assert packets(target) == local
    assert list(tmp_path.iterdir()) == [target]
    assert folders() == before


@pytest.mark.slow
@pytest.mark.network
def test_errors_of_nodes_come_back(
    tmp_path: Path, source: Path, joined: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.mp4"
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "VERSION", "9.9")
        with pytest.raises(InputError, match=r"the work began with 9\.9.*\(on node .+\)$"):
            upscale(source, tmp_path / "new.mp4", cluster=joined, **FAST)
    broken = _broken(source, tmp_path / "in.mkv")
    with pytest.raises(InputError, match=r"^[^\n]*in\.mkv: [^\n]*\(on node .+\)$"):
        upscale(broken, target, cluster=joined, strict=True, **FAST)
    assert not target.exists()
    far = upscale(broken, target, cluster=joined, **FAST)
    near = upscale(broken, tmp_path / "near.mp4", resume="always", **FAST)
    assert far.run == near.run
    assert far.run.damage.undecodable == 1
    assert far.warnings == near.warnings


def _broken(source: Path, target: Path) -> Path:
    """A copy of a clip with a packet near its end that cannot be decoded."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if not packet.size:
                continue
            if number == FRAMES - 3:
                times = packet.pts, packet.dts, packet.time_base
                packet = av.Packet(b"\xff" * packet.size)
                packet.pts, packet.dts, packet.time_base = times
            packet.stream = copy
            new.mux(packet)
    return target


@pytest.mark.slow
@pytest.mark.network
@hiding
def test_a_node_may_die(
    tmp_path: Path, cluster: Any, joined: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Both work on segments that take a second; one is killed in the middle of one."""
    source = _clip(tmp_path / "in.mp4", 5 * GROUP, 160, 120)
    options = {**FAST, "model": "vespcn-wide", "scale": 4}
    upscale(source, tmp_path / "near.mp4", resume="always", **options)
    left: list[Path] = []
    capfd.readouterr()

    def progress(now: Progress) -> None:
        (work,) = tmp_path.glob(".far.mp4.*.work")
        if now.frames == GROUP:
            left.append(kill_at_work(cluster, work))
        assert left[0].exists()

    upscale(source, tmp_path / "far.mp4", cluster=joined, progress=progress, **options)
    assert packets(tmp_path / "far.mp4") == packets(tmp_path / "near.mp4")
    assert not list(tmp_path.glob(".*"))
    assert capfd.readouterr() == ("", "")
