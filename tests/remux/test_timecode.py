"""Timecodes: the label of the output's first frame, in parts and at other rates."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from support.copied_streams import footage, passed, sound
from support.interlaced import FILM, NTSC, FieldOrder, gray_frame, telecined, woven

import vsr
from vsr.remux.timecode import Count

PAL, DOUBLE = Fraction(25), 2 * NTSC


@pytest.mark.parametrize(
    ("text", "of", "by", "passed", "label"),
    [
        ("01:02:03:04", PAL, PAL, 0, "01:02:03:04"),
        ("01:02:03:04", PAL, PAL, 21, "01:02:04:00"),
        ("23:59:59:24", PAL, PAL, 1, "00:00:00:00"),
        ("01:00:00;28", NTSC, NTSC, 2, "01:00:01;00"),
        ("00:00:59;29", NTSC, NTSC, 1, "00:01:00;02"),  # two labels of the minute are left out
        ("00:09:59;29", NTSC, NTSC, 1, "00:10:00;00"),  # but of each tenth
        ("00:00:59:29", NTSC, NTSC, 1, "00:01:00:00"),  # and none by a colon
        ("00:00:00;00", NTSC, NTSC, 107892, "01:00:00;00"),
        ("00:00:59;59", DOUBLE, DOUBLE, 1, "00:01:00;04"),
        ("01:00:00:12", PAL, 2 * PAL, 0, "01:00:00:24"),
        ("01:00:00;28", NTSC, DOUBLE, 0, "01:00:00;56"),
        ("01:00:00;28", NTSC, FILM, 0, "01:00:00:22"),
        ("01:00:00:12", PAL, None, 3, "01:00:00:12"),
        ("at noon", PAL, PAL, 3, "at noon"),
    ],
)
def test_labels_follow_the_frames(
    text: str, of: Fraction, by: Fraction | None, passed: int, label: str
) -> None:
    assert Count(of, by, passed).label(text) == label


@pytest.mark.parametrize(("suffix", "start", "label"), [
    *((suffix, 0.38, "01:00:00:10") for suffix in (".mov", ".mp4", ".mkv")),
    (".mov", 0.4, "01:00:00:10"),
    (".mov", 0.41, "01:00:00:11"),
    (".mov", None, "01:00:00:00"),
])  # fmt: skip
@pytest.mark.parametrize("resume", ["never", "always"])
def test_a_part_begins_with_its_own_timecode(
    tmp_path: Path, suffix: str, start: float | None, label: str, resume: str
) -> None:
    source = _video(tmp_path / "in.mov", woven(FieldOrder.TOP, 20), PAL, "01:00:00:00")
    result = _made(source, tmp_path / f"out{suffix}", start=start, resume=resume, deinterlace="off")
    assert _timecodes(result.target) == {label}
    assert result.dropped == ()


def test_fields_and_film_count_at_their_own_rates(tmp_path: Path) -> None:
    video = _video(tmp_path / "video.mov", woven(FieldOrder.TOP, 20), PAL, "01:00:00:12")
    result = _made(video, tmp_path / "fields.mp4", deinterlace="field", start=0.5)
    assert _timecodes(result.target) == {"01:00:01:00"}
    film = _video(tmp_path / "film.mov", telecined(60), NTSC, "01:00:00;28")
    result = _made(film, tmp_path / "film.mp4", deinterlace="ivtc")
    assert (result.frames_out, _timecodes(result.target)) == (48, {"01:00:00:22"})


def test_a_timecode_that_is_lost_is_named_and_no_other(tmp_path: Path) -> None:
    source = footage(tmp_path / "in.mov", sound("aac"), video={"timecode": "01:02:03:04"})
    for suffix in (".mov", ".mp4", ".mkv", ".nut"):
        went = passed(source, tmp_path / f"out{suffix}", encoder="mpeg4")
        assert went.plan.others.dropped == ()
        assert "01:02:03:04" in _timecodes(tmp_path / f"out{suffix}")
    for suffix in (".m4v", ".ts"):
        (dropped,) = passed(source, tmp_path / f"out{suffix}", encoder="h264").plan.others.dropped
        assert dropped.startswith("2 data")
        assert dropped.endswith(f"{suffix} cannot hold it")


def _video(path: Path, pictures: list[object], rate: Fraction, timecode: str) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate, options={"crf": "8", "g": "12"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.metadata["timecode"] = timecode
        for number, rows in enumerate(pictures):
            frame = gray_frame(rows).reformat(format="yuv420p")  # type: ignore[arg-type]
            frame.pts, frame.time_base = number, 1 / rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def _made(source: Path, target: Path, **options: object) -> vsr.Result:
    return vsr.upscale(source, target, model="nearest", scale=2, preset="ultrafast", **options)


def _timecodes(path: Path) -> set[str]:
    with av.open(str(path)) as container:
        tags = [
            (key.lower(), value)
            for stream in container.streams
            for key, value in stream.metadata.items()
        ]
    return {value for key, value in tags if key == "timecode"}
