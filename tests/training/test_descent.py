"""The learning rate along a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vsr.training import descent
from vsr.training.recipe import Recipe


def test_the_rate_rises_then_falls_along_a_cosine(recipe: Recipe) -> None:
    whole = replace(recipe, lr=1.0, iterations=1000)
    rates = [descent.rate_at(whole, step, step / 1000, (0.0,)) for step in range(1000)]
    assert rates[0] == pytest.approx(1 / descent.WARM_UP)
    assert rates[500] == pytest.approx(0.5)
    assert rates[750:] == sorted(rates[750:], reverse=True)
    assert rates[999] == pytest.approx(0.002)


def test_the_rate_rises_again_where_further_layers_begin(recipe: Recipe) -> None:
    whole = replace(recipe, lr=1.0, iterations=10_000)
    rates = [descent.rate_at(whole, step, step / 10_000, (0.0, 0.1, 0.7)) for step in range(9000)]
    plain = [descent.rate_at(whole, step, step / 10_000, (0.0,)) for step in range(9000)]
    for start in (1000, 7000):
        assert rates[start] == pytest.approx(0.01 * plain[start])
        assert rates[start : start + 99] == sorted(rates[start : start + 99])
        assert rates[start + 100 : start + 1000] == plain[start + 100 : start + 1000]
    assert rates[:1000] == plain[:1000]
