"""A record tells what was done, outlasts being written and read, and keeps no secret."""

from __future__ import annotations

import json
import math
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clips import Clip, make

from vsr import upscale
from vsr.core.errors import OutputError
from vsr.core.job import Job
from vsr.core.options import ComputeOptions, UpscaleOptions
from vsr.core.result import Result
from vsr.core.url import Url
from vsr.inference.engine import choose_engine
from vsr.inference.passes import LoadedModel, load_for
from vsr.provenance.described import described, recorded
from vsr.provenance.fingerprint import Fingerprint, fingerprint
from vsr.provenance.settings import job_settings
from vsr.provenance.sidecar import (
    check_record,
    make_record,
    read_record,
    record_path,
    result_facts,
    settings_of,
    write_record,
)

BEGAN = datetime(2026, 3, 1, 23, 59, 58, 250_000, tzinfo=timezone(timedelta(hours=1)))
TINY = Clip(width=32, height=24, pts=tuple(range(0, 4 * 512, 512)), audio=("eng",))
FINGERPRINTS = st.builds(
    Fingerprint,
    st.integers(0, 2**63 - 1),
    st.integers(-(2**63), 2**80),
    st.text("0123456789abcdef", min_size=64, max_size=64),
)


def tools(name: str = "nearest", scale: int = 2) -> LoadedModel:
    engine = choose_engine(ComputeOptions(device="cpu", precision="fp32"))
    return load_for(name, Fraction(scale), engine)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Result]:
    """A job, and what became of it."""
    folder = tmp_path_factory.mktemp("done")
    job = Job(
        make(folder / "in.mp4", TINY),
        folder / "out.mp4",
        UpscaleOptions.of(model="nearest", scale=2),
    )
    result = upscale(job.source, job.target, model="nearest", scale=2, device="cpu")
    return job, result


def record_of(done: tuple[Job, Result], **changes: Any) -> dict[str, Any]:
    """The record of the job, told with changes."""
    job, result = done
    assert isinstance(job.source, Path)
    source = changes.pop("source", job.source)
    target = changes.pop("target", job.target)
    job = replace(job.but(**changes), source=source, target=target)
    return make_record(
        *(job, job_settings(job.options, tools()), tools(), result),
        *(fingerprint(done[0].source), fingerprint(done[0].target)),
        *(BEGAN, BEGAN + timedelta(seconds=2)),
    )


def test_it_lies_beside_the_output() -> None:
    assert record_path(Path("a/out.mp4")) == Path("a/out.mp4.record.json")
    assert record_path(Path("a/frames")) == Path("a/frames.record.json")


@pytest.mark.parametrize(
    ("folder", "name"), [(".", "inner"), ("..", "outer"), ("../inner", "inner")]
)
def test_it_lies_beside_a_folder_however_that_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, name: str
) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    place = Path(folder).resolve().parent
    assert record_path(Path(folder)).resolve() == place / f"{name}.record.json"


def test_the_current_folder_takes_frames_and_has_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(tmp_path / "in.mp4", Clip(width=48, height=32))
    frames = tmp_path / "frames"
    frames.mkdir()
    monkeypatch.chdir(frames)
    upscale(source, ".", model="nearest", scale=2, record=True)
    assert (tmp_path / "frames.record.json").is_file()
    assert len(list(frames.iterdir())) == 12


def test_others_tools_find_the_same(tmp_path: Path, done: tuple[Job, Result]) -> None:
    record = record_of(done)
    for side, file in (("source", done[0].source), ("output", done[0].target)):
        said = subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True)
        assert f"{record[side]['sha256']}  {record[side]['path']}\n" == said.stdout
        when = ["date", "-u", "-r", str(file), "+%Y-%m-%dT%H:%M:%S.%NZ"]
        said = subprocess.run(when, capture_output=True, text=True, check=True)
        assert record[side]["modified"] == said.stdout.strip()


def test_it_holds_every_fact_of_the_result_once(done: tuple[Job, Result]) -> None:
    record, result = record_of(done), done[1]
    facts, found = result.facts(), []

    def collect(value: Any) -> None:
        for key, held in value.items():
            found.append((key, held))
            if isinstance(held, dict) and key != "damage":
                collect(held)

    collect(record)
    for name, fact in facts.items():
        if name not in ("source", "target", "model", "scale", "precision"):
            assert found.count((name, fact)) == 1, name
    assert record["source"]["path"] == facts["source"]
    assert record["output"]["path"] == facts["target"]
    assert record["model"]["name"] == facts["model"]
    assert record["model"]["scale"] == record["settings"]["scale"] == facts["scale"] == 2
    assert (record["picture"]["frames_in"], record["picture"]["frames_out"]) == (4, 4)


