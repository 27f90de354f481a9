"""Convolutions in bytes: close to exact ones, for plain stacks on luma alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.clips import Clip, make
from support.random_weights import drawn
from torch import nn
from torch.nn import functional as F

import vsr
from vsr.core.errors import DeviceError
from vsr.core.options import ComputeOptions
from vsr.core.span import Span
from vsr.inference import engine as engine_module
from vsr.inference.engine import choose_engine, prepared
from vsr.networks import Network
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.int8 import Int8Conv, quantized
from vsr.networks.interpolation import Interpolation
from vsr.networks.vespcn import Vespcn
from vsr.networks.zssr import Zssr
from vsr.video.reader import open_video

needs_int8 = pytest.mark.skipif(
    not engine_module._cpu_has_int8(), reason="this CPU, or torch, has no int8 convolutions"
)


def one_conv(inputs: int = 24, outputs: int = 16) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, 3, padding=1)
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():
        conv.weight.copy_(torch.randn(conv.weight.shape, generator=random) * 0.1)
        assert conv.bias is not None
        conv.bias.copy_(torch.randn(outputs, generator=random))
    return conv


@needs_int8
@pytest.mark.parametrize("relu", [True, False])
def test_a_convolution_of_whole_bytes_is_exact_but_for_its_weights(relu: bool) -> None:
    conv = one_conv()
    steps = conv.weight.detach().abs().amax((1, 2, 3), keepdim=True) / 127
    with torch.inference_mode():
        conv.weight.copy_((conv.weight / steps).round() * steps)  # already what int8 holds
        given = torch.randint(0, 256, (2, 24, 9, 14), generator=torch.Generator().manual_seed(1))
        exact = conv(given / 255 * 3.0)
        exact = F.relu(exact) if relu else exact
        found = Int8Conv(conv, 3.0, None)(given.to(torch.uint8), relu)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, atol=2e-4, rtol=1e-5)


@needs_int8
def test_bytes_go_out_over_the_wanted_range() -> None:
    conv = one_conv()
    x = torch.rand(1, 24, 10, 12, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        exact = F.relu(conv(x))
        highest = float(exact.max())
        found = Int8Conv(conv, 1.0, highest)(x, True)
    assert found.dtype == torch.uint8
    error = (found.float() * highest / 255 - exact).abs()
    assert error.max() < highest / 20
    assert found.max() >= 250  # the range is made use of


@needs_int8
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_network_in_int8_is_close_to_itself(scale: int) -> None:
    """Drawn weights change the bicubic upscale a lot: what int8 does to that is a small part."""
    for network in (
        Espcn(scale, (5, 3, 3), (16, 8)),
        Vespcn(scale, 8, 4, flow_features=8),
        Vespcn(scale, 8, 6, context=2, fusion="slow", flow_features=8),
    ):
        exact = drawn(network)
        x = torch.rand(
            1, 2 * network.context + 1, 24, 30, generator=torch.Generator().manual_seed(4)
        )
        small = F.avg_pool2d(x, 3, 1, 1)
        with torch.inference_mode():
            wanted = exact.subpixel(small)
            change = (wanted - exact.base.subpixel(small[:, network.context :][:, :1])).abs().mean()
            found = prepared(
                exact, choose_engine(ComputeOptions(device="cpu", precision="int8"))
            ).subpixel(small)
        assert found.dtype == torch.float32
        assert (found - wanted).abs().mean() < 0.08 * change


@needs_int8
def test_int8_gives_the_same_each_time() -> None:
    x = torch.rand(1, 1, 20, 20)
    engine = choose_engine(ComputeOptions(device="cpu", precision="int8"))
    with torch.inference_mode():
        one, other = (prepared(drawn(Espcn(2)), engine).subpixel(x) for _ in range(2))
    assert torch.equal(one, other)


@needs_int8
def test_the_given_network_stays_as_it_is() -> None:
    network = drawn(Espcn(2))
    prepared(network, choose_engine(ComputeOptions(device="cpu", precision="int8")))
    assert all(isinstance(conv, nn.Conv2d) for conv in network.convs)


@pytest.mark.parametrize(
    "network", [Interpolation(2), Edsr(2, 1, 4), Espcn(2, (3, 3), (4,)), Zssr(2, 3, 4)]
)
def test_networks_without_int8_are_refused(network: Network) -> None:
    said = r"^precision int8 is for espcn, vespcn, srcnn and vdsr models; name one of them$"
    with pytest.raises(DeviceError, match=said):
        quantized(network)


def test_a_cpu_without_the_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_cpu_has_int8", lambda: False)
    with pytest.raises(DeviceError, match=r"^precision int8 needs a CPU with VNNI instructions"):
        choose_engine(ComputeOptions(device="cpu", precision="int8"))


@needs_int8
def test_a_clip_in_int8(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(pts=tuple(range(0, 5 * 512, 512))))
    exact = vsr.upscale(source, tmp_path / "a.mkv", scale=2, precision="fp32", codec="ffv1")
    rough = vsr.upscale(source, tmp_path / "b.mkv", scale=2, precision="int8", codec="ffv1")
    assert (rough.precision, rough.frames_out) == ("int8", exact.frames_out)
    for a, b in zip(luma(exact.target), luma(rough.target), strict=True):
        assert np.abs(a.astype(int) - b.astype(int)).mean() < 1.5


def luma(path: Path) -> list[np.ndarray]:
    with open_video(path, Span(), print) as video:
        return [frame.planes[0] for frame in video.frames()]
