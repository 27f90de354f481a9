"""ZSSR's learning: a network from one picture, or a clip's frames, and their own reductions.

Shocher, Cohen and Irani 2018, "'Zero-Shot' Super-Resolution using Deep Internal Learning" (CVPR),
sections 3 and 3.2: the picture and smaller copies of it are the truth, and what the camera's
kernel makes of them is the input. What repeats within a picture repeats across its scales.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vsr.core.errors import TrainingError
from vsr.core.resample import resize
from vsr.networks.zssr import Zssr
from vsr.zero_shot.course import Course, Learning
from vsr.zero_shot.falling_rate import CHECK_EVERY, FallingRate
from vsr.zero_shot.kernel import Kernel

LEAST = 8
"""Small pixels a side, so LEAST * scale of the picture's."""
_PATCH = 128  # large pixels a side: the paper's
_COPIES = (1.0, 0.85, 0.7, 0.55)  # sizes at which a picture is a truth
_WEIGHTS = (0.4, 0.25, 0.2, 0.15)  # how often each is taken
_CHECKED = 192  # large pixels a side, at most, on which the error is watched
_VIA = {2: (2,), 3: (2, 3), 4: (2, 4)}  # gradual scales


@dataclass(frozen=True, eq=False)  # tensors cannot be compared so
class Pictures:
    """What is learnt from, and how it was reduced.

    Attributes:
        frames: the picture, or frames of a clip: (1, 3, h, w) float32 RGB in [0, 1], of any sizes
            of at least LEAST * scale pixels a side.
        kernel: the reduction, and the scale.
        noise: deviation of the noise in them, in sample values of 0..255: their reductions get as
            much, so that the network learns not to enlarge it.
    """

    frames: tuple[Tensor, ...]
    kernel: Kernel
    noise: float = 0.0

    def __post_init__(self) -> None:
        if not self.frames:
            raise TrainingError("nothing to learn from: no picture")
        least = LEAST * self.kernel.scale
        for frame in self.frames:
            height, width = frame.shape[-2:]
            if min(height, width) < least:
                raise TrainingError(
                    f"{width}x{height} pixels are too few to learn from at "
                    f"x{self.kernel.scale}: both sides need {least}"
                )


Report = Callable[[Learning], None]
Enlarge = Callable[[Zssr, Tensor], Tensor]
"""Enlarges (1, 3, h, w) by a network, of any size, to (1, 3, scale*h, scale*w)."""


def learn(
    pictures: Pictures,
    course: Course,
    device: torch.device,
    enlarge: Enlarge,
    gradual: bool = False,
    report: Report = lambda learning: None,
) -> Zssr:
    """A network that enlarges the pictures by the kernel's scale, on the CPU.

    Steps end with the course, or earlier, where the error falls no more at the lowest rate. The
    same call, with `course.iterations` alone, gives the same weights on the same machine and
    threads.

    Args:
        pictures: what is learnt from.
        course: shared evenly by the stages.
        device: where it is learnt.
        enlarge: by which the pictures of one stage become truths of the next.
        gradual: go to x3 and x4 by way of x2 (section 3.2).
        report: called after each step; what it raises ends the learning.

    Raises TrainingError where the loss stops being a number.
    """
    stages = _VIA[pictures.kernel.scale] if gradual else (pictures.kernel.scale,)
    truths = list(pictures.frames)
    network: Zssr | None = None
    steps = 0
    for number, scale in enumerate(stages):
        stage = _begun(scale, course.seed, network).to(device)
        told = _Share(report, number, len(stages), steps)
        here = Pictures(tuple(truths), pictures.kernel.at(scale), pictures.noise)
        part = Course(
            course.minutes and course.minutes / len(stages),
            course.iterations and math.ceil(course.iterations / len(stages)),
            course.seed + number,
        )
        _learn_stage(stage, here, part, device, told)
        steps = told.steps
        network = stage.cpu().eval().requires_grad_(False)
        if scale != stages[-1]:
            truths += [enlarge(network, frame).clamp(0, 1) for frame in pictures.frames]
    assert network is not None
    return network


@dataclass
class _Share:
    """Reports a stage as its share of the whole.

    Attributes:
        report: who is told.
        number, count: of the stages.
        steps: taken so far, of all stages.
    """

    report: Report
    number: int
    count: int
    steps: int

    def __call__(self, learning: Learning) -> None:
        self.steps += 1
        done = (self.number + learning.done) / self.count
        self.report(Learning(self.steps, done, learning.loss))