def test_it_holds_every_setting(done: tuple[Job, Result]) -> None:
    changes = {"start": Fraction(1, 3), "self_ensemble": True, "tile": 64}
    record = record_of(done, **changes)
    wanted = job_settings(done[0].but(**changes).options, tools())
    assert settings_of(record) == wanted
    assert settings_of(json.loads(json.dumps(record))) == wanted
    assert record["settings"]["start"] == "1/3"
    assert record["run"]["tile"] == 64
    assert record["run"]["measured"] == ""


def test_it_tells_of_the_model_and_what_it_learnt_from(done: tuple[Job, Result]) -> None:
    vespcn = tools("vespcn", 4)
    model = vespcn.model
    job, result = done
    held = make_record(
        *(job, job_settings(job.options, vespcn), vespcn, result),
        *(None, fingerprint(job.target), BEGAN, BEGAN),
    )["model"]
    assert held["sha256"] == model.weights.sha256 != ""
    assert held["trained_on"] == model.weights.trained_on != ""
    assert held["licence"] == model.weights.licence != ""
    assert held["options"] == model.weights.options != {}


def test_it_tells_of_every_library(done: tuple[Job, Result]) -> None:
    held = record_of(done)["libraries"]
    wanted = {"python", "torch", "pyav", "numpy", "opencv", "kornia", "safetensors"}
    assert held.keys() >= wanted | av.library_versions.keys()
    assert all(version[0].isdigit() for version in held.values())


def test_times_are_utc(done: tuple[Job, Result]) -> None:
    times = record_of(done)["times"]
    assert times["began"] == "2026-03-01T22:59:58.250Z"
    assert datetime.fromisoformat(times["ended"]) == BEGAN + timedelta(seconds=2)
    assert datetime.fromisoformat(times["ended"]).tzinfo == UTC


def test_passwords_are_nowhere(tmp_path: Path, done: tuple[Job, Result]) -> None:
    url = Url("rtsp://me:s3cr3t@camera.example/stream?token=t0p")
    job, result = replace(done[0], source=url), replace(done[1], source=url)
    record = make_record(
        *(job, job_settings(job.options, tools()), tools(), result),
        *(None, fingerprint(job.target), BEGAN, BEGAN),
    )
    write_record(tmp_path / "r.json", record)
    text = (tmp_path / "r.json").read_text()
    assert "s3cr3t" not in text
    assert "t0p" not in text
    assert record["source"] == {"address": str(url), "size": None, "modified": None, "sha256": None}
    assert read_record(tmp_path / "r.json") == record


@given(
    FINGERPRINTS | st.dictionaries(st.text("aä.\n\\ \udcff", min_size=1), FINGERPRINTS, min_size=1)
)
def test_an_identity_comes_back_to_the_nanosecond(found: Any) -> None:
    held = json.loads(json.dumps(described(Path("a"), found)))
    assert recorded(held) == found


def test_it_comes_back_as_it_was(tmp_path: Path, done: tuple[Job, Result]) -> None:
    odd = tmp_path / os.fsdecode(b"Stra\xc3\x9fe \xff\n.mp4")  # one byte of it is no text
    record = record_of(done, target=odd)
    path = record_path(odd)
    write_record(path, record)
    assert read_record(path) == record
    assert list(read_record(path) or ()) == list(record)
    assert "Straße" in path.read_text("utf-8")
    assert [*tmp_path.iterdir()] == [path]


def test_it_is_read_by_jq(tmp_path: Path, done: tuple[Job, Result]) -> None:
    record = record_of(done)
    write_record(tmp_path / "r.json", record)
    try:
        asked = ["jq", "-r", ".output.sha256", str(tmp_path / "r.json")]
        said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("jq is not installed")
    assert said.strip() == record["output"]["sha256"]


def test_segments_are_told(done: tuple[Job, Result]) -> None:
    job, result = done
    parts = [{"start": 0, "end": 512, "frames": 1, "sha256": "0" * 64, "host": "a"}]
    record = make_record(
        *(job, job_settings(job.options, tools()), tools(), result),
        *(None, fingerprint(job.target), BEGAN, BEGAN, parts),
    )
    assert record["segments"] == parts
    assert record_of(done)["segments"] == []


@pytest.mark.slow
def test_a_record_cut_anywhere_is_refused(tmp_path: Path, done: tuple[Job, Result]) -> None:
    path = tmp_path / "r.json"
    write_record(path, record_of(done))
    data = path.read_bytes()
    for size in range(len(data) - 1):  # the last byte ends the line
        path.write_bytes(data[:size])
        with pytest.raises(OutputError) as raised:
            read_record(path)
        assert str(raised.value) == f"{path}: is no record of vsr, or a damaged one"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["", "a", "NaT"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["size", "sha256", "modified", "name"]), inner)
    ),
    max_leaves=6,
)


