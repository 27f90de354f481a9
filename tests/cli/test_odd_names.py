"""Names of files may hold anything; what is said of them steers no terminal and stays one line."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pytest
from support.cli_runner import vsr
from support.clips import picture

ODD = "red\x1b[31m\nline"
SEEN = "red?[31m"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / f"{ODD}.png"
    cv2.imwrite(str(tmp_path / "plain.png"), picture(1, 48, 32))
    (tmp_path / "plain.png").rename(path)
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("upscale", "{photo}", "{out}", "-m", "espcn", "-s", "2"),
        ("upscale", "{photo}", "{photo}", "-m", "espcn"),  # an error
        ("restore-image", "{photo}", "{out}", "--zero-shot", "-s", "2", "--iterations", "1"),
        ("eval", "{photo}", "--stills", "--models", "bicubic", "-s", "2"),
    ],
)
def test_it_is_shown_without_what_cannot_be(
    photo: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    out = tmp_path / f"{ODD}2.png"
    ran = vsr(*(word.format(photo=photo, out=out) for word in words))
    told = ran.out + ran.err
    assert SEEN in told
    assert "\x1b" not in told
    assert "\nline" not in told
    assert ran.code == (1 if words[2] == "{photo}" else 0)


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_batch_tells_each_file_in_a_line(
    photo: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.move(photo, folder / photo.name)
    (folder / f"{ODD} broken.png").write_bytes(b"no image")
    ran = vsr("batch", str(folder), str(tmp_path / "out"), "-m", "espcn", "-s", "2", *more)
    told = ran.out + ran.err
    assert told.count(SEEN) >= 2
    assert "\x1b" not in told
    assert "\nline" not in told
