"""`vsr fuse` and `vsr.fuse`: what is written, what is refused, and that nothing is half done."""

from __future__ import annotations

import json
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
    (facts,) = ran.events
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
        (["--crop", CROP, "--at", "9"], "shows nothing any more at 9 s"),
        (["--crop", CROP, "--at", "0.1", "--start", "0.5"], "outside the span"),
        (["--crop", CROP, "--scale", "9"], "a whole number of 1 to 8"),
        (["--crop", CROP, "--prior", "-1"], "prior -1"),
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
