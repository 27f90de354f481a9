"""Scores by the papers' protocol: the published numbers, and what each file counts for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.clips import Clip, make, picture
from support.natural_picture import natural
from support.paths import SHARED
from support.restored_pictures import reconstruct
from support.rgb_networks import RgbBicubic, colours, rgb_bicubic
from torch import Tensor

from vsr import Model, load_model
from vsr.core.blockiness import blockiness
from vsr.core.errors import InputError
from vsr.core.options import ComputeOptions
from vsr.core.resample import resize
from vsr.datasets.ground_truth import luma, luma_picture
from vsr.datasets.media import read_pictures
from vsr.degradation.compression import Compression
from vsr.evaluation.clip import restore_image
from vsr.evaluation.degrade import Recording, seen
from vsr.evaluation.evaluate import compare, evaluate
from vsr.evaluation.flicker import flicker, motion_between
from vsr.evaluation.measure import CLIP_BORDER
from vsr.evaluation.metrics import dtssd, psnr, ssim
from vsr.evaluation.protocol import crop_to_multiple, cropped, degrade, enlarge
from vsr.evaluation.score import PERFECT, Score, mean
from vsr.inference.ensemble import SelfEnsemble
from vsr.networks import Network
from vsr.networks.catalogue import ModelCard
from vsr.networks.interpolation import Interpolation

CPU = torch.device("cpu")
ON_CPU = ComputeOptions(device="cpu", precision="fp32")
LOSSLESS = {"codec": "ffv1", "options": {}}
SETS = SHARED / "data/val_images"


@pytest.fixture(scope="module")
def bicubic() -> Model:
    return load_model("bicubic", 4)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, (width, height) in enumerate(((45, 38), (30, 52))):
        cv2.imwrite(str(folder / f"{number}.png"), picture(number, width, height))
    return folder


@pytest.mark.skipif(not SETS.is_dir(), reason=f"{SETS} is not there")
@pytest.mark.parametrize(
    ("name", "scale", "psnr_db", "ssim_"),
    # As papers print them, from Huang et al. 2015 and Kim et al. 2016 (VDSR) on.
    [
        ("Set5", 2, 33.66, 0.9299),
        ("Set5", 3, 30.39, 0.8682),
        ("Set5", 4, 28.42, 0.8104),
    ],
)
def test_bicubic_scores_what_the_papers_say(
    name: str, scale: int, psnr_db: float, ssim_: float
) -> None:
    found = mean(list(evaluate([SETS / name], load_model("bicubic", scale), "cpu")))
    assert found.psnr == pytest.approx(psnr_db, abs=0.02)
    assert found.ssim == pytest.approx(ssim_, abs=0.001)


def test_the_protocol_step_by_step(images: Path, bicubic: Model) -> None:
    scores = list(evaluate([images], bicubic, "cpu"))
    assert [score.name for score in scores] == ["0.png", "1.png"]
    truth = picture(0, 45, 38)[:36, :44]
    small = resize(torch.from_numpy(truth).float(), 9, 11).round().clamp(0, 255)
    large = resize(small, 36, 44).round().clamp(0, 255).byte().numpy()
    assert scores[0].psnr == pytest.approx(psnr(large, truth, 4), abs=0.01)
    assert scores[0].ssim == pytest.approx(ssim(large, truth, 4), abs=1e-4)
    assert scores[0].frames == 1


def test_pieces_of_the_protocol(bicubic: Model) -> None:
    plane = picture(0, 31, 22)
    assert crop_to_multiple(plane, 4).shape == (20, 28)
    assert crop_to_multiple(plane, 3).shape == (21, 30)
    flat = np.full((20, 28), 200, np.uint8)
    assert np.array_equal(degrade(flat, 4), np.full((5, 7), 200))
    assert np.array_equal(reconstruct(bicubic.network, luma_picture(flat), CPU), flat)


def save_frames(folder: Path, frames: Iterable[np.ndarray]) -> Path:
    """A folder of frame1.png, frame2.png, ... frame10.png: in natural order, not by letters."""
    folder.mkdir()
    for number, frame in enumerate(frames, 1):
        cv2.imwrite(str(folder / f"frame{number}.png"), frame)
    return folder


def test_a_clip_of_one_frame_scores_as_the_image(tmp_path: Path, bicubic: Model) -> None:
    path = make(tmp_path / "clip.mkv", Clip(48, 40, pts=(0,), **LOSSLESS))
    (found,) = evaluate([path], bicubic, "cpu")
    truth = picture(0, 48, 40)
    large = reconstruct(bicubic.network, luma_picture(truth), CPU)
    assert found.psnr == pytest.approx(psnr(large, truth, 8))
    assert found.ssim == pytest.approx(ssim(large, truth, 8))
    assert (found.frames, found.frame_psnr, found.cuts) == (1, (found.psnr,), ())
    assert found.dtssd is None


def test_a_clip_frame_by_frame(tmp_path: Path, bicubic: Model) -> None:
    folder = save_frames(tmp_path / "clip", [picture(n, 50, 43) for n in range(12)])
    (found,) = evaluate([folder], bicubic, "cpu")
    truths = [crop_to_multiple(picture(n, 50, 43), 4) for n in range(12)]
    made = [reconstruct(bicubic.network, luma_picture(truth), CPU) for truth in truths]
    pairs = list(zip(made, truths, strict=True))
    assert (found.name, found.frames, found.cuts) == ("clip", 12, ())
    assert found.frame_psnr == pytest.approx([psnr(m, t, CLIP_BORDER) for m, t in pairs])
    assert found.psnr == pytest.approx(sum(found.frame_psnr) / 12)
    assert found.ssim == pytest.approx(sum(ssim(m, t, CLIP_BORDER) for m, t in pairs) / 12)
    changes = [
        dtssd((made[n - 1], made[n]), (truths[n - 1], truths[n]), CLIP_BORDER) for n in range(1, 12)
    ]
    assert found.dtssd == pytest.approx(sum(changes) / 11)


def test_a_folder_of_frames_and_a_lossless_video_score_the_same(
    tmp_path: Path, bicubic: Model
) -> None:
    video = make(tmp_path / "clip.mkv", Clip(48, 40, pts=range(11), **LOSSLESS))
    folder = save_frames(tmp_path / "clip", [picture(n, 48, 40) for n in range(11)])
    (one,), (other,) = (list(evaluate([path], bicubic, "cpu")) for path in (video, folder))
    assert replace(one, path=folder) == other


def test_a_clip_backwards_scores_the_same_without_context(tmp_path: Path, bicubic: Model) -> None:
    frames = [picture(n, 48, 40) for n in range(5)]
    paths = [save_frames(tmp_path / "on", frames), save_frames(tmp_path / "back", frames[::-1])]
    there, back = (score for path in paths for score in evaluate([path], bicubic, "cpu"))
    assert back.frame_psnr == there.frame_psnr[::-1]
    assert back.psnr == pytest.approx(there.psnr)
    assert back.ssim == pytest.approx(there.ssim)
    assert back.dtssd == pytest.approx(there.dtssd)


def test_what_is_restored_perfectly_changes_perfectly(tmp_path: Path, bicubic: Model) -> None:
    flat = [np.full((40, 48), 100 + n, np.uint8) for n in range(4)]
    (found,) = evaluate([save_frames(tmp_path / "flat", flat)], bicubic, "cpu")
    assert (found.psnr, found.ssim, found.dtssd, found.cuts) == (PERFECT, 1, 0, ())


def test_an_error_that_stays_is_no_wrong_change(tmp_path: Path, bicubic: Model) -> None:
    (found,) = evaluate([save_frames(tmp_path / "still", [picture(0, 48, 40)] * 3)], bicubic)
    assert found.psnr < 60
    assert found.dtssd == 0


def test_the_change_at_a_cut_does_not_count(tmp_path: Path, bicubic: Model) -> None:
    one, other = picture(0, 48, 40), 255 - picture(0, 48, 40)[:, ::-1]
    (found,) = evaluate([save_frames(tmp_path / "cut", [one] * 3 + [other] * 3)], bicubic)
    assert found.cuts == (3,)
    assert found.dtssd == 0


def test_stills_keeps_images_of_one_size_apart(tmp_path: Path, bicubic: Model) -> None:
    folder = save_frames(tmp_path / "set", [picture(n, 48, 40) for n in range(3)])
    scores = list(evaluate([folder], bicubic, stills=True))
    assert [score.name for score in scores] == ["frame1.png", "frame2.png", "frame3.png"]
    assert [score.dtssd for score in scores] == [None] * 3
    assert scores[0].psnr != next(evaluate([folder], bicubic)).frame_psnr[0]  # another border


# What PSNR does not see, and recordings


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A clip large enough for blocks, with a cut."""
    shots = [[np.roll(natural(seed), 3 * n, axis=1) for n in range(3)] for seed in (1, 2)]
    return save_frames(tmp_path / "walk", shots[0] + shots[1])


