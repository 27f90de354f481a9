"""VMAF-NEG, XPSNR and ERQA: real measurements, where their packages are installed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.natural_picture import natural

from vsr.core.errors import InputError
from vsr.evaluation import ffmpeg_meter, further
from vsr.evaluation.evaluate import evaluate
from vsr.evaluation.ffmpeg_meter import LEAST, XPSNR, Meter
from vsr.evaluation.further import Further, check_further, edges_restored
from vsr.evaluation.score import PERFECT, mean

FRAMES = 4


def clip(width: int = 96, height: int = 70) -> list[np.ndarray]:
    """Frames of a picture that moves."""
    picture = natural()
    return [np.roll(picture, 3 * n, axis=1)[:height, :width].copy() for n in range(FRAMES)]


def blurred(frames: Sequence[np.ndarray], sigma: float = 1.5) -> list[np.ndarray]:
    return [np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma)) for frame in frames]


def sharpened(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """An unsharp mask."""
    soft = blurred(frames, 1.0)
    return [
        np.clip(frame + 0.6 * (frame.astype(float) - low), 0, 255).round().astype(np.uint8)
        for frame, low in zip(frames, soft, strict=True)
    ]


def measured(
    pictures: Sequence[np.ndarray], truths: Sequence[np.ndarray], *metrics: str
) -> dict[str, float]:
    pytest.importorskip("imageio_ffmpeg")
    with Meter(*metrics) as meter:
        for picture, truth in zip(pictures, truths, strict=True):
            meter.add(picture, truth)
        return meter.scores()


def test_equal_clips_are_near_the_top_and_blurred_ones_below() -> None:
    truth = clip()
    equal = measured(truth, truth, "vmaf-neg", XPSNR)
    worse = measured(blurred(truth), truth, "vmaf-neg", XPSNR)
    worst = measured(blurred(truth, 3), truth, "vmaf-neg", XPSNR)
    assert equal["vmaf-neg"] > 97
    assert equal[XPSNR] == math.inf
    assert equal["vmaf-neg"] > worse["vmaf-neg"] + 5 > worst["vmaf-neg"] + 10
    assert worse[XPSNR] > worst[XPSNR] + 1


def test_sharpening_the_truth_raises_vmaf_and_not_neg() -> None:
    """Why VMAF alone is no metric here."""
    truth = blurred(clip(192, 160), 1.0)
    before = measured(truth, truth, "vmaf", "vmaf-neg")
    after = measured(sharpened(truth), truth, "vmaf", "vmaf-neg")
    assert after["vmaf"] > before["vmaf"]
    assert after["vmaf-neg"] < before["vmaf-neg"] - 1


def test_xpsnr_falls_with_the_error_as_psnr_does() -> None:
    """Samples reach the filter as they are: a scaled or converted range would show here."""
    truth = [np.full((64, 64), 128, np.uint8)] * FRAMES
    shifted = [frame + 3 for frame in truth]
    lighter = measured(shifted, truth, XPSNR)[XPSNR]
    darker = measured([frame - 3 for frame in truth], truth, XPSNR)[XPSNR]
    assert darker == lighter
    doubled = measured([frame + 6 for frame in truth], truth, XPSNR)[XPSNR]
    assert lighter - doubled == pytest.approx(20 * math.log10(2), abs=0.001)


def test_xpsnr_weighs_by_what_the_truth_shows() -> None:
    """Texture that was lost is seen less than texture that was made up."""
    flat = [np.full((64, 128), 128, np.uint8)] * FRAMES
    texture = flat[0].copy()
    texture[:, 64:] = np.random.default_rng(0).integers(0, 256, (64, 64))
    lost = measured(flat, [texture] * FRAMES, XPSNR)[XPSNR]
    made_up = measured([texture] * FRAMES, flat, XPSNR)[XPSNR]
    assert lost > made_up + 10


def test_pairs_stay_pairs() -> None:
    """One frame that differs costs the same wherever it stands, and odd sizes are whole."""
    truth = [natural()[:65, :67].copy()] * FRAMES
    found = []
    for place in range(1, FRAMES):
        pictures = list(truth)
        pictures[place] = blurred(truth)[place]
        found.append(measured(pictures, truth, XPSNR)[XPSNR])
    assert max(found) - min(found) < 0.01
    corner = [frame.copy() for frame in truth]
    for frame in corner:
        frame[-1, -1] ^= 64
    assert measured(corner, truth, XPSNR)[XPSNR] < math.inf


def test_frames_too_small_or_of_two_sizes() -> None:
    pytest.importorskip("imageio_ffmpeg")
    small = np.zeros((LEAST - 1, LEAST), np.uint8)
    with Meter("vmaf-neg") as meter, pytest.raises(InputError, match=r"32x31 .* need 32"):
        meter.add(small, small)
    truth = clip()
    least = [frame[:LEAST, :LEAST] for frame in truth]
    assert measured(least, least, "vmaf-neg")["vmaf-neg"] > 90
    with Meter(XPSNR) as meter:
        meter.add(truth[0], truth[0])
        with pytest.raises(ValueError, match="after"):
            meter.add(truth[0][1:], truth[0][1:])


def test_a_meter_that_is_left_leaves_nothing() -> None:
    pytest.importorskip("imageio_ffmpeg")
    truth = clip()
    with pytest.raises(KeyError), Meter("vmaf-neg") as meter:
        meter.add(truth[0], truth[0])
        folder, process = meter._path, meter._process
        raise KeyError
    assert process is not None
    assert process.poll() is not None
    assert not folder.exists()


def test_an_ffmpeg_that_fails_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setitem(ffmpeg_meter.MODELS, "vmaf-neg", "no_such_model")
    with pytest.raises(InputError, match=r"^vmaf-neg: ffmpeg failed \([^\n]+\)$"):
        measured(clip(), clip(), "vmaf-neg")


def test_an_ffmpeg_without_the_filter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")
    old = tmp_path / "ffmpeg"
    old.write_text("#!/bin/sh\necho ' TS psnr VV->V Calculate the PSNR.'\n")
    old.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(old))
    with pytest.raises(
        InputError, match=r"'xpsnr': .*ffmpeg has no filter xpsnr; that of imageio-ffmpeg"
    ):
        check_further([XPSNR], clips=True)


@pytest.mark.parametrize(
    ("metric", "package"),
    [("vmaf-neg", "imageio_ffmpeg"), ("xpsnr", "imageio_ffmpeg"), ("erqa", "erqa")],
)
def test_missing_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, metric: str, package: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    monkeypatch.setattr(further, "find_spec", lambda name: None)
    with pytest.raises(InputError) as told:
        check_further([metric], clips=True)
    name = package.replace("_", "-")
    assert (
        str(told.value) == f"""metric '{metric}': needs {name}: pip install "vsr-video[metrics]\""""
    )


