"""The connection to a Ray cluster, and how many tasks its nodes can do at once."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from vsr.core.errors import DeviceError, InputError
from vsr.core.job import Job
from vsr.core.threads import cores_of
from vsr.util.text import one_line

_REACHED_WITHIN = 5  # seconds for the head's port
_CONNECTED_WITHIN = 45  # seconds for Ray, which gives up after 30 by itself where it tells why
_SETTINGS = {  # Ray reads them once, when it is loaded
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # it prints what befalls nodes, on stdout
    "RAY_task_oom_retries": "5",  # a task that fills the memory is tried for ever otherwise
}

Node: TypeAlias = Mapping[str, float]
"""What a node has, by Ray's names: "CPU", "GPU"."""


@dataclass(frozen=True)
class Needs:
    """What a task takes of a node.

    Attributes:
        cpus, gpus: how many, by Ray's count.
    """

    cpus: int
    gpus: int = 0

    def __str__(self) -> str:
        if self.gpus:
            return "a GPU and a CPU"
        return "a CPU" if self.cpus == 1 else f"{self.cpus} CPUs"

    def at_once(self, nodes: Sequence[Node]) -> int:
        """How many tasks such nodes can do side by side."""
        return sum(self._on(node) for node in nodes)

    def _on(self, node: Node) -> int:
        tasks = node.get("CPU", 0) // self.cpus
        return int(min(tasks, node.get("GPU", 0) // self.gpus) if self.gpus else tasks)


def needs_of(job: Job, precision: str, nodes: Sequence[Node]) -> Needs:
    """What each task of a job takes: a GPU, or as many CPUs as the smallest node has.

    `precision` is the one chosen for the job. Raises DeviceError where no node has as much.
    """
    gpus = any(node.get("GPU", 0) >= 1 for node in nodes)
    cpus = [int(node["CPU"]) for node in nodes if node.get("CPU", 0) >= 1]
    device = job.options.compute.device
    if device.startswith("cuda") or (device == "auto" and gpus and precision != "int8"):
        needs = Needs(1, 1)
    elif precision == "fp16":
        raise DeviceError("precision fp16 needs GPUs, which the cluster has not: bf16 or fp32")
    else:
        needs = Needs(cores_of(job.options.compute.threads, min(cpus, default=1)))
    if not needs.at_once(nodes):
        raise DeviceError(f"no node of the cluster has {needs}")
    return needs


def load_ray() -> Any:
    """Ray, which takes a second to load. Raises InputError where it is not installed."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        return import_module("ray")
    except ImportError:
        raise InputError("a cluster needs Ray: pip install 'vsr-video[cluster]'") from None


def alive() -> list[Node]:
    """The nodes that are there now."""
    ray = load_ray()
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def check_address(address: str) -> None:
    """Raise InputError where Ray is not installed, or nobody answers at the address."""
    ray = load_ray()
    if address == "auto" or ray.is_initialized():
        return
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        place = parts.hostname, parts.port
    except ValueError:
        place = None, None
    if None in place or parts.scheme not in ("", "ray"):
        raise InputError(f"cluster {address!r}: must be auto, HOST:PORT or ray://HOST:PORT")
    try:
        socket.create_connection((str(place[0]), int(place[1] or 0)), _REACHED_WITHIN).close()
    except OSError as error:
        raise InputError(
            f"cluster {address!r}: cannot be reached ({error.strerror or error})"
        ) from None


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be a driver of the cluster at `address`, or of the one that this process has joined.

    A connection that was there before stays. Raises InputError.
    """
    ray = load_ray()
    if ray.is_initialized():
        yield
        return
    _connect(address)
    try:
        yield
    finally:
        ray.shutdown()


def _connect(address: str) -> None:
    """Connect, in a thread: Ray may try for minutes, and takes SIGTERM over in the main one."""
    ray = load_ray()
    logging.getLogger("ray").setLevel(logging.ERROR)  # before `init` does it too
    outcome: SimpleQueue[Exception | None] = SimpleQueue()

    def connect() -> None:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            ray.init(address=address, **quiet)
            outcome.put(None)
        except Exception as error:
            outcome.put(error)

    Thread(target=connect, name="vsr-cluster", daemon=True).start()
    try:
        error = outcome.get(timeout=_CONNECTED_WITHIN)
    except Empty:
        raise InputError(
            f"cluster {address!r}: no Ray head answers there, or this machine is none of its "
            "nodes; from others, ray://HOST:10001"
        ) from None
    if isinstance(error, ConnectionError) and address == "auto":
        raise InputError(
            "cluster 'auto': no Ray node runs on this machine (`ray start`), and RAY_ADDRESS "
            "names none that answers"
        ) from None
    if error is not None:
        raise InputError(
            f"cluster {address!r}: cannot be reached ({one_line(error, 300)})"
        ) from None
