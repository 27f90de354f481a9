"""What real recordings did to the picture: lens, sensor, camera and encoder, as values.

After Wang et al. 2021, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure
Synthetic Data" (sections 3.1 to 3.3), and Chan et al. 2022, "Investigating Tradeoffs in Real-World
Video Super-Resolution" (RealBasicVSR), who put video compression at the end. Their ranges serve
faces in old films as well; those here are narrowed to cameras' recordings, which have one lens, one
reduction and one encoder. Noise is drawn milder than theirs, as it lies before the encoder, which
takes most of it away again: what is left in the smooth parts of real H.264 footage (six clips of
320 to 1280 columns, 0.014 to 0.18 bits a pixel) has a deviation of 0.1 to 0.3 of 255.

All lengths are pixels of the small picture, whatever the scale. Everything is steady over a clip,
as a camera's is; the noise alone is new in each frame, and its strength may drift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import torch
from kornia.filters import filter2d, gaussian_blur2d, unsharp_mask
from torch import Tensor
from torch.nn import functional as F

from vsr.core.errors import TrainingError
from vsr.core.resample import resize
from vsr.degradation.compression import Compression, Samples, as_frames, as_samples

BLURS = ("isotropic", "anisotropic", "generalised")
KERNELS = ("bicubic", "area", "bilinear", "aliased")
NOISES = ("gaussian", "poisson")
_REACH = 3  # deviations of a blur's kernel, on each side


class Step(Protocol):
    """One thing that happened to the picture."""

    def apply(self, frames: Tensor, scale: int, random: np.random.Generator) -> Tensor:
        """(T, C, H, W) float32 in [0, 1], C 1 for luma or 3 for RGB -> what it made of them."""


@dataclass(frozen=True)
class Blur:
    """The lens's, before the picture is reduced.

    Attributes:
        kind: one of BLURS. Generalised: a Gaussian's square distance to the power `shape`
            (Real-ESRGAN, 3.1), blunt above 1 and peaked below.
        sigma: deviation along the kernel's first axis, in small pixels.
        other: along its second; that of an isotropic blur is the first's.
        angle: of the first axis, in radians.
        shape: of a generalised blur.
    """

    kind: str
    sigma: float
    other: float = 0.0
    angle: float = 0.0
    shape: float = 1.0

    def __post_init__(self) -> None:
        _one_of("blur", self.kind, BLURS)
        _above("sigma", self.sigma)
        if self.kind != "isotropic":
            _above("other", self.other)
        _above("shape", self.shape)

    def __str__(self) -> str:
        if self.kind == "isotropic":
            return f"isotropic blur {self.sigma:.2f}"
        shape = f" shape {self.shape:.2f}" if self.kind == "generalised" else ""
        turned = f"{self.sigma:.2f}x{self.other:.2f} at {math.degrees(self.angle):.0f}"
        return f"{self.kind} blur {turned}{shape}"

    def apply(self, frames: Tensor, scale: int, random: np.random.Generator) -> Tensor:
        if self.kind == "isotropic":
            sigma = self.sigma * scale
            side = _side(sigma, frames)
            return gaussian_blur2d(frames, (side, side), (sigma, sigma))
        return filter2d(frames, self.kernel(scale, _side(scale * self._widest, frames)))

    @property
    def _widest(self) -> float:
        return max(self.sigma, self.other)

    def kernel(self, scale: int, side: int) -> Tensor:
        """The weights (1, side, side) float32 in pixels of the large picture, sum 1."""
        reach = side // 2
        y, x = torch.meshgrid(*[torch.arange(-reach, reach + 1.0)] * 2, indexing="ij")
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        along = (cos * x + sin * y) / (self.sigma * scale)
        across = (cos * y - sin * x) / ((self.other or self.sigma) * scale)
        weights = torch.exp(-0.5 * (along**2 + across**2) ** self.shape)
        return (weights / weights.sum())[None]


@dataclass(frozen=True)
class Resize:
    """The reduction to the small size.

    Attributes:
        kernel: one of KERNELS: "bicubic" is MATLAB's; "bilinear" is antialiased as well;
            "aliased" bilinear reads four pixels alone, as hurried cameras do.
        first: where above 1, the picture is first reduced to `first` times the small size,
            by `first_kernel`: a sensor read at another size than is recorded.
        first_kernel: likewise.
    """

    kernel: str
    first: float = 1.0
    first_kernel: str = "bicubic"

    def __post_init__(self) -> None:
        _one_of("kernel", self.kernel, KERNELS)
        _one_of("kernel", self.first_kernel, KERNELS)
        if self.first < 1:
            raise TrainingError(f"first {self.first}: must be at least 1")

    def __str__(self) -> str:
        before = f"{self.first_kernel} to {self.first:.2f}, " if self.first > 1 else ""
        return f"{before}{self.kernel}"

    def apply(self, frames: Tensor, scale: int, random: np.random.Generator) -> Tensor:
        height, width = (side // scale for side in frames.shape[-2:])
        if 1 < self.first < scale:
            between = round(height * self.first), round(width * self.first)
            frames = _resized(frames, *between, self.first_kernel)
        return _resized(frames, height, width, self.kernel)


@dataclass(frozen=True)
class Noise:
    """The sensor's.

    Attributes:
        kind: "gaussian", the same everywhere, or "poisson", whose variance grows with the
            light.
        sigma: deviation in sample values of 0..255; of poisson at middle grey.
        grey: the same in red, green and blue. Luma has one channel anyway.
        drift: the last frame's deviation over the first one's, as when light fades and a camera
            amplifies more; `sigma` is that of the middle. After RealBasicVSR, whose parameters
            walk through a clip.
    """

    kind: str
    sigma: float
    grey: bool = True
    drift: float = 1.0

    def __post_init__(self) -> None:
        _one_of("noise", self.kind, NOISES)
        if self.sigma < 0:
            raise TrainingError(f"sigma {self.sigma}: must not be negative")
        _above("drift", self.drift)

    def __str__(self) -> str:
        drift = f" drifting by {self.drift:.2f}" if self.drift != 1 else ""
        return f"{'grey ' if self.grey else ''}{self.kind} noise {self.sigma:.1f}{drift}"

    def apply(self, frames: Tensor, scale: int, random: np.random.Generator) -> Tensor:
        if self.sigma == 0:
            return frames
        drawn = torch.Generator().manual_seed(int(random.integers(2**63)))
        source = frames.mean(1, keepdim=True) if self.grey else frames
        sigma = self._sigmas(len(frames)) / 255
        if self.kind == "gaussian":
            return frames + sigma * torch.randn(source.shape, generator=drawn)
        photons = 0.5 / sigma**2  # of white, so that middle grey has the deviation
        light = source.clamp(min=0) * photons
        return frames + (torch.poisson(light, generator=drawn) - light) / photons

    def _sigmas(self, count: int) -> Tensor:
        """Of each frame, (count, 1, 1, 1)."""
        way = torch.linspace(-0.5, 0.5, count) if count > 1 else torch.zeros(1)
        return (self.sigma * self.drift**way).view(-1, 1, 1, 1)


@dataclass(frozen=True)
class Sharpen:
    """The camera's own unsharp mask, a small FIR filter, which leaves halos.

    Attributes:
        amount: 1 adds the whole difference from the blurred picture, above 1 even more.
        sigma: of that blur, in small pixels.
    """

    amount: float
    sigma: float = 1.0

    def __post_init__(self) -> None:
        _above("amount", self.amount)
        _above("sigma", self.sigma)

    def __str__(self) -> str:
        return f"sharpened {self.amount:.2f} at {self.sigma:.1f}"

    def apply(self, frames: Tensor, scale: int, random: np.random.Generator) -> Tensor:
        side = _side(self.sigma, frames)
        sharp = unsharp_mask(frames, (side, side), (self.sigma, self.sigma))
        return frames.lerp(sharp, self.amount).clamp(0, 1)

    @property
    def noise_gain(self) -> float:
        """By how much it raises the deviation of noise that is independent in each pixel."""
        reach = max(1, math.ceil(_REACH * self.sigma))
        row = np.exp(-0.5 * (np.arange(-reach, reach + 1) / self.sigma) ** 2)
        row /= row.sum()
        kernel = -self.amount * np.outer(row, row)
        kernel[reach, reach] += 1 + self.amount
        return float(np.sqrt((kernel**2).sum()))


@dataclass(frozen=True)
class Jpeg:
    """Each frame by itself as a JPEG picture.

    Attributes:
        quality: 1..100, higher is better.
    """

    quality: int

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise TrainingError(f"quality {self.quality} of JPEG: must be within 1..100")

    def __str__(self) -> str:
        return f"jpeg {self.quality}"

    def apply(self, frames: Tensor, scale: int, random: np.random.Generator) -> Tensor:
        return as_frames(np.stack([self._coded(frame) for frame in as_samples(frames)]))

    def _coded(self, samples: Samples) -> Samples:
        """Through the encoder; OpenCV wants blue first, and its decoder gives it so."""
        written = samples if samples.ndim == 2 else samples[..., ::-1]
        flag = cv2.IMREAD_GRAYSCALE if samples.ndim == 2 else cv2.IMREAD_COLOR
        _, data = cv2.imencode(".jpg", written, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        read = np.asarray(cv2.imdecode(data, flag), np.uint8)
        return read if samples.ndim == 2 else read[..., ::-1]


@dataclass(frozen=True)
class Degradation:
    """All that happened to a clip, in order.

    Attributes:
        steps: with one Resize among them; those before it work at the large size.
    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if sum(isinstance(step, Resize) for step in self.steps) != 1:
            raise TrainingError(f"degradation {self}: must resize exactly once")

    def __str__(self) -> str:
        return "; ".join(str(step) for step in self.steps)

    @torch.no_grad()
    def apply(self, frames: Samples, scale: int, random: np.random.Generator) -> Samples:
        """What the camera would have recorded of the true `frames`.

        (T, H, W) luma or (T, H, W, 3) RGB uint8, sides divisible by `scale`, to
        (T, H/scale, W/scale) or with colours likewise, rounded to uint8. What is random, the
        noise, is drawn from `random`.
        """
        degraded = as_frames(frames)
        for step in self.steps:
            degraded = step.apply(degraded, scale, random)
        return as_samples(degraded)


