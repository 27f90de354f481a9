"""Deep Image Prior: the hourglass by its counts, and a picture that fits what was given."""

from __future__ import annotations

import pytest
import torch
from support.natural_picture import natural
from torch import Tensor

from vsr.core.errors import InputError, TrainingError
from vsr.core.options import ComputeOptions
from vsr.inference.engine import choose_engine
from vsr.zero_shot import methods
from vsr.zero_shot.course import Course, Learning
from vsr.zero_shot.deep_image_prior import bytes_needed, restored
from vsr.zero_shot.estimated import Reduction
from vsr.zero_shot.hourglass import INPUTS, Hourglass
from vsr.zero_shot.kernel import bicubic


def small(rows: int = 16, columns: int = 20, scale: int = 4) -> Tensor:
    grey = torch.from_numpy(natural()[: rows * scale, : columns * scale].copy()).float() / 255
    return bicubic(scale).reduce(grey.repeat(1, 3, 1, 1)).clamp(0, 1)


def test_the_papers_shape_by_its_parameters() -> None:
    """Five levels of 128: by hand, from the supplementary's table."""

    def layer(inputs: int, features: int, size: int) -> int:
        return (inputs * size**2 + 1) * features + 2 * features  # and the normalisation

    expected = layer(INPUTS, 128, 3) + 9 * layer(128, 128, 3)  # down
    expected += layer(INPUTS, 4, 1) + 4 * layer(128, 4, 1)  # across
    expected += 5 * (2 * 132 + layer(132, 128, 3) + layer(128, 128, 1))  # up
    expected += (128 + 1) * 3
    assert sum(p.numel() for p in Hourglass().parameters()) == expected == 2_217_831


def test_the_hourglass_keeps_the_size() -> None:
    net = Hourglass(features=4, levels=3, skips=2)
    out = net(torch.rand(1, INPUTS, 16, 24))
    assert out.shape == (1, 3, 16, 24)
    assert 0 <= out.min() < out.max() <= 1
    with pytest.raises(ValueError, match="all must be positive"):
        Hourglass(0)


@pytest.mark.slow
def test_the_result_reduced_comes_near_what_was_given() -> None:
    given, kernel = small(), bicubic(4)
    losses: list[float] = []

    def report(learning: Learning) -> None:
        losses.append(learning.loss)

    made = restored(given, kernel, Course(iterations=60), 16, report=report)
    assert made.shape == (1, 3, 64, 80)
    assert 0 <= made.min() < made.max() <= 1
    error = torch.mean((kernel.reduce(made) - given) ** 2).item()
    assert error < 0.2 * losses[0]
    assert sum(losses[-10:]) < 0.2 * sum(losses[:10])


def test_the_same_seed_gives_the_same_picture() -> None:
    given, kernel = small(5, 7), bicubic(4)  # no multiple of what the hourglass divides by
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, again = (restored(given, kernel, Course(iterations=2), 4) for _ in range(2))
    assert one.shape == (1, 3, 20, 28)
    assert torch.equal(one, again)
    assert torch.equal(torch.get_rng_state(), before)
    other = restored(given, kernel, Course(iterations=2, seed=2), 4)
    assert not torch.equal(one, other)


def test_it_stops_where_only_noise_is_left_to_learn() -> None:
    given = small()
    told: list[Learning] = []
    restored(given, bicubic(4), Course(iterations=50), 4, noise=200.0, report=told.append)
    assert [now.step for now in told] == [1]
    assert told[-1].done == 1


def test_what_is_raised_in_the_report_ends_the_work() -> None:
    def report(learning: Learning) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restored(small(), bicubic(4), Course(iterations=9), 4, report=report)


def test_too_little_memory_is_told_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "free_memory", lambda device: 10**6)
    engine = choose_engine(ComputeOptions(device="cpu"))
    prior = methods.DeepImagePrior(Course(iterations=1), 8)
    with pytest.raises(InputError, match=r"80x64 pixels with 8 features need about .* are free"):
        prior.restored(small(), Reduction(bicubic(4)), engine, lambda learning: None)


def test_what_a_short_course_leaves_out_is_put_back() -> None:
    """Unless it would be noise."""
    given, kernel = small(), bicubic(4)
    engine = choose_engine(ComputeOptions(device="cpu"))
    prior = methods.DeepImagePrior(Course(iterations=3), 4)
    plain = restored(given, kernel, prior.course, 4)
    clean, noisy = (
        prior.restored(given, Reduction(kernel, noise), engine, lambda learning: None)
        for noise in (0.0, 2.0)
    )
    assert torch.equal(noisy, plain)
    errors = [torch.mean((kernel.reduce(made) - given) ** 2).item() for made in (plain, clean)]
    assert errors[1] < 0.1 * errors[0]


def test_features_have_bounds() -> None:
    with pytest.raises(TrainingError, match="features 0: must be a whole number of 1 to 1024"):
        methods.DeepImagePrior(Course(iterations=1), 0)


def test_narrow_pictures_take_the_memory_of_what_is_worked_at() -> None:
    """Five halvings leave two pixels a side."""
    assert bytes_needed(2, 20_000, 8) == bytes_needed(64, 20_000, 8)
    assert bytes_needed(65, 65, 8) == bytes_needed(96, 96, 8)
