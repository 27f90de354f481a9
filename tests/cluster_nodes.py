"""A Ray cluster of this machine alone: a head that does no work, and nodes with one CPU each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

STORE = 80 << 20  # bytes of each node's object store


@contextmanager
def local_cluster(count: int = 2) -> Iterator[Any]:
    """A `ray.cluster_utils.Cluster` with so many nodes, which this process has not joined."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
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
