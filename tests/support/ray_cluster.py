"""A Ray cluster of this machine alone: a head that does no work, and nodes with one CPU each."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STORE = 80 << 20  # bytes of each node's object store


@contextmanager
def local_cluster(count: int = 2) -> Iterator[Any]:
    """A `ray.cluster_utils.Cluster` with so many nodes, which this process has not joined."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    sooner = {"health_check_period_ms": 500, "health_check_failure_threshold": 3}
    head = {
        "num_cpus": 0,
        "object_store_memory": STORE,
        "include_dashboard": False,
        "_system_config": sooner,  # to tell that a node is dead
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(count):
            add_node(cluster)
        yield cluster
    finally:
        cluster.shutdown()


def add_node(cluster: Any) -> Any:
    """Another node, which is there when this returns."""
    return cluster.add_node(num_cpus=1, object_store_memory=STORE)


def kill_at_work(cluster: Any, folder: Path) -> Path:
    """Kill a node with a worker that is writing a segment into a work folder, as if it lost power.

    Returns the file that is left.
    """
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for node in cluster.worker_nodes:
            (raylet,) = node.all_processes["raylet"]
            for worker in _children(raylet.process.pid):
                os.kill(worker, signal.SIGSTOP)
                if part := _writes(worker, folder):
                    cluster.remove_node(node, allow_graceful=False)
                    os.kill(worker, signal.SIGKILL)
                    return part
                os.kill(worker, signal.SIGCONT)
        time.sleep(0.01)
    raise TimeoutError(f"no node writes into {folder}")


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _writes(process: int, folder: Path) -> Path | None:
    """A file in a folder that a process has open for writing, and is still there."""
    for opened in Path(f"/proc/{process}/fd").iterdir():
        file = opened.readlink()
        if file.parent == folder and file.suffix == ".part" and file.exists():
            return file
    return None
