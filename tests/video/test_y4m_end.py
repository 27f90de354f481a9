"""Whether a y4m is whole, in each of the formats that it may have."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from support.clips import Clip, make

import vsr
from vsr.video.truncation import missing_bytes

FORMATS = [
    *("yuv420p", "yuv422p", "yuv444p", "yuv411p", "gray"),
    *("yuv420p10le", "yuv422p12le", "yuv444p16le", "gray10le"),
]


@pytest.mark.parametrize("pix_fmt", FORMATS)
def test_a_whole_one_lacks_nothing_and_a_cut_one_what_was_cut(tmp_path: Path, pix_fmt: str) -> None:
    path = tmp_path / "a.y4m"
    with av.open(str(path), "w", options={"strict": "-1"}) as out:
        stream = out.add_stream("rawvideo", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 35, 27, pix_fmt
        stream.codec_context.options = {"strict": "-1"}
        for number in range(3):
            frame = av.VideoFrame(35, 27, pix_fmt)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    whole = path.read_bytes()
    assert missing_bytes(path, "yuv4mpegpipe") == 0
    for lacking in (1, 100, len(whole) // 4):
        path.write_bytes(whole[:-lacking])
        assert missing_bytes(path, "yuv4mpegpipe") == lacking


def test_a_cut_one_comes_with_a_warning(tmp_path: Path) -> None:
    whole = tmp_path / "in.y4m"
    clip = make(tmp_path / "in.mkv", Clip(pts=(0, 512, 1024)))
    vsr.upscale(clip, whole, scale=1, model="nearest")
    whole.write_bytes(whole.read_bytes()[:-1])
    result = vsr.upscale(whole, tmp_path / "out.mkv", scale=1, model="nearest")
    assert result.frames_out == 2
    assert "the file is truncated: its last byte is missing" in result.warnings
