"""A cell that is captured and replayed: the same numbers as when it is called."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from support.noise_frames import assert_equal, described, model, noise
from support.random_weights import drawn
from torch import Tensor

from vsr.core.options import ComputeOptions
from vsr.inference import cuda_graph
from vsr.inference.cuda_graph import Cell, Replay, ReplayedCell, replay_cell
from vsr.inference.engine import Engine, choose_engine, restore
from vsr.networks.espcn import Espcn
from vsr.networks.recurrent import Recurrent

NETWORK = drawn(Recurrent(2, 8, 1, hidden=6, grades=2), last=0.02)


class Graphs:
    """Captures as CUDA does: computes from and into memory that stays the same."""

    def __init__(self, fail: str = "") -> None:
        self.captured, self.replayed, self._fail = 0, 0, fail

    def __call__(self, cell: Cell, inputs: Sequence[Tensor]) -> Replay:
        if self._fail:
            raise RuntimeError(self._fail)
        self.captured += 1
        made = cell(inputs[0], inputs[1])

        def replay() -> tuple[Tensor, Tensor]:
            self.replayed += 1
            for place, value in zip(made, cell(inputs[0], inputs[1]), strict=True):
                place.copy_(value)
            return made

        return replay


def inputs(height: int, width: int, seed: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    planes = torch.rand(1, NETWORK.inward.in_channels, height, width, generator=random)
    share = torch.rand(1, 1, generator=random)
    return planes, torch.cat([share, 1 - share], 1)


@torch.inference_mode()
def test_replays_are_calls() -> None:
    graphs = Graphs()
    cell = ReplayedCell(NETWORK.cell, graphs)
    given = [inputs(12, 16, n) for n in range(4)] + [inputs(8, 8, n) for n in range(3)]
    found = [cell(*each) for each in given]  # all kept, while later ones are replayed
    for each, made in zip(given, found, strict=True):
        for a, b in zip(made, NETWORK.cell(*each), strict=True):
            assert torch.equal(a, b)
    assert (graphs.captured, graphs.replayed) == (2, 3 + 2)


@torch.inference_mode()
def test_few_sizes_are_captured_and_none_that_comes_once() -> None:
    graphs = Graphs()
    cell = ReplayedCell(NETWORK.cell, graphs)
    for side in range(4, 12):
        cell(*inputs(side, side, 0))
    assert graphs.captured == 0
    for side in range(4, 12):
        cell(*inputs(side, side, 1))
    assert graphs.captured == 2


@torch.inference_mode()
@pytest.mark.parametrize(
    "error", ["operation not permitted when stream is capturing", "CUDA out of memory"]
)
def test_what_cannot_be_captured_is_called(error: str) -> None:
    cell = ReplayedCell(NETWORK.cell, Graphs(error))
    for n in range(4):
        for a, b in zip(cell(*inputs(9, 7, n)), NETWORK.cell(*inputs(9, 7, n)), strict=True):
            assert torch.equal(a, b)


def test_only_recurrent_networks_are_replayed() -> None:
    windowed, recurrent = Espcn(2), Recurrent(2, 8, 1)
    replay_cell(windowed)
    replay_cell(recurrent)
    assert isinstance(recurrent.cell, ReplayedCell)
    assert not any(isinstance(value, ReplayedCell) for value in vars(windowed).values())


@pytest.mark.parametrize("tile", [0, 16])
def test_a_video_comes_out_the_same(monkeypatch: pytest.MonkeyPatch, tile: int) -> None:
    from support.fake_devices import PLACE, fake_gpu

    info = described("yuv420p", 42, 26)
    frames = noise(8, info)
    expected = list(
        restore(iter(frames), info, model(NETWORK), Engine((torch.device("cpu"),), "fp32", 1, tile))
    )
    fake_gpu(monkeypatch, like="cuda", graphs=True)
    graphs = Graphs()
    monkeypatch.setattr(cuda_graph, "_captured", graphs)
    found = restore(iter(frames), info, model(NETWORK), Engine((PLACE,), "fp32", 1, tile))
    assert_equal(list(found), expected)
    assert graphs.replayed > 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_gpu_replays_what_it_computes(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    info = described("yuv420p", 150, 70)
    frames = noise(8, info)
    engine = choose_engine(ComputeOptions(device="cuda", precision=precision))  # type: ignore[arg-type]
    replayed = list(restore(iter(frames), info, model(NETWORK), engine))
    monkeypatch.setattr("vsr.inference.engine.replay_cell", lambda network: None)
    called = list(restore(iter(frames), info, model(NETWORK), engine))
    assert_equal(replayed, called)
