"""EfficientNet-Lite0: its package's weights give its package's numbers, and run no code."""

from __future__ import annotations

import pickle
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from vsr.core.errors import ModelError
from vsr.training import efficientnet_lite as module
from vsr.training.efficientnet_lite import PACKAGE, EfficientNetLite0, load_efficientnet_lite0

needs_weights = pytest.mark.skipif(
    find_spec(PACKAGE) is None, reason="needs the extra perceptual: EfficientNet-Lite0's weights"
)


@pytest.mark.parametrize(("width", "height"), [(96, 96), (97, 130), (33, 50)])
def test_blocks_and_their_strides(width: int, height: int) -> None:
    blocks = {0: (2, 16), 2: (4, 24), 4: (8, 40), 7: (16, 80), 10: (16, 112), 15: (32, 320)}
    found = EfficientNetLite0(tuple(blocks))(torch.rand(2, 3, height, width))
    expected = [
        (2, channels, -(-height // stride), -(-width // stride))
        for stride, channels in blocks.values()
    ]
    assert [tuple(one.shape) for one in found] == expected


def test_parameters_of_the_table() -> None:
    """EfficientNet-Lite0 has 4.65 million, its head 320 x 1280 and 1280 x 1000 of them."""
    body = sum(one.numel() for one in EfficientNetLite0((15,)).parameters())
    head = 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert body + head == 4_652_008


def test_only_the_blocks_needed_are_there() -> None:
    assert len(EfficientNetLite0((2, 4))._blocks) == 5


def test_it_stays_as_it_was_learnt() -> None:
    network = EfficientNetLite0((2,))
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    picture = torch.rand(2, 3, 32, 32, requires_grad=True)
    network(picture)[0].square().sum().backward()
    assert picture.grad is not None
    assert picture.grad.abs().max() > 0
    assert not any(one.requires_grad for one in network.parameters())
    after = network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@needs_weights
def test_every_block_is_that_of_the_package_s_own_code() -> None:
    package = pytest.importorskip(
        "efficientnet_lite_pytorch", reason="needs efficientnet-lite-pytorch to compare with"
    )
    reference = package.EfficientNet.from_name("efficientnet-lite0").eval()
    reference.load_state_dict(torch.load(module._weights_path(), weights_only=True))
    torch.manual_seed(1)
    picture = torch.rand(1, 3, 224, 224)  # its padding is that of this size
    x = (picture - 127 / 255) / (128 / 255)
    with torch.no_grad():
        x = reference._swish(reference._bn0(reference._conv_stem(x)))
        found = load_efficientnet_lite0(range(16))(picture)
        for one, block in zip(found, reference._blocks, strict=True):
            x = block(x)
            assert torch.equal(one, x)


@needs_weights
def test_the_package_is_not_imported() -> None:
    load_efficientnet_lite0((0,))
    assert PACKAGE not in sys.modules


def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'vsr-video\[perceptual\]'"):
        load_efficientnet_lite0((0,))


class _Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_file_that_would_run_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, ran = tmp_path / "weights.pth", tmp_path / "ran"
    file.write_bytes(pickle.dumps(_Evil(ran), 2))
    monkeypatch.setattr(module, "_weights_path", lambda: file)
    with pytest.raises(ModelError, match=r"weights\.pth: cannot be read as EfficientNet-Lite0"):
        load_efficientnet_lite0((0,))
    assert not ran.exists()
    torch.save({"_conv_stem.weight": torch.zeros(1)}, file)
    with pytest.raises(ModelError, match="cannot be read as EfficientNet-Lite0"):
        load_efficientnet_lite0((0,))