def test_traces_of_a_clip(walk: Path) -> None:
    (found,) = evaluate([walk], load_model("bicubic", 2), "cpu")
    truths = [np.roll(natural(seed), 3 * n, axis=1) for seed in (1, 2) for n in range(3)]
    network = load_model("bicubic", 2).network
    made = [reconstruct(network, luma_picture(truth), CPU) for truth in truths]
    assert found.cuts == (3,)
    assert found.blockiness == pytest.approx(np.mean([blockiness(m, 16) for m in made]))
    assert found.true_blockiness == pytest.approx(np.mean([blockiness(t, 16) for t in truths]))
    for pictures, value in ((made, found.flicker), (truths, found.true_flicker)):
        changes = []
        for n in (1, 2, 4, 5):
            motion = motion_between(truths[n - 1], truths[n])
            changes.append(flicker((pictures[n - 1], pictures[n]), motion, CLIP_BORDER))
        assert value == pytest.approx(np.mean(changes))


def test_noise_and_an_encoder_come_before_the_model(walk: Path) -> None:
    model = load_model("bicubic", 2)
    clean, noisy, worse = (
        next(compare([walk], [model], ON_CPU, recording=recording))[0]
        for recording in (None, Recording(6.0), Recording(0.0, Compression("mjpeg", 31)))
    )
    assert clean.psnr > noisy.psnr + 2
    assert clean.psnr > worse.psnr + 2
    assert noisy.flicker > clean.flicker + 3
    assert worse.blockiness > clean.blockiness + 0.4
    assert abs(noisy.blockiness - clean.blockiness) < 0.05
    for score in (noisy, worse):  # the truth is what it was
        assert score.true_flicker == clean.true_flicker
        assert score.true_blockiness == clean.true_blockiness


