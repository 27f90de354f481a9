"""SRResNet: its normalisation learns from batches, and is part of the convolutions afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.random_weights import drawn
from torch.nn import functional as F

from vsr.networks.literature.srresnet import Normalized, Srresnet
from vsr.networks.registry import load_model
from vsr.training.fit import fit
from vsr.training.recipe import Recipe


def normalized(features: int = 5) -> Normalized:
    torch.manual_seed(1)
    layer = Normalized(features)
    for tensor in (layer.gain, layer.bias, layer.mean, layer.variance):
        tensor.data.uniform_(0.5, 2)
    return layer


def test_training_normalises_by_the_batch() -> None:
    layer = normalized().train()
    mean, variance = layer.mean.clone(), layer.variance.clone()
    x = torch.rand(3, 5, 9, 8)
    found = layer(x)
    plain = layer.conv(x)
    means, spread = plain.mean((0, 2, 3)), plain.var((0, 2, 3))
    torch.testing.assert_close(found.mean((0, 2, 3)), layer.bias, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.std((0, 2, 3)), layer.gain, atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(layer.mean, 0.9 * mean + 0.1 * means)
    torch.testing.assert_close(layer.variance, 0.9 * variance + 0.1 * spread)


def test_evaluation_normalises_by_the_averages() -> None:
    """As torch does, and in one convolution."""
    layer = normalized().eval()
    x = torch.rand(2, 5, 9, 8)
    averages = (layer.mean, layer.variance, layer.gain, layer.bias)
    expected = F.batch_norm(layer.conv(x), *averages)
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)
    before = [average.clone() for average in averages]
    layer(10 * x)
    assert all(torch.equal(a, b) for a, b in zip(averages, before, strict=True))


def test_a_file_with_a_variance_below_zero_gives_numbers() -> None:
    layer = normalized().eval()
    layer.variance[2] = -1
    assert layer(torch.rand(1, 5, 4, 4)).isfinite().all()


def test_all_of_its_state_is_fractions() -> None:
    """Averaging, checkpoints and model files know nothing else."""
    state = Srresnet(2, 2, 4).state_dict()
    assert {"body.1.second.mean", "body_end.variance"} <= state.keys()
    assert all(tensor.is_floating_point() for tensor in state.values())


def test_a_model_file_keeps_the_averages(tmp_path: Path) -> None:
    network = drawn(Srresnet(2, 1, 4))
    for module in network.modules():
        if isinstance(module, Normalized):
            module.mean.uniform_(-1, 1)
            module.variance.uniform_(0.5, 2)
    facts = {"network": "srresnet", "scale": 2, "options": {"blocks": 1, "features": 4}}
    path = tmp_path / "s.safetensors"
    save_file(network.state_dict(), path, {"vsr": json.dumps(facts)})
    x = torch.rand(1, 3, 7, 9)
    with torch.no_grad():
        assert torch.equal(load_model(str(path), 2).network(x), network(x))


def test_the_light_kind_begins_as_bicubic() -> None:
    network = Srresnet(3, 2, 4, light=True).eval()
    assert isinstance(network.tail.base, torch.nn.Module)
    x = torch.rand(1, 3, 6, 7)
    with torch.no_grad():
        base = [network.tail.base(x[:, n : n + 1]) for n in range(3)]
        assert torch.equal(network(x), torch.cat(base, 1))


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of fine waves, which bicubic flattens and a network learns fast."""
    folder = tmp_path_factory.mktemp("waves")
    y, x = np.mgrid[0:64, 0:64]
    for number in range(3):
        wave = np.sin((np.cos(number + 0.5) * x + np.sin(number + 0.5) * y) * 1.2)
        grey = (wave * 46 + 120).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), np.stack([grey] * 3, -1))
    return folder


def recipe(waves: Path, **changes: object) -> Recipe:
    settings = {
        "options": {"blocks": 1, "features": 8, "light": True},
        **{"iterations": 32, "batch": 4, "patch": 12, "lr": 0.01, "reparam_width": 0},
        **{"device": "cpu", "threads": 1, "loss": "l1"},
    }
    return Recipe("srresnet", 2, (waves,), (waves / "0.png",), **(settings | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [0, 4], ids=["plain", "widened"])
def test_a_run_averages_weights_and_statistics(waves: Path, tmp_path: Path, width: int) -> None:
    scores: list[float | None] = []
    best = fit(recipe(waves, reparam_width=width), tmp_path, lambda p: scores.append(p.psnr))
    state = load_file(best)
    assert (state["body.0.first.mean"] != 0).all()
    assert (state["body.0.first.variance"] != 1).all()
    begun = recipe(waves, reparam_width=width, iterations=1)
    first: list[float | None] = []
    fit(begun, tmp_path / "first", lambda p: first.append(p.psnr))
    assert scores[-1] is not None
    assert first[-1] is not None
    assert scores[-1] > first[-1]


def test_a_run_that_was_interrupted_ends_at_the_same_weights(waves: Path, tmp_path: Path) -> None:
    whole = load_file(fit(recipe(waves), tmp_path / "whole", lambda p: None))

    def stop(progress: object) -> None:
        if progress.step == 13:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(recipe(waves), tmp_path / "parts", stop)
    parts = load_file(fit(recipe(waves), tmp_path / "parts", lambda p: None))
    assert all(torch.equal(parts[name], tensor) for name, tensor in whole.items())


def test_a_warm_start_takes_the_averages(waves: Path, tmp_path: Path) -> None:
    trained = fit(recipe(waves), tmp_path / "first", lambda p: None)
    again = recipe(waves, warm_start=trained, iterations=1)  # no step is averaged yet
    begun = load_file(fit(again, tmp_path / "again", lambda p: None))
    assert all(torch.equal(begun[name], tensor) for name, tensor in load_file(trained).items())
