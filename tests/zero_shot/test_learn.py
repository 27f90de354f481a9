"""ZSSR learns from one picture, undoes its kernel, and does so again by its seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.natural_picture import natural
from torch import Tensor

from vsr.core.errors import TrainingError
from vsr.core.options import ComputeOptions
from vsr.core.resample import Upsample
from vsr.degradation.degradations import Blur
from vsr.inference.engine import choose_engine
from vsr.networks.zssr import Zssr
from vsr.zero_shot.back_projection import (
    back_projected,
    best_steps,
    enlarged,
    positions,
    restored,
)
from vsr.zero_shot.course import Course, Learning
from vsr.zero_shot.estimated import estimated
from vsr.zero_shot.kernel import Kernel, bicubic
from vsr.zero_shot.learn import Pairs, Pictures, learn

CPU = torch.device("cpu")
ENGINE = choose_engine(ComputeOptions(device="cpu", threads=1, precision="fp32"))


def picture(rows: int = 96, columns: int = 112) -> Tensor:
    """(1, 3, rows, columns)."""
    grey = torch.from_numpy(natural()[:rows, :columns].copy()).float() / 255
    return grey.repeat(1, 3, 1, 1)


def askew(scale: int) -> Kernel:
    blur = Blur("anisotropic", 1.0, 0.5, 0.6)
    return Kernel(blur.kernel(scale, 6 * scale + 1)[0].double().numpy(), scale)


def by(network: Zssr, small: Tensor) -> Tensor:
    return enlarged(network, small, ENGINE)


def psnr(made: Tensor, truth: Tensor) -> float:
    return -10 * float(torch.mean((made.clamp(0, 1) - truth)[..., 4:-4, 4:-4] ** 2).log10())


def upscaled(small: Tensor, scale: int) -> Tensor:
    return Upsample(scale)(small[0][:, None])[:, 0][None]


@pytest.mark.slow
def test_it_undoes_the_kernel_that_it_is_told() -> None:
    truth, kernel = picture(), askew(2)
    small = (kernel.reduce(truth) * 255).round() / 255
    network = learn(Pictures((small,), kernel), Course(iterations=25), CPU, by)
    plain = psnr(upscaled(small, 2), truth)
    steps = best_steps(network, small, kernel, ENGINE)
    assert steps > 0
    assert psnr(restored(network, small, kernel, ENGINE, steps), truth) > plain + 0.5


def test_the_same_call_gives_the_same_weights() -> None:
    small, kernel = picture(32, 40), bicubic(2)
    told: list[Learning] = []
    course = Course(iterations=2, seed=5)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = learn(Pictures((small,), kernel), course, CPU, by, report=told.append)
    other = learn(Pictures((small,), kernel), course, CPU, by)
    assert torch.equal(torch.get_rng_state(), before)
    assert [now.step for now in told] == [1, 2]
    assert [now.done for now in told] == [0.5, 1.0]
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    again = learn(Pictures((small,), kernel), Course(iterations=2, seed=6), CPU, by)
    assert not torch.equal(again.convs[0].weight, one.convs[0].weight)  # type: ignore[arg-type]


def test_gradual_goes_by_way_of_x2() -> None:
    small = picture(32, 40)
    seen: list[tuple[int, tuple[int, ...]]] = []
    told: list[Learning] = []

    def enlarge(network: Zssr, frame: Tensor) -> Tensor:
        seen.append((network.scale, tuple(frame.shape[-2:])))
        return by(network, frame)

    pictures = Pictures((small,), askew(4))
    network = learn(pictures, Course(iterations=4), CPU, enlarge, True, told.append)
    assert network.scale == 4
    assert seen == [(2, (32, 40))]
    assert [now.step for now in told] == [1, 2, 3, 4]
    assert [now.done for now in told] == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_pairs_are_reductions_of_their_truths(scale: int) -> None:
    """Away from the patch's borders, where the picture goes on and the patch ends."""
    kernel = askew(scale)
    pairs = Pairs(Pictures((picture(200, 210), picture(70, 90)), kernel), CPU)
    random = np.random.default_rng(2)
    for _ in range(8):
        small, large = pairs.draw(random)
        assert large.shape[-2:] == tuple(side * scale for side in small.shape[-2:])
        edge = -(-kernel.reach // scale)
        inside = np.s_[..., edge:-edge, edge:-edge]
        torch.testing.assert_close(small[inside], kernel.reduce(large)[inside], atol=1e-5, rtol=0)


def test_noise_comes_after_the_reduction() -> None:
    kernel = bicubic(2)
    pairs = Pairs(Pictures((picture(),), kernel, noise=10.0), CPU)
    small, large = pairs.checked
    added = (small - kernel.reduce(large))[..., 8:-8, 8:-8] * 255
    assert added.std().item() == pytest.approx(10, rel=0.1)


def test_too_small_pictures_are_refused() -> None:
    with pytest.raises(TrainingError, match="40x31 pixels are too few to learn from at x4"):
        Pictures((picture(31, 40),), bicubic(4))
    with pytest.raises(TrainingError, match="no picture"):
        Pictures((), bicubic(4))


def test_back_projection_agrees_with_what_was_given() -> None:
    truth, kernel = picture(), askew(2)
    small = kernel.reduce(truth)
    large = upscaled(small, 2)
    errors = [
        torch.mean((kernel.reduce(back_projected(large, small, kernel, n)) - small) ** 2).item()
        for n in (0, 1, 4)
    ]
    assert errors[0] > 3 * errors[1] > 3 * errors[2]
    assert psnr(back_projected(large, small, kernel, 4), truth) > psnr(large, truth) + 1


def test_positions_are_those_in_which_the_kernel_is_the_same() -> None:
    round_, lying = bicubic(2, 0.5), Kernel(np.outer(np.ones(2), np.ones(8)), 2)
    assert len(positions(round_)) == 8
    assert len(positions(lying)) == 4
    assert len(positions(askew(2))) == 2
    weights = np.zeros((4, 4))
    weights[0, 1] = 1
    assert len(positions(Kernel(weights, 2))) == 1
    small = picture(9, 12)
    for position in positions(round_):
        assert torch.equal(position.back(position.of(small)), small)


def test_a_network_that_has_learnt_nothing_is_bicubic() -> None:
    small = picture(20, 24)
    made = enlarged(Zssr(3).eval(), small, ENGINE)
    torch.testing.assert_close(made, upscaled(small, 3).clamp(0, 1), atol=2e-5, rtol=0)


@pytest.mark.slow
def test_more_blur_is_estimated_where_there_is_more() -> None:
    truth = picture(192, 224)
    blurs = [estimated([bicubic(2, blur).reduce(truth)], 2, 1).blur for blur in (0.0, 1.0)]
    assert None not in blurs
    assert blurs[1] > blurs[0] + 0.2  # type: ignore[operator]


def test_a_course_needs_an_end() -> None:
    with pytest.raises(TrainingError, match="needs an end"):
        Course()
    with pytest.raises(TrainingError, match="minutes -1: must be a number above 0"):
        Course(minutes=-1)
