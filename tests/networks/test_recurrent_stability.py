"""What recurrent networks are prone to, looked for in the weights that ship.

Drift over long, still or noisy video, feedback that grows, ghosts after cuts and flashes, and steps
to be seen where the state begins anew. All on a drawn picture, of which true frames are known.

New weights are to bear LONG frames, as they are and made heavier: `pytest --long`. Otherwise they
go through SHORT, heavier alone, which is the harder.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
import torch
from support.natural_picture import natural
from torch import Tensor
from torch.nn import functional as F

from vsr.core.quality import FLAWLESS, Quality
from vsr.core.resample import resize
from vsr.networks.catalogue import catalogue
from vsr.networks.recurrent import Recurrent
from vsr.networks.recurrent_state import State, quality_planes
from vsr.networks.registry import load_model

CARDS = [card for card in catalogue() if card.network == "recurrent"]
LONG, SHORT = 3000, 200  # frames
EARLY, LATE = slice(50, 110), slice(-60, None)
HEAVIER = 1.02


@pytest.fixture(scope="module", params=CARDS, ids=[f"{card.name} x{card.scale}" for card in CARDS])
def network(request: pytest.FixtureRequest) -> Recurrent:
    found = load_model(request.param.name, request.param.scale).network
    assert isinstance(found, Recurrent)
    return found


@pytest.fixture(scope="module")
def is_long(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--long"))


@dataclass(frozen=True)
class Moment:
    """A true large frame and its small one, (1, 1, H, W) in [0, 1]."""

    large: Tensor
    small: Tensor


SIDE = 48  # small pixels


def seen_at(picture: np.ndarray, y: int, x: int, scale: int) -> Moment:
    """A window of a drawn picture at a place, in large pixels."""
    side = SIDE * scale
    large = torch.from_numpy(picture[y : y + side, x : x + side].copy()).float()
    small = resize(large, SIDE, SIDE).round().clamp(0, 255)
    return Moment(large[None, None] / 255, small[None, None] / 255)


def still(scale: int, seed: int = 1) -> Moment:
    return seen_at(drawn(scale, seed), 8, 8, scale)


def drawn(scale: int, seed: int = 1) -> np.ndarray:
    side = SIDE * scale + 80
    return natural(seed, side, side)


def walk(scale: int, seed: int = 1) -> Iterator[Moment]:
    """A window that goes there and back, three large pixels a frame, without end."""
    picture = drawn(scale, seed)
    way = [seen_at(picture, n, 3 * n, scale) for n in range(20)]
    while True:
        yield from way
        yield from way[-2:0:-1]


def noisy(moments: Iterable[Moment], deviation: float, seed: int = 2) -> Iterator[Moment]:
    random = torch.Generator().manual_seed(seed)
    for moment in moments:
        noise = torch.randn(moment.small.shape, generator=random) * deviation / 255
        small = (((moment.small + noise) * 255).round() / 255).clamp(0, 1)
        yield Moment(moment.large, small)


@dataclass
class Trace:
    """What was seen of a run: PSNR and the strength of both parts of the state, frame by frame."""

    psnr: list[float]
    hidden: list[float]
    detail: list[float]


@torch.inference_mode()
def run(
    network: Recurrent, moments: Iterator[Moment], count: int, quality: Quality = FLAWLESS
) -> tuple[Trace, list[Tensor]]:
    trace, shown = Trace([], [], []), []
    state: State | None = None
    way = list(islice(moments, count + network.future))
    planes = quality_planes(quality)
    for n in range(count):
        frames = torch.cat([moment.small for moment in way[n : n + 1 + network.future]], 1)
        state = state or network.start(frames[:, :1])
        phases, state = network.step(frames, state, planes)
        large = F.pixel_shuffle(phases, network.scale).clamp(0, 1)
        shown.append(large)
        trace.psnr.append(psnr(large, way[n].large))
        trace.hidden.append(float(state.hidden.float().square().mean().sqrt()))
        trace.detail.append(float(high(state.detail.float())))
    return trace, shown


def psnr(one: Tensor, other: Tensor) -> float:
    inside = (..., slice(8, -8), slice(8, -8))
    error = (one[inside] - other[inside]).square().mean()
    return float(-10 * torch.log10(error + 1e-12))


def high(planes: Tensor) -> Tensor:
    """The strength of what changes from pixel to pixel."""
    return planes.diff(dim=-1).square().mean().sqrt() + planes.diff(dim=-2).square().mean().sqrt()


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def repeated(moment: Moment) -> Iterator[Moment]:
    while True:
        yield moment


def scaled(network: Recurrent, factor: float) -> Recurrent:
    """With every weight of the cell that much larger: how far it is from the edge."""
    louder = copy.deepcopy(network)
    for conv in (louder.inward, louder.outward, *(c for pair in louder.blocks for c in pair)):
        conv.weight.data *= factor
    return louder


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["still", "still with noise", "there and back"])
def test_nothing_drifts(network: Recurrent, is_long: bool, kind: str) -> None:
    quality, count = FLAWLESS, LONG if is_long else SHORT
    if kind == "still":
        way = [still(network.scale)] * (count + network.future)
    elif kind == "there and back":
        way = list(islice(walk(network.scale), count + network.future))
    else:
        quality = Quality(0, 5)
        shown = noisy(repeated(still(network.scale)), 5)
        way = list(islice(shown, count + network.future))
    for factor in (1.0, HEAVIER) if is_long else (HEAVIER,):
        trace, _ = run(scaled(network, factor), iter(way), count, quality)
        assert abs(mean(trace.psnr[LATE]) - mean(trace.psnr[EARLY])) < 0.05, factor
        for strength in (trace.hidden, trace.detail):
            assert mean(strength[LATE]) == pytest.approx(mean(strength[EARLY]), rel=0.02), factor


@pytest.mark.slow
def test_bfloat16_stays_near(network: Recurrent, is_long: bool) -> None:
    half = copy.deepcopy(network)
    for parameter in half.parameters():
        parameter.data = parameter.data.bfloat16()
    count = 1000 if is_long else SHORT
    _, exact = run(network, walk(network.scale), count)
    trace, rough = run(half, walk(network.scale), count)
    near = [psnr(a, b) for a, b in zip(exact, rough, strict=True)]
    assert mean(near) > 50
    assert mean(near[LATE]) > mean(near[EARLY]) - 0.5
    scores = [psnr(a, b.large) for a, b in zip(exact, walk(network.scale), strict=False)]
    assert abs(mean(scores) - mean(trace.psnr)) < 0.02


@pytest.mark.slow
def test_what_was_made_to_upset_it_is_forgotten(network: Recurrent) -> None:
    """Gradient ascent on eight frames; then a picture stands still."""
    frames = torch.rand(8, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    frames.requires_grad_(True)
    quality = quality_planes(FLAWLESS)
    for _ in range(12):
        state = network.start(frames[:1].detach())
        for n in range(8):
            seen = torch.cat([frames[min(n + k, 7)][None] for k in range(3)], 1)
            _, state = network.step(seen, state, quality)
        (slope,) = torch.autograd.grad(state.hidden.abs().mean(), frames)
        frames = (frames + 0.1 * slope.sign()).clamp(0, 1).detach().requires_grad_(True)
    calm = resize(still(network.scale).small[0, 0], 32, 32)[None, None]
    with torch.inference_mode():
        after, fresh = state, network.start(calm)
        for _ in range(30):
            seen = calm.expand(-1, 3, -1, -1)
            upset, after = network.step(seen, after, quality)
            settled, fresh = network.step(seen, fresh, quality)
    assert after.hidden.abs().max() <= 16
    assert psnr(upset, settled) > 45


def test_the_state_is_worth_having(network: Recurrent) -> None:
    trace, _ = run(network, walk(network.scale), 16)
    assert mean(trace.psnr[12:16]) > trace.psnr[0] + 0.3


def test_noise_is_averaged_away(network: Recurrent) -> None:
    moments = list(islice(noisy(repeated(still(network.scale)), 5), 30))
    trace, _ = run(network, iter(moments), 24, Quality(0, 5))
    assert mean(trace.psnr[16:24]) > trace.psnr[0] + 0.1


def test_a_cut_that_nobody_marked_leaves_no_ghost(network: Recurrent) -> None:
    before, after = walk(network.scale, 1), walk(network.scale, 9)
    joined = iter([*islice(before, 20), *islice(after, 20)])
    trace, _ = run(network, joined, 30)
    alone, _ = run(network, walk(network.scale, 9), 10)
    for n in range(2, 6):
        assert trace.psnr[20 + n] > alone.psnr[n] - 0.3


def test_a_flash_is_forgotten(network: Recurrent) -> None:
    way = list(islice(walk(network.scale), 40))
    plain, _ = run(network, iter(way), 36)
    lit = way[20]
    way[20] = Moment((lit.large + 0.4).clamp(0, 1), (lit.small + 0.4).clamp(0, 1))
    trace, _ = run(network, iter(way), 36)
    assert trace.psnr[25] > plain.psnr[25] - 0.1


def test_wrong_alignment_does_no_harm(network: Recurrent) -> None:
    """With random flows it is as good as without any memory."""
    way = list(islice(walk(network.scale), 20))
    random = torch.Generator().manual_seed(4)
    planes = quality_planes(FLAWLESS)
    lost, empty, state = [], [], None
    with torch.inference_mode():
        for n in range(16):
            frames = torch.cat([moment.small for moment in way[n : n + 3]], 1)
            state = state or network.start(frames[:, :1])
            flow = 6 * torch.randn(1, 2, SIDE, SIDE, generator=random)
            phases, state = network.step(frames, state, planes, flow)
            lost.append(psnr(F.pixel_shuffle(phases, network.scale), way[n].large))
            phases, _ = network.step(frames, network.start(frames[:, :1]), planes)
            empty.append(psnr(F.pixel_shuffle(phases, network.scale), way[n].large))
    assert mean(lost[4:]) > mean(empty[4:]) - 0.5


def test_where_the_state_begins_anew_there_is_no_step_to_be_seen(network: Recurrent) -> None:
    """A lifetime's first frame, warmed up, beside the same with an old state."""
    way = list(islice(walk(network.scale), 60))
    _, old = run(network, iter(way), 48)
    begin = 40 - network.warmup
    _, young = run(network, iter(way[begin:]), 48 - begin)
    assert psnr(young[network.warmup], old[40]) > 46
