"""The scores of images and clips, and their means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PERFECT = 100.0
"""What a plane without any error (a black frame, say) counts in dB, so that means stay finite."""


@dataclass(frozen=True)
class Score:
    """How well one image or clip was restored.

    Attributes:
        path: the true image, video or folder of frames.
        psnr: of the luma in dB, at most PERFECT; for a clip the mean over its frames.
        ssim: of the luma, in [-1, 1]; for a clip the mean over its frames.
        frames: how many frames were measured, 1 for an image.
        dtssd: how wrongly the clip changes from frame to frame, in sample values, 0 at best:
            the mean of `metrics.dtssd` over neighbouring frames of one shot. None for an
            image, and for a clip without two such frames.
        frame_psnr: of each frame of a clip, in dB; empty for an image.
        cuts: the frames, counted from 0, that begin a new shot; the first frame is not named.
        blockiness: `vsr.core.blockiness` for blocks of 8 small pixels, 1 where there are none;
            for a clip the mean over its frames. None for pictures of few pixels.
        flicker: of a clip, the mean of `flicker.flicker` over neighbouring frames of one shot,
            along the motion of the true frames, in sample values; None where dtssd is.
        true_blockiness: of the true pictures.
        true_flicker: of the true frames: what motion does not explain in them.
        mse: of the luma, in squared sample values of 0..255; for a clip the mean over its frames.
        texture: `texture.texture_distance` of the luma, in 0..1, 0 at best; for a clip the mean
            over its frames. None where it was not asked for, and for pictures of few pixels.
        vmaf_neg, xpsnr, erqa: as `vsr.evaluation.further.Figures` has them, xpsnr at most PERFECT;
            None where they were not asked for, or there is none.
    """

    path: Path
    psnr: float
    ssim: float
    frames: int = 1
    dtssd: float | None = None
    frame_psnr: tuple[float, ...] = ()
    cuts: tuple[int, ...] = ()
    blockiness: float | None = None
    flicker: float | None = None
    true_blockiness: float | None = None
    true_flicker: float | None = None
    mse: float | None = None
    texture: float | None = None
    vmaf_neg: float | None = None
    xpsnr: float | None = None
    erqa: float | None = None

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class Mean:
    """The mean of some scores, each image or clip counting the same.

    Attributes:
        psnr: in dB.
        ssim: in [-1, 1].
        items: how many images and clips it is of.
        dtssd: of the clips that have one, in sample values; None where none has.
        blockiness, flicker, true_blockiness, true_flicker: likewise, of the items that have one.
        texture: of the items that have one.
        mse: in squared sample values; not what `psnr` would be of, which is a mean of logarithms.
        vmaf_neg, xpsnr, erqa: of the items that have one.
    """

    psnr: float
    ssim: float
    items: int
    dtssd: float | None = None
    blockiness: float | None = None
    flicker: float | None = None
    true_blockiness: float | None = None
    true_flicker: float | None = None
    mse: float | None = None
    texture: float | None = None
    vmaf_neg: float | None = None
    xpsnr: float | None = None
    erqa: float | None = None


def mean(scores: Sequence[Score]) -> Mean:
    """The mean of at least one score."""
    return Mean(
        psnr=mean_value([score.psnr for score in scores]),
        ssim=mean_value([score.ssim for score in scores]),
        items=len(scores),
        dtssd=mean_of_known([score.dtssd for score in scores]),
        blockiness=mean_of_known([score.blockiness for score in scores]),
        flicker=mean_of_known([score.flicker for score in scores]),
        true_blockiness=mean_of_known([score.true_blockiness for score in scores]),
        true_flicker=mean_of_known([score.true_flicker for score in scores]),
        mse=mean_of_known([score.mse for score in scores]),
        texture=mean_of_known([score.texture for score in scores]),
        vmaf_neg=mean_of_known([score.vmaf_neg for score in scores]),
        xpsnr=mean_of_known([score.xpsnr for score in scores]),
        erqa=mean_of_known([score.erqa for score in scores]),
    )


def mean_value(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def mean_of_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean_value(known) if known else None
