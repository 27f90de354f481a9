"""`vsr fuse` and `vsr.fuse`: what is written, what is refused, and that nothing is half done."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from support.cli_runner import vsr as run
from support.moving_sign import BOX, drawn

import vsr
from vsr.fusion.fuse import BESIDE

CROP = f"{BOX.x},{BOX.y},{BOX.width},{BOX.height}"
TIMES = ("at", "start", "end", "rate")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames of a sign, coded without loss, then ten of something else."""
    path = tmp_path_factory.mktemp("fuse") / "clip.mkv"
    scene = drawn(10, 3)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", 10)
        stream.width, stream.height, stream.pix_fmt = 96, 56, "gray"
        others = [255 - np.rot90(f, 2) for f in scene.frames]
        for luma in (*scene.frames, *others):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(luma), "gray")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.slow
def test_the_command_writes_a_still_and_what_stands_beside_it(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "look.png"
    ran = run("fuse", clip, target, "--crop", CROP, "--model", "bicubic", "--json")
    assert ran.code == 0, ran.err
    *told, facts = ran.events
    assert {event["event"] for event in told} == {"progress"}
    shares = [event["done"] for event in told]
    assert shares == sorted(shares) and 0 <= shares[0] <= shares[-1] <= 1
    assert facts["used"] == facts["frames"] == 10  # the shot ends there
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["look.png", *(f"look{ending}" for ending in BESIDE.values())]
    )
    for name in ("look.png", *(f"look{BESIDE[n]}" for n in ("best", "network", "mean", "error"))):
        assert cv2.imread(str(tmp_path / name)).shape == (4 * BOX.height, 4 * BOX.width, 3)
    record = json.loads((tmp_path / "look.record.json").read_text())
    assert record["schema"] == "vsr-fusion"
    assert record["source"]["sha256"]
    assert len(record["frames"]) == 10
    assert all(len(frame["matrix"]) == 9 for frame in record["frames"])
    assert record["frames"][3]["seconds"] == pytest.approx(0.3)


