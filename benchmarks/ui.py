"""What many jobs cost the server of `vsr ui`: time to list them, memory, and what it does idle.

    python benchmarks/ui.py [--jobs 200] [--polls 500] [--pages 4]

A real server in a process of its own gets so many jobs, of which one is at work (a source that
lasts) and the others wait. Then so many requests list them all, each timed as the page sees it,
while some pages follow the events. Memory is the server's resident one, before the jobs, with them,
and after each quarter of the requests.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CLIP = Path(__file__).parent.parent / "samples" / "street.mp4"


class Client:
    """Asks one server, on one connection."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._headers = {"Authorization": f"Bearer {parts.query.removeprefix('token=')}"}
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        """The body of an answer."""
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        data = json.dumps(body).encode() if body else None
        self._connection.request(method, path, data, headers)
        answer = self._connection.getresponse()
        found = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {found.decode()}")
        return found

    def follow(self) -> None:
        """Read events until the server ends."""
        self._connection.request("GET", "/api/events", headers=self._headers)
        answer = self._connection.getresponse()
        while answer.read1(1 << 16):
            pass


def memory_of(pid: int) -> float:
    """Resident megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def cpu_of(pid: int) -> float:
    """Seconds of the processor so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(client: Client, address: str, pid: int, given: argparse.Namespace) -> None:
    """Print the figures."""
    print(f"memory with no job     {memory_of(pid):7.1f} MB")
    began = time.perf_counter()
    for number in range(given.jobs):
        options = {"model": "bicubic", "resume": "never"}
        body = {"command": "upscale", "source": "in.mp4", "target": f"{number}.mkv"}
        client.ask("POST", "/api/jobs", {**body, "options": options})
    each = (time.perf_counter() - began) / given.jobs
    print(f"to queue a job         {1000 * each:7.1f} ms, each of {given.jobs}")
    print(f"memory with the jobs   {memory_of(pid):7.1f} MB")
    for _ in range(given.pages):
        threading.Thread(target=Client(address).follow, daemon=True).start()
    times: list[float] = []
    for number in range(1, given.polls + 1):
        began = time.perf_counter()
        found = client.ask("GET", "/api/jobs")
        times.append(time.perf_counter() - began)
        if number % (given.polls // 4 or 1) == 0:
            print(f"memory after {number:5} polls{memory_of(pid):6.1f} MB")
    ordered = sorted(1000 * one for one in times)
    print(f"an answer              {len(found):7} bytes")
    print(
        f"a poll                 {statistics.median(ordered):7.1f} ms median, "
        f"{ordered[int(0.99 * (len(ordered) - 1))]:.1f} ms 99 of 100, {ordered[-1]:.1f} ms longest"
    )
    before, span = cpu_of(pid), 10.0
    time.sleep(span)
    share = (cpu_of(pid) - before) / span
    print(f"with a job at work     {100 * share:7.1f} % of a core, {given.pages} pages open")


def stop_jobs(client: Client) -> None:
    """Cancel all, the waiting ones first."""
    jobs: list[dict[str, Any]] = json.loads(client.ask("GET", "/api/jobs"))
    for job in sorted(jobs, key=lambda job: job["state"] == "running"):
        if job["state"] in ("queued", "running", "paused"):
            client.ask("PATCH", f"/api/jobs/{job['id']}", {"state": "cancelled"})
    while any(job["asked"] for job in json.loads(client.ask("GET", "/api/jobs"))):
        time.sleep(0.2)


def long_source(path: Path) -> None:
    """The sample over and over, without encoding: about as long as the measurement and more."""
    import av

    with av.open(str(CLIP)) as source, av.open(str(path), "w") as target:
        video = source.streams.video[0]
        copied = target.add_stream_from_template(video)
        packets = [packet for packet in source.demux(video) if packet.dts is not None]
        length = max(packet.pts + packet.duration for packet in packets)
        data = [(bytes(p), p.pts, p.dts, p.duration, p.is_keyframe) for p in packets]
        for turn in range(200):
            for content, pts, dts, duration, key in data:
                packet = av.Packet(content)
                packet.pts, packet.dts = pts + turn * length, dts + turn * length
                packet.duration, packet.is_keyframe = duration, key
                packet.time_base, packet.stream = video.time_base, copied
                target.mux(packet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--polls", type=int, default=500)
    parser.add_argument("--pages", type=int, default=4)
    given = parser.parse_args()
    vsr = str(Path(sys.executable).with_name("vsr"))
    with tempfile.TemporaryDirectory() as place:
        folder, state = Path(place, "served"), Path(place, "state")
        folder.mkdir()
        long_source(folder / "in.mp4")
        words = [vsr, "ui", str(folder), "--state", str(state), "--port", "0", "--json"]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        client = Client(address)
        try:
            measure(client, address, process.pid, given)
        finally:
            try:
                stop_jobs(Client(address))  # the other connection may have been closed meanwhile
            finally:
                process.send_signal(signal.SIGINT)
                process.communicate()


if __name__ == "__main__":
    main()
