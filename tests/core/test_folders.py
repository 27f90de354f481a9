"""Folders that are made for a while."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from vsr.core.errors import OutputError
from vsr.core.folders import temporary_folder


def test_a_temporary_folder_goes_with_its_block() -> None:
    with temporary_folder() as folder:
        assert folder.is_dir()
    assert not folder.exists()


def test_none_that_can_be_made_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    says = r"no temporary folder can be made .*; set TMPDIR"
    with pytest.raises(OutputError, match=says), temporary_folder():
        pass
