"""Learning from a camera's pairs: it helps, it is repeatable, and it leaves the original alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.clips import picture

from vsr.adaptation.bursts import Burst
from vsr.adaptation.degradation_estimate import Camera
from vsr.adaptation.finetune import Course, Learning, learn
from vsr.adaptation.holdout import judge
from vsr.adaptation.pseudo_pairs import CameraPairs, recordings
from vsr.core.errors import TrainingError
from vsr.networks import Network
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.registry import load_model
from vsr.networks.vespcn import Vespcn

CPU = torch.device("cpu")


def pairs(color: str = "y", context: int = 0) -> CameraPairs:
    frames = np.stack([picture(n, 128, 112) for n in range(3)])
    frames = frames if color == "y" else np.stack([frames] * 3, -1)
    burst = Burst(frames, Path("a"), False)
    made = recordings([burst], Camera(0.9, 0.0, None), 2, np.random.default_rng(0))
    return CameraPairs(tuple(made), 2, context)


def taught(network: Network, given: CameraPairs, **how: float) -> tuple[Network, list[Learning]]:
    told: list[Learning] = []
    asked = {"minutes": None, "iterations": 12, "batch": 4} | how
    return learn(network, given, Course(**asked), CPU, told.append), told


def test_it_learns_to_undo_the_blur() -> None:
    torch.manual_seed(1)
    network = Espcn(2, kernels=(3, 3), features=(8,))
    given = pairs()
    better, told = taught(network, given, iterations=60, lr=3e-3)
    assert [now.step for now in told] == [*range(1, 61)]
    assert told[-1].done == 1
    bicubic = load_model("bicubic", 2).network
    assert judge(given.made, bicubic, network, better, CPU).gain > 0.2


@pytest.mark.parametrize(
    "network",
    [
        Espcn(2, kernels=(3, 3), features=(4,)),
        Vespcn(2, features=4, layers=3, flow_features=4),
        Edsr(2, blocks=1, features=4, light=True),
    ],
    ids=["espcn", "vespcn", "edsr"],
)
def test_the_same_seed_gives_the_same_weights(network: Network) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    given = pairs(network.color, network.context)
    one, again, other = (taught(network, given, seed=seed)[0] for seed in (1, 1, 2))
    states = [[*some.state_dict().values()] for some in (one, again, other)]
    assert all(torch.equal(a, b) for a, b in zip(states[0], states[1], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(states[0], states[2], strict=True))
    after = network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_time_ends_it_as_well() -> None:
    network = Espcn(2, kernels=(3, 3), features=(4,))
    _, told = taught(network, pairs(), iterations=10**6, minutes=0.005)
    assert told[-1].done == 1
    assert 1 <= told[-1].step < 10**5


def test_what_cannot_learn_is_refused() -> None:
    with pytest.raises(TrainingError, match="nothing to learn"):
        taught(load_model("bicubic", 2).network, pairs())
    for wrong in ({"minutes": 0.0}, {"iterations": 0}, {"lr": -1.0}):
        (name,) = wrong
        with pytest.raises(TrainingError, match=name):
            Course(**wrong)
    with pytest.raises(TrainingError, match="needs an end"):
        Course(minutes=None)
