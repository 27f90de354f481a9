"""How coarsely a decoder says that each of its frames was quantised."""

from __future__ import annotations

import math

import numpy as np
from av.sidedata.encparams import VideoEncParams, VideoEncParamsType
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

_TELLING = {"h264", "mpeg1video", "mpeg2video", "mpeg4", "h263", "flv", "vp9"}


def let_tell(decoder: VideoCodecContext) -> None:
    """Have a decoder that is not open yet hand on the quantisers of its frames."""
    if decoder.name in _TELLING and not decoder.is_open:
        decoder.options = {**decoder.options, "export_side_data": "venc_params"}


def quantiser_of(frame: VideoFrame) -> float | None:
    """The mean over a frame's blocks, on H.264's scale of 0 to 51; None where nothing is told.

    Six more are a step of twice the size, and 4 is a step of 1.
    """
    told = frame.side_data.get("VIDEO_ENC_PARAMS")
    if not isinstance(told, VideoEncParams):
        return None
    if told.codec_type == VideoEncParamsType.VP9:
        return 4 + 6 * math.log2((7 + told.qp) / 8)  # its table's lower part, which is straight
    try:
        mean = float(np.mean(told.qp_map()))
    except RuntimeError:  # PyAV's, where there is not one for each block
        return None
    if told.codec_type == VideoEncParamsType.MPEG2:
        return 4 + 6 * math.log2(mean) if mean >= 1 else None
    return mean
