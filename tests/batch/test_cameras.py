"""Options of single cameras, and lists of names that are left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from vsr.batch.cameras import Cameras, read_cameras, read_globs
from vsr.core.crop import parse_crop
from vsr.core.errors import InputError
from vsr.core.options import UpscaleOptions

GENERAL = UpscaleOptions.of(scale=2)


def read(tmp_path: Path, text: str, general: UpscaleOptions = GENERAL) -> Cameras:
    (tmp_path / "cameras.toml").write_text(text)
    return read_cameras(tmp_path / "cameras.toml", general)


def test_each_camera_has_its_own(tmp_path: Path) -> None:
    cameras = read(
        tmp_path,
        '[door]\ncrop = "40%,20%,30%,70%"\nmodel = "nearest"\ndenoise = 30\n["Camera 01"]\n',
    )
    door = GENERAL.but(**dict(cameras.own_of("door")))
    assert door.read.crop == parse_crop("40%,20%,30%,70%")
    assert (door.model, door.denoise, door.picture) == ("nearest", 30, GENERAL.picture)
    assert cameras.own_of("Camera 01") == cameras.own_of("road") == ()
    assert cameras.models == ["nearest"]
    assert cameras.unknown(["door", "road"]) == ["Camera 01"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[door", "is no TOML ("),
        ("[door]\n[door]\n", "is no TOML ("),
        ('crop = "1,2,3,4"\n', "'crop' stands alone; write it below [camera]"),
        (
            "[door]\nzoom = 2\n",
            "[door]: no entry 'zoom'; allowed are crop, model, content, denoise",
        ),
        ('[door]\ncrop = "1,2,3"\n', "[door]: crop '1,2,3': "),
        ("[door]\ncrop = 7\n", "[door]: crop 7: must be a text"),
        ('[door]\ndenoise = "much"\n', "[door]: denoise 'much': must be a number"),
        ("[door]\ndenoise = true\n", "[door]: denoise True: must be a number"),
        ("[door]\ndenoise = 101\n", "[door]: denoise 101: must be"),
        ('[door]\ncontent = "fog"\n', "[door]: content 'fog': "),
        ('["a\\nb"]\nmodel = ""\n', "[a b]: model '': must be a name"),
    ],
)
def test_bad_entries_are_one_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InputError) as raised:
        read(tmp_path, text)
    assert str(raised.value).startswith(f"{tmp_path / 'cameras.toml'}: ")
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for reading in (lambda path: read_cameras(path, GENERAL), read_globs):
        with pytest.raises(InputError, match=r"cannot be read \(No such file"):
            reading(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe[door]\n")
    with pytest.raises(InputError, match="is no TOML"):
        read_cameras(tmp_path / "bytes", GENERAL)
    with pytest.raises(InputError, match="is no text in UTF-8"):
        read_globs(tmp_path / "bytes")


def test_a_list_of_globs(tmp_path: Path) -> None:
    (tmp_path / "names").write_text("# driveways\n*/drive/*\n\n  clips/*  \n#*.mp4\n")
    assert read_globs(tmp_path / "names") == ["*/drive/*", "clips/*"]