def draw_degradation(random: np.random.Generator) -> Degradation:
    """One camera's, as they may come."""
    steps: list[Step] = []
    if random.random() < 0.4:
        steps.append(_draw_blur(random))
    steps.append(_draw_resize(random))
    if random.random() < 0.8:
        kind = NOISES[int(random.random() < 0.35)]
        sigma = min(0.3 + random.gamma(2.0, 1.5), 12.0)
        steps.append(Noise(kind, _plain(sigma), bool(random.random() < 0.5)))
    if random.random() < 0.1:
        amount, sigma = random.uniform(0.15, 0.8), random.uniform(0.6, 1.5)
        steps.append(Sharpen(_plain(amount), _plain(sigma)))
    if random.random() < 0.05:
        steps.append(Jpeg(int(random.integers(40, 96))))
    steps.append(_draw_compression(random))
    return Degradation(tuple(steps))


def _draw_blur(random: np.random.Generator) -> Blur:
    kind = str(random.choice(BLURS, p=(0.6, 0.25, 0.15)))
    sigma, other = (_plain(v) for v in random.uniform(0.15, 0.6, 2))
    angle = _plain(random.uniform(0, math.pi))
    shape = _plain(random.uniform(0.7, 2.0))
    if kind == "isotropic":
        return Blur(kind, sigma)
    return Blur(kind, sigma, other, angle, shape if kind == "generalised" else 1.0)


