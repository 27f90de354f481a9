"""HDR and wide gamuts stay told of: in PNGs, in the frames of ProRes, and back in a video."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import pytest
from support.clips import Clip, make

import vsr
from vsr.images.files import read_header

PQ = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
HDR = Clip(pix_fmt="yuv420p10le", codec="libx265", color=PQ, pts=(0, 512, 1024))


def enlarge(source: Path, target: Path, **options: object) -> vsr.Result:
    return vsr.upscale(source, target, scale=2, model="nearest", device="cpu", **options)


@pytest.mark.parametrize(
    ("color", "chunk"),
    [
        ((9, 16, 9), bytes([9, 16, 0, 1])),
        ((9, 18, 9), bytes([9, 18, 0, 1])),
        ((9, 14, 9), bytes([9, 14, 0, 1])),
        ((1, 1, 1), b""),
        ((2, 2, 2), b""),
    ],
)
def test_images_of_hdr_tell_of_it(
    tmp_path: Path, color: tuple[int, int, int], chunk: bytes
) -> None:
    names = ("color_primaries", "color_trc", "colorspace")
    clip = replace(HDR, color=dict(zip(names, color, strict=True)))
    enlarge(make(tmp_path / "in.mp4", clip), tmp_path / "frames")
    for file in sorted((tmp_path / "frames").iterdir()):
        assert read_header(file).metadata.cicp == chunk


def test_images_that_tell_of_hdr_become_an_hdr_video(tmp_path: Path) -> None:
    enlarge(make(tmp_path / "in.mp4", HDR), tmp_path / "frames")
    enlarge(tmp_path / "frames", tmp_path / "back.mp4")
    with av.open(str(tmp_path / "back.mp4")) as container:
        frame = next(container.decode(video=0))
        assert container.streams.video[0].codec_context.name == "hevc"
    assert frame.format.name == "yuv420p10le"
    tags = frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range
    assert tags == (9, 16, 9, 1)


def test_each_frame_of_prores_tells_its_colours(tmp_path: Path) -> None:
    """The header of a frame: "icpf", sizes, then primaries, transfer and matrix in 14 bytes."""
    enlarge(make(tmp_path / "in.mp4", HDR), tmp_path / "out.mov", codec="prores_ks")
    with av.open(str(tmp_path / "out.mov")) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    assert len(packets) == 3
    for packet in packets:
        head = packet[packet.index(b"icpf") + 4 :]
        assert tuple(head[14:17]) == (9, 16, 9)
