"""From a request to a command line, by click's own parsing."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from vsr.cli.ui_shell import ClickShell
from vsr.ui.folder import ServedFolder
from vsr.ui.names import to_text
from vsr.ui.orders import COMMANDS, Order, make_order
from vsr.ui.refused import RefusedError

SHELL = ClickShell()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    (folder / "clips").mkdir(parents=True)
    for name in ("a.mp4", "clips/b.mkv", "a_x4.mp4", "net.safetensors"):
        (folder / name).write_text("")
    (tmp_path / "outside.safetensors").write_text("")
    return folder.resolve()


def order(root: Path, command: str, source: object, target: str = "", **options: Any) -> Order:
    given = {name.replace("_", "-"): value for name, value in options.items()}
    named = "sources" if isinstance(source, list) else "source"
    body = {"command": command, named: source, "target": target, "options": given}
    return make_order(body, ServedFolder(root), SHELL)


def test_options_become_words_and_defaults_are_left_out(root: Path) -> None:
    made = order(
        root, "upscale", "a.mp4", "o.mkv", scale=2, crf=20.5, content="auto", verify=True,
        hwaccel=False, strength=100, denoise=None, codec="", no_subs=True, start="1:02.5",
    )  # fmt: skip
    assert made.words[:2] == (str(root / "a.mp4"), str(root / "o.mkv"))
    words = ["--scale", "2", "--crf", "20.5", "--verify", "--no-subs", "--start", "1:02.5"]
    assert list(made.words[2:]) == words
    assert shlex.split(made.line) == ["vsr", "upscale", *made.words]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_told_with_what_a_control_needs(command: str) -> None:
    found = SHELL.options(command)
    names = [option.name for option in found]
    assert len(set(names)) == len(names)
    for option in found:
        assert option.flags[0] == f"--{option.name}"
        assert option.help
        assert (option.kind == "choice") == bool(option.choices)
        assert option.kind != "flag" or isinstance(option.default, bool)
    assert not {"json", "cluster", "progress-preview", "open", "report"} & set(names)
    assert {"overwrite"} <= set(names)


def test_several_values(root: Path) -> None:
    made = order(root, "preview", "a.mp4", model=["espcn", "vespcn"], strength=[50, 100])
    words = ["--model", "espcn", "--model", "vespcn", "--strength", "50", "--strength", "100"]
    assert list(made.words[2:]) == words
    with pytest.raises(RefusedError, match="text or a number"):
        order(root, "upscale", "a.mp4", model=["espcn", "vespcn"])


@pytest.mark.parametrize(
    ("command", "source", "target"),
    [
        ("upscale", "a.mp4", "a_x4_2.mp4"),  # a_x4.mp4 is there
        ("upscale", "clips/b.mkv", "clips/b_x4.mkv"),
        ("preview", "a.mp4", "a_preview.html"),
        ("fuse", "a.mp4", "a_fused.png"),
        ("batch", ["clips", "a.mp4"], "enlarged"),
        ("batch", ["."], "enlarged"),
        ("upscale", "rtsp://user:secret@camera/1", "recorded_x4.mkv"),
    ],
)
def test_usual_targets(root: Path, command: str, source: Any, target: str) -> None:
    options = {"crop": "0,0,8,8"} if command == "fuse" else {}
    made = order(root, command, source, **options)
    assert made.target == target
    assert str(root / target) in made.words
    assert "secret" not in made.line + "".join(made.sources)


def test_a_size_is_in_the_usual_name(root: Path) -> None:
    assert order(root, "upscale", "a.mp4", to="1080p").target == "a_1080p.mp4"
    assert order(root, "upscale", "a.mp4", scale="2").target == "a_x2.mp4"


def test_check_takes_the_output_and_its_source(root: Path) -> None:
    made = order(root, "check", "a.mp4", "a_x4.mp4", frames=5)
    words = (str(root / "a_x4.mp4"), "--source", str(root / "a.mp4"), "--frames", "5")
    assert made.words == words


@pytest.mark.parametrize(
    ("command", "source", "target", "options", "why"),
    [
        ("train", "a.mp4", "", {}, "must be one of"),
        ("upscale", "../outside.safetensors", "", {}, "outside of the served folder"),
        ("upscale", "a.mp4", "../b.mp4", {}, "outside of the served folder"),
        ("upscale", "a.mp4", "/tmp/b.mp4", {}, "outside of the served folder"),
        ("upscale", "a.mp4", "a_x4.mp4", {}, "exists already"),
        ("upscale", "nosuch.mp4", "", {}, "is not there"),
        ("upscale", "", "", {}, "name a file"),
        ("upscale", [], "", {}, "name a file"),
        ("upscale", ["a.mp4", "clips/b.mkv"], "", {}, "2 sources: take at most 1"),
        ("upscale", "a.mp4", "", {"model": "../outside.safetensors"}, "no model with a name"),
        ("upscale", "a.mp4", "", {"model": "/etc/passwd"}, "no model with a name"),
        ("upscale", "a.mp4", "", {"cluster": "auto"}, "not one of this command's"),
        ("upscale", "a.mp4", "", {"progress-preview": "x.jpg"}, "not one of this command's"),
        ("batch", ["clips"], "", {"cameras": "a.mp4"}, "not one of this command's"),
        ("upscale", "a.mp4", "", {"scale": "99"}, "is not a scale"),
        ("upscale", "a.mp4", "", {"scale": True}, "must be text or a number"),
        ("upscale", "a.mp4", "", {"scale": {"a": 1}}, "must be text or a number"),
        ("upscale", "a.mp4", "", {"verify": "yes"}, "must be true or false"),
        ("upscale", "a.mp4", "", {"width": "4", "size": "8x8"}, "exclude each other"),
        ("upscale", "a.mp4", "", {"codec": "x" * 5000}, "too long"),
        ("upscale", "file:///etc/passwd", "", {}, "no address to take frames from"),
        ("upscale", "concat://a|b", "", {}, "concat"),
        ("preview", "rtsp://camera/1", "", {}, "can only be upscaled"),
        ("check", "a.mp4", "", {}, "name the output"),
        ("check", "a.mp4", "a_x4.mp4", {"heat-map": "../h.png"}, "outside"),
    ],
)
def test_what_is_refused_in_one_line(
    root: Path, command: str, source: Any, target: str, options: dict[str, Any], why: str
) -> None:
    named = "sources" if isinstance(source, list) else "source"
    body = {"command": command, named: source, "target": target, "options": options}
    with pytest.raises(RefusedError) as raised:
        make_order(body, ServedFolder(root), SHELL)
    assert why in str(raised.value)
    assert "\n" not in str(raised.value)
    assert 400 <= raised.value.status < 500


# What a file may hold that an option names: globs to leave out; nothing, as it is written. A file
# that names further files would lead out of the folder.
HARMLESS = {"exclude-from", "heat-map"}


def path_options() -> list[tuple[str, str, bool]]:
    found = [(command, one) for command in COMMANDS for one in SHELL.options(command)]
    return [(command, one.name, one.multiple) for command, one in found if one.kind == "path"]


def test_files_that_options_name_lead_to_no_further_ones() -> None:
    assert {name for _, name, _ in path_options()} == HARMLESS


@pytest.mark.parametrize(("command", "name", "multiple"), path_options())
@pytest.mark.parametrize(
    "value", ["../outside.safetensors", "/etc/passwd", "link", "clips/../../x", ".hidden", "up/x"]
)
def test_no_path_option_leads_out_of_the_folder(
    root: Path, command: str, name: str, multiple: bool, value: str
) -> None:
    (root / "link").symlink_to(root.parent / "outside.safetensors")
    (root / "up").symlink_to(root.parent)
    source: object = ["clips"] if command == "batch" else "a.mp4"
    target = "a_x4.mp4" if command == "check" else ""
    with pytest.raises(RefusedError, match=r"outside|leads out|hidden"):
        order(root, command, source, target, **{name: [value] if multiple else value})


def test_a_model_may_be_a_file_of_the_folder(root: Path) -> None:
    made = order(root, "upscale", "a.mp4", model="net.safetensors")
    assert made.words[-1] == str(root / "net.safetensors")


def test_to_read_nice_does_not_make_it_so(root: Path) -> None:
    before = os.nice(0)
    assert SHELL.complaint("upscale", ["in.mp4", "out.mp4", "--nice", "5"]) == ""
    assert os.nice(0) == before


@pytest.mark.parametrize("raw", [b"-rf.mp4", b"--json.mp4", b"a\nb.mp4", b"\xff.mp4", b"50%d.mp4"])
def test_names_are_never_taken_for_options(root: Path, raw: bytes) -> None:
    name = os.fsdecode(raw)
    (root / name).write_text("")
    made = order(root, "upscale", to_text(name))
    assert made.words[0] == f"{root}/{name}"
    assert made.line.isprintable()
    made.target.encode()