def test_images_are_recorded_too(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "still.png"), natural())
    model, recording = load_model("bicubic", 2), Recording(3.0, Compression("mjpeg", 31))
    ((found,),) = compare([tmp_path / "still.png"], [model], ON_CPU, recording=recording)
    (image,) = seen([luma_picture(natural())], 2, recording)
    large = restore_image(model.network, image, CPU).picture
    assert found.psnr == psnr(large, natural(), 2)
    assert found.blockiness == blockiness(large, 16)
    assert (found.flicker, found.true_flicker) == (None, None)


@pytest.mark.slow
def test_all_models_see_the_same_recording(walk: Path) -> None:
    """Each scores as it does alone, with its own share of one reading."""
    recording = Recording(3.0, Compression("h264", 28))
    models = [load_model(name, 2) for name in ("bicubic", "vespcn", "nearest")]
    models.insert(1, rgb_bicubic(2))
    (together,) = compare([walk], models, ON_CPU, recording=recording)
    for model, score in zip(models, together, strict=True):
        ((alone,),) = compare([walk], [model], ON_CPU, recording=recording)
        assert alone == score


def test_no_more_frames_than_asked_for(walk: Path) -> None:
    model = load_model("bicubic", 2)
    ((few,),), ((all_,),) = (
        compare([walk], [model], ON_CPU, frames=frames) for frames in (2, None)
    )
    assert few.frame_psnr == all_.frame_psnr[:2]
    assert (few.frames, few.cuts) == (2, ())


# Models that work in RGB


