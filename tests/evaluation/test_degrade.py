"""What networks are given of true pictures: shrunk, made noisy, encoded; never a whole clip."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from support.natural_picture import natural
from support.rgb_networks import colours

from vsr.core.blockiness import blockiness
from vsr.core.errors import TrainingError
from vsr.datasets.ground_truth import Picture, image_picture, luma_picture
from vsr.degradation.compression import Compression
from vsr.evaluation.degrade import CHUNK, Recording, Seen, seen
from vsr.evaluation.protocol import crop_to_multiple, degrade

H264 = Compression("h264", 28)


def pan(count: int) -> list[Picture]:
    """A picture that moves, of sides that no scale divides."""
    plane = natural(0, 323, 259)
    return [luma_picture(np.roll(plane, 3 * n, axis=1)) for n in range(count)]


def small_ones(clip: Iterator[Seen]) -> np.ndarray:
    return np.stack([one.small for one in clip])


def test_without_a_recording_pictures_are_shrunk_alone() -> None:
    for picture, one in zip(pan(3), seen(pan(3), 4), strict=True):
        truth = crop_to_multiple(picture.luma, 4)
        assert np.array_equal(one.truth.luma, truth)
        assert np.array_equal(one.small, degrade(truth, 4))
        assert one.luma is one.small


@pytest.mark.parametrize("color", ["y", "rgb"])
def test_a_recording_that_does_nothing(color: str) -> None:
    frames = [image_picture(colours(n, 70, 66), color) for n in range(3)]
    clean, nothing = (list(seen(frames, 2, recording)) for recording in (None, Recording()))
    for one, other in zip(clean, nothing, strict=True):
        assert np.array_equal(one.small, other.small)
        assert np.array_equal(one.truth.samples, other.truth.samples)
    assert str(Recording()) == "nothing"


@pytest.mark.parametrize("sigma", [2.0, 8.0])
def test_noise_is_as_strong_as_asked_for(sigma: float) -> None:
    grey = [luma_picture(np.full((256, 256), 128, np.uint8))] * 3
    found = small_ones(seen(grey, 2, Recording(sigma)))
    assert found.std() == pytest.approx((sigma**2 + 1 / 12) ** 0.5, rel=0.02)
    assert found.mean() == pytest.approx(128, abs=0.1)
    assert abs(np.corrcoef(found[0].ravel(), found[1].ravel())[0, 1]) < 0.03  # new in each frame


def test_noise_is_grey_and_the_same_for_all_colours() -> None:
    bgr = np.full((64, 64, 3), 128, np.uint8)
    rgb, luma = (
        small_ones(seen([image_picture(bgr, color)] * 2, 2, Recording(5.0))).astype(int)
        for color in ("rgb", "y")
    )
    assert np.array_equal(rgb[..., 0], rgb[..., 1])
    assert np.array_equal(rgb[..., 0], rgb[..., 2])
    flat = image_picture(bgr, "y").luma[0, 0]
    assert np.abs((rgb[..., 0] - 128) - (luma - flat)).max() <= 1


@pytest.mark.slow
def test_it_is_the_same_each_time() -> None:
    """Small noisy frames are what x264 is not always the same on."""
    for recording, times in ((Recording(3.0), 2), (Recording(3.0, H264), 60)):
        first, *others = (small_ones(seen(pan(4), 4, recording)) for _ in range(times))
        assert all(np.array_equal(first, other) for other in others)
    other = small_ones(seen(pan(4), 4, Recording(3.0, seed=1)))
    assert not np.array_equal(other, small_ones(seen(pan(4), 4, Recording(3.0))))


def test_the_encoder_sees_the_shrunk_frames_of_a_chunk() -> None:
    clean, mpeg4 = small_ones(seen(pan(5), 2)), Compression("mpeg4", 8)
    found = small_ones(seen(pan(5), 2, Recording(compression=mpeg4)))
    assert np.array_equal(found, mpeg4.through(clean))
    assert not np.array_equal(found[1:], mpeg4.through(clean[1:]))  # they lean on those before


def test_worse_quality_is_further_from_the_truth() -> None:
    clean = small_ones(seen(pan(4), 2)).astype(float)
    errors = []
    for crf in (18, 28, 38):
        found = small_ones(seen(pan(4), 2, Recording(0.0, Compression("h264", crf))))
        errors.append(float(np.square(found - clean).mean()))
    assert errors == sorted(errors)
    assert errors[0] < 10 < errors[-1]


def test_an_image_is_a_clip_of_one_frame() -> None:
    (one,) = seen(pan(1), 2, Recording(0.0, Compression("mjpeg", 20)))
    assert one.small.shape == (129, 161)
    assert blockiness(one.small) > 1.5 > blockiness(degrade(one.truth.luma, 2)) + 0.4


def test_each_frame_keeps_its_truth() -> None:
    count = CHUNK + 3
    truths = [luma_picture(np.full((64, 64), n, np.uint8)) for n in range(count)]
    found = list(seen(truths, 2, Recording(0.0, Compression("h264", 20))))
    assert [int(one.truth.luma[0, 0]) for one in found] == list(range(count))
    assert all(abs(int(one.small.mean()) - n) <= 3 for n, one in enumerate(found))


def test_a_clip_is_held_in_chunks() -> None:
    drawn = 0

    def truths() -> Iterator[Picture]:
        nonlocal drawn
        for _ in range(3 * CHUNK):
            drawn += 1
            yield luma_picture(np.zeros((64, 64), np.uint8))

    for given, _ in enumerate(seen(truths(), 2, Recording(2.0))):
        assert drawn - given <= CHUNK
    assert drawn == given + 1 == 3 * CHUNK


def test_luma_of_colour_is_that_of_what_was_recorded() -> None:
    picture = image_picture(colours(0, 70, 66), "rgb")
    (one,) = seen([picture], 2, Recording(4.0))
    assert one.small.shape == (33, 35, 3)
    assert np.array_equal(one.luma, picture.luma_of(one.small))


def test_what_it_says_of_itself() -> None:
    assert str(Recording(3.0)) == "noise 3"
    assert str(Recording(2.5, H264)) == f"noise 2.5, {H264}"
    assert str(Recording(0.0, H264)) == str(H264)


def test_negative_noise_is_refused() -> None:
    with pytest.raises(TrainingError, match="-1"):
        list(seen(pan(1), 2, Recording(-1.0)))