def _begun(scale: int, seed: int, before: Zssr | None) -> Zssr:
    """A network of a scale, as it begins or as another stage has left it."""
    with torch.random.fork_rng(devices=()):  # the caller's random numbers are left alone
        torch.manual_seed(seed)
        network = Zssr(scale)
    if before is not None:
        network.load_state_dict(before.state_dict())
    return network.train().requires_grad_(True)


def _learn_stage(
    network: Zssr, pictures: Pictures, course: Course, device: torch.device, report: Report
) -> None:
    pairs = Pairs(pictures, device)
    random = np.random.default_rng(course.seed)
    adam = torch.optim.Adam(network.parameters())
    rate = FallingRate()
    began, step, done = time.monotonic(), 0, 0.0
    while done < 1:
        for group in adam.param_groups:
            group["lr"] = rate.at(done)
        small, large = pairs.draw(random)
        with torch.autocast(device.type, torch.bfloat16):
            made = network(small)
        loss = F.l1_loss(made.float(), large)
        adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingError(f"step {step + 1}: the loss is {value}; another seed may help")
        adam.step()
        step += 1
        done = course.done(step, began)
        if step % CHECK_EVERY == 0:
            rate.see(_error(network, pairs.checked))
            done = 1.0 if rate.is_over else done
        report(Learning(step, done, value))


@torch.no_grad()
def _error(network: Zssr, pair: tuple[Tensor, Tensor]) -> float:
    small, large = pair
    with torch.autocast(small.device.type, torch.bfloat16):
        made = network(small)
    return F.l1_loss(made.float(), large).item()


@dataclass
class Pairs:
    """Patches of the pictures and of their smaller copies, with what the kernel makes of them.

    Attributes:
        pictures: what they are cut from.
        device: where they are.
        checked: a fixed pair (1, 3, h, w) and (1, 3, scale*h, scale*w), by which the learning is
            watched: the middle of the first picture, whole.
    """

    pictures: Pictures
    device: torch.device
    checked: tuple[Tensor, Tensor] = field(init=False)
    _truths: list[list[Tensor]] = field(init=False)  # of each picture, padded by the kernel's reach

    def __post_init__(self) -> None:
        kernel = self.pictures.kernel
        self._truths = [
            [kernel.pad(copy) for copy in _copies(frame.to(self.device), kernel.scale)]
            for frame in self.pictures.frames
        ]
        middle = _middle(self.pictures.frames[0].to(self.device), kernel.scale)
        self.checked = self._pair(kernel.pad(middle), 0)

    def draw(self, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """A patch as the network sees it, and the truth of it: turned, flipped, moved, reduced."""
        kernel = self.pictures.kernel
        copies = self._truths[int(random.integers(len(self._truths)))]
        weights = np.array(_WEIGHTS[: len(copies)])
        padded = copies[int(random.choice(len(copies), p=weights / weights.sum()))]
        sides: list[slice] = []
        for length in (side - 2 * kernel.reach for side in padded.shape[-2:]):
            patch = min(_PATCH // kernel.scale, length // kernel.scale) * kernel.scale
            first = int(random.integers(length - patch + 1))
            sides.append(slice(first, first + patch + 2 * kernel.reach))
        window = padded[..., sides[0], sides[1]]
        window = torch.rot90(window, int(random.integers(4)), (-2, -1))
        if random.random() < 0.5:
            window = window.flip(-1)
        return self._pair(window, int(random.integers(2**31)))

    def _pair(self, padded: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Of a truth with the kernel's reach around it."""
        reach, noise = self.pictures.kernel.reach, self.pictures.noise
        small = self.pictures.kernel.reduce_padded(padded)
        if noise:
            drawn = torch.Generator().manual_seed(seed)
            added = torch.randn(small.shape, generator=drawn)
            small = small + added.to(small.device) * (noise / 255)
        inside = slice(reach, -reach or None)
        return small, padded[..., inside, inside]


def _copies(frame: Tensor, scale: int) -> Iterator[Tensor]:
    """A picture at the sizes at which it is a truth, large enough to be one."""
    height, width = frame.shape[-2:]
    for factor in _COPIES:
        rows, columns = round(height * factor), round(width * factor)
        if factor == 1:
            yield frame
        elif min(rows, columns) >= LEAST * scale:
            yield resize(frame, rows, columns)


def _middle(frame: Tensor, scale: int) -> Tensor:
    """The middle of a picture, sides divisible by `scale`."""
    sides: Sequence[int] = frame.shape[-2:]
    rows, columns = (min(side, _CHECKED) // scale * scale for side in sides)
    y, x = (sides[0] - rows) // 2, (sides[1] - columns) // 2
    return frame[..., y : y + rows, x : x + columns]
