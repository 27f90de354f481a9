"""What an enlarged picture says of its source."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from support.natural_picture import natural

from vsr.consistency.measure import agreement, levels, psnr
from vsr.core.frame import PIXEL_FORMATS
from vsr.core.resample import Upsample, resize


def enlarged(source: np.ndarray, scale: int = 4) -> np.ndarray:
    return Upsample(scale)(torch.from_numpy(source)[None, None])[0, 0].numpy()


SOURCE = natural(1, 48, 40).astype(np.float32)


def test_the_true_picture_agrees_with_what_was_made_of_it() -> None:
    large = natural(2, 96, 80).astype(np.float32)
    source = resize(torch.from_numpy(large), 20, 24).numpy()
    found = agreement(large, source)
    assert found.squared < 1e-8
    assert found.largest < 1e-3
    assert math.isinf(psnr(0))


def test_a_patch_that_is_lighter_is_found_by_its_size() -> None:
    large = enlarged(SOURCE)
    plain = agreement(large, SOURCE)
    changed = large.copy()
    changed[64:96, 64:96] += 20  # the block of rows and columns 16 to 23
    found = agreement(changed, SOURCE)
    assert plain.largest < 3
    assert found.largest == pytest.approx(20, abs=3)
    rows, columns = np.unravel_index(found.error.argmax(), found.error.shape)
    assert 15 <= rows <= 24
    assert 15 <= columns <= 24


def test_overshoot_counts_what_leaves_the_neighbourhood() -> None:
    large = enlarged(SOURCE)
    assert agreement(large, SOURCE).overshoot < 0.01
    ringing = large.copy()
    ringing[::10, ::10] = 255
    share = agreement(ringing, SOURCE).overshoot - agreement(large, SOURCE).overshoot
    assert share == pytest.approx(ringing[::10, ::10].size / ringing.size, abs=0.002)


def test_sharpening_is_told_from_smoothing() -> None:
    large = enlarged(SOURCE)
    sharper = large + 2 * (
        large
        - torch.nn.functional.avg_pool2d(torch.from_numpy(large)[None, None], 5, 1, 2)[0, 0].numpy()
    )
    assert agreement(sharper, SOURCE).overshoot > 5 * agreement(large, SOURCE).overshoot + 0.01


def test_depths_are_of_one_scale() -> None:
    ten = (SOURCE.astype(np.uint16)) * 4
    np.testing.assert_array_equal(levels(ten, PIXEL_FORMATS["gray10le"]), SOURCE.astype(np.uint8))
