"""`vsr adapt`: what it says, in lines and in JSON, and that its result serves."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli_runner import vsr
from support.clips import Clip, make


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "a.mp4"
    return make(path, Clip(112, 96, pts=range(0, 40 * 512, 512), options={"crf": "30"}))


HOW = ("-s", 2, "-m", "espcn", "--iterations", 3, "-d", "cpu")


@pytest.mark.slow
def test_adapt_tells_what_it_found_in_lines(footage: Path, tmp_path: Path) -> None:
    target = tmp_path / "my cam.safetensors"
    ran = vsr("adapt", footage, *HOW, "-o", target)
    assert ran.code == 0, ran.err
    for word in ("model: espcn", "blur: ", "noise: ", "compression: h264", "held-back frames: "):
        assert word in ran.out
    assert "made smaller" in ran.out
    assert "no clear gain" in ran.out or "adapted weights" in ran.out
    assert f"--model '{target}'" in ran.out
    assert "step" not in ran.err
    small = tmp_path / "small.mp4"
    used = vsr("upscale", footage, small, "-s", 2, "-m", target, "-d", "cpu")
    assert used.code == 0, used.err
    assert vsr("adapt", footage, *HOW, "-o", target).code == 1
    assert vsr("adapt", footage, *HOW, "-o", target, "-y").code == 0


@pytest.mark.slow
def test_adapt_tells_what_it_found_in_json(footage: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.safetensors"
    ran = vsr("adapt", footage, *HOW, "-o", target, "--json")
    assert ran.code == 0, ran.err
    found, *steps, result = ran.events
    assert [event["event"] for event in steps] == ["progress"] * len(steps)
    assert steps[-1]["done"] == 1
    assert found["event"] == "found"
    assert found["camera"]["compression"]["codec"] == "h264"
    assert result["event"] == "result"
    assert result["output"] == str(target)
    assert isinstance(result["better"], bool)
    assert {"bicubic", "before", "after", "gain", "error"} <= result["verdict"].keys()


def test_errors_of_adapt_are_one_line(footage: Path, tmp_path: Path) -> None:
    for arguments, words in (
        ((footage, "-s", 2, "-o", tmp_path / "a.pt"), "named .safetensors"),
        ((tmp_path / "none.mp4", "-s", 2, "-o", tmp_path / "a.safetensors"), "no such file"),
    ):
        ran = vsr("adapt", *arguments)
        assert ran.code == 1
        assert words in ran.err
        assert len(ran.err.splitlines()) == 1
    ran = vsr("adapt", footage, "-o", tmp_path / "a.safetensors", "--minutes", 0)
    assert ran.code == 2
    assert "Invalid value for '--minutes': '0': must be a number above 0" in ran.err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("how", [["-m", "espcn"], ["--zero-shot"]])
def test_adapt_takes_a_folder_of_videos(tmp_path: Path, how: list[str]) -> None:
    """These are told to be too small, once they have been read."""
    folder, target = tmp_path / "footage", tmp_path / "a.safetensors"
    folder.mkdir()
    make(folder / "a.mp4", Clip(24, 24, pts=range(0, 9 * 512, 512)))
    ran = vsr("adapt", folder, "-s", 2, *how, "-o", target, "--iterations", 1, "-d", "cpu")
    assert ran.code == 1
    assert "24x24 pixels: adapting at x2 needs" in ran.err


def test_adapt_replaces_no_folder_and_not_what_it_begins_from(
    footage: Path, tmp_path: Path
) -> None:
    own, folder = tmp_path / "own.safetensors", tmp_path / "folder.safetensors"
    own.write_bytes(b"weights")
    folder.mkdir()
    ran = vsr("adapt", footage, "-m", own, "-o", own, "-y")
    assert (ran.code, own.read_bytes()) == (1, b"weights")
    assert "is the input itself" in ran.err
    ran = vsr("adapt", footage, "-o", folder, "-y")
    assert ran.code == 1
    assert "is a folder; name a file" in ran.err
