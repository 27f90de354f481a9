"""Telecined film gives its pictures back, each once, and no other video loses a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.clips import held
from support.interlaced import (
    FILM,
    NTSC,
    encode,
    fields_of,
    flagged,
    gray_frame,
    moment,
    progressive,
    pulled_down,
    woven,
)
from support.natural_picture import natural

from vsr import estimate, probe, upscale
from vsr.core.frame import Frame
from vsr.core.options import ReadOptions
from vsr.core.span import Span
from vsr.video.field_vote import FieldOrder
from vsr.video.reader import Video, open_video

TOP, BOTTOM = FieldOrder.TOP, FieldOrder.BOTTOM
MPEG2 = {"flags": "+ildct+ilme", "qmin": "2", "qmax": "3", "bf": "2"}
LOSSLESS = {"model": "nearest", "scale": 2, "codec": "ffv1", "device": "cpu"}
PICTURES = 48


def x264(order: FieldOrder) -> dict[str, str]:
    first = "tff" if order is TOP else "bff"
    return {"preset": "ultrafast", "crf": "14", "x264-params": f"{first}=1", "g": "7"}


def read(
    path: Path, mode: str = "auto", span: Span | None = None, context: int = 0
) -> tuple[Video, list[Frame]]:
    with open_video(path, span or Span(), lambda _: None, ReadOptions(deinterlace=mode)) as video:
        return video, list(video.frames(context))


def mode_of(path: Path) -> str:
    with open_video(path, Span(), lambda _: None) as video:
        return video.fields.mode if video.fields else ""


def times_of(video: Video, frames: Sequence[Frame]) -> list[Fraction]:
    """Seconds from the first frame on."""
    return [(frame.pts - frames[0].pts) * video.info.time_base for frame in frames]


def shown(rows: np.ndarray) -> np.ndarray:
    """The luma that a video of a picture has."""
    frame = gray_frame(rows).reformat(format="yuv420p")
    luma = np.frombuffer(frame.planes[0], np.uint8).reshape(len(rows), -1)
    return luma[:, : rows.shape[1]].astype(float)


def nearest(frames: Sequence[Frame], pictures: Sequence[np.ndarray]) -> list[int]:
    """Which of some pictures each frame is most like."""
    lumas = [shown(rows) for rows in pictures]
    return [
        int(np.argmin([np.abs(frame.planes[0] - luma).mean() for luma in lumas]))
        for frame in frames
    ]


@pytest.mark.parametrize("order", FieldOrder)
@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "b.ts", "b.mpg", "c.mov", "d.mkv", "d.avi"])
def test_each_picture_of_film_comes_once_at_its_time(
    tmp_path: Path, name: str, order: FieldOrder
) -> None:
    codec, options = {
        "a": ("libx264", x264(order)),
        "b": ("mpeg2video", MPEG2),
        "c": ("prores_ks", {}),
        "d": ("ffv1", {}),
    }[name[0]]
    film = progressive(PICTURES)
    pix_fmt = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
    path = encode(tmp_path / name, pulled_down(film, order), codec, options, pix_fmt, NTSC)
    video, frames = read(path)
    assert video.fields is not None
    assert (video.fields.mode, video.fields.order) == ("ivtc", order)
    assert video.info.frame_rate == FILM
    facts = probe(path)
    assert (facts.interlaced, facts.telecined) == (order.value, True)
    assert len(frames) == PICTURES
    if name != "b.mpg":  # whose length is a guess
        assert video.expected_frames == PICTURES
    clock = Fraction(1, 1000) if name == "d.mkv" else 0  # Matroska rounds times
    for number, time in enumerate(times_of(video, frames)):
        assert abs(time - number / FILM) <= clock
    if frames[0].planes[0].dtype == np.uint8:
        assert nearest(frames, film) == list(range(PICTURES))
        for frame, picture in zip(frames, film, strict=True):
            assert np.abs(frame.planes[0] - shown(picture)).mean() < 1.5


@pytest.mark.parametrize("first", range(5))
@pytest.mark.parametrize("missing", range(5))
def test_turns_cut_at_both_ends(tmp_path: Path, first: int, missing: int) -> None:
    """What there is of a picture counts, even if it is one field."""
    film = progressive(PICTURES)
    frames = pulled_down(film, TOP)[first : 60 - missing]
    path = encode(tmp_path / "a.avi", frames, "ffv1", rate=NTSC)
    video, found = read(path)
    begin = (0, 1, 1, 2, 3)[first]
    end = PICTURES - (0, 0, 1, 2, 3)[missing]
    assert nearest(found, film) == list(range(begin, end))
    turn = -Fraction(first) / NTSC  # on the first frame's clock
    for number, time in enumerate(times_of(video, found)[1:], begin + 1):
        assert time == turn + number / FILM
    length = sum(frame.duration for frame in found) * video.info.time_base
    assert length == len(frames) / NTSC


def twos(frames: int) -> list[np.ndarray]:
    """Animation of half the rate."""
    return [moment(4 * (number // 2)) for number in range(frames)]


def fourth_doubled(frames: int) -> list[np.ndarray]:
    """Film of which each fourth picture is shown as two whole frames."""
    return [moment(2 * (number - number // 5 - (number % 5 == 4))) for number in range(frames)]


def held_often(frames: int) -> list[np.ndarray]:
    return [moment(2 * (number // 3)) for number in range(frames)]


def hardly_moving(frames: int) -> list[np.ndarray]:
    return [moment(number // 12) for number in range(frames)]


def noisy(pictures: Sequence[np.ndarray]) -> list[np.ndarray]:
    chance = np.random.default_rng(2)
    return [
        np.asarray((rows + chance.normal(0, 6, rows.shape)).clip(0, 255), np.uint8)
        for rows in pictures
    ]


OTHERS: dict[str, Callable[[], list[np.ndarray]]] = {
    "progressive": lambda: progressive(80),
    "progressive with noise": lambda: noisy(progressive(80)),
    "interlaced, top first": lambda: woven(TOP, 80),
    "interlaced, bottom first": lambda: woven(BOTTOM, 80),
    "interlaced, with noise": lambda: noisy(woven(TOP, 80)),
    "at half the rate": lambda: twos(80),
    "at a third of the rate": lambda: held_often(80),
    "each fourth picture doubled": lambda: fourth_doubled(80),
    "hardly moving": lambda: hardly_moving(80),
    "still": lambda: [moment(0)] * 80,
    "slides": lambda: [moment(40 * (number // 9)) for number in range(80)],
    "interlaced, then film": lambda: [*woven(TOP, 80), *pulled_down(progressive(48), TOP)],
}


@pytest.mark.parametrize("draw", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("codec", ["ffv1", "mpeg2video"])
def test_auto_takes_nothing_else_for_film(
    tmp_path: Path, codec: str, draw: Callable[[], list[np.ndarray]]
) -> None:
    options = MPEG2 if codec == "mpeg2video" else {}
    path = encode(tmp_path / "a.avi", draw(), codec, options, rate=NTSC)
    assert mode_of(path) != "ivtc"


def test_film_at_another_rate_is_no_telecine_to_auto(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.avi", pulled_down(progressive(48), TOP), "ffv1")
    assert mode_of(path) == "on"


@pytest.mark.parametrize("draw", OTHERS.values(), ids=OTHERS)
def test_where_it_is_asked_for_no_moment_is_lost_either(
    tmp_path: Path, draw: Callable[[], list[np.ndarray]]
) -> None:
    pictures = draw()[:80]
    path = encode(tmp_path / "a.avi", pictures, "ffv1", rate=NTSC)
    video, frames = read(path, "ivtc")
    still = all(np.array_equal(rows, pictures[0]) for rows in pictures)
    if not still:
        assert times_of(video, frames) == [n / NTSC for n in range(len(pictures))]


def test_progressive_video_stays_as_it_is_where_inverse_telecine_is_asked_for(
    tmp_path: Path,
) -> None:
    path = encode(tmp_path / "a.avi", progressive(40), "ffv1", rate=NTSC)
    frames, as_they_are = read(path, "ivtc")[1], read(path, "off")[1]
    assert all(a.shows_same(b) for a, b in zip(frames, as_they_are, strict=True))


@pytest.mark.parametrize("length", [30, 31, 33, 59])
def test_video_between_film_keeps_each_frame(tmp_path: Path, length: int) -> None:
    film, video = progressive(192), woven(TOP, 90)[90 - length :]
    before, after = pulled_down(film, TOP), pulled_down(film, TOP)
    path = encode(tmp_path / "a.avi", [*before, *video, *after], "ffv1", rate=NTSC)
    source, frames = read(path)
    assert source.fields is not None
    assert source.fields.mode == "ivtc"
    assert len(frames) == 192 + length + 192
    begin, end = len(before) / NTSC, (len(before) + length) / NTSC
    plain, whole = read(path, "on")
    inside = times_of(plain, whole)[len(before) : len(before) + length]
    at = times_of(source, frames)
    found = [frame for frame, time in zip(frames, at, strict=True) if begin <= time < end]
    assert [time for time in at if begin <= time < end] == inside
    for frame, same in zip(found[1:-1], whole[len(before) + 1 :], strict=False):
        assert frame.shows_same(same)  # deinterlaced, and not woven of two


def test_an_overlay_of_video_over_film_is_not_decimated(tmp_path: Path) -> None:
    """Titles that move at each field would jump if frames were left out."""
    film = pulled_down(progressive(240), TOP)
    for number, frame in enumerate(film[240:], 240):
        for late in (0, 1):
            left = (2 * (2 * number + late)) % 80
            frame[48 + late :: 2, left : left + 12] = 235
    path = encode(tmp_path / "a.avi", film, "ffv1", rate=NTSC)
    video, frames = read(path)
    assert video.fields is not None
    assert video.fields.mode == "ivtc"
    assert len(frames) == 192 + 60


@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "a.mov"])
def test_film_whose_fields_the_player_repeats_gets_even_times(tmp_path: Path, name: str) -> None:
    path = flagged(tmp_path / name, progressive(48))
    _, as_it_is = read(path, "off")
    told, frames = read(path, "ivtc")
    assert len(frames) == 48
    assert all(a.shows_same(b) for a, b in zip(frames, as_it_is, strict=True))
    clock = Fraction(1, {"a.mkv": 1000, "a.mov": 30000}.get(name, 90000))
    for number, time in enumerate(times_of(told, frames)):
        assert abs(time - number / FILM) <= 2 * clock
    assert mode_of(path) == ""  # its pictures are whole: left as they are


def euro(film: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Film at 25 frames a second, with a field more every twelve pictures (24:1 pulldown)."""
    fields = [rows for n, rows in enumerate(film) for _ in range(3 if n % 12 == 11 else 2)]
    return fields_of(fields[: len(fields) // 2 * 2], TOP)


def late(film: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Film in pairs of fields (2:2 pulldown) of which each frame holds the wrong two."""
    fields = [rows for rows in film for _ in (0, 1)]
    return fields_of(fields[1:-1], TOP)


@pytest.mark.parametrize("mode", ["auto", "ivtc"])
@pytest.mark.parametrize("pull", [euro, late, lambda film: film], ids=["24:1", "late", "2:2"])
def test_film_at_25_frames_a_second_keeps_its_frames(
    tmp_path: Path, pull: Callable[[list[np.ndarray]], list[np.ndarray]], mode: str
) -> None:
    pictures = pull(progressive(72))
    path = encode(tmp_path / "a.avi", pictures, "ffv1")
    video, frames = read(path, mode)
    assert times_of(video, frames) == [Fraction(n, 25) for n in range(len(pictures))]
    assert video.info.frame_rate == 25


@pytest.mark.parametrize("lost", [1, 2, 3, 4])
def test_an_edit_amid_a_turn_loses_no_picture(tmp_path: Path, lost: int) -> None:
    film = progressive(96)
    frames = pulled_down(film, BOTTOM)
    cut = frames[: 60 + lost] + frames[65:]
    path = encode(tmp_path / "a.avi", cut, "ffv1", rate=NTSC)
    video, found = read(path)
    numbers = nearest(found, film)
    assert numbers == sorted(numbers)
    there = set(range(48)) | set(range(52, 96))
    assert there <= set(numbers)
    length = sum(frame.duration for frame in found) * video.info.time_base
    assert length == len(cut) / NTSC


def test_a_still_opening_and_a_pause_have_the_rate_of_film(tmp_path: Path) -> None:
    film = [*[moment(0)] * 80, *progressive(60), *[moment(118)] * 80, *progressive(60)]
    path = encode(tmp_path / "a.avi", pulled_down(film, TOP), "ffv1", rate=NTSC)
    video, frames = read(path)
    assert times_of(video, frames) == [n / FILM for n in range(len(film))]


def test_film_of_little_contrast_is_film_throughout(tmp_path: Path) -> None:
    """Where coding alters fields about as much as motion does, the place among turns tells."""
    grain = np.random.default_rng(3).integers(0, 4, (120, 64, 96))
    film = [
        np.asarray(110 + rows // 8 + grain[number], np.uint8) if 40 <= number < 72 else rows
        for number, rows in enumerate(progressive(120))
    ]
    options = MPEG2 | {"qmin": "3", "qmax": "3"}
    path = encode(tmp_path / "a.mov", pulled_down(film, TOP), "mpeg2video", options, rate=NTSC)
    video, frames = read(path, "ivtc")
    assert times_of(video, frames) == [n / FILM for n in range(120)]


@pytest.mark.parametrize("order", FieldOrder)
def test_film_of_a_still_camera_in_a_short_and_coarse_clip(
    tmp_path: Path, order: FieldOrder
) -> None:
    """Coding alters what moves more than what stands, of which there is more."""
    still, thing = natural(1, 320, 240), natural(2, 90, 90)
    film = [still.copy() for _ in range(24)]
    for number, rows in enumerate(film):
        rows[60:150, 20 + 7 * number :][:90, :90] = thing
    options = MPEG2 | {"qmin": "7", "qmax": "7"}
    path = encode(tmp_path / "a.mpg", pulled_down(film, order), "mpeg2video", options, rate=NTSC)
    video, frames = read(path)
    assert video.info.frame_rate == FILM
    assert nearest(frames, film) == list(range(24))
    assert times_of(video, frames) == [n / FILM for n in range(24)]


@pytest.fixture(scope="module", params=FieldOrder)
def mixed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    order = request.param
    film = pulled_down(progressive(96), order)
    frames = [*film, *woven(order, 37), *film[2:], *film[:40]]
    path = tmp_path_factory.mktemp("mixed") / "in.mp4"
    return encode(path, frames, options=x264(order), rate=NTSC)


@pytest.mark.parametrize("context", [0, 2])
@pytest.mark.parametrize(("start", "end"), [(0, 1), (1, 2), (3.51, 4.4), (5.033, 6), (9, 11)])
def test_a_part_has_the_pictures_of_the_whole(
    mixed: Path, start: float, end: float, context: int
) -> None:
    video, whole = read(mixed)
    assert video.fields is not None
    assert video.fields.mode == "ivtc"
    part, frames = read(mixed, span=Span(Fraction(str(start)), Fraction(str(end))), context=context)
    ticks = [Fraction(str(time)) / part.info.time_base for time in (start, end)]
    inside = [frame for frame in frames if not frame.is_context]
    wanted = [frame for frame in whole if ticks[0] <= frame.pts < ticks[1]]
    assert [frame.pts for frame in inside] == [frame.pts for frame in wanted]
    by_time = {frame.pts: frame for frame in whole}
    assert all(frame.shows_same(by_time[frame.pts]) for frame in frames)
    before = [frame for frame in frames if frame.is_context and frame.pts < wanted[0].pts]
    assert len(before) >= min(context, sum(frame.pts < wanted[0].pts for frame in whole))


def test_a_job_keeps_time_and_tells_of_it(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "in.mp4", pulled_down(progressive(48), TOP), options=x264(TOP), rate=NTSC
    )
    result = upscale(path, tmp_path / "out.mp4", **(LOSSLESS | {"codec": "h264"}))
    (warning,) = result.warnings
    assert "telecined film, top first" in warning
    assert "--deinterlace on" in warning
    assert result.frames_in == result.frames_out == 48
    assert result.run.duration_in == result.run.duration_out == 60 / NTSC
    times = held(tmp_path / "out.mp4").pts
    assert [time - times[0] for time in times] == [n / FILM for n in range(48)]


def test_a_container_that_counts_frames_shows_each_at_its_time(tmp_path: Path, mixed: Path) -> None:
    upscale(mixed, tmp_path / "out.avi", **(LOSSLESS | {"codec": ""}))
    video, frames = read(mixed)
    times = held(tmp_path / "out.avi").pts
    assert len(times) == len(frames)
    for time, told in zip(times, times_of(video, frames), strict=True):
        assert abs(time - times[0] - told) <= Fraction(1, 1000)


def test_raw_pictures_of_film_have_its_rate(tmp_path: Path) -> None:
    film = progressive(PICTURES)
    path = encode(tmp_path / "in.mp4", pulled_down(film, TOP), options=x264(TOP), rate=NTSC)
    upscale(path, tmp_path / "out.y4m", **(LOSSLESS | {"codec": "", "scale": 1}))
    video, frames = read(tmp_path / "out.y4m", "off")
    assert video.info.frame_rate == FILM
    assert nearest(frames, film) == list(range(PICTURES))


def test_an_estimate_counts_the_pictures(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "in.mp4", pulled_down(progressive(96), TOP), options=x264(TOP), rate=NTSC
    )
    for mode, frames in (("auto", 96), ("field", 240)):
        (found,) = estimate([(path, tmp_path / "out.mkv")], deinterlace=mode, **LOSSLESS)
        assert found.frames == frames
        assert found.reason == ""


@pytest.mark.parametrize("mode", ["auto", "on", "field", "ivtc"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_short_clips_keep_all_they_have(tmp_path: Path, count: int, mode: str) -> None:
    path = encode(tmp_path / "a.avi", woven(TOP, count), "ffv1", rate=NTSC)
    video, frames = read(path, mode)
    rate = 2 * NTSC if mode == "field" else NTSC
    assert times_of(video, frames) == [n / rate for n in range(round(count * rate / NTSC))]


@pytest.mark.parametrize("order", FieldOrder)
@pytest.mark.parametrize("top", [0, 1])
@pytest.mark.parametrize("height", [49, 54, 63])
def test_heights_of_all_kinds(tmp_path: Path, height: int, top: int, order: FieldOrder) -> None:
    """Rows of chroma are odd in number, a crop has turned the order round: film is film."""
    film = progressive(PICTURES)
    frames = [rows[top : top + height] for rows in pulled_down(film, order)]
    codec, options = ("ffv1", {}) if height % 2 else ("mpeg2video", MPEG2)  # told: top first
    path = encode(tmp_path / "a.mkv", frames, codec, options, rate=NTSC)
    video, found = read(path)
    other = BOTTOM if order is TOP else TOP
    assert video.fields is not None
    assert (video.fields.mode, video.fields.order) == ("ivtc", other if top else order)
    assert nearest(found, [rows[top : top + height] for rows in film]) == list(range(PICTURES))


@pytest.mark.parametrize("pix_fmt", ["yuv411p", "yuv422p10le", "yuv444p", "gray", "bgr0"])
def test_film_in_other_pixel_formats(tmp_path: Path, pix_fmt: str) -> None:
    path = encode(
        tmp_path / "a.avi", pulled_down(progressive(PICTURES), TOP), "ffv1", {}, pix_fmt, NTSC
    )
    whole = encode(tmp_path / "b.avi", progressive(PICTURES), "ffv1", {}, pix_fmt, FILM)
    assert mode_of(path) == "ivtc"
    pairs = zip(read(path)[1], read(whole, "off")[1], strict=True)
    assert all(one.shows_same(same) for one, same in pairs)


def test_segments_give_what_one_go_gives(mixed: Path, tmp_path: Path) -> None:
    jobs = {"whole.mkv": "never", "parts.mkv": "always"}
    results = [
        upscale(mixed, tmp_path / name, resume=how, **LOSSLESS) for name, how in jobs.items()
    ]
    assert results[0].frames_out == results[1].frames_out
    one, other = (read(tmp_path / name, "off")[1] for name in jobs)
    assert [frame.pts for frame in one] == [frame.pts for frame in other]
    assert all(a.shows_same(b) for a, b in zip(one, other, strict=True))


def test_fields_of_pairs_are_two_moments() -> None:
    """The helper weaves what the tests take for granted."""
    (frame,) = fields_of([moment(0), moment(2)], BOTTOM)
    assert np.array_equal(frame[1::2], moment(0)[1::2])
    assert np.array_equal(frame[::2], moment(2)[::2])
