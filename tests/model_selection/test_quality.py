"""What a recurrent network is told of a source."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from support.clips import Clip, make
from support.natural_picture import natural

import vsr
from vsr.core.errors import ModelError
from vsr.core.quality import FLAWLESS, Quality
from vsr.core.url import Url
from vsr.model_selection.analyze import SourceAnalysis
from vsr.model_selection.quality import _of_video, told_quality
from vsr.networks.espcn import Espcn
from vsr.networks.recurrent import Recurrent

NETWORK = Recurrent(2, features=8, pairs=1, flow_features=4)


def coded(folder: Path, crf: int) -> Path:
    options = {"crf": str(crf), "preset": "veryfast"}
    return make(folder / f"{crf}.mp4", Clip(width=160, height=128, options=options))


def test_the_decoders_quantiser_is_told(tmp_path: Path) -> None:
    told = [told_quality(coded(tmp_path, crf), NETWORK, None) for crf in (12, 24, 36)]
    quantisers = [quality.quantiser for quality in told]
    assert quantisers == sorted(quantisers)
    assert quantisers[-1] - quantisers[0] > 15
    assert told_quality(tmp_path / "24.mp4", NETWORK, None) == told[1]  # the same again


def look(**more: float | None) -> SourceAnalysis:
    facts = {"bits": 0.1, "bits_per_gradient": None, "quantiser": None, "blocks": 1.0, "noise": 0.5}
    return SourceAnalysis(codec="hevc", **facts | more)  # type: ignore[arg-type]


def test_without_a_quantiser_bits_tell_it() -> None:
    few, more = (_of_video(look(bits_per_gradient=bits)).quantiser for bits in (0.05, 0.1))
    assert few == pytest.approx(more + 6)
    assert _of_video(look()).quantiser == 0
    assert _of_video(look(bits_per_gradient=1e-9)).quantiser <= 51
    assert _of_video(look(bits_per_gradient=1e9)).quantiser == 0


def test_h264_is_told_by_its_rate_factor() -> None:
    facts = {"bits": 0.1, "bits_per_gradient": None, "blocks": 1.0, "noise": 0.5}
    h264, mpeg4 = (
        _of_video(SourceAnalysis(codec=codec, quantiser=30.0, **facts))  # type: ignore[arg-type]
        for codec in ("h264", "mpeg4")
    )
    assert (h264.quantiser, mpeg4.quantiser) == (27, 30)
    assert (h264.beyond, mpeg4.beyond) == (-3, 0)  # and so are its frames


def test_visible_blocks_count_whatever_was_done_since() -> None:
    assert _of_video(look(quantiser=15.0, blocks=1.5)).quantiser == 30
    assert _of_video(look(quantiser=35.0, blocks=1.5)).quantiser == 35
    assert (
        _of_video(look(quantiser=15.0, blocks=1.5)).beyond is None
    )  # frames know of the last only


def test_by_hand_nothing_is_measured(tmp_path: Path) -> None:
    missing = tmp_path / "none.mp4"
    assert told_quality(missing, NETWORK, 0) == FLAWLESS
    half, whole = (told_quality(missing, NETWORK, strength) for strength in (50, 100))
    assert whole == Quality(2 * half.quantiser, 2 * half.noise)


def test_what_cannot_be_looked_at() -> None:
    live = told_quality(Url("rtsp://camera/1"), NETWORK, None)
    assert live.quantiser > 20
    assert told_quality(Path("missing.mp4"), NETWORK, None) == FLAWLESS  # the job says it


def test_other_networks_are_told_nothing(tmp_path: Path) -> None:
    network = Espcn(2, (3, 3), (4,))
    assert told_quality(tmp_path, network, None) == FLAWLESS
    with pytest.raises(ModelError, match="denoise 10: only recurrent models"):
        told_quality(tmp_path, network, 10)


def test_images_are_told_by_their_noise(tmp_path: Path) -> None:
    smooth = cv2.GaussianBlur(natural(1, 160, 128), (0, 0), 3)
    random = np.random.default_rng(1)
    for n, deviation in enumerate((0, 8)):
        noisy = smooth + random.normal(0, deviation, smooth.shape)
        cv2.imwrite(str(tmp_path / f"{n}.png"), noisy.clip(0, 255).round().astype(np.uint8))
    clean, noisy = (told_quality(tmp_path / f"{n}.png", NETWORK, None) for n in (0, 1))
    assert clean.noise < 1
    assert noisy.noise == pytest.approx(8, abs=1.5)
    assert told_quality(tmp_path, NETWORK, None).noise == pytest.approx(
        (clean.noise + noisy.noise) / 2
    )


@pytest.mark.parametrize("depth", [8, 16])
def test_colour_is_as_noisy_as_the_same_in_grey(tmp_path: Path, depth: int) -> None:
    random = np.random.default_rng(1)
    ramp = np.linspace(0, (1 << depth) - 1, 96) + random.normal(0, 1 << (depth - 6), (64, 96))
    grey = ramp.clip(0, (1 << depth) - 1).astype(f"uint{depth}")
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    cv2.imwrite(str(tmp_path / "colour.png"), cv2.merge([grey, grey, grey]))
    told = [told_quality(tmp_path / f"{name}.png", NETWORK, None) for name in ("grey", "colour")]
    assert told[0].noise > 1
    assert told[1].noise == pytest.approx(told[0].noise, rel=0.01)


@pytest.mark.parametrize("wrong", [-1, 100.5, float("nan"), "strong", True])
def test_strengths_out_of_range_are_refused(wrong: object) -> None:
    with pytest.raises(ModelError, match=r"denoise .*: must be"):
        vsr.UpscaleOptions(denoise=wrong)  # type: ignore[arg-type]
