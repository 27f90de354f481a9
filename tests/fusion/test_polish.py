"""A network takes part in a fused still only where --polish asks for it, and then all says so."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
import torch
from support.cli_runner import vsr as run
from support.moving_sign import BOX, drawn

import vsr
from vsr.core.crop import CropRegion
from vsr.fusion.follow import follow
from vsr.fusion.fuse import BESIDE
from vsr.fusion.judge import judge
from vsr.fusion.options import FuseOptions
from vsr.fusion.still import solution
from vsr.images.chunks import read_png

CROP = f"{BOX.x},{BOX.y},{BOX.width},{BOX.height}"
OPTIONS = FuseOptions(crop=CropRegion(*(BOX.x, BOX.y, BOX.width, BOX.height)))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for number, luma in enumerate(drawn(6, 3).frames):
        cv2.imwrite(str(folder / f"{number}.png"), luma)
    return folder


@pytest.mark.slow
def test_without_it_the_still_knows_no_network(images: Path, tmp_path: Path) -> None:
    stills = [
        vsr.fuse(images, tmp_path / f"{name or 'none'}.png", crop=CROP, scale=2, model=name)
        for name in ("", "bicubic")
    ]
    first, second = (made.files["still"].read_bytes() for made in stills)
    assert first == second
    assert stills[1].polished_by == ""
    record = json.loads(stills[1].files["record"].read_text())
    assert "No network took part" in record["statement"]
    assert record["reconstruction"]["polished_by"] == ""


@pytest.mark.slow
def test_with_it_the_record_the_still_and_the_summary_say_so(images: Path, tmp_path: Path) -> None:
    target = tmp_path / "look.png"
    ran = run("fuse", images, target, "--crop", CROP, "-s", "2", "-m", "bicubic", "--polish")
    assert ran.code == 0, ran.err
    assert "polished: bicubic, a network, took part in the still" in ran.out
    record = json.loads(target.with_suffix(BESIDE["record"]).read_text())
    assert "A network, bicubic, took part" in record["statement"]
    assert record["settings"]["polish"]
    assert record["reconstruction"]["polished_by"] == "bicubic"
    assert b"A network, bicubic, took part" in read_png(target.read_bytes()).metadata.xmp


@pytest.mark.slow
def test_progress_goes_up_and_the_result_comes_last(images: Path, tmp_path: Path) -> None:
    told: list[float] = []
    vsr.fuse(
        images,
        tmp_path / "a.png",
        crop=CROP,
        scale=2,
        model="",
        progress=lambda now: told.append(now.done),
    )
    assert told == sorted(told)
    assert told[-1] == 1
    ran = run("fuse", images, tmp_path / "b.png", "--crop", CROP, "-s", "2", "-m", "", "--json")
    kinds = [event["event"] for event in ran.events]
    assert kinds[-1] == "result"
    assert set(kinds[:-1]) == {"progress"}


@pytest.mark.slow
def test_what_the_samples_say_outweighs_a_guess() -> None:
    """However wrong a guess is, it is corrected by what was seen."""
    scene = drawn(16, 2)
    track = follow(scene.sights(), BOX, scene.info)
    verdicts = judge(track)
    plain = solution(track, verdicts, OPTIONS).still
    wrong = solution(track, verdicts, OPTIONS, guess=lambda still: 0.5 * still + 0.2).still
    assert float((wrong - plain).abs().mean()) < 0.25 * float((0.5 * plain - 0.2).abs().mean())
    assert not torch.equal(wrong, plain)


@pytest.mark.parametrize(
    ("target", "words", "message"),
    [
        ("look.png", ["-m", ""], "polish: needs a network"),
        ("look.html", [], "a page shows stills that no network took part in"),
        ("look.png", ["--page"], "a page shows stills that no network took part in"),
    ],
)
def test_what_is_refused(
    images: Path, tmp_path: Path, target: str, words: list[str], message: str
) -> None:
    ran = run("fuse", images, tmp_path / target, "--crop", CROP, "--polish", *words)
    assert ran.code != 0
    assert message in ran.err
    assert list(tmp_path.iterdir()) == []