@pytest.mark.slow
def test_twice_the_same_and_not_over_what_is_there(clip: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    for target in (first, second):
        vsr.fuse(clip, target, crop=CROP, at=0.5, frames=5, model="")
    assert first.read_bytes() == second.read_bytes()
    assert not (tmp_path / "a.network.png").exists()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(vsr.OutputError, match="exists"):
        vsr.fuse(clip, first, crop=CROP, model="")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--crop", "80,10,40,20"], "reaches beyond the picture"),
        (["--crop", "10,10,4,4"], "too few to follow"),
        (["--crop", CROP, "--at", "9"], "no frame is shown then; the last one begins 7.1 s before"),
        (["--crop", CROP, "--at", "0.1", "--start", "0.5"], "outside the span, from 0.5 s on"),
        (["--crop", CROP, "--scale", "9"], "a whole number of 1 to 8"),
        (["--crop", CROP, "--prior", "-1"], "must be a number of 0 to 100"),
        ([], "--crop X,Y,W,H is missing"),
    ],
)
def test_what_is_refused_in_one_line(
    clip: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    ran = run("fuse", clip, tmp_path / "look.png", *words)
    assert ran.code != 0
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the first four frames of a sign: f_7.png and those after it."""
    folder = tmp_path_factory.mktemp("images")
    for number, luma in enumerate(drawn(4, 3).frames, 7):
        cv2.imwrite(str(folder / f"f_{number}.png"), luma)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["", "f_%d.png"])
def test_images_are_a_video(images: Path, tmp_path: Path, name: str) -> None:
    """The network finds the best frame among them, though they have no span."""
    made = vsr.fuse(
        images / name, tmp_path / "look.png", crop=CROP, at=0.05, model="bicubic", scale=2
    )
    assert len(made.fused.used) == 4
    near, far = (cv2.imread(str(made.files[name]), 0) for name in ("best", "network"))
    assert np.abs(near.astype(float) - far).mean() < 3


def test_a_still_does_not_join_the_images_it_is_made_of(images: Path) -> None:
    before = sorted(images.iterdir())
    for source, target in ((images, "look.png"), (images / "f_%d.png", "f_11.png")):
        with pytest.raises(vsr.OutputError, match="choose another"):
            vsr.fuse(source, images / target, crop=CROP, model="")
    assert sorted(images.iterdir()) == before


@pytest.mark.slow
def test_the_record_is_enough_to_make_it_again(clip: Path, tmp_path: Path) -> None:
    asked = {"crop": CROP, "at": Fraction(1, 3), "frames": 4, "scale": 2, "model": ""}
    read = vsr.ReadOptions(start=Fraction(1, 10))
    made = vsr.fuse(clip, tmp_path / "a.png", read=read, **asked)
    told = json.loads(made.files["record"].read_text())
    settings = told["settings"]
    exact = {
        n: v and Fraction(v).limit_denominator(10**6) for n, v in settings.items() if n in TIMES
    }
    assert exact == {"at": Fraction(1, 3), "start": Fraction(1, 10), "end": None, "rate": None}
    again = vsr.fuse(
        clip,
        tmp_path / "b.png",
        crop=settings["crop"],
        at=exact["at"],
        frames=settings["frames"],
        scale=settings["scale"],
        prior=settings["prior"],
        model=settings["model"],
        read=vsr.ReadOptions(start=exact["start"], start_number=settings["start_number"]),
    )
    assert again.files["still"].read_bytes() == made.files["still"].read_bytes()
    assert told["frames"][0]["seconds"] == pytest.approx(0.1 + told["frames"][0]["number"] / 10)


def test_a_model_that_is_not_known_is_told_before_any_work(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vsr.fusion.fuse.fuse_frames", lambda *_: pytest.fail("work was done"))
    with pytest.raises(vsr.ModelError, match="unknown model 'nosuch'"):
        vsr.fuse(clip, tmp_path / "look.png", crop=CROP, model="nosuch")


@pytest.mark.slow
def test_names_of_any_kind_are_told_in_a_line(clip: Path, tmp_path: Path) -> None:
    words = ("--crop", CROP, "--frames", "1", "--scale", "1", "--model", "")
    ran = run("fuse", clip, tmp_path / "a\nb.png", *words)
    assert ran.code == 0, ran.err
    assert len(ran.out.splitlines()) == 2 + len(BESIDE) - 1
    assert (tmp_path / "a\nb.mean.png").exists()


def test_two_files_by_one_link_are_refused(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "look.png").write_bytes(b"old")
    (tmp_path / "look.mean.png").symlink_to("look.png")
    ran = run("fuse", clip, tmp_path / "look.png", "--crop", CROP, "-y")
    assert ran.code == 1
    assert "is the same file as" in ran.err
    assert (tmp_path / "look.png").read_bytes() == b"old"


def test_keywords_go_before_options(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "still.png"
    options = vsr.FuseOptions(crop=CROP, frames=4, model="", scale=4)  # type: ignore[arg-type]
    made = vsr.fuse(clip, target, options, scale=2)
    assert made.fused.still.shape[-1] == 2 * made.fused.box.width
    with pytest.raises(TypeError, match=r"unknown option .sale.; known: .*scale"):
        vsr.fuse(clip, target, options, sale=2)


def test_what_is_read_is_asked_for_as_of_upscale() -> None:
    given = vsr.FuseOptions.given(None, {"crop": CROP, "at": 1.5, "start": 1.4})
    assert (given.read.start, given.read.end) == (Fraction("1.4"), None)
    later = vsr.FuseOptions.given(given, {"start": 2, "end": 3, "at": 2.5})
    assert (later.read.start, later.read.end, later.at) == (2, 3, Fraction("2.5"))
    assert later.crop == given.crop
    for wrong in ({}, {"start": 1}, {"crop": CROP, "stop": 1}):
        with pytest.raises(TypeError):
            vsr.FuseOptions.given(None, wrong)
    with pytest.raises(TypeError, match=r"must be vsr\.FuseOptions"):
        vsr.FuseOptions.given("scale=2", {})  # type: ignore[arg-type]


def test_only_a_png(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(vsr.OutputError, match=r"a fused still is a \.png"):
        vsr.fuse(clip, tmp_path / "look.jpg", crop=CROP)


def test_where_there_is_nothing_to_follow(tmp_path: Path) -> None:
    """A flat picture is like itself wherever it is: one frame is as good as all, or none."""
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((56, 96), 128, np.uint8))
    ran = run("fuse", path, tmp_path / "look.png", "--crop", CROP, "--model", "")
    assert "Traceback" not in ran.err
    assert ran.code in (0, 1)
