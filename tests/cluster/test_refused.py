"""A job that no cluster takes leaves nothing; Ray need not be there."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.clips import Clip, make

from vsr import InputError, upscale


@pytest.mark.parametrize("installed", [False, True])
def test_a_job_without_a_cluster_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    def init(**_: Any) -> None:
        raise ConnectionError("no node")

    ray = SimpleNamespace(is_initialized=lambda: False, init=init)
    monkeypatch.setitem(sys.modules, "ray", ray if installed else None)
    source = make(tmp_path / "in.mp4", Clip(width=32, height=16))
    words = "no Ray node runs on this machine" if installed else "a cluster needs Ray: pip install"
    with pytest.raises(InputError, match=words):
        upscale(source, tmp_path / "out.mp4", scale=2, model="nearest", cluster="auto")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
