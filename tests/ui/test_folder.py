"""The served folder: all of it, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vsr.core.parts import Part, PartList, write_parts
from vsr.ui.folder import ServedFolder
from vsr.ui.names import to_name
from vsr.ui.refused import RefusedError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "served-not").mkdir()
    (tmp_path / "served-not" / "secret.mp4").write_text("x")
    (folder / "a.mp4").write_text("1234")
    (folder / "sub" / "b.png").write_text("1")
    return folder.resolve()


@pytest.mark.parametrize(
    "text",
    [
        "../served-not/secret.mp4",
        "sub/../../served-not/secret.mp4",
        "..",
        "/etc/passwd",
        "//etc/passwd",
        "sub/../../../etc/passwd",
        "a.mp4\0.png",
        ".hidden",
        "sub/.hidden",
        "\ufffd2E\ufffd2E/served-not/secret.mp4",
    ],
)
def test_no_path_leads_out(root: Path, text: str) -> None:
    served = ServedFolder(root)
    (root / ".hidden").write_text("x")
    for ask in (served.place, served.file, served.new, served.listing):
        with pytest.raises(RefusedError) as raised:
            ask(text)
        assert raised.value.status in (400, 403)
        assert "secret.mp4: is there" not in str(raised.value)


def test_links_that_lead_out_are_neither_listed_nor_followed(root: Path) -> None:
    outside = root.parent / "served-not"
    (root / "out").symlink_to(outside)
    (root / "file.mp4").symlink_to(outside / "secret.mp4")
    (root / "loop").symlink_to("loop")
    (root / "dangling.mp4").symlink_to(outside / "new.mp4")
    (root / "inner.mp4").symlink_to("a.mp4")
    served = ServedFolder(root)
    names = [entry["name"] for entry in served.listing("")["entries"]]
    assert names == ["sub", "a.mp4", "inner.mp4"]
    for text in ("out", "out/secret.mp4", "file.mp4", "loop"):
        with pytest.raises(RefusedError):
            served.place(text)
    for text in ("out/new.mp4", "file.mp4", "dangling.mp4", "loop/x.mp4"):
        with pytest.raises(RefusedError):
            served.new(text)
    assert served.file("inner.mp4").read_text() == "1234"


def test_what_is_listed(root: Path) -> None:
    os.mkfifo(root / "pipe.mp4")
    (root / "page.html").write_text("")
    (root / "a.mp4.record.json").write_text("{}")
    served = ServedFolder(root)
    found = served.listing("")
    assert (found["path"], found["parent"], found["more"]) == ("", None, False)
    kinds = {entry["path"]: entry["kind"] for entry in found["entries"]}
    assert kinds == {"sub": "folder", "a.mp4": "video", "page.html": "page", "pipe.mp4": "other"}
    sizes = {entry["name"]: entry["bytes"] for entry in found["entries"]}
    assert (sizes["a.mp4"], sizes["sub"]) == (4, None)
    below = served.listing("sub")
    assert (below["parent"], below["entries"][0]["path"]) == ("", "sub/b.png")
    with pytest.raises(RefusedError, match="is no file"):
        served.file("pipe.mp4")  # which would be waited for, and for ever


@pytest.mark.parametrize("raw", [b"a\nb.mp4", b"\xff\xfe.mp4", b"-y.mp4", b" .mp4", b"%2e%2e.mp4"])
def test_any_name_is_listed_and_found_again(root: Path, raw: bytes) -> None:
    path = os.fsencode(root) + b"/" + raw
    Path(os.fsdecode(path)).write_bytes(raw)
    served = ServedFolder(root)
    (entry,) = [e for e in served.listing("")["entries"] if e["path"] not in ("sub", "a.mp4")]
    assert served.file(entry["path"]).read_bytes() == raw
    assert os.fsencode(to_name(entry["name"])) == raw


def test_a_new_name_must_fit_the_disk_and_its_folder_be_there(root: Path) -> None:
    served = ServedFolder(root)
    assert served.new("sub/new.mp4") == root / "sub" / "new.mp4"
    with pytest.raises(RefusedError, match="too long"):
        served.new("x" * 300 + ".mp4")
    for text in ("nowhere/new.mp4", "a.mp4/new.mp4"):
        with pytest.raises(RefusedError, match="is no folder"):
            served.new(text)
    with pytest.raises(RefusedError, match="name a file in it"):
        served.new("")


def test_parts_lists_that_lead_out_are_not_taken(root: Path) -> None:
    served = ServedFolder(root)
    (root / "link.mp4").symlink_to(root.parent / "served-not" / "secret.mp4")

    def ask(path: Path) -> None:
        begins = "2026-11-28T22:00:00Z"
        part = Part(str(path), begins, 0, 1000, 1, "matroska,webm", 1, 10**9, "0" * 64)
        write_parts(root / "l.parts.json", PartList("door", "rule", (part,)))
        served.file("l.parts.json")

    ask(root / "a.mp4")
    for outside in ("served-not/secret.mp4", "served-not/nosuch.mp4", "served/link.mp4"):
        with pytest.raises(RefusedError, match="leads out of the served folder"):
            ask(root.parent / outside)
    (root / "l.parts.json").write_text("[]")
    with pytest.raises(RefusedError, match="is no parts list"):
        served.file("l.parts.json")
