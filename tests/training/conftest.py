"""What all tests of training share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.clips import Clip, make

from vsr.training.recipe import Recipe


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    """A run sets the number of torch's threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of five frames."""
    path = tmp_path_factory.mktemp("footage") / "real.mkv"
    make(path, Clip(48, 32, codec="ffv1", options={}, pts=tuple(range(5))))
    return path


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small pictures of fine waves, which bicubic flattens and a network learns fast."""
    folder = tmp_path_factory.mktemp("images")
    y, x = np.mgrid[0:64, 0:64]
    for number in range(3):
        angle = number + 0.5
        wave = np.sin((np.cos(angle) * x + np.sin(angle) * y) * 1.2)
        cv2.imwrite(str(folder / f"{number}.png"), (wave * 46 + 120).astype(np.uint8))
    return folder


@pytest.fixture
def recipe(images: Path) -> Recipe:
    return Recipe(
        "espcn",
        2,
        (images,),
        (images / "0.png",),
        {"kernels": (3, 3), "features": (8,)},
        iterations=20,
        batch=4,
        patch=12,
        lr=0.01,
        reparam_width=8,
        device="cpu",
        threads=1,
    )


@pytest.fixture
def video_recipe(recipe: Recipe) -> Recipe:
    """For a network that sees neighbours; the stills make its windows."""
    options = {"features": 4, "layers": 3, "flow_features": 4}
    return replace(
        recipe, network="vespcn", options=options, motion_fraction=0.3, guided_fraction=0.3
    )


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Like `images`, with a wave of its own for each channel."""
    folder = tmp_path_factory.mktemp("coloured")
    y, x = np.mgrid[0:64, 0:64]
    for number in range(3):
        angles = [number + 0.5 + n for n in range(3)]
        waves = [np.sin((np.cos(a) * x + np.sin(a) * y) * 1.2) for a in angles]
        bgr = (np.stack(waves, -1) * 46 + 120).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), bgr)
    return folder


@pytest.fixture
def rgb_recipe(recipe: Recipe, coloured: Path) -> Recipe:
    """For a network that works in RGB."""
    options = {"blocks": 1, "features": 4, "light": True}
    places = {"data": (coloured,), "validation": (coloured / "0.png",)}
    return replace(recipe, network="edsr", options=options, loss="l1", **places)
