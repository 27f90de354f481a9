"""Training on recorded takes alone: what serves flawless sources stays as it is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vsr import TrainingError
from vsr.networks.recurrent import Recurrent
from vsr.training import streams
from vsr.training.fit import fit
from vsr.training.progress import StreamProgress
from vsr.training.recipe import Recipe

OPTIONS = {"features": 8, "pairs": 1, "flow_features": 4, "grades": 3, "hidden": 4}


def test_the_weights_for_flawless_sources_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_NEW", 0.0)
    data = tmp_path / "still.png"
    cv2.imwrite(str(data), np.random.default_rng(1).integers(0, 256, (200, 180), np.uint8))
    recipe = Recipe(
        "recurrent",
        2,
        (data,),
        options=OPTIONS,
        iterations=12,
        batch=3,
        patch=24,
        reparam_width=0,
        motion_fraction=0.0,
        recorded_only=True,
        loss="relative",
        device="cpu",
        threads=1,
    )
    told: list[StreamProgress] = []
    fit(recipe, tmp_path / "run", told.append)
    assert all(now.loss_clean is None for now in told)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        Recurrent(2, **OPTIONS)  # the average, made before the network that learns
        began = Recurrent(2, **OPTIONS).state_dict()
    learnt = load_file(tmp_path / "run" / "best.safetensors")
    conv = "inward.weight"
    flawless = slice(0, OPTIONS["features"])
    assert torch.equal(learnt[conv][flawless], began[conv][flawless])
    assert not torch.equal(learnt[conv][OPTIONS["features"] :], began[conv][OPTIONS["features"] :])


def test_other_networks_have_no_such_weights() -> None:
    with pytest.raises(TrainingError, match=r"recorded only: is for recurrent networks: espcn"):
        Recipe("espcn", 2, (), recorded_only=True)
