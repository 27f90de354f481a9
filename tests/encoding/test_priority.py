"""No encoder takes the machine for itself."""

from __future__ import annotations

import os
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext

from vsr.core.frame import PIXEL_FORMATS, VideoInfo
from vsr.encoding.codecs import Encoding, open_encoder

INFO = VideoInfo(64, 64, Fraction(1, 25), PIXEL_FORMATS["yuv420p"], frame_rate=Fraction(25))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are told by Linux")
@pytest.mark.parametrize("name", ["libsvtav1", "libx264", "libx265", "libvpx-vp9"])
def test_encoders_threads_are_ordinary_ones(name: str) -> None:
    context = CodecContext.create(name, "w")
    assert isinstance(context, VideoCodecContext)
    open_encoder(context, INFO, Encoding(threads=2))
    threads = [int(entry.name) for entry in Path("/proc/self/task").iterdir()]
    policies = {os.sched_getscheduler(thread) for thread in threads}
    assert policies == {os.SCHED_OTHER}
