"""What two nodes of a Ray cluster do with one video, against one process.

    python benchmarks/cluster.py CLIP [--model vespcn] [--frames 2000] [--rounds 1]

CLIP, any real video, is first turned into 480x270 H.264 of `--frames` frames; every contestant
enlarges that to 1920x1080 and encodes with x264 veryfast. The nodes are two on this machine, each
with half of its cores, so that twice one process is out of reach: 1.00 is what sharing the work
may come to here, and the rest is what it costs. 2000 frames through vespcn are four segments of
500, which two nodes share evenly; other numbers may not be.

- whole: in one go, on all cores, in one process; what the others are compared with.
- segments: the same process, in segments.
- started: the cluster, whose workers must first start and load the network.
- warm: the same again.
- half: one node of the two.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from throughput import ENCODER, SCALE, make_input

import vsr
from vsr.cluster.connection import load_ray

STORE = 256 << 20  # bytes of each node's object store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path, help="any real video")
    parser.add_argument("--model", default="vespcn")
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small = make_input(options.clip, Path(folder) / "small.mp4", options.frames)
        rounds = [measure(small, options.model) for _ in range(options.rounds)]
    print(f"python {' '.join(sys.argv)}")
    print(f"{os.cpu_count()} cores, {options.frames} frames, medians of {options.rounds} rounds")
    for name in rounds[0]:
        ratio = statistics.median(one["whole"] / one[name] for one in rounds)
        rate = statistics.median(options.frames / one[name] for one in rounds)
        print(f"{name:>8}  {ratio:5.2f} times whole  {rate:7.2f} frames/s")


def measure(small: Path, model: str) -> dict[str, float]:
    """One round: seconds of each contestant."""
    ray = load_ray()
    from ray.cluster_utils import Cluster

    out = small.with_name("large.mp4")

    def run(resume: str, cluster: str = "") -> Callable[[], object]:
        return lambda: vsr.upscale(
            small,
            out,
            scale=SCALE,
            model=model,
            device="cpu",
            preset=ENCODER["preset"],
            overwrite=True,
            resume=resume,
            cluster=cluster,
        )

    seconds = {"whole": timed(run("never")), "segments": timed(run("always"))}
    share = max(1, (os.cpu_count() or 2) // 2)
    head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes = [cluster.add_node(num_cpus=share, object_store_memory=STORE) for _ in range(2)]
        ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
        on_cluster = run("always", cluster.address)
        seconds |= {"started": timed(on_cluster), "warm": timed(on_cluster)}
        cluster.remove_node(nodes[0])
        seconds["half"] = timed(on_cluster)
    finally:
        ray.shutdown()
        cluster.shutdown()
    return seconds


def timed(work: Callable[[], object]) -> float:
    """Wall seconds of `work`."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
