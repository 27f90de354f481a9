"""What errors and warnings advise: options that the running command has."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
from support.cli_runner import vsr as run
from support.interlaced import encode, woven
from support.paths import ROOT

from vsr.cli import commands
from vsr.core.errors import InputError, VsrError
from vsr.core.events import without_hints
from vsr.datasets.media import read_pictures
from vsr.video.field_vote import FieldOrder

_FLAG = re.compile(r"(?<![\w/.-])--[a-z][a-z-]*")
_QUOTED = re.compile(r"`[^`]*`")
_OF_FEW = ("encoding", "output", "remux", "training", "networks/onnx_export.py", "video/choose.py")
"""Places whose errors come of options that the running command was given, or could be."""


def raised(error: VsrError, *params: click.Parameter) -> str:
    """What an error says that a command with these parameters raises."""

    def fail(**_given: object) -> None:
        raise error

    group = commands.LateCommands("vsr")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, "command", lambda name: click.Command(name, {}, fail, [*params]))
        with pytest.raises(type(error)) as told:
            group.main(["check"], standalone_mode=False)
    return str(told.value)


def test_a_hint_is_shown_where_the_command_has_its_option() -> None:
    said = {"hint": "--stills helps", "instead": "so does patience", "python": "stills=True"}
    assert str(InputError("bad", **said)) == "bad; --stills helps"
    stills, other = click.Option(["--stills"]), click.Option(["--still"])
    assert raised(InputError("bad", **said), stills) == "bad; --stills helps"
    assert raised(InputError("bad", **said), other) == "bad; so does patience"
    assert raised(InputError("bad", hint="--stills helps")) == "bad"
    assert raised(InputError("bad; good")) == "bad; good"


def test_hints_travel() -> None:
    error = InputError("bad", hint="--stills helps", python="stills=True")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (str(other), other.without_hint()) == ("bad; --stills helps", "bad")


def test_errors_name_options_in_their_hints_alone() -> None:
    hints = 0
    for file in sorted((ROOT / "vsr").rglob("*.py")):
        place = file.relative_to(ROOT / "vsr").as_posix()
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error")):
                continue
            hints += any(keyword.arg == "hint" for keyword in node.keywords)
            pieces = [piece for argument in node.args for piece in ast.walk(argument)]
            text = "".join(str(p.value) for p in pieces if isinstance(p, ast.Constant))
            if not place.startswith(_OF_FEW):
                assert not _FLAG.search(_QUOTED.sub("", text)), (place, text)
    assert hints > 5


@pytest.mark.parametrize("words", [("check", "in", "--source", "in"), ("probe", "in")])
def test_unlike_images(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "in").mkdir()
    for height in (8, 12):
        cv2.imwrite(str(tmp_path / "in" / f"{height}.png"), np.zeros((height, 16, 3), np.uint8))
    ran = run(*(str(tmp_path / word) if word == "in" else word for word in words))
    advice = "must be alike; give each by itself, or leave the unlike ones out\n"
    assert (ran.code, ran.err.endswith(advice)) == (1, True), ran.err


def test_warnings_end_without_options_that_nobody_has(tmp_path: Path) -> None:
    told: list[str] = []
    warn = without_hints(told.append)
    for line in ("taken (--video-stream 0..1 picks another)", "a (b)", "taken (--a b) from c"):
        warn(line)
    assert told == ["taken", "a (b)", "taken (--a b) from c"]
    told.clear()
    options = {"x264-params": "tff=1", "crf": "10"}
    clip = encode(tmp_path / "fields.mkv", woven(FieldOrder.TOP, 20), options=options)
    list(read_pictures(clip, "y", warn=told.append))
    assert [line.partition(":")[0] for line in told] == ["the video is interlaced, top first"]
    assert not _FLAG.search(told[0])
