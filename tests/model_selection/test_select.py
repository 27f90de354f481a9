"""Which model a job takes, by what the source is like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.cli_runner import vsr
from support.clips import Clip, make

from vsr import ModelError, StalledError, upscale
from vsr.core.options import ComputeOptions, ReadOptions, UpscaleOptions
from vsr.core.url import Url
from vsr.estimation.estimate import estimate
from vsr.model_selection import select as choose
from vsr.model_selection.analyze import SourceAnalysis
from vsr.model_selection.select import Choice, choose_model
from vsr.networks import catalogue as module
from vsr.networks.catalogue import default_model, footage_model
from vsr.networks.registry import has_state
from vsr.previews.preview import preview
from vsr.provenance.sidecar import read_record, record_path

CLIP = Clip(64, 48, pts=tuple(range(0, 12 * 512, 512)))
CLEAN, FOOTAGE = "bilinear", "nearest"  # stand for the families: they need no weights
STILL, FOOTAGE_STILL = "bicubic", "espcn"
FAST: dict[str, Any] = {"scale": 2, "device": "cpu", "threads": 1, "preset": "ultrafast"}


@pytest.fixture
def families(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has the manifest name other defaults, of which the footage's have these scales."""

    def stand_in(*, scales: tuple[int, ...] = (2, 3, 4), **defaults: str) -> None:
        names = {
            "default": CLEAN,
            "default_for_stills": STILL,
            "default_for_footage": FOOTAGE,
            "default_for_footage_stills": FOOTAGE_STILL,
            **defaults,
        }
        held = module._manifest()["weights"]
        kept = [e for e in held if not e["name"].startswith(FOOTAGE) or e["scale"] in scales]
        manifest = {**names, "weights": kept}
        monkeypatch.setattr(module, "_manifest", lambda: manifest)

    stand_in()
    return stand_in


@pytest.fixture
def coarse(tmp_path: Path) -> Path:
    return make(tmp_path / "coarse.mp4", replace(CLIP, options={"crf": "40"}))


@pytest.fixture
def fine(tmp_path: Path) -> Path:
    return make(tmp_path / "fine.mp4", replace(CLIP, options={"crf": "4"}))


def chosen(
    source: Path | Url, model: str | None, content: Any, scale: int, stills: bool = False
) -> Choice:
    return choose_model(source, UpscaleOptions(model=model, content=content), scale, stills)


def refused(*arguments: Any, **named: Any) -> str:
    with pytest.raises(ModelError) as caught:
        chosen(*arguments, **named)
    message = str(caught.value)
    assert "\n" not in message
    return message


# The choice


@pytest.mark.usefixtures("families")
def test_auto_looks(coarse: Path, fine: Path) -> None:
    rough, good = (chosen(path, None, "auto", 2) for path in (coarse, fine))
    assert (rough.model, good.model) == (FOOTAGE, CLEAN)
    assert rough.said.startswith("footage by its look, coarsely coded")
    assert rough.said.endswith(f"; {FOOTAGE}")
    assert good.said.startswith("clean by its look: H.264 at ")
    assert good.said.endswith(f"; {CLEAN}")
    assert chosen(Url(f"file:{coarse}"), None, "auto", 2) == rough


@pytest.mark.usefixtures("families")
def test_what_is_asked_for_is_not_looked_at(coarse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "analyze", None)
    assert chosen(coarse, "espcn", "auto", 2) == Choice("espcn")
    assert chosen(coarse, "some.safetensors", "auto", 2) == Choice("some.safetensors")
    assert chosen(coarse, None, "clean", 2) == Choice(CLEAN)
    assert chosen(coarse, None, "footage", 2) == Choice(FOOTAGE)
    assert chosen(coarse, None, "clean", 2, stills=True) == Choice(STILL)
    assert chosen(coarse, None, "footage", 2, stills=True) == Choice(FOOTAGE_STILL)


