"""Widened training: unchanged at the start, and one plain kernel at the end."""

from __future__ import annotations

import torch

from vsr.networks.espcn import Espcn
from vsr.training.reparam import merged_state, widen


def trained(network: Espcn, steps: int) -> None:
    """A few steps towards noise, so that no parameter stays where it began."""
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    random = torch.Generator().manual_seed(5)
    for _ in range(steps):
        x = torch.rand(2, 1, 8, 8, generator=random)
        y = torch.rand(2, 1, 16, 16, generator=random)
        optimizer.zero_grad()
        (network(x) - y).square().mean().backward()
        optimizer.step()


def test_widening_changes_nothing_at_first() -> None:
    plain = Espcn(2, (3, 3, 3), (8, 6))
    trained(plain, 3)
    x = torch.rand(1, 1, 9, 10)
    before = plain(x)
    widen(plain, 32)
    assert torch.equal(plain(x), before)
    assert sum(p.numel() for p in plain.parameters()) > 32 * 9 * 3


def test_a_plain_network_takes_over_what_the_wide_one_learnt() -> None:
    wide, plain = Espcn(2, (5, 3, 3), (8, 6)), Espcn(2, (5, 3, 3), (8, 6))
    widen(wide, 16)
    trained(wide, 6)
    for module in wide.convs:
        assert module.parametrizations["weight"][0].mix.abs().max() > 0
    plain.load_state_dict(merged_state(wide))  # strict: names and shapes are the plain ones
    x = torch.rand(2, 1, 9, 10)
    torch.testing.assert_close(plain(x), wide(x), atol=1e-6, rtol=1e-5)


def test_the_merged_state_of_a_plain_network_is_its_own() -> None:
    network = Espcn(3, (3, 3), (4,))
    state, merged = network.state_dict(), merged_state(network)
    assert state.keys() == merged.keys()
    assert all(torch.equal(state[name], merged[name]) for name in state)
    merged["convs.0.weight"] += 1  # a copy: the network keeps its own
    assert not torch.equal(network.state_dict()["convs.0.weight"], merged["convs.0.weight"])


def test_the_bank_stays_float32_under_autocast() -> None:
    network = Espcn(2, (3, 3), (4,))
    widen(network, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert network.convs[0].weight.dtype == torch.float32
