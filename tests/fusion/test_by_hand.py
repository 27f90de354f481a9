"""A person keeps and drops frames: who is named takes part or does not, whatever judging says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.cli_runner import vsr as run
from support.moving_sign import BOX, Scene, drawn

import vsr
from vsr.fusion.by_hand import DROPPED, decided
from vsr.fusion.follow import follow
from vsr.fusion.frame_numbers import frame_numbers, numbers_text
from vsr.fusion.judge import judge
from vsr.fusion.options import FuseOptions
from vsr.fusion.still import Fused, _reconstructed

CROP = f"{BOX.x},{BOX.y},{BOX.width},{BOX.height}"


def hidden_in_fourth() -> Scene:
    """Nine frames; in number 3 something is before the sign, and number 8 shows none of it."""
    scene = drawn(9, 2)
    frames = list(scene.frames)
    frames[3] = frames[3].copy()
    frames[3][BOX.y : BOX.y + 14, BOX.x + 12 : BOX.x + 26] = 90
    frames[8] = frames[8] * 0 + 128
    return replace(scene, frames=tuple(frames))


def options(**asked: object) -> FuseOptions:
    return FuseOptions(crop=CROP, scale=2, **asked)  # type: ignore[arg-type]


@given(st.sets(st.integers(0, 5000), max_size=60))
def test_numbers_are_read_as_they_are_written(numbers: set[int]) -> None:
    assert frame_numbers("keep", numbers_text(numbers)) == tuple(sorted(numbers))
    assert frame_numbers("keep", numbers) == tuple(sorted(numbers))


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "3,",
        "7-3",
        "-1",
        "1.5",
        "0-1000",
        "1,,2",
        "9" * 30,
        [1.5],
        [-1],
        [True],
        7,
        range(1001),
    ],
)
def test_what_names_no_frames_is_told_in_one_line(value: object) -> None:
    with pytest.raises(vsr.InputError, match=r"^drop") as raised:
        options(drop=value)
    assert "\n" not in str(raised.value)


def test_a_frame_is_not_both_kept_and_dropped() -> None:
    with pytest.raises(vsr.InputError, match="frame 4 is in both"):
        options(keep="1,4", drop="3-5")


def test_who_is_named_is_obeyed_and_nobody_else_is_touched() -> None:
    scene = hidden_in_fourth()
    verdicts = judge(follow(scene.sights(), BOX, scene.info))
    assert [v.window.number for v in verdicts if v.used] == [0, 1, 2, 4, 5, 6, 7]
    found = decided(verdicts, (3, 5), (2,))
    assert [v.window.number for v in found if v.used] == [0, 1, 3, 4, 5, 6, 7]
    assert found[2].reason == DROPPED
    assert found[2].judged == ""
    assert found[2].weight == 0
    assert found[3].judged.startswith("something before")
    assert found[3].weight > 0
    assert [found[n] for n in (0, 1, 4, 5, 6, 7, 8)] == [verdicts[n] for n in (0, 1, 4, 5, 6, 7, 8)]


def test_what_cannot_be_obeyed_is_told() -> None:
    scene = hidden_in_fourth()
    verdicts = judge(follow(scene.sights(), BOX, scene.info))
    with pytest.raises(vsr.InputError, match=r"^keep 8: nothing of this frame can be taken"):
        decided(verdicts, (8,), ())
    with pytest.raises(vsr.InputError, match=r"^drop 9: .* frames 0-8 alone"):
        decided(verdicts, (), (9,))


@pytest.mark.slow
def test_a_dropped_frame_has_no_part_in_the_still() -> None:
    """What was judged unfit, and is dropped besides, changes nothing."""
    scene = hidden_in_fourth()
    track = follow(scene.sights(), BOX, scene.info)
    verdicts, how = judge(track), options()

    def made(keep: tuple[int, ...] = (), drop: tuple[int, ...] = ()) -> Fused:
        return _reconstructed(track, decided(verdicts, keep, drop), BOX, scene.info, how)

    plain, same, fewer, more = made(), made(drop=(3,)), made(drop=(2,)), made(keep=(3,))
    assert [len(one.used) for one in (plain, same, fewer, more)] == [7, 7, 6, 8]
    assert torch.equal(plain.still, same.still)
    assert not torch.equal(plain.still, fewer.still)
    assert not torch.equal(plain.still, more.still)


@pytest.mark.slow
def test_the_command_and_python_obey_alike(tmp_path: Path) -> None:
    for number, luma in enumerate(drawn(5, 2).frames):
        cv2.imwrite(str(tmp_path / f"f_{number}.png"), luma)
    source = tmp_path / "f_%d.png"
    words = ("--crop", CROP, "--scale", "1", "--model", "", "--drop", "1-2", "--json")
    ran = run("fuse", source, tmp_path / "a.png", *words)
    assert ran.code == 0, ran.err
    assert ran.events[-1]["left_out"] == {"1": DROPPED, "2": DROPPED}
    told = json.loads((tmp_path / "a.record.json").read_text())
    assert told["settings"]["drop"] == [1, 2]
    made = vsr.fuse(source, tmp_path / "b.png", crop=CROP, scale=1, model="", drop=(2, 1))
    assert made.files["still"].read_bytes() == (tmp_path / "a.png").read_bytes()
    with pytest.raises(vsr.InputError, match="drop fewer"):
        vsr.fuse(source, tmp_path / "c.png", crop=CROP, scale=1, model="", drop="0-4")
    for words in (("--drop", "7-3"), ("--keep", "99")):
        ran = run("fuse", source, tmp_path / "c.png", "--crop", CROP, "--model", "", *words)
        assert ran.code != 0
        assert len(ran.err.strip().splitlines()) == 1
    assert not list(tmp_path.glob("c*"))
