"""The pages of vsr fuse as files: what they are made of, and what is refused."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.cli_runner import vsr as run
from support.moving_sign import BOX, drawn

import vsr
from vsr.cli.fuse import fuse_command, line_of
from vsr.core.orientation import Orientation
from vsr.core.span import Span
from vsr.fusion.by_hand import decided
from vsr.fusion.follow import follow
from vsr.fusion.judge import judge
from vsr.fusion.options import FuseOptions
from vsr.fusion.page.command import python_line
from vsr.fusion.page.growth import growing
from vsr.fusion.page.pictures import picture_uri, small_uri
from vsr.fusion.page.sample_frames import sample_frames, typed
from vsr.fusion.page.strip import shown_points
from vsr.fusion.still import _reconstructed
from vsr.images.info import image_info
from vsr.images.metadata import Shape
from vsr.video.reader import open_video

CROP = f"{BOX.x},{BOX.y},{BOX.width},{BOX.height}"


class Scripts(HTMLParser):
    """The texts of a page's elements that have an id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self._inside: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = dict(attrs).get("id")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside] = self.texts.get(self._inside, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._inside = None


def data_of(page: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(Scripts(page.read_text()).texts["data"])
    return found


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven images of a sign that moves; something is before it in number 3."""
    folder = tmp_path_factory.mktemp("images")
    for number, luma in enumerate(drawn(7, 3).frames):
        if number == 3:
            luma[BOX.y : BOX.y + 14, BOX.x + 12 : BOX.x + 26] = 90
        cv2.imwrite(str(folder / f"f_{number}.png"), luma)
    return folder / "f_%d.png"


@pytest.mark.slow
def test_growing_stills_are_those_of_their_frames_alone() -> None:
    """Each is what fusing gives with all others dropped, to the bit; the last is the still."""
    scene, options = drawn(7, 3), FuseOptions(crop=CROP, scale=2)  # type: ignore[arg-type]
    track = follow(scene.sights(), BOX, scene.info)
    verdicts = judge(track)
    fused = _reconstructed(track, verdicts, BOX, scene.info, options)
    steps = list(growing(fused, options))
    assert [len(step.frames) for step in steps] == [1, 2, 5, 7]
    assert steps[0].frames == (fused.best_frame,)
    assert torch.equal(steps[-1].still, fused.still)
    for few, more in pairwise(steps):
        assert set(few.frames) < set(more.frames)
    for step in (steps[0], steps[2]):
        drop = sorted(set(range(7)) - set(step.frames))
        alone = _reconstructed(track, decided(verdicts, (), drop), BOX, scene.info, options)
        assert torch.equal(alone.still, step.still)
        assert alone.knowledge == step.knowledge


@pytest.mark.slow
def test_a_page_is_made_alone_or_beside_the_pictures(images: Path, tmp_path: Path) -> None:
    asked = {"crop": CROP, "scale": 1, "model": "", "frames": 5}
    alone = vsr.fuse(images, tmp_path / "alone.html", **asked)
    assert [path.name for path in tmp_path.iterdir()] == ["alone.html"]
    assert dict(alone.files) == {"page": tmp_path / "alone.html"}
    both = vsr.fuse(images, tmp_path / "both.png", page=True, **asked)
    assert both.files["page"] == tmp_path / "both.html"
    told = json.loads((tmp_path / "both.record.json").read_text())
    for page in ("alone.html", "both.html"):
        data = data_of(tmp_path / page)
        assert [f["used"] for f in data["frames"]] == [f["used"] for f in told["frames"]]
        assert [f["used"] for f in data["frames"]] == [True, True, True, False, True]
        assert data["frames"][3]["reason"] == told["frames"][3]["reason"]
        assert [step["count"] for step in data["steps"]] == [1, 2, 4]
        assert [view["label"] for view in data["views"]] == [
            "Still",
            "Best frame",
            "Mean",
            "Certainty",
        ]
    before = (tmp_path / "both.html").read_bytes()
    with pytest.raises(vsr.OutputError, match=r"both\.html: exists already"):
        vsr.fuse(images, tmp_path / "both.html", **asked)
    (tmp_path / "new.html").write_bytes(b"mine")
    with pytest.raises(vsr.OutputError, match=r"new\.html: exists already"):
        vsr.fuse(images, tmp_path / "new.png", page=True, **asked)
    assert not (tmp_path / "new.png").exists()
    assert (tmp_path / "both.html").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("look.png",), "OUTPUT.html without it shows frames to draw it on"),
        (("look.html", "--keep", "3"), "--keep, --drop and --page need --crop"),
        (("look.html", "--page"), "--keep, --drop and --page need --crop"),
        (("look.html", "--at", "9", "--end", "2"), "outside the span, from 0 s to 2 s"),
        (("look.htm",), "look.htm: name it look.html"),
        (("look.html", "--start", "1"), "start and end are for video files"),
        (("nowhere/look.html",), "does not exist"),
    ],
)
def test_what_is_refused_in_one_line(
    images: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    target, *more = words
    ran = run("fuse", images, tmp_path / target, *more)
    assert ran.code != 0
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_page_to_draw_on(images: Path, tmp_path: Path) -> None:
    target = tmp_path / "pick.html"
    ran = run("fuse", images, target, "--at", "0.1", "--json")
    assert ran.code == 0, ran.err
    assert ran.events[-1]["frames"] == 7
    data = data_of(target)
    assert (data["width"], data["height"]) == (96, 56)
    assert [frame["at"] for frame in data["frames"]][:3] == ["0", "0.04", "0.08"]
    assert data["first"] == 2  # the one that is shown at 0.1 s
    assert data["line"]["before"].endswith("pick.html -y")
    assert run("fuse", images, target).code == 1
    again = vsr.pick_region(images, target, overwrite=True)
    assert again.frames == 7
    assert data_of(target)["line"]["before"].startswith("vsr.fuse(")
    with pytest.raises(vsr.OutputError, match=r"a page is a \.html"):
        vsr.pick_region(images, tmp_path / "pick.png")


def test_frames_to_draw_on_are_spread_over_all(tmp_path: Path) -> None:
    for number in range(61):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((16, 16), number, np.uint8))
    found = sample_frames(tmp_path / "%d.png", vsr.ReadOptions(), lambda _: None)
    assert [float(one.at) for one in found.frames] == pytest.approx(
        [number / 25 for number in range(0, 61, 3)]
    )
    assert not found.cut


@given(
    st.fractions(0, 10_000, max_denominator=100_000),
    st.fractions(Fraction(1, 1000), 1, max_denominator=1000),
)
def test_a_time_that_is_typed_is_that_of_its_frame(begin: Fraction, length: Fraction) -> None:
    text = typed(begin, begin + length)
    assert begin <= Fraction(text) < begin + length
    assert len(text.partition(".")[2]) <= 4


@given(
    st.builds(Orientation, st.booleans(), st.booleans(), st.booleans()),
    st.integers(0, 6),
    st.integers(0, 4),
)
def test_points_are_where_pixels_are_shown(turned: Orientation, x: int, y: int) -> None:
    stored = np.zeros((5, 7), bool)
    stored[y, x] = True
    ((row, column),) = np.argwhere(turned.shown(stored))
    (point,) = shown_points(np.array([[x + 0.5, y + 0.5]]), turned, 7, 5)
    assert tuple(point) == (column + 0.5, row + 0.5)


@pytest.mark.parametrize(
    ("side", "kind", "shown"), [(40, "png", 40), (1200, "jpeg", 1200), (2400, "jpeg", 2000)]
)
def test_pictures_have_a_bounded_size(side: int, kind: str, shown: int) -> None:
    info = image_info(Shape(side, side, 1, 8))
    noise = torch.rand(1, side, side, generator=torch.Generator().manual_seed(1))
    assert pixels_of(picture_uri(noise, info), kind).shape[:2] == (shown, shown)
    assert max(pixels_of(small_uri(noise, info, 30), "jpeg").shape) == 30


def pixels_of(uri: str, kind: str) -> np.ndarray:
    from base64 import b64decode

    head, _, text = uri.partition(",")
    assert head == f"data:image/{kind};base64"
    return cv2.imdecode(np.frombuffer(b64decode(text), np.uint8), 0)


@pytest.mark.parametrize("name", ["{}.mp4", "it's.mp4", "a\\b.mp4", "$&.mp4"])
def test_python_s_line_is_a_call_that_means_the_same(name: str) -> None:
    options = FuseOptions(
        crop=CROP,  # type: ignore[arg-type]
        scale=2,
        prior=0.5,
        read=vsr.ReadOptions(start=Fraction(1, 3), video_stream=1),
        overwrite=True,
    )
    line = python_line(Path(name), Path("look.html"), options)
    text = line.with_values(crop=CROP, at="1.25", keep="", drop="3-5")
    called: dict[str, Any] = {}

    class Stand:
        ReadOptions = vsr.ReadOptions

        @staticmethod
        def fuse(*paths: str, **keywords: Any) -> None:
            called.update(keywords, paths=paths)

    eval(text, {"vsr": Stand})
    assert called.pop("paths") == (name, "look.html")
    made = FuseOptions(**called)
    assert made == FuseOptions(**vars(options) | {"at": Fraction(5, 4), "drop": (3, 4, 5)})


def test_the_command_line_is_read_as_the_same_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page tells, a shell and vsr take for what was asked for; files may be called -x."""
    asked = FuseOptions(
        crop="25%,25%,50%,50%",  # type: ignore[arg-type]
        scale=3,
        frames=7,
        prior=0.1234567,
        model="",
        threads=2,
        page=True,
        read=vsr.ReadOptions(start=Fraction(1, 3), end=Fraction(9), deinterlace="off"),
    )
    text = line_of(Path("-x y'.mp4"), Path("-o.png"), asked).with_values(
        crop=str(asked.crop), at="1/2", keep="3", drop="4-5"
    )
    seen: list[tuple[Path, Path, FuseOptions]] = []

    def stand(source: Path, target: Path, options: FuseOptions, **_: Any) -> None:
        seen.append((source, target, options))
        raise vsr.InputError("stop")

    monkeypatch.setattr("vsr.fusion.fuse.fuse", stand)
    with pytest.raises(vsr.InputError, match="stop"):
        fuse_command.main(shlex.split(text)[2:], standalone_mode=False)
    ((source, target, options),) = seen
    assert (source, target) == (Path("-x y'.mp4"), Path("-o.png"))
    assert options == replace(asked, at=Fraction(1, 2), keep=(3,), drop=(4, 5))


@pytest.mark.slow
def test_long_videos_are_sought_in(tmp_path: Path) -> None:
    """Each picture is of the frame that `--at` names then, and they are spread over the span."""
    clip = tmp_path / "long.mkv"
    with av.open(str(clip), "w") as out:
        stream = out.add_stream("ffv1", Fraction(30000, 1001))
        stream.width, stream.height, stream.pix_fmt = 32, 16, "gray"
        for number in range(700):
            luma = np.full((16, 32), number * 255 // 700, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(luma, "gray")))
        out.mux(stream.encode(None))
    read = vsr.ReadOptions(start=Fraction(1))
    found = sample_frames(clip, read, lambda _: None)
    assert len(found.frames) == 24
    times = [float(one.at) for one in found.frames]
    assert times[0] == pytest.approx(1.001, abs=0.034)
    assert max(b - a for a, b in pairwise(times)) == pytest.approx(22.36 / 24, abs=0.07)
    for one in found.frames[::8]:
        with open_video(clip, Span(), lambda _: None) as video:
            tick = video.tick(Fraction(one.at))
            assert tick is not None
            (shown,) = (f for f in video.frames() if f.pts <= tick < f.pts + f.duration)
        luma = pixels_of(one.picture, "jpeg")
        assert abs(float(luma.mean()) - float(shown.planes[0].mean())) < 1.5
