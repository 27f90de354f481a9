"""Degradation estimate: a camera's blur, noise and compression, from its footage alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vsr.adaptation.match_compression import like
from vsr.adaptation.sharpness import crispness
from vsr.datasets.ground_truth import Plane, Samples
from vsr.degradation.compression import Compression
from vsr.degradation.degradations import Blur, Degradation, Noise, Resize, Step
from vsr.model_selection.analyze import SourceAnalysis
from vsr.model_selection.noise import noise

# The median crispness of 23 scenes under a Gaussian of so many small pixels, noise of 0 to 6 and
# H.264 of CRF 18 to 32. Scenes differ by as much as 0.35 pixels of blur make.
_BLURS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_CRISPNESS = (1.73, 1.72, 1.66, 1.58, 1.51, 1.44)
_USUAL_BLUR, _TRUST = 0.35, 0.5  # so the estimate goes half of the way from the usual
_DOUBT = 0.25  # pixels that it may be wrong by

_MOST_NOISE = 20.0
_HALVINGS = 6  # of that range
_CLIPS = 4  # that are degraded again and again to find them
_SPREAD = 0.25  # of blur and noise, about what was found
_QUALITIES = 2  # steps about the quality found


@dataclass(frozen=True)
class Camera:
    """A camera's way from the scene to the small picture.

    Attributes:
        blur: the deviation of its Gaussian in small pixels, on top of an ideal reduction; 0: none.
        noise: deviation before the encoder, in sample values of 0..255.
        compression: None for pictures that come from no video encoder.
    """

    blur: float
    noise: float
    compression: Compression | None

    @property
    def degradation(self) -> Degradation:
        """The same as steps of training."""
        steps: list[Step] = [Blur("isotropic", self.blur)] if self.blur > 0.02 else []
        steps += [Resize("bicubic"), Noise("gaussian", self.noise)]
        return Degradation(tuple(steps + ([self.compression] if self.compression else [])))

    @property
    def doubtful(self) -> tuple[Camera, ...]:
        """This one, and those that blur as much less and more as the estimate may be wrong by.

        Weights that undo more blur than there is leave halos, and those that undo less are a loss
        against weights that do not know: gains for this very blur alone would not be worth much.
        """
        blurs = {max(0.0, round(self.blur + doubt, 3)) for doubt in (-_DOUBT, 0.0, _DOUBT)}
        return tuple(replace(self, blur=blur) for blur in sorted(blurs))

    def about(self, random: np.random.Generator) -> Camera:
        """One much like it: what was found may be a little wrong."""
        blur, noise = (
            round(value * (1 + _SPREAD * random.uniform(-1, 1)), 3)
            for value in (self.blur, self.noise)
        )
        return Camera(blur, noise, self.compression and _about(self.compression, random))


def estimate(
    footage: Sequence[Samples],
    truths: Sequence[Samples],
    scale: int,
    look: SourceAnalysis | None,
    random: np.random.Generator,
) -> Camera:
    """The camera whose pictures of `truths` look as the footage does.

    Smaller copies of the footage, `truths`, are taken for scenes and degraded in many ways, until
    the small pictures agree with the footage: in the encoder's quantiser by `coded.like`, and in
    the noise of smooth parts by `vsr.model_selection.noise.noise` (Immerkaer 1996), each measured
    on both in the same way, so that what is wrong with a measure cancels.

    The blur goes by `sharpness.crispness` (Zhuo and Sim 2011) against that of other scenes. Alone
    it is 0.35 pixels off (root mean square over 23 scenes reduced to half with blurs of 0 to 0.8
    pixels), as soft scenes look like soft cameras. It is therefore drawn half of the way to what
    cameras usually have, and then 0.26 pixels off. What that leaves in doubt, `doubtful` covers.

    Args:
        footage, truths: clips (T, H, W) or (T, H, W, 3) uint8, those of `truths` with sides
            divisible by `scale`.
        look: of the video, None for still images.
    """
    seen = [_planes(clip) for clip in footage]
    few = truths[:: max(1, len(truths) // _CLIPS)][:_CLIPS]
    seeds = random.integers(2**31, size=len(few))

    def small(camera: Camera) -> list[list[Plane]]:
        return [
            _planes(camera.degradation.apply(clip, scale, np.random.default_rng(seed)))
            for clip, seed in zip(few, seeds, strict=True)
        ]

    camera = Camera(_blur(seen), 0.0, None)
    if look is not None:
        coded = like(look, [np.stack(planes) for planes in small(camera)])
        camera = replace(camera, compression=coded)
    there = _noise(seen)
    noise = _least(lambda x: _noise(small(replace(camera, noise=x))) >= there, _MOST_NOISE)
    return replace(camera, noise=noise)


def _least(holds: Callable[[float], bool], most: float) -> float:
    """The least value from 0 on for which it holds, as it does for all above; else `most`."""
    if holds(0.0):
        return 0.0
    low, high = 0.0, most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return round(high, 3)


def _blur(clips: Sequence[Sequence[Plane]]) -> float:
    crisp = crispness(plane for planes in clips for plane in planes)
    if crisp is None:
        return _USUAL_BLUR
    alone = float(np.interp(-crisp, [-value for value in _CRISPNESS], _BLURS))
    return round(_USUAL_BLUR + _TRUST * (alone - _USUAL_BLUR), 3)


def _noise(clips: Sequence[Sequence[Plane]]) -> float:
    return float(np.median([noise(plane) for planes in clips for plane in planes]))


def _planes(clip: Samples) -> list[Plane]:
    """Each frame's luma, or green."""
    return [*(clip if clip.ndim == 3 else clip[..., 1])]


def _about(compression: Compression, random: np.random.Generator) -> Compression:
    low, high = (8, 51) if compression.codec in ("h264", "hevc") else (1, 31)
    shift = int(random.integers(-_QUALITIES, _QUALITIES + 1))
    quality = min(max(compression.quality + shift, low), high)
    return Compression(compression.codec, quality, compression.preset)
