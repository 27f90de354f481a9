"""Transparency: read, enlarged, kept where the encoder can, and told of where it cannot."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from support.clips import Clip, make
from support.raw_planes import PACKED, frame_of, planes_of, store, stored

from vsr import Result, upscale
from vsr.core.frame import PIXEL_FORMATS
from vsr.video.alpha import alpha_decoder

VP9 = {"crf": "4", "b": "0", "cpu-used": "8", "lag-in-frames": "5", "auto-alt-ref": "1"}
VP8 = {"b": "2M", "cpu-used": "8", "auto-alt-ref": "0"}
UNEVEN = (0, 40, 80, 127, 160, 240, 280, 320)
DROPPED = (
    "transparency is dropped ({}): {} cannot hold it; --codec libvpx-vp9, prores_ks or ffv1 can"
)


def enlarge(source: Path, target: Path, model: str = "nearest", **options: Any) -> Result:
    return upscale(source, target, scale=2, model=model, device="cpu", **options)


def smooth(pix_fmt: str, width: int, height: int) -> list[np.ndarray]:
    """Planes of slow waves; in alpha from wholly transparent to opaque."""
    format_, made = PIXEL_FORMATS[pix_fmt], []
    for n in range(format_.planes):
        rows, columns = format_.plane_size(n, width, height)
        y, x = np.mgrid[0:rows, 0:columns]
        wave = np.cos((x / columns + n) * 3.1) * np.cos(y / rows * 3.1)
        wave = (0.5 + (0.6 if n == 3 else 0.3) * wave).clip(0, 1)
        made.append(np.rint(wave * format_.peak).astype(format_.dtype))
    return made


def clip(path: Path, pix_fmt: str, frames: int = 2, size: tuple[int, int] = (34, 22)) -> Path:
    """The same waves in each frame, stored without loss."""
    name = {"gbrap": "bgra"}.get(pix_fmt, pix_fmt)
    return store(path, "ffv1", name, [frame_of(smooth(pix_fmt, *size), name, *size)] * frames)


# Decoding


def frames_by(path: Path, alpha: bool) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder = alpha_decoder(stream) if alpha else stream.codec_context
        assert decoder is not None
        found: list[av.VideoFrame] = []
        for packet in container.demux(stream):
            found += decoder.decode(packet if packet.size else None)
        return found


@pytest.mark.parametrize(
    ("codec", "options", "suffix"),
    [("libvpx-vp9", VP9, ".webm"), ("libvpx-vp9", VP9, ".mkv"), ("libvpx", VP8, ".webm")],
)
def test_a_decoder_for_alpha(
    tmp_path: Path, codec: str, options: dict[str, str], suffix: str
) -> None:
    path = make(
        tmp_path / f"clip{suffix}",
        Clip(
            codec=codec,
            pix_fmt="yuva420p",
            options=options,
            pts=UNEVEN,
            time_base=Fraction(1, 1000),
            numbers=(3,) * len(UNEVEN),
        ),
    )
    plain, found = frames_by(path, alpha=False), frames_by(path, alpha=True)
    assert [frame.format.name for frame in plain] == ["yuv420p"] * len(UNEVEN)
    assert [frame.format.name for frame in found] == ["yuva420p"] * len(UNEVEN)
    for frame, other in zip(found, plain, strict=True):
        assert (frame.pts, frame.time_base, frame.duration) == (
            other.pts,
            other.time_base,
            other.duration,
        )
        for plane, same in zip(planes_of(frame), planes_of(other), strict=False):
            assert np.array_equal(plane, same)
    alpha = planes_of(found[-1])[3].astype(int)
    assert alpha.std() > 20  # it is a picture
    assert np.abs(alpha - planes_of(found[0])[3]).max() < 30  # which stands still


def test_only_alpha_needs_it(tmp_path: Path) -> None:
    plain = make(tmp_path / "a.webm", Clip(codec="libvpx-vp9", options=VP9, pts=(0, 512)))
    other = make(tmp_path / "b.mp4", Clip(pts=(0, 512)))
    for path in (plain, other):
        with av.open(str(path)) as container:
            assert alpha_decoder(container.streams.video[0]) is None


# Kept


@pytest.mark.parametrize(
    ("codec", "suffix", "source", "chosen"),
    [
        ("ffv1", ".mkv", "yuva420p", "yuva420p"),
        ("ffv1", ".mkv", "yuva444p12le", "yuva444p12le"),
        ("ffv1", ".mkv", "gbrap", "bgra"),
        ("prores_ks", ".mov", "yuva420p", "yuva444p12le"),  # as its decoder has it
        ("prores_ks", ".mov", "gbrap", "yuva444p12le"),
        ("qtrle", ".mov", "gbrap", "argb"),
        ("png", ".mov", "yuva420p", "rgba"),
        ("utvideo", ".nut", "gbrap", "gbrap"),
    ],
)
def test_alpha_is_kept(tmp_path: Path, codec: str, suffix: str, source: str, chosen: str) -> None:
    small = clip(tmp_path / "in.mkv", source)
    large = tmp_path / f"out{suffix}"
    result = enlarge(small, large, codec=codec)
    assert not [warning for warning in result.warnings if "transparency" in warning]
    with av.open(str(large)) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == chosen
    found = planes_of(frame)[3].astype(float)
    peak = 255 if chosen in PACKED else PIXEL_FORMATS[chosen].peak
    alpha = smooth(source, 34, 22)[3].repeat(2, 0).repeat(2, 1)
    expected = alpha * (peak / PIXEL_FORMATS[source].peak)
    # the 10 bits of ProRes come back as 12; nothing opaque becomes transparent
    assert np.abs(found - expected).max() <= (4 if codec == "prores_ks" else 0)
    assert found.max() == peak


def test_vp9_keeps_alpha(tmp_path: Path) -> None:
    small, large = clip(tmp_path / "in.mkv", "yuva420p"), tmp_path / "out.webm"
    result = enlarge(small, large, codec="libvpx-vp9", crf=4)
    assert result.warnings == ()
    assert result.frames_out == 2
    (first, _) = frames_by(large, alpha=True)
    alpha = smooth("yuva420p", 34, 22)[3].repeat(2, 0).repeat(2, 1)
    assert np.abs(planes_of(first)[3].astype(int) - alpha).max() < 30


@pytest.mark.parametrize(
    ("suffix", "options", "codec", "has_alpha"),
    [
        (".webm", {}, "vp9", True),  # AV1, its usual codec, has none
        (".webm", {"codec": "av1", "preset": "12"}, "av1", False),
        (".mkv", {"preset": "ultrafast"}, "h264", False),
        (".mkv", {"codec": "ffv1"}, "ffv1", True),
    ],
)
def test_what_a_stream_says_of_alpha_is_true(
    tmp_path: Path, suffix: str, options: dict[str, str], codec: str, has_alpha: bool
) -> None:
    made = Clip(codec="libvpx-vp9", pix_fmt="yuva420p", options=VP9, pts=(0, 512, 1024))
    source = make(tmp_path / "in.webm", made)
    result = enlarge(source, tmp_path / f"out{suffix}", **options)
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.codec.canonical_name == codec
        tagged = stream.metadata.get("alpha_mode") == "1"
    assert tagged == (codec == "vp9")  # FFV1 says so in its own header
    assert bool(result.warnings) != has_alpha
    if codec == "vp9":
        assert frames_by(tmp_path / "out.webm", alpha=True)[0].format.name == "yuva420p"


def test_images_with_alpha_keep_it_in_webm(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    picture = np.zeros((22, 34, 4), np.uint8)
    picture[:, 17:, 3] = 255
    for number in range(2):
        cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), picture)
    enlarge(tmp_path / "images", tmp_path / "out.webm")
    alpha = planes_of(frames_by(tmp_path / "out.webm", alpha=True)[0])[3]
    assert alpha[:, :24].max() < 30
    assert alpha[:, 44:].min() > 225


@pytest.mark.parametrize("model", ["bicubic", "edsr-8x32"])
def test_alpha_is_bicubic_whatever_the_colours_go_through(tmp_path: Path, model: str) -> None:
    small, large = clip(tmp_path / "in.mkv", "yuva420p", size=(33, 21)), tmp_path / "out.mkv"
    enlarge(small, large, model=model, codec="ffv1")
    name, (planes, _) = stored(large)
    assert name == "yuva420p"
    true = cv2.resize(smooth("yuva420p", 33, 21)[3], (66, 42), interpolation=cv2.INTER_CUBIC)
    assert np.abs(planes[3].astype(int) - true).max() <= 8  # another a of the same kernel


# Dropped


@pytest.mark.parametrize(
    ("codec", "source", "extra"),
    [
        ("libx264", "yuva420p", []),
        ("libx264", "gbrap", []),
        ("libsvtav1", "yuva444p", ["encoder libsvtav1 has no yuva444p: encoded as yuv420p"]),
    ],
)
def test_one_warning_where_it_is_dropped(
    tmp_path: Path, codec: str, source: str, extra: list[str]
) -> None:
    small = clip(tmp_path / "in.mkv", source, frames=3)
    preset = "12" if codec == "libsvtav1" else "ultrafast"
    result = enlarge(small, tmp_path / "out.mkv", codec=codec, preset=preset)
    assert list(result.warnings) == [*extra, DROPPED.format(source, codec)]


def test_what_is_opaque_is_not_warned_of(tmp_path: Path) -> None:
    planes = smooth("yuva420p", 34, 22)
    planes[3][:] = 255
    frames = [frame_of(planes, "yuva420p", 34, 22) for _ in range(3)]
    small = store(tmp_path / "in.mkv", "ffv1", "yuva420p", frames)
    assert enlarge(small, tmp_path / "a.mkv", preset="ultrafast").warnings == ()
    planes[3][5, 7] = 254
    late = [*frames, frame_of(planes, "yuva420p", 34, 22), frame_of(planes, "yuva420p", 34, 22)]
    small = store(tmp_path / "late.mkv", "ffv1", "yuva420p", late)
    result = enlarge(small, tmp_path / "b.mkv", preset="ultrafast")
    assert result.warnings == (DROPPED.format("yuva420p", "libx264"),)


def gif(path: Path, alpha: int) -> Path:
    """Two frames; pixels of the first column have this alpha."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 24, 16, "pal8"
        for number in range(2):
            frame = av.VideoFrame(24, 16, "pal8")
            rows = np.frombuffer(frame.planes[0], np.uint8).reshape(16, -1)
            rows[:] = 1 + number
            rows[:, 0] = 0
            palette = np.frombuffer(frame.planes[1], np.uint8).reshape(-1, 4)
            palette[:] = (30, 90, 200, 255)
            palette[0] = (9, 9, 9, alpha)
            frame.pts, frame.time_base = number, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("alpha", [0, 255])