def test_metrics_of_clips_are_refused_for_images_alone() -> None:
    with pytest.raises(InputError, match="'xpsnr': is of clips"):
        check_further(["erqa", "xpsnr"], clips=False)
    with pytest.raises(InputError, match="'lpips': must be one of vmaf-neg, xpsnr, erqa"):
        check_further(["lpips"], clips=True)


def test_edges_restored() -> None:
    pytest.importorskip("erqa")
    truth = np.full((60, 80), 40, np.uint8)
    truth[20:40, 30:60] = 200
    shifted = np.roll(truth, 2, axis=1)
    other = np.full_like(truth, 40)
    other[25:35, 10:20] = 200
    assert edges_restored(truth, truth) == 1
    assert edges_restored(shifted, truth) == 1  # which is undone first
    assert edges_restored(np.full_like(truth, 40), truth) == 0
    both = np.maximum(truth, other)
    missing, made_up = edges_restored(truth, both), edges_restored(both, truth)
    assert missing is not None
    assert made_up is not None
    assert 0.5 < missing < 1
    assert 0.5 < made_up < 1
    assert edges_restored(truth, np.full_like(truth, 40)) is None


def test_without_metrics_nothing_is_measured() -> None:
    with Further((), clip=True) as nothing:
        nothing.add(np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8))
        assert nothing.figures() == further.Figures()


def test_evaluate_measures_clips_and_images(tmp_path: Path) -> None:
    for package in ("imageio_ffmpeg", "erqa"):
        pytest.importorskip(package)
    for n, frame in enumerate(clip(128, 96)):
        (tmp_path / "clip").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f"clip/{n}.png"), frame)
    cv2.imwrite(str(tmp_path / "image.png"), natural())
    names = ["vmaf-neg", "xpsnr", "erqa"]
    scores = list(evaluate([tmp_path], "bicubic", scale=2, metrics=names))
    of_clip, of_image = sorted(scores, key=lambda score: score.name)
    assert of_clip.vmaf_neg is not None
    assert of_clip.xpsnr is not None
    assert 0 < of_clip.vmaf_neg < 100
    assert abs(of_clip.xpsnr - of_clip.psnr) < 6
    assert (of_image.vmaf_neg, of_image.xpsnr) == (None, None)
    both = [score.erqa for score in scores]
    assert all(erqa is not None and 0 <= erqa < 1 for erqa in both)
    together = mean(scores)
    assert together.vmaf_neg == of_clip.vmaf_neg
    assert together.erqa == pytest.approx(sum(both) / 2)  # type: ignore[arg-type]


def test_a_clip_without_any_error_counts_what_means_can_bear(tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")
    for n in range(3):
        cv2.imwrite(str(tmp_path / f"{n}.png"), np.full((64, 64), 100 + n, np.uint8))
    (flat,) = evaluate([tmp_path], "nearest", scale=2, metrics=["xpsnr"])
    assert flat.xpsnr == flat.psnr == PERFECT


def test_evaluate_refuses_what_it_cannot_measure(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "image.png"), natural())
    with pytest.raises(InputError, match="'xpsnr': is of clips"):
        list(evaluate([tmp_path], "bicubic", metrics=["xpsnr"]))
    with pytest.raises(TypeError, match="must be several"):
        evaluate([tmp_path], "bicubic", metrics="erqa")
    pytest.importorskip("imageio_ffmpeg")
    for n, frame in enumerate(clip(44, 44)):
        (tmp_path / "clip").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f"clip/{n}.png"), frame)
    with pytest.raises(InputError, match=r"clip: 44x44 is too small .* need 48 pixels"):
        list(evaluate([tmp_path / "clip"], "bicubic", scale=2, metrics=["xpsnr"]))
