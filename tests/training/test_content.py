"""The content loss: features of VGG-19 from a file, and how distances are weighed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vsr.core.errors import ModelError
from vsr.training.content import Content, load_content
from vsr.training.efficientnet_lite import PACKAGE
from vsr.training.vgg import load_vgg19

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def plain_vgg19() -> nn.Sequential:
    """Column E of the paper's table 1 without its last pooling, layer by layer."""
    plan = [64, 64, "P", 128, 128, "P", *[256] * 4, "P", *[512] * 4, "P", *[512] * 4]
    layers: list[nn.Module] = []
    channels = 3
    for each in plan:
        if isinstance(each, str):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, each, 3, padding=1), nn.ReLU()]
            channels = each
    return nn.Sequential(*layers)


@pytest.fixture(scope="module")
def vgg19(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, nn.Sequential]:
    """A file as torchvision names its tensors, with random weights, and a network of them."""
    torch.manual_seed(1)
    network = plain_vgg19()
    state = {f"features.{name}": value for name, value in network.state_dict().items()}
    path = tmp_path_factory.mktemp("features") / "vgg19.safetensors"
    save_file(state | {"classifier.0.bias": torch.zeros(4)}, path)
    return path, network


@pytest.mark.slow
def test_vgg19_is_conv5_4_of_the_plain_network(vgg19: tuple[Path, nn.Sequential]) -> None:
    path, network = vgg19
    picture = torch.rand(2, 3, 48, 64)
    with torch.no_grad():
        (found,) = load_vgg19(path)(picture)
        expected = network((picture - MEAN) / DEVIATION)
    assert found.shape == (2, 512, 3, 4)
    assert torch.equal(found, expected)


@pytest.mark.slow
def test_the_distance_of_vgg19_is_rescaled_as_in_the_paper(
    vgg19: tuple[Path, nn.Sequential],
) -> None:
    path, network = vgg19
    one, other = torch.rand(2, 1, 3, 32, 32)
    with torch.no_grad():
        found = load_content(path)(one, other)
        seen = [network((x - MEAN) / DEVIATION) / 12.75 for x in (one, other)]
    torch.testing.assert_close(found, (seen[0] - seen[1]).square().mean())


@pytest.mark.slow
def test_a_file_that_is_no_vgg19(tmp_path: Path, vgg19: tuple[Path, nn.Sequential]) -> None:
    network = vgg19[1]
    state = {f"features.{name}": value for name, value in network.state_dict().items()}
    path = tmp_path / "other.safetensors"
    for change, said in (
        ({"features.34.weight": torch.zeros(8, 8, 3, 3)}, r"features\.34\.weight must be .* is \["),
        ({"features.0.bias": None}, r"features\.0\.bias must be \[64\], is missing"),
    ):
        changed = {k: v for k, v in (state | change).items() if v is not None}
        save_file(changed, path)
        with pytest.raises(ModelError, match=rf"other\.safetensors: no VGG-19: {said}"):
            load_vgg19(path)


@pytest.mark.parametrize("content", [None, b"no safetensors"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "vgg.safetensors"
    if content:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"vgg\.safetensors: cannot be read as safetensors"):
        load_vgg19(path)


class _Two(nn.Module):
    """The picture itself, and thrice that."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x, 3 * x]


def test_squared_distances_are_weighed() -> None:
    content = Content(_Two(), (0.5, 0.25))
    guess, truth = torch.full((2, 3, 4, 4), 0.5), torch.full((2, 3, 4, 4), 0.3)
    assert content(guess, truth).item() == pytest.approx(0.5 * 0.2**2 + 0.25 * 0.6**2)
    assert content(truth, truth).item() == 0


def test_gradients_pass_to_the_guess_alone() -> None:
    guess, truth = (torch.rand(1, 3, 4, 4, requires_grad=True) for _ in range(2))
    Content(_Two(), (1.0, 1.0))(guess, truth).backward()
    assert guess.grad is not None
    torch.testing.assert_close(guess.grad, 2 * 10 * (guess - truth).detach() / guess.numel())
    assert truth.grad is None


@pytest.mark.skipif(find_spec(PACKAGE) is None, reason="needs the extra perceptual")
def test_blur_and_noise_are_seen_by_the_bundled_features() -> None:
    torch.manual_seed(1)
    truth = nn.functional.interpolate(torch.rand(2, 3, 16, 16), scale_factor=4.0, mode="bicubic")
    blurred = nn.functional.avg_pool2d(truth, 5, 1, 2)
    content = load_content()
    equal, little, much = (
        content(x, truth).item()
        for x in (truth, truth.lerp(blurred, 0.2), truth.lerp(blurred, 1.0))
    )
    assert equal == 0
    assert 0 < 2 * little < much
