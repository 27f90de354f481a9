"""Deep Image Prior: a network that has learnt nothing, fitted to one picture.

Ulyanov, Vedaldi and Lempitsky 2018, "Deep Image Prior" (CVPR), section 3.2. The large picture is
what an hourglass makes of fixed noise; its weights are found so that this picture, reduced, is the
one that was given. Among all large pictures that fit, the network comes to natural ones first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from vsr.core.errors import TrainingError
from vsr.zero_shot.course import Course, Learning
from vsr.zero_shot.hourglass import INPUTS, LEVELS, Hourglass
from vsr.zero_shot.kernel import Kernel

LEARNING_RATE = 0.01
ITERATIONS = 2000
_INPUT = 0.1  # the noise is uniform from 0 to this
_JITTER = {2: 0.01, 3: 0.02, 4: 0.03}  # deviation of what each step adds; the paper's for x4
_AVERAGED = 100  # steps that the mean reaches back over, or a tenth of those taken
# A large pixel's share of the memory, for each feature and besides: `memory.peak_bytes` of a step
# with 16, 32 and 64 features, in bfloat16.
_BYTES, _BYTES_MORE = 60, 250
_ROUNDING = 1 / 255 / math.sqrt(12)  # deviation that 8 bits leave


def restored(
    small: Tensor,
    kernel: Kernel,
    course: Course,
    features: int = 128,
    noise: float = 0.0,
    device: torch.device | None = None,
    report: Callable[[Learning], None] = lambda learning: None,
) -> Tensor:
    """The picture whose reduction by `kernel` is `small`.

    The result is the exponential mean of the pictures of the last steps. They end with the course,
    or earlier, once that mean, reduced, is as near to `small` as its noise, or its rounding to 8
    bits, allows: from there on only noise would be learnt.

    Args:
        small: (1, 3, h, w) float32 RGB in [0, 1].
        kernel: the reduction, and the scale.
        course: the paper takes 2000 steps at x4.
        features: of the hourglass.
        noise: deviation of the noise in `small`, in sample values of 0..255.
        device: the CPU by default.
        report: called after each step; what it raises ends the work.

    Returns (1, 3, scale*h, scale*w) in [0, 1] on the CPU. Raises TrainingError where the loss
    stops being a number.
    """
    place = device or torch.device("cpu")
    rows, columns = (side * kernel.scale for side in small.shape[-2:])
    net, z = _begun(rows, columns, features, course.seed, place)
    drawn = torch.Generator(place).manual_seed(course.seed)
    adam = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    truth, reached = small.to(place), max(noise / 255, _ROUNDING)
    mean, began, step, done = torch.zeros(1), time.monotonic(), 0, 0.0
    while done < 1:
        shown = z + _JITTER[kernel.scale] * torch.randn(z.shape, generator=drawn, device=place)
        with torch.autocast(place.type, torch.bfloat16):
            made = net(shown)
        made = made[..., :rows, :columns]
        loss = torch.mean((kernel.reduce(made) - truth) ** 2)
        adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingError(f"step {step + 1}: the loss is {value}; another seed may help")
        adam.step()
        step += 1
        with torch.no_grad():
            share = 1 / min(max(1.0, step / 10), _AVERAGED)
            mean = made.detach().clone() if step == 1 else mean.lerp_(made.detach(), share)
            near = torch.mean((kernel.reduce(mean) - truth) ** 2).sqrt().item() <= reached
        done = 1.0 if near else course.done(step, began)
        report(Learning(step, done, value))
    return mean.cpu()


def _begun(
    rows: int, columns: int, features: int, seed: int, place: torch.device
) -> tuple[Hourglass, Tensor]:
    """The hourglass, and its noise for a picture of at least that size."""
    with torch.random.fork_rng(devices=()):  # the caller's random numbers are left alone
        torch.manual_seed(seed)
        net = Hourglass(features)
        z = torch.rand(1, INPUTS, *_sides(rows, columns, net.step)) * _INPUT
    net.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net, z.to(place, memory_format=torch.channels_last)


def _sides(rows: int, columns: int, step: int) -> tuple[int, int]:
    """The size that is worked at: of whole steps, two at least, as reflected borders want."""
    height, width = (max(math.ceil(side / step), 2) * step for side in (rows, columns))
    return height, width


def bytes_needed(rows: int, columns: int, features: int) -> int:
    """About what the work takes at its peak, for a large picture of so many rows and columns."""
    return math.prod(_sides(rows, columns, 2**LEVELS)) * (_BYTES * features + _BYTES_MORE)