@given(st.sampled_from(["settings", "source", "output", "tool", "model", "schema"]), JSON)
@settings(max_examples=60)
def test_nonsense_is_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, done: tuple[Job, Result], block: str, nonsense: Any
) -> None:
    path = tmp_path_factory.mktemp("bad") / "r.json"
    record = {**record_of(done), block: nonsense}
    path.write_text(json.dumps(record))
    try:
        read_record(path)
    except OutputError as error:
        assert "\n" not in str(error)


def test_a_record_without_any_one_of_its_parts_is_refused(
    tmp_path: Path, done: tuple[Job, Result]
) -> None:
    """Or with another type in its place; what is read can be told from."""
    path, record = tmp_path / "r.json", record_of(done)
    for block, held in record.items():
        rest = {name: value for name, value in record.items() if name != block}
        other: Any = 7 if isinstance(held, str) else "7"
        for changed in (rest, {**rest, block: None}, {**rest, block: other}):
            path.write_text(json.dumps(changed))
            with pytest.raises(OutputError):
                read_record(path)
        for name in held if isinstance(held, dict) else ():
            inner = {key: value for key, value in held.items() if key != name}
            for changed in (inner, {**inner, name: True}, {**inner, name: [{}]}):
                path.write_text(json.dumps({**record, block: changed}))
                try:
                    found = read_record(path)
                except OutputError as error:
                    assert str(error) == f"{path}: is no record of vsr, or a damaged one"
                else:
                    assert found is not None
                    assert result_facts(found).keys() >= {"frames_out", "fps", "warnings"}
                    settings_of(found)


@pytest.mark.parametrize(
    ("block", "wrong"),
    [
        ("picture", {"frames_in": -3, "frames_out": -3}),
        ("picture", {"frames_in": 0}),
        ("times", {"seconds": -1.0}),
        ("times", {"fps": math.nan}),
        ("times", {"seconds": math.inf}),
        ("damage", {"gaps": -1}),
        ("damage", {"gaps": 0.5}),
    ],
)
def test_a_run_that_cannot_have_been_has_no_record(
    tmp_path: Path, done: tuple[Job, Result], block: str, wrong: dict[str, Any]
) -> None:
    path, record = tmp_path / "r.json", record_of(done)
    path.write_text(json.dumps({**record, block: {**record[block], **wrong}}))
    with pytest.raises(OutputError, match=r"r\.json: is no record of vsr, or a damaged one"):
        read_record(path)


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '"a"', "[" * 100_000, "\xff", "1e400"])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text, "latin-1")
    with pytest.raises(OutputError, match="is no record"):
        read_record(path)


def test_another_layout_is_named(tmp_path: Path, done: tuple[Job, Result]) -> None:
    path = tmp_path / "r.json"
    write_record(path, {**record_of(done), "schema_number": 7})
    with pytest.raises(OutputError, match="layout 7; this vsr reads 1"):
        read_record(path)


def test_where_there_is_none_there_is_none(tmp_path: Path) -> None:
    assert read_record(tmp_path / "missing.json") is None


def test_what_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, done: tuple[Job, Result]
) -> None:
    record = record_of(done)
    with pytest.raises(OutputError, match="cannot be written"):
        write_record(tmp_path / "missing" / "r.json", record)
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_record(tmp_path / "folder.json", record)
    assert [*tmp_path.iterdir()] == [tmp_path / "folder.json"]
    write_record(tmp_path / "r.json", {"schema": "old"})
    write_record(tmp_path / "r.json", record)
    assert read_record(tmp_path / "r.json") == record


def test_another_file_is_not_replaced_by_a_record(tmp_path: Path, done: tuple[Job, Result]) -> None:
    target = tmp_path / "out.mp4"
    path = record_path(target)
    check_record(target, False, [])
    for text in ("somebody's", "[]", '{"schema": "another"}', ""):
        path.write_text(text)
        with pytest.raises(OutputError, match=r"out\.mp4\.record\.json: exists already"):
            check_record(target, False, [])
        check_record(target, True, [])
    write_record(path, record_of(done))  # left of an output that is gone
    check_record(target, False, [])


def test_a_record_never_replaces_an_input(tmp_path: Path) -> None:
    source, target = tmp_path / "in.mp4", tmp_path / "out.mp4"
    source.touch()
    record_path(target).symlink_to(source)
    with pytest.raises(OutputError, match="is the input itself"):
        check_record(target, True, [source])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there is none")
def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    os.mkfifo(record_path(target))
    with pytest.raises(OutputError, match="is a FIFO"):
        check_record(target, True, [])
    with pytest.raises(OutputError, match="is no file"):
        read_record(record_path(target))