def by_hand(bgr: np.ndarray, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """The luma of a picture shrunk and enlarged bicubically in RGB, and the true luma."""
    truth = crop_to_multiple(bgr, scale)
    height, width = truth.shape[:2]
    planes = torch.from_numpy(truth).movedim(-1, 0).float()
    small = resize(planes, height // scale, width // scale).round().clamp(0, 255)
    large = resize(small, height, width).round().clamp(0, 255)
    return luma(large.byte().movedim(0, -1).numpy()), luma(truth)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_protocol_in_rgb_step_by_step(tmp_path: Path, scale: int) -> None:
    bgr = colours(0, 45, 38)
    cv2.imwrite(str(tmp_path / "colour.png"), bgr)
    (found,) = evaluate([tmp_path], rgb_bicubic(scale), "cpu")
    large, truth = by_hand(bgr, scale)
    assert found.psnr == pytest.approx(psnr(large, truth, scale), abs=0.01)
    assert found.ssim == pytest.approx(ssim(large, truth, scale), abs=1e-4)
    # to a luma network the same picture is its luma
    (other,) = evaluate([tmp_path], load_model("bicubic", scale), "cpu")
    again = reconstruct(load_model("bicubic", scale).network, luma_picture(truth), CPU)
    assert other.psnr == psnr(again, truth, scale) != found.psnr


def test_what_an_rgb_network_makes_is_rounded_and_clamped() -> None:
    class Beyond(Network):
        scale, color, receptive_field = 2, "rgb", 1

        def forward(self, x: Tensor) -> Tensor:
            assert x.shape == (1, 3, 4, 5)
            values = torch.tensor([-0.2, 100.4 / 255, 1.3])[:, None, None]
            return values.expand(1, 3, 8, 10)

    found = enlarge(Beyond(), [np.zeros((4, 5, 3), np.uint8)], CPU)
    assert (found.shape, found.dtype) == ((8, 10, 3), np.uint8)
    assert (found == (0, 100, 255)).all()


def test_channels_are_shrunk_as_planes_are() -> None:
    bgr = colours(3, 44, 36)
    small = degrade(bgr, 4)
    for n in range(3):
        assert np.array_equal(small[..., n], degrade(np.ascontiguousarray(bgr[..., n]), 4))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_grey_picture_scores_the_same_in_rgb(images: Path, scale: int) -> None:
    models = [load_model("bicubic", scale), rgb_bicubic(scale)]
    for one, other in compare([images / "0.png", images / "1.png"], models, ON_CPU):
        assert one == other


@pytest.mark.skipif(not SETS.is_dir(), reason=f"{SETS} is not there")
def test_bicubic_in_rgb_scores_about_as_on_luma() -> None:
    items = [SETS / "Set5" / name for name in ("bird.png", "butterfly.png")]
    for one, other in compare(items, [load_model("bicubic", 2), rgb_bicubic(2)]):
        assert other.psnr == pytest.approx(one.psnr, abs=0.02)
        assert other.ssim == pytest.approx(one.ssim, abs=0.001)


def test_a_clip_in_rgb_frame_by_frame(tmp_path: Path) -> None:
    frames = [colours(n, 50, 43) for n in range(3)]
    frames.insert(1, frames[0])
    frames += [255 - frame[:, ::-1] for frame in frames[:2]]
    folder = save_frames(tmp_path / "clip", frames)
    (found,) = evaluate([folder], rgb_bicubic(2), "cpu")
    pairs = [by_hand(frame, 2) for frame in frames]
    expected = [psnr(made, truth, CLIP_BORDER) for made, truth in pairs]
    assert found.frame_psnr == pytest.approx(expected, abs=0.01)
    assert found.cuts == (4,)
    changes = [
        dtssd((a[0], b[0]), (a[1], b[1]), CLIP_BORDER)
        for n, (a, b) in enumerate(pairwise(pairs), 1)
        if n != 4
    ]
    assert found.dtssd == pytest.approx(sum(changes) / 4, abs=0.01)


def test_a_video_in_rgb_keeps_its_own_luma(tmp_path: Path) -> None:
    """What is restored perfectly scores so, whatever the matrix and range."""
    for number, (fill, tags) in enumerate(
        (
            ((120, 140, 100), {"colorspace": 1, "color_range": 1}),
            ((120, 140, 100), {"colorspace": 5, "color_range": 2}),
            ((81, 110, 120), {}),
        )
    ):
        clip = Clip(48, 40, pts=range(3), fill=fill, color=tags, **LOSSLESS)
        path = make(tmp_path / f"{number}.mkv", clip)
        (found,) = evaluate([path], rgb_bicubic(2), "cpu")
        assert (found.psnr, found.dtssd, found.frames) == (PERFECT, 0, 3)


def test_a_moving_video_in_rgb(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mkv", Clip(48, 40, "yuv444p", pts=range(3), **LOSSLESS))
    (found,) = evaluate([path], rgb_bicubic(2), "cpu")
    truths = [cropped(picture, 2) for picture in read_pictures(path, "rgb")]
    made = [
        truth.luma_of(enlarge(RgbBicubic(2), [degrade(truth.samples, 2)], CPU)) for truth in truths
    ]
    expected = [psnr(m, picture(n, 48, 40), CLIP_BORDER) for n, m in enumerate(made)]
    assert found.frame_psnr == pytest.approx(expected)
    assert min(expected) > 15


def test_models_of_both_colours_find_the_same_cuts(tmp_path: Path) -> None:
    one_shot, other_shot = ([colours(n, 48, 40) for n in numbers] for numbers in ((0, 1), (3, 4)))
    frames = [*one_shot, *(255 - frame[:, ::-1] for frame in other_shot), one_shot[0]]
    folder = save_frames(tmp_path / "clip", frames)
    ((one, other),) = compare([folder], [load_model("bicubic", 2), rgb_bicubic(2)], ON_CPU)
    assert one.cuts == other.cuts == (2, 4)


# Self-ensemble


class Leaning(Network):
    """The pixel to the right of each, or the one below it: all positions differ."""

    scale, receptive_field = 2, 5

    def __init__(self, color: str) -> None:
        super().__init__()
        self.color = color
        self.base = RgbBicubic(2) if color == "rgb" else Interpolation(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x.roll(1, -1) * 0.7 + x * 0.3)

    def subpixel(self, x: Tensor) -> Tensor:
        return torch.nn.functional.pixel_unshuffle(self(x), 2)


@pytest.mark.parametrize("color", ["y", "rgb"])
def test_self_ensemble_is_scored_too(tmp_path: Path, color: str) -> None:
    cv2.imwrite(str(tmp_path / "colour.png"), colours(0, 46, 38))
    model = Model(ModelCard("leaning", 2, "test"), Leaning(color))
    (plain,) = evaluate([tmp_path], model, "cpu")
    (found,) = evaluate([tmp_path], model, "cpu", self_ensemble=True)
    (truth,) = read_pictures(tmp_path / "colour.png", color)
    large = reconstruct(SelfEnsemble(Leaning(color)), truth, CPU)
    assert found.psnr == psnr(large, truth.luma, 2) > plain.psnr + 1
    (_, again), *_ = compare(
        [tmp_path / "colour.png"], [model] * 2, replace(ON_CPU, self_ensemble=True)
    )
    assert again == found


def test_models_side_by_side_score_as_alone(images: Path, bicubic: Model) -> None:
    models = [load_model("nearest", 4), bicubic]
    clip = save_frames(images / "clip", [picture(n, 48, 40) for n in range(3)])
    items = [images / "0.png", clip]
    alone = [list(evaluate(items, model, "cpu")) for model in models]
    assert list(compare(items, models, ON_CPU)) == list(zip(*alone, strict=True))


def test_warnings_come_once_for_all_models(tmp_path: Path, bicubic: Model) -> None:
    clip = make(tmp_path / "clip.mkv", Clip(48, 40, pts=(0, 1), **LOSSLESS))  # finer than 1 ms
    said: list[str] = []
    assert list(compare([clip], [bicubic] * 3, ON_CPU, warn=said.append))
    assert len(said) == 1


def test_a_perfect_picture_keeps_the_mean_finite(tmp_path: Path, bicubic: Model) -> None:
    cv2.imwrite(str(tmp_path / "black.png"), np.zeros((40, 40), np.uint8))
    (found,) = evaluate([tmp_path], bicubic, "cpu")
    assert (found.psnr, found.ssim) == (PERFECT, 1)


def test_scores_come_one_by_one(images: Path, bicubic: Model) -> None:
    (images / "1.png").write_bytes(b"broken")
    scores = evaluate([images], bicubic, "cpu")
    assert next(scores).name == "0.png"
    with pytest.raises(InputError, match=r"1\.png: cannot be read as an image"):
        next(scores)


def test_every_file_counts_the_same_in_a_mean() -> None:
    scores = [Score(Path("a"), 20, 0.5, frames=1), Score(Path("b"), 30, 0.9, frames=9)]
    found = mean(scores)
    assert (found.psnr, found.ssim, found.items) == (25, pytest.approx(0.7), 2)
    assert found.dtssd is None
    clips = [Score(Path("c"), 30, 0.9, 2, dtssd=dtssd) for dtssd in (1, 2)]
    assert mean([*scores, *clips]).dtssd == 1.5
    traces = [Score(Path("c"), 30, 0.9, 2, flicker=f, true_flicker=2 * f) for f in (1, 3)]
    found = mean([*scores, *traces])
    assert (found.flicker, found.true_flicker, found.blockiness) == (2, 4, None)


def test_what_cannot_be_scored(tmp_path: Path, bicubic: Model) -> None:
    with pytest.raises(InputError, match="nothing to evaluate"):
        list(evaluate([tmp_path], bicubic))
    with pytest.raises(InputError, match="no such file"):
        list(evaluate([tmp_path / "none.png"], bicubic))
    cv2.imwrite(str(tmp_path / "small.png"), picture(0, 19, 40))
    with pytest.raises(InputError, match=r"19x40 is too small .* both sides need 20 pixels"):
        list(evaluate([tmp_path], bicubic))
    cv2.imwrite(str(tmp_path / "small.png"), picture(0, 20, 20))
    assert len(list(evaluate([tmp_path], bicubic))) == 1
    clip = save_frames(tmp_path / "clip", [picture(0, 40, 27)] * 3)
    with pytest.raises(InputError, match=r"clip: 40x27 is too small .* both sides need 28 pixels"):
        list(evaluate([clip], bicubic))
