"""What a look is taken for, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vsr.model_selection.analyze import SourceAnalysis
from vsr.model_selection.classify import BLOCKY, COARSE, FEW_BITS, NOISY, classify

FINE = SourceAnalysis(
    "h264", bits=0.9, bits_per_gradient=0.4, quantiser=12.0, blocks=1.0, noise=0.5
)
UNTOLD = replace(FINE, codec="hevc", quantiser=None)


@pytest.mark.parametrize("look", [FINE, UNTOLD, replace(UNTOLD, bits_per_gradient=None)])
def test_what_shows_nothing_is_clean(look: SourceAnalysis) -> None:
    found = classify(look)
    assert not found.is_footage
    assert found.why.startswith("clean by its look: ")
    assert found.look == look


@pytest.mark.parametrize(
    ("look", "word"),
    [
        (replace(FINE, quantiser=COARSE), "coarsely coded"),
        (replace(UNTOLD, bits_per_gradient=FEW_BITS - 0.01), "coarsely coded"),
        (replace(FINE, blocks=BLOCKY), "blocky"),
        (replace(FINE, noise=NOISY), "noisy"),
        (replace(UNTOLD, noise=NOISY), "noisy"),
    ],
)
def test_any_of_the_signs_is_enough(look: SourceAnalysis, word: str) -> None:
    found = classify(look)
    assert found.is_footage
    assert found.why.startswith(f"footage by its look, {word}: ")


@pytest.mark.parametrize(
    "look",
    [
        replace(FINE, quantiser=COARSE - 0.1),
        replace(UNTOLD, bits_per_gradient=FEW_BITS),
        replace(FINE, blocks=BLOCKY - 0.01),
        replace(FINE, noise=NOISY - 0.1),
        replace(FINE, bits=0.01),  # a picture of little needs little
        replace(
            FINE, bits_per_gradient=0.01
        ),  # what the encoder itself says is better than a guess
    ],
)
def test_below_the_thresholds_it_is_clean(look: SourceAnalysis) -> None:
    assert not classify(look).is_footage


def test_all_is_said_in_one_line() -> None:
    look = SourceAnalysis(
        "h264", bits=0.0312, bits_per_gradient=0.05, quantiser=27.6, blocks=1.204, noise=3.14
    )
    assert classify(look).why == (
        "footage by its look, coarsely coded and blocky and noisy: "
        "H.264 at 0.031 bits a pixel, quantiser 28, blocks 1.20, noise 3.1"
    )
    assert (
        "vc1 at 0.9 bits a pixel, 0.4 for each step" in classify(replace(UNTOLD, codec="vc1")).why
    )
