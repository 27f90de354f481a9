"""Convolutions whose weights follow the quality of what they see."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch.nn import functional as F

from vsr.networks.graded import Graded, graded, mixed_once, mixture
from vsr.networks.recurrent import Recurrent

FEATURES, GRADES = 6, 3


@pytest.fixture
def conv() -> Graded:
    torch.manual_seed(1)
    return Graded(4, FEATURES, GRADES).requires_grad_(False)


def plain(conv: Graded, x: torch.Tensor, grade: int) -> torch.Tensor:
    own = slice(grade * FEATURES, (grade + 1) * FEATURES)
    assert conv.bias is not None
    return F.conv2d(x, conv.weight[own], conv.bias[own], padding=1)


def test_a_mixture_is_of_the_two_grades_beside() -> None:
    mix = mixture(torch.tensor([0.0, 0.25, 0.5, 0.9, 1.0]), GRADES)
    expected = [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0.2, 0.8], [0, 0, 1]]
    torch.testing.assert_close(mix, torch.tensor(expected))
    assert torch.equal(mixture(torch.rand(4), 1), torch.ones(4, 1))


@pytest.mark.parametrize("grade", range(GRADES))
def test_at_a_grade_its_own_weights_count(conv: Graded, grade: int) -> None:
    x = torch.rand(2, 4, 9, 7)
    mix = mixture(torch.tensor([grade / (GRADES - 1)]), GRADES)
    torch.testing.assert_close(graded(conv, x, mix), plain(conv, x, grade))


def test_each_sees_its_own_mixture(conv: Graded) -> None:
    x = torch.rand(3, 4, 9, 7)
    ruin = torch.tensor([0.0, 0.75, 0.3])
    together = graded(conv, x, mixture(ruin, GRADES), relu=True)
    for n in range(3):
        alone = graded(conv, x[n : n + 1], mixture(ruin[n : n + 1], GRADES), relu=True)
        torch.testing.assert_close(together[n : n + 1], alone)
    between = (plain(conv, x[1:2], 1) + plain(conv, x[1:2], 2)) / 2
    torch.testing.assert_close(together[1:2], between.relu())


def test_held_sets_do_not_learn(conv: Graded) -> None:
    x, mix = torch.rand(2, 4, 9, 7), mixture(torch.tensor([0.25, 0.75]), GRADES)
    conv.requires_grad_()
    free = graded(conv, x, mix)
    conv.held = 1
    found = graded(conv, x, mix)
    assert torch.equal(found, free)
    found.square().sum().backward()
    assert conv.weight.grad is not None
    assert conv.bias is not None
    assert conv.bias.grad is not None
    for gradient in (conv.weight.grad, conv.bias.grad):
        assert not gradient[:FEATURES].any()
        assert gradient[FEATURES : 2 * FEATURES].any()
        assert gradient[2 * FEATURES :].any()


def test_inference_gives_the_same(conv: Graded) -> None:
    x, mix = torch.rand(1, 4, 24, 24), mixture(torch.tensor([0.4]), GRADES)
    expected = graded(conv, x, mix, relu=True)
    with torch.inference_mode():
        torch.testing.assert_close(graded(conv, x, mix, relu=True), expected)


def test_a_network_of_one_grade_is_one_of_three_alike() -> None:
    torch.manual_seed(2)
    one = Recurrent(2, features=8, pairs=1, flow_features=4).eval()
    torch.nn.init.normal_(one.outward.weight, std=0.05)
    three = Recurrent(2, features=8, pairs=1, flow_features=4, grades=3).eval()
    copied = {
        name: value if name.startswith("motion") else value.repeat(3, *[1] * (value.dim() - 1))
        for name, value in one.state_dict().items()
    }
    three.load_state_dict(copied)
    frames, quality = torch.rand(2, 3, 12, 16), torch.tensor([[0.1, 0], [0.5, 0.3]])
    with torch.inference_mode():
        first, second = (
            network.step(frames, network.start(frames[:, :1]), quality.view(2, 2, 1, 1))[0]
            for network in (one, three)
        )
    torch.testing.assert_close(first, second, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("worse", "better"), [((36 / 51, 0.0), (24 / 51, 0.0)), ((0.1, 0.4), (0.1, 0.1))]
)
def test_worse_sources_see_the_weights_for_ruins(
    worse: tuple[float, float], better: tuple[float, float]
) -> None:
    network = Recurrent(2, features=8, pairs=1, flow_features=4, grades=2)
    frames = torch.rand(1, 3, 12, 16)
    state = network.start(frames[:, :1])
    shares = [
        network.observe(
            frames, state.previous, state.still, torch.tensor(quality).view(1, 2, 1, 1)
        ).mix[0, 1]
        for quality in (worse, better)
    ]
    assert 1 >= shares[0] > shares[1] >= 0


@pytest.mark.parametrize("ruin", [[0.3], [0.0, 0.75]])
@pytest.mark.parametrize("learns", [False, True])
def test_a_sum_is_of_what_was_given_and_the_features(
    ruin: list[float], learns: bool, conv: Graded
) -> None:
    x, mix = torch.rand(len(ruin), 4, 9, 7), mixture(torch.tensor(ruin), GRADES)
    given = torch.rand(len(ruin), FEATURES, 9, 7).to(memory_format=torch.channels_last)
    with torch.inference_mode(not learns):
        expected = given + graded(conv, x, mix)
        torch.testing.assert_close(graded(conv, x, mix, onto=given.clone()), expected)


def test_weights_that_are_mixed_once_give_and_learn_the_same() -> None:
    torch.manual_seed(1)
    network = Recurrent(2, features=8, pairs=1, grades=3, flow_features=4)
    torch.nn.init.normal_(network.outward.weight, std=0.05)
    mix = mixture(torch.tensor([0.0, 0.3, 0.75]), 3)
    inputs = [torch.rand(3, network.inward.in_channels, 9, 7) for _ in range(2)]
    layers = [m for m in network.modules() if isinstance(m, Graded)]
    found = []
    for context in (nullcontext(), mixed_once(network, mix)):
        network.zero_grad()
        with context:
            details = [network.cell(each, mix)[0] for each in inputs]
        sum(detail.square().sum() for detail in details).backward()
        found.append([*details, *(layer.weight.grad for layer in layers)])
    for plain, once in zip(*found, strict=True):
        torch.testing.assert_close(once, plain)
    assert all(layer.mixed is None for layer in layers)


def test_all_grades_begin_alike() -> None:
    torch.manual_seed(1)
    network = Recurrent(2, features=8, pairs=1, grades=3, flow_features=4)
    for module in network.modules():
        if isinstance(module, Graded):
            one, *others = module.weight.view(3, -1)
            assert all(torch.equal(one, other) for other in others)
    assert network.inward.weight.any()
