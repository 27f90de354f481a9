"""What a recurrent network is told of a source: how coarsely it was coded, and how noisy it is."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import fmean

import numpy as np

from vsr.core.errors import InputError, ModelError, StalledError
from vsr.core.frame import Frame, PixelFormat, Plane, VideoInfo
from vsr.core.half import displayed
from vsr.core.options import READ_DEFAULTS, ReadOptions
from vsr.core.quality import COARSEST, FLAWLESS, Quality
from vsr.core.url import Url
from vsr.images.files import Picture, read_picture
from vsr.images.info import image_info
from vsr.images.listing import is_image, is_series, list_images
from vsr.images.planes import to_planes
from vsr.model_selection.analyze import SourceAnalysis, analyze
from vsr.model_selection.classify import BLOCKY, COARSE, FEW_BITS
from vsr.model_selection.noise import noise
from vsr.networks import Network

_LIVE = Quality(26, 2, -3)  # as a camera's H.264 usually is: it cannot be looked at beforehand
_OCTAVE = 6  # quantisers from a step to the next of twice its size, which takes half the bits
_OVER_CRF = 3.0  # of H.264's mean quantiser: networks have learnt by x264's rate factors
_VISIBLE = 30.0  # the least quantiser of what shows blocks
_IMAGES = 3  # of a folder, to look at


def told_quality(
    source: Path | Url,
    network: Network,
    denoise: float | None,
    read: ReadOptions = READ_DEFAULTS,
) -> Quality:
    """What to tell `network` of a source. The same source gives the same.

    `denoise` sets it by hand, 0 to 100; None measures. Raises ModelError where it is given and the
    network cannot be told, StalledError where the source gives nothing.
    """
    settled = _unmeasured(network, denoise)
    if settled is not None:
        return settled
    if isinstance(source, Url) and source.file is None and not source.is_pipe:
        return _LIVE
    file = source.file if isinstance(source, Url) else source
    try:
        if file is not None and (file.is_dir() or is_image(file)):
            return _of_images(file, read)
        return _of_video(analyze(source, read))
    except StalledError:
        raise
    except InputError:
        return FLAWLESS  # the job itself says what is wrong


def told_of_frame(
    frame: Frame, info: VideoInfo, network: Network, denoise: float | None
) -> Quality:
    """The same for an image: what its luma, or green, shows of noise."""
    settled = _unmeasured(network, denoise)
    if settled is not None:
        return settled
    return Quality(0, _noise(frame.planes[0], info.format))


def _unmeasured(network: Network, denoise: float | None) -> Quality | None:
    """What to tell without a look at the source; None where it must be measured."""
    check_denoise(network, denoise)
    if not network.state_channels:
        return FLAWLESS
    return None if denoise is None else Quality.by_hand(denoise)


def check_denoise(network: Network, denoise: float | None) -> None:
    """Raise ModelError where `denoise` is given and the network cannot be told."""
    if denoise is not None and not network.state_channels:
        raise ModelError(
            f"denoise {denoise:g}: only recurrent models can be told how much to remove"
        )


def _of_images(path: Path, read: ReadOptions) -> Quality:
    files = list_images(path, read.start_number) if is_series(path) else [path]
    return Quality(0, fmean(_of_image(read_picture(file, read.limits)) for file in files[:_IMAGES]))


def _of_image(picture: Picture) -> float:
    layout = image_info(picture.shape).format
    return _noise(to_planes(picture.pixels)[0], layout)


def _noise(plane: Plane, layout: PixelFormat) -> float:
    """Of luma, or green, in frames of a format."""
    if layout.half:
        (plane,) = displayed([plane])
    depth = layout.depth
    return noise((plane >> (depth - 8)).astype(np.uint8))


def _of_video(look: SourceAnalysis) -> Quality:
    """The decoder's word counts; else the bits that a keyframe was given for what it shows."""
    beyond: float | None = None
    if look.quantiser is not None:
        beyond = -_OVER_CRF if look.codec == "h264" else 0.0
        quantiser = look.quantiser + beyond
    elif look.bits_per_gradient:
        quantiser = COARSE - _OCTAVE * math.log2(look.bits_per_gradient / FEW_BITS)
    else:
        quantiser = 0.0
    if look.blocks >= BLOCKY:  # coded coarsely before, whatever was done since
        quantiser, beyond = max(quantiser, _VISIBLE), None
    return Quality(min(max(quantiser, 0.0), COARSEST), look.noise, beyond)