def test_a_gif_is_warned_of_if_it_is_transparent(tmp_path: Path, alpha: int) -> None:
    source = gif(tmp_path / "in.gif", alpha)
    warnings = enlarge(source, tmp_path / "out.mp4", preset="ultrafast").warnings
    assert [w for w in warnings if "transparency" in w] == (
        [] if alpha else [DROPPED.format("gbrap", "libx264")]
    )
    enlarge(source, tmp_path / "out.mkv", codec="ffv1")
    name, (first, _) = stored(tmp_path / "out.mkv")
    assert ("a" in name) == (not alpha)  # bgra or bgr0
    if not alpha:
        assert (first[3][:, :2] == alpha).all()
        assert (first[3][:, 2:] == 255).all()


# Images


def test_frames_with_alpha_as_images(tmp_path: Path) -> None:
    for name in ("gbrap", "yuva420p", "yuva444p12le"):
        small = clip(tmp_path / f"{name}.mkv", name)
        enlarge(small, tmp_path / name)
        pixels = cv2.imread(str(tmp_path / name / "00000001.png"), cv2.IMREAD_UNCHANGED)
        planes = [plane.repeat(2, 0).repeat(2, 1) for plane in smooth(name, 34, 22)]
        scale = (65535 if pixels.dtype == np.uint16 else 255) / PIXEL_FORMATS[name].peak
        assert np.abs(pixels[..., 3] - planes[3] * scale).max() <= 0.5
        if name == "gbrap":
            for n, plane in zip((1, 0, 2), planes, strict=False):
                assert np.array_equal(pixels[..., n], plane)


def test_a_folder_of_transparent_images_as_a_video(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 4), np.uint8)
    for number in range(2):
        cv2.imwrite(str(folder / f"{number}.png"), pixels)
    result = enlarge(folder, tmp_path / "out.mkv", preset="ultrafast")
    assert result.warnings == (DROPPED.format("yuva444p16le", "libx264"),)
