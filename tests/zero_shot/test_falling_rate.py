"""The learning rate falls where the error does not."""

from __future__ import annotations

import numpy as np

from vsr.zero_shot.falling_rate import FallingRate


def test_it_stays_while_the_error_falls() -> None:
    rate = FallingRate()
    for number in range(40):
        rate.see(1 - 0.02 * number)
    assert rate.rate == 1e-3


def test_it_falls_in_steps_until_it_is_over() -> None:
    rate, random = FallingRate(), np.random.default_rng(1)
    seen = []
    while not rate.is_over:
        rate.see(1 + 0.01 * random.standard_normal())
        seen.append(rate.rate)
        assert len(seen) < 200
    assert [f"{one:.0e}" for one in sorted(set(seen), reverse=True)] == [
        "1e-03",
        "1e-04",
        "1e-05",
        "1e-06",
        "1e-07",
    ]
    assert seen.count(seen[0]) >= 5  # a line needs its points


def test_a_short_course_ends_at_a_low_rate() -> None:
    rate = FallingRate()
    found = [rate.at(done) for done in (0.0, 0.69, 0.7, 0.89, 0.9, 1.0)]
    assert found == [1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5]
    assert FallingRate(1e-6).at(0.8) == 1e-6
