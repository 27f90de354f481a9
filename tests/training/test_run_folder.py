"""The folder of a run: whose it is, and what is left there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from vsr.core.errors import OutputError
from vsr.training.run_folder import LOG, run_folder


def test_one_run_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    with run_folder(folder):
        with (
            pytest.raises(OutputError, match="run: another run is at work there"),
            run_folder(folder),
        ):
            pytest.fail("two runs in one folder")
        assert (folder / LOG).exists()
    with run_folder(folder):
        pass


def test_what_wrote_nothing_leaves_no_log(tmp_path: Path) -> None:
    (tmp_path / "degradation").mkdir()  # another stage's
    for error in (None, KeyboardInterrupt, OutputError):
        with suppress(KeyboardInterrupt, OutputError), run_folder(tmp_path):
            if error:
                raise error
        assert [*tmp_path.iterdir()] == [tmp_path / "degradation"]


def test_the_log_tells_whose_the_other_files_are(tmp_path: Path) -> None:
    with run_folder(tmp_path):
        (tmp_path / "best.safetensors").touch()
    assert (tmp_path / LOG).exists()


def test_a_log_is_kept(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("a line\n", "utf-8")
    with run_folder(tmp_path):
        pass
    assert (tmp_path / LOG).read_text("utf-8") == "a line\n"


def test_what_cannot_be_written_is_told_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / LOG).mkdir()
    with pytest.raises(OutputError, match=r"cannot be written \(Is a dir"), run_folder(tmp_path):
        pytest.fail("began")
