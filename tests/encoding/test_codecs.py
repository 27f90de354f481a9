"""Which encoder, with which settings and pixel format; and every refusal, which leaves nothing."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.codec.context import CodecContext, Flags
from av.video.codeccontext import VideoCodecContext
from support.clips import Clip, held, make

from vsr import upscale
from vsr.core.errors import EncoderError, OutputError
from vsr.core.frame import PIXEL_FORMATS, VideoInfo
from vsr.encoding.codecs import Encoding, open_encoder

SHORT = tuple(range(0, 4 * 512, 512))
INFO = VideoInfo(64, 48, Fraction(1, 25), PIXEL_FORMATS["yuv420p"])


def enlarge(source: Path, target: Path, **options: Any) -> Any:
    return upscale(source, target, scale=2, model="bicubic", device="cpu", **options)


def x264_settings(path: Path) -> dict[str, str]:
    """What libx264 wrote into the stream about itself."""
    with av.open(str(path)) as container:
        first = next(packet for packet in container.demux(video=0) if packet.size)
    text = bytes(first).split(b"options: ")[1].split(b"\0")[0].decode("ascii", "replace")
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p10le"])
def test_the_default_is_x264_at_crf_18_in_the_sources_format(
    tmp_path: Path, suffix: str, pix_fmt: str
) -> None:
    source = make(tmp_path / "in.mkv", Clip(pix_fmt=pix_fmt, pts=SHORT))
    target = tmp_path / f"out{suffix}"
    result = enlarge(source, target)
    assert result.encoder == "libx264"
    assert not result.warnings
    assert held(target).info["format"] == pix_fmt
    found = x264_settings(target)
    medium = {"subme": "7", "me": "hex", "ref": "3", "rc_lookahead": "40", "trellis": "1"}
    assert found.items() >= {"rc": "crf", "crf": "18.0", **medium}.items()


def test_crf_and_preset_reach_the_encoder(tmp_path: Path) -> None:
    source, target = make(tmp_path / "in.mp4", Clip(pts=SHORT)), tmp_path / "out.mp4"
    enlarge(source, target, crf=27.5, preset="superfast")
    assert x264_settings(target).items() >= {"crf": "27.5", "subme": "1"}.items()


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_reach_the_encoder(tmp_path: Path, threads: int) -> None:
    source, target = make(tmp_path / "in.mp4", Clip(pts=SHORT)), tmp_path / "out.mp4"
    enlarge(source, target, threads=threads)
    assert x264_settings(target)["threads"] == str(threads)


def test_nvencs_quality_is_called_cq() -> None:
    """Its encoders can be set up without a GPU, if not opened."""
    encoding = Encoding("h264_nvenc", crf=23, preset="p3")
    context = CodecContext.create("h264_nvenc", "w")
    assert isinstance(context, VideoCodecContext)
    info = VideoInfo(64, 48, Fraction(1, 25), PIXEL_FORMATS["yuv420p"])
    with suppress(EncoderError):
        open_encoder(context, info, encoding)
    wanted = {"cq": "23", "rc": "vbr", "b": "0", "preset": "p3"}
    assert context.options.items() >= wanted.items()
    assert "crf" not in context.options
    with pytest.raises(EncoderError, match=r"^crf 52: encoder h264_nvenc takes 0 to 51$"):
        open_encoder(context, info, Encoding("h264_nvenc", crf=52))


@pytest.mark.parametrize(
    ("alias", "encoder", "stored"),
    [
        ("h264", "libx264", "h264"),
        ("hevc", "libx265", "hevc"),
        ("av1", "libsvtav1", "av1"),
        ("ffv1", "ffv1", "ffv1"),
        ("libvpx-vp9", "libvpx-vp9", "vp9"),
    ],
)
def test_names_of_encoders(
    tmp_path: Path, alias: str, encoder: str, stored: str, capfd: pytest.CaptureFixture[str]
) -> None:
    source, target = make(tmp_path / "in.mp4", Clip(pts=SHORT)), tmp_path / "out.mkv"
    preset = {"h264": "ultrafast", "hevc": "ultrafast", "av1": "13"}.get(alias, "")
    result = enlarge(source, target, codec=alias, preset=preset)
    assert result.encoder == encoder
    with av.open(str(target)) as container:
        assert container.streams.video[0].codec_context.codec.canonical_name == stored
    assert len(held(target).pts) == len(SHORT)
    assert capfd.readouterr() == ("", "")  # encoders' own chatter goes past Python


@pytest.mark.parametrize("name", ["mpeg4", "mpeg2video", "mpeg1video", "msmpeg4", "wmv2", "flv"])
def test_encoders_without_crf_keep_a_quality_not_a_bit_rate(name: str) -> None:
    """Else 200 kb/s would have to do for any size."""
    context = CodecContext.create(name, "w")
    assert isinstance(context, VideoCodecContext)
    open_encoder(context, INFO, Encoding())
    assert context.qscale
    assert context.global_quality == 2
    assert context.flags & Flags.frame_duration
    with pytest.raises(EncoderError, match="has no crf"):
        open_encoder(CodecContext.create(name, "w"), INFO, Encoding(crf=20))


def test_webm_gets_av1(tmp_path: Path) -> None:
    source, target = make(tmp_path / "in.mp4", Clip(pts=SHORT)), tmp_path / "out.webm"
    assert enlarge(source, target, preset="13").encoder == "libsvtav1"
    assert Encoding().encoder(Path("a.WEBM"), INFO) == "libsvtav1"
    assert Encoding().encoder(Path("a.mkv"), INFO) == "libx264"
    assert Encoding("ffv1").encoder(Path("a.webm"), INFO) == "ffv1"


def test_another_format_than_the_sources_is_warned_of_unless_wished(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(pix_fmt="yuv444p", pts=SHORT))
    result = enlarge(source, tmp_path / "a.mkv", codec="av1", preset="13")
    assert result.warnings == ("encoder libsvtav1 has no yuv444p: encoded as yuv420p",)
    wish = {"pix_fmt": "yuv422p10le", "preset": "ultrafast"}
    assert not enlarge(source, tmp_path / "b.mkv", **wish).warnings
    assert held(tmp_path / "b.mkv").info["format"] == "yuv422p10le"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("out.mp4", {"codec": "nosuch"}, "unknown video encoder 'nosuch': try h264,"),
        ("out.mp4", {"codec": "aac"}, "unknown video encoder 'aac': try h264,"),
        ("out.mp4", {"codec": "copy"}, "unknown video encoder 'copy': try h264,"),
        ("out.mkv", {"codec": "msvideo1"}, "msvideo1 takes no YUV, RGB or grey pictures"),
        ("out.mp4", {"crf": 52}, "crf 52: encoder libx264 takes 0 to 51"),
        ("out.mp4", {"crf": -0.5}, "crf -0.5: encoder libx264 takes 0 to 51"),
        ("out.mp4", {"crf": float("nan")}, "crf nan: must be a number of -1000 to 1000"),
        ("out.mp4", {"codec": "hevc", "crf": 51.5}, "crf 51.5: encoder libx265 takes 0 to 51"),
        ("out.mp4", {"codec": "av1", "crf": 64}, "crf 64: encoder libsvtav1 takes 0 to 63"),
        ("out.mkv", {"codec": "ffv1", "crf": 5}, "encoder ffv1 has no crf: leave --crf out"),
        ("out.mp4", {"preset": "warp"}, "preset 'warp': encoder libx264 takes ultrafast, "),
        ("out.mp4", {"codec": "hevc", "preset": "8"}, "preset '8': encoder libx265 takes "),
        (
            "out.mp4",
            {"codec": "av1", "preset": "fast"},
            "preset 'fast': encoder libsvtav1 takes 0,",
        ),
        ("out.mkv", {"codec": "ffv1", "preset": "fast"}, "encoder ffv1 has no preset: leave"),
        ("out.mp4", {"pix_fmt": "nosuch"}, "libx264 cannot write 'nosuch': it can gray, "),
        ("out.mp4", {"pix_fmt": "rgb24"}, "libx264 cannot write 'rgb24': it can gray, "),
        ("out.mp4", {"pix_fmt": "yuv420p12le"}, "libx264 cannot write 'yuv420p12le': it can gray"),
        ("out.webm", {"codec": "h264"}, "'webm' format does not support 'libx264' codec; choose "),
        ("out.mp4", {"codec": "huffyuv"}, "'mp4' format does not support 'huffyuv' codec"),
        ("out.mp3", {}, ".mp3 holds png, which cannot be encoded here; choose another suffix, for"),
        ("out.mxf", {}, ".mxf holds mpeg2video, which cannot be encoded here; choose another"),
        (
            "out.y4m",
            {"codec": "h264"},
            "encoder h264: .y4m holds raw pictures alone; leave ",
        ),
        (
            "out.y4m",
            {"pix_fmt": "gbrp"},
            "cannot write 'gbrp' in yuv4mpegpipe: it can gray, ",
        ),
    ],
)
def test_refusals_of_encoders_are_one_line_and_leave_nothing(
    tmp_path: Path, name: str, options: dict[str, Any], message: str
) -> None:
    source = make(tmp_path / "in.mp4", Clip(pts=SHORT, audio=("eng",)))
    with pytest.raises(EncoderError) as raised:
        enlarge(source, tmp_path / name, **options)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "  " not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_an_encoder_of_few_sizes_names_them(tmp_path: Path) -> None:
    other = make(tmp_path / "other.mp4", Clip(80, 48, pts=SHORT))
    with pytest.raises(EncoderError, match=r"160x96 .*128x96, .* 1408x1152; h263p takes others"):
        enlarge(other, tmp_path / "out.avi", codec="h263")
    assert enlarge(other, tmp_path / "others.avi", codec="h263p").frames_out == len(SHORT)
    one = make(tmp_path / "one.mp4", Clip(64, 48, pts=SHORT))
    assert enlarge(one, tmp_path / "one.avi", codec="h263").frames_out == len(SHORT)


@pytest.mark.parametrize("name", ["out.txt", "out.xyz", "out.mpd", "out.m3u8"])
def test_files_that_are_no_container(tmp_path: Path, name: str) -> None:
    source = make(tmp_path / "in.mp4", Clip(pts=SHORT, audio=("eng",)))
    with pytest.raises(OutputError) as raised:
        enlarge(source, tmp_path / name)
    assert str(raised.value).startswith(str(tmp_path / name))
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
