"""Motion nets of another width, taught by one command."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from support.clips import Clip, make
from support.scripts import loaded

from vsr.networks.recurrent import Recurrent
from vsr.networks.registry import load_model


@pytest.fixture(scope="module")
def teaching() -> ModuleType:
    return loaded("motion_training")


@pytest.mark.parametrize("position", range(8))
def test_a_flow_is_turned_with_its_frames(teaching: ModuleType, position: int) -> None:
    """In each position the frame that is moved by the flow is the turned one."""
    rng = np.random.default_rng(3)
    before = torch.from_numpy(rng.random((16, 16), np.float32))
    x, y = 2, -3  # shown(p) = before(p + flow(p))
    shown = before.roll((-y, -x), (0, 1))
    flow = torch.tensor([float(x), float(y)]).view(2, 1, 1).expand(2, 16, 16)
    turned = teaching.turned(torch.stack([shown, before, *flow]), position)
    x, y = (int(plane[0, 0]) for plane in turned[2:])
    assert torch.equal(turned[0], turned[1].roll((-y, -x), (0, 1)))


def test_a_narrow_motion_net_learns_and_goes_on(
    teaching: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = Clip(codec="ffv1", options={}, width=384, height=384, pts=range(4))
    clips = [make(tmp_path / f"{name}.mkv", clip) for name in ("seen", "kept")]
    monkeypatch.setattr(teaching, "clips_to_choose_on", lambda: clips[1:])
    monkeypatch.setattr(teaching, "TAKES", 10)
    monkeypatch.setattr(teaching, "PAIRS", 4)
    stands: list[Any] = []
    monkeypatch.setattr(teaching, "report", stands.append)
    steps = 2
    monkeypatch.setattr(teaching.Settings, "done", lambda _, step, __: min(1.0, step / steps))
    settings = teaching.Settings("recurrent", 8, 1.0, 1e-3)
    best = teaching.teach(settings, tmp_path / "run", clips[:1])
    steps = 3
    teaching.teach(settings, tmp_path / "run", clips[:1])
    assert [stand.step for stand in stands] == [1, 2, 3]
    made, known = load_model(str(best), 4).network, load_model("recurrent", 4).network
    assert isinstance(made, Recurrent)
    assert made.motion.coarse[0].weight.shape[0] == 8
    for name, value in known.state_dict().items():
        if not name.startswith("motion."):
            assert torch.equal(made.state_dict()[name], value)