@pytest.mark.usefixtures("families")
def test_images_are_clean(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    rough = np.random.default_rng(1).integers(0, 255, (48, 64), np.uint8)
    for name in ("0.jpg", "1.jpg"):
        cv2.imwrite(str(folder / name), rough, [cv2.IMWRITE_JPEG_QUALITY, 5])
    assert chosen(folder / "0.jpg", None, "auto", 2, stills=True) == Choice(STILL)
    assert chosen(folder, None, "auto", 2) == Choice(CLEAN)
    assert chosen(folder, None, "auto", 2, stills=True) == Choice(STILL)
    assert chosen(folder, None, "footage", 2) == Choice(FOOTAGE)


@pytest.mark.usefixtures("families")
@pytest.mark.parametrize("address", ["rtsp://camera/1", "http://server/a.mp4", "udp://:1234"])
def test_addresses_are_footage_and_are_not_opened(address: str) -> None:
    choice = chosen(Url(address), None, "auto", 2)
    assert choice.model == FOOTAGE
    assert "address" in choice.said


@pytest.mark.usefixtures("families")
def test_the_job_says_what_is_wrong_with_a_source(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    assert chosen(text, None, "auto", 2) == Choice(CLEAN)


@pytest.mark.usefixtures("families")
def test_a_source_that_gives_nothing_has_stalled(
    coarse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stalls(path: Path, reading: ReadOptions) -> SourceAnalysis:
        raise StalledError("nothing came")

    monkeypatch.setattr(choose, "analyze", stalls)
    with pytest.raises(StalledError):
        chosen(coarse, None, "auto", 2)


# What there are no weights for


def test_a_scale_without_weights(families: Callable[..., None], coarse: Path, fine: Path) -> None:
    families(scales=(2, 4))
    choice = chosen(coarse, None, "auto", 3)
    assert choice.model == CLEAN
    assert choice.said.endswith(f"; {CLEAN}, as {FOOTAGE} has no weights for x3, only for x2, x4")
    assert chosen(fine, None, "auto", 3).said.endswith(f"; {CLEAN}")
    assert "no weights for x3: it has x2, x4" in refused(coarse, None, "footage", 3)


def test_a_package_without_weights_for_footage(
    families: Callable[..., None], coarse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    families(default_for_footage="no-such", default_for_footage_stills="no-such")
    monkeypatch.setattr(choose, "analyze", None)
    assert footage_model() is footage_model(stills=True) is None
    assert chosen(coarse, None, "auto", 2) == Choice(CLEAN)
    assert chosen(Url("rtsp://camera/1"), None, "auto", 2) == Choice(CLEAN)
    assert "has none" in refused(coarse, None, "footage", 2)


def test_wrong_words_are_refused(coarse: Path) -> None:
    for words, says in (
        ({"content": "film"}, "must be one of auto, clean, footage"),
        ({"content": "footage", "model": "espcn"}, "exclude each other"),
        ({"content": "clean", "model": "espcn"}, "exclude each other"),
    ):
        with pytest.raises(ModelError, match=says):
            upscale(coarse, coarse.with_name("out.mp4"), scale=2, **words)


def test_one_network_serves_all_videos(coarse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told what a source is like, so that nothing is looked at to choose it."""
    monkeypatch.setattr(choose, "analyze", None)
    name = default_model()
    assert footage_model() == name
    assert has_state(name)
    for scale in (2, 3, 4):
        assert chosen(coarse, None, "auto", scale) == Choice(name)
        assert chosen(coarse, None, "footage", scale) == Choice(name)
        assert chosen(coarse, None, "clean", scale) == Choice(name, denoise=0.0)


def test_videos_in_int8_have_families(coarse: Path, fine: Path) -> None:
    """Recurrent networks do not run in it."""
    options = UpscaleOptions(compute=ComputeOptions(precision="int8"))
    names = [choose_model(source, options, 2).model for source in (fine, coarse)]
    assert names == [default_model(precision="int8"), footage_model(precision="int8")]
    assert not any(map(has_state, names))
    assert choose_model(fine, options, 2, stills=True).model == default_model(stills=True)


def test_still_images_have_families() -> None:
    names = {default_model(stills=True), footage_model(stills=True)}
    assert len(names) == 2
    assert names <= {entry.name for entry in module.catalogue()}


def test_what_is_asked_for_counts_more_than_the_content() -> None:
    clean = Choice("recurrent", denoise=0.0)
    assert clean.of(UpscaleOptions(content="clean")).denoise == 0
    assert clean.of(UpscaleOptions(denoise=30)).denoise == 30
    assert Choice("recurrent").of(UpscaleOptions()).denoise is None


def test_a_clean_source_has_nothing_to_remove() -> None:
    with pytest.raises(ModelError, match="content 'clean' and denoise 40 exclude each other: of"):
        UpscaleOptions(content="clean", denoise=40)
    for content, denoise in (("clean", 0), ("clean", None), ("footage", 40), ("auto", 40)):
        options = UpscaleOptions.of(content=content, denoise=denoise)
        assert (options.content, options.denoise) == (content, denoise)


# What comes of it


@pytest.mark.slow
@pytest.mark.usefixtures("families")
def test_a_job_is_as_if_the_model_were_named(tmp_path: Path, coarse: Path) -> None:
    said: list[str] = []
    found = upscale(coarse, tmp_path / "a.mp4", record=True, tell=said.append, **FAST)
    named = upscale(coarse, tmp_path / "b.mp4", record=True, model=FOOTAGE, **FAST)
    assert (found.model, named.model) == (FOOTAGE, FOOTAGE)
    assert said == [found.chosen]
    assert named.chosen == ""
    assert found.facts()["chosen"] == found.chosen
    records = [read_record(record_path(tmp_path / name)) for name in ("a.mp4", "b.mp4")]
    assert records[0]
    assert records[1]
    assert records[0]["settings"] == records[1]["settings"]
    assert records[0]["model"] == {**records[1]["model"], "chosen": found.chosen}
    assert (tmp_path / "a.mp4").stat().st_size == (tmp_path / "b.mp4").stat().st_size


@pytest.mark.usefixtures("families")
def test_a_part_is_taken_for_what_the_whole_is(tmp_path: Path, coarse: Path) -> None:
    whole = chosen(coarse, None, "auto", 2)
    part = upscale(coarse, tmp_path / "a.mp4", start=0.2, end=0.3, **FAST)
    assert (part.model, part.chosen) == (whole.model, whole.said)


@pytest.mark.usefixtures("families")
def test_a_preview_is_of_what_would_be_chosen(tmp_path: Path, coarse: Path) -> None:
    said: list[str] = []
    options = {**FAST, "duration": 0.3, "tell": said.append}
    found = preview(coarse, tmp_path / "frames", **options)
    assert [made.model for made in found.made] == ["bicubic", FOOTAGE]
    assert said == [found.chosen] == [found.facts()["chosen"]]
    clean = preview(coarse, tmp_path / "clean", content="clean", **options)
    assert [made.model for made in clean.made] == ["bicubic", CLEAN]
    assert len(said) == 1
    with pytest.raises(ModelError, match="exclude each other"):
        preview(coarse, tmp_path / "no", models=["espcn"], content="footage", **options)


@pytest.mark.usefixtures("families")
def test_a_batch_decides_by_file(tmp_path: Path, coarse: Path, fine: Path) -> None:
    pairs = [(path, tmp_path / f"{path.stem}_out.mp4") for path in (coarse, fine)]
    found = list(estimate(pairs, UpscaleOptions.of(**FAST)))
    assert [each.model for each in found] == [FOOTAGE, CLEAN]
    assert [each.measured for each in found] == [True, True]
    assert found[0].chosen.startswith("footage by its look")
    asked = list(estimate(pairs, UpscaleOptions.of(**FAST, content="footage")))
    assert [(each.model, each.chosen) for each in asked] == [(FOOTAGE, "")] * 2
    assert [each.measured for each in asked] == [True, False]


@pytest.mark.parametrize(
    ("command", "options", "code", "reason"),
    [
        ("upscale", ["--for", "film"], 2, "'auto', 'clean', 'footage'"),
        ("upscale", ["--for", "clean", "--model", "nearest"], 1, "exclude each other"),
        ("preview", ["--for", "footage", "--model", "nearest"], 1, "exclude each other"),
    ],
)
def test_the_command_refuses_contradictions(
    tmp_path: Path, fine: Path, command: str, options: list[str], code: int, reason: str
) -> None:
    target = tmp_path / ("out.mp4" if command == "upscale" else "frames")
    ran = vsr(command, fine, target, *options)
    assert (ran.code, ran.out) == (code, "")
    assert reason in ran.err
    assert not target.exists()


def test_the_command_says_what_it_took_a_video_for(fine: Path, coarse: Path) -> None:
    for path, word in ((fine, "clean by its look: "), (coarse, "footage by its look, ")):
        row = next(line for line in vsr("probe", path).out.splitlines() if "suited to" in line)
        assert row.removeprefix("suited to").strip().startswith(word)
        judgement = vsr("probe", path, "--json").events[0]["judgement"]
        assert judgement["why"].startswith(word)
        assert judgement["look"]["codec"] == "h264"
