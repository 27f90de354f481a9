"""RCAN: attention over the whole picture, as published, and over a window, which is local."""

from __future__ import annotations

import re

import pytest
import torch
from support.noise_frames import assert_equal, described, model, noise
from support.random_weights import drawn

from vsr.core.crop import Box
from vsr.core.errors import DeviceError
from vsr.inference import tiles
from vsr.inference.engine import Engine, restore
from vsr.inference.ensemble import SelfEnsemble
from vsr.inference.strength import PartialDetail
from vsr.inference.upscaler import Enlarger
from vsr.networks.literature.rcan import Rcan, local_means

CPU = torch.device("cpu")


def small(window: int, scale: int = 2) -> Rcan:
    return drawn(Rcan(scale, 1, 2, 8, 2, window), last=0.2)


@pytest.mark.parametrize("window", [1, 2, 9])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (8, 12), (13, 22)])
def test_local_means(window: int, height: int, width: int) -> None:
    """Those of the pixels that there are, of a block's window."""
    x = torch.rand(2, 3, height, width)
    found = local_means(x, window)
    assert found.shape == (2, 3, -(-height // 4), -(-width // 4))
    for row in range(found.shape[2]):
        for column in range(found.shape[3]):
            top, left = (max(0, 4 * (n - window)) for n in (row, column))
            bottom, right = (4 * (n + window + 1) for n in (row, column))
            mean = x[..., top:bottom, left:right].mean((2, 3))
            torch.testing.assert_close(found[..., row, column], mean, atol=1e-6, rtol=1e-5)


def test_a_window_over_all_is_the_whole_picture() -> None:
    whole, windowed = small(0), small(9)
    x = torch.rand(1, 3, 16, 20)
    with torch.no_grad():
        torch.testing.assert_close(windowed(x), whole(x), atol=1e-5, rtol=1e-5)
        near = small(1)(x)
        assert (near - whole(x)).abs().max() > 1e-4  # a smaller one is not


def test_it_says_whether_it_is_local() -> None:
    assert (small(0).local, small(0).block) == (False, 1)
    assert (small(2).local, small(2).block) == (True, 4)
    for network in (SelfEnsemble(small(0)), PartialDetail(small(0), 0.5)):
        assert not network.local
    for network in (SelfEnsemble(small(2)), PartialDetail(small(2), 0.5)):
        assert network.local
        assert network.block == 4


def test_the_published_kind_sees_the_whole_picture() -> None:
    """What lies anywhere changes every pixel a little, far beyond what its convolutions reach."""
    network = small(0)
    x = torch.rand(1, 3, 8, 120)
    changed = x.clone()
    changed[..., -4:] = 1
    assert network.receptive_field < 60
    with torch.no_grad():
        assert (network(changed) - network(x))[..., :60].abs().max() > 0


def frames_by(network: Rcan, tile: int, warned: list[str], box: Box | None = None) -> list:
    info = described("yuv420p", 47, 38, "left")
    engine = Engine((CPU,), "fp32", 1, tile)
    frames = iter(noise(1, info))
    return list(restore(frames, info, model(network), engine, warned.append, box))


def test_it_is_run_on_whole_pictures() -> None:
    network, warned = small(0), []
    whole = frames_by(network, 0, warned)
    assert warned == []
    assert_equal(frames_by(network, 16, warned), whole)
    said = "tile 16: this network takes means over whole pictures, and works on those"
    assert warned == [said]
    assert_equal(frames_by(small(1), 16, warned), frames_by(small(1), 0, warned))
    assert warned == [said]


def test_a_part_is_cut_out_of_the_whole() -> None:
    (whole,) = frames_by(small(0), 0, [])
    (part,) = frames_by(small(0), 0, [], Box(8, 4, 16, 12))
    assert (part.planes[0] == whole.planes[0][8:32, 16:48]).all()


def test_parts_alone_would_differ() -> None:
    """That it cannot work in tiles is no excuse."""
    info = described("gray", 64, 64)
    (frame,) = noise(1, info)
    frame.planes[0][:, 32:] = 0
    enlarger = Enlarger(small(0), info, CPU)
    assert enlarger.halo == 64
    x = torch.from_numpy(frame.planes[0].copy())[None, None]
    (whole,), (half,) = enlarger([x]), enlarger([x[..., :48].contiguous()])
    assert (whole[..., :32].int() - half[..., :32].int()).abs().max() > 0


def test_no_memory_for_a_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError("Unable to allocate 1.01 GiB")

    monkeypatch.setattr(tiles.Tiler, "at_once", refuse)
    said = "out of memory on cpu: this network takes means over whole pictures"
    with pytest.raises(DeviceError, match=re.escape(said)):
        frames_by(small(0), 0, [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scale": 5}, "scale 5: must be 2, 3 or 4"),
        ({"groups": 0}, "groups 0, .*: all must be positive"),
        ({"groups": 1000, "blocks": 1000}, "groups 1000 times blocks 1000: must be at most 1024"),
        ({"window": -1}, "window -1: must be at least 0"),
        ({"features": 4}, "reduction 16: must be at most 4, the features"),
    ],
)
def test_wrong_options(options: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Rcan(**({"scale": 2} | options))