def _draw_resize(random: np.random.Generator) -> Resize:
    kernel = str(random.choice(KERNELS, p=(0.6, 0.25, 0.1, 0.05)))
    if random.random() >= 0.15:
        return Resize(kernel)
    first = _plain(random.uniform(1.1, 1.9))
    return Resize(kernel, first, str(random.choice(KERNELS[:3])))


def _draw_compression(random: np.random.Generator) -> Compression:
    codec = str(random.choice(["h264", "hevc", "mpeg4", "mjpeg"], p=(0.79, 0.11, 0.05, 0.05)))
    interval = int(random.choice([8, 12, 25, 50, 250]))
    b_frames = int(random.choice([0, 2, 3]))
    if codec == "h264":
        pace = str(
            random.choice(["ultrafast", "veryfast", "medium", "slow"], p=(0.15, 0.3, 0.4, 0.15))
        )
        return Compression(codec, int(random.integers(18, 36)), pace, interval, b_frames)
    if codec == "hevc":
        pace = str(random.choice(["ultrafast", "veryfast", "medium"], p=(0.3, 0.5, 0.2)))
        return Compression(codec, int(random.integers(20, 36)), pace, interval, b_frames)
    if codec == "mpeg4":
        return Compression(codec, int(random.integers(2, 13)), "", interval, min(b_frames, 2))
    return Compression(codec, int(random.integers(2, 13)), "", 1, 0)


def _resized(frames: Tensor, height: int, width: int, kernel: str) -> Tensor:
    if kernel == "bicubic":
        return resize(frames, height, width)
    if kernel == "area":
        return _averaged(frames, height, width)
    smooth = kernel == "bilinear"
    return F.interpolate(frames, (height, width), mode="bilinear", antialias=smooth)


def _averaged(frames: Tensor, height: int, width: int) -> Tensor:
    """By the mean of the area that each small pixel covers, parts of pixels too."""
    planes = [plane.numpy() for plane in frames.flatten(0, 1)]
    small = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA) for plane in planes]
    return torch.from_numpy(np.stack(small)).reshape(*frames.shape[:2], height, width)


def _side(sigma: float, frames: Tensor) -> int:
    """Pixels of a blur's kernel: odd, and no more than mirrored borders allow."""
    reach = math.ceil(_REACH * sigma)
    return 2 * max(1, min(reach, min(frames.shape[-2:]) - 1)) + 1


def _plain(value: float) -> float:
    """As it is printed: a degradation can be made again from what a run said it saw."""
    return round(float(value), 2)


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise TrainingError(f"{what} {value!r}: must be one of {', '.join(allowed)}")


def _above(what: str, value: float) -> None:
    if not value > 0:
        raise TrainingError(f"{what} {value}: must be above 0")
