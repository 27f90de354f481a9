"""Small networks of spandrel's own architectures with random weights, and files of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vsr.networks.community.torchvision_shim import import_spandrel

try:
    spandrel: Any = import_spandrel()
except ImportError:
    pytest.skip("needs spandrel: pip install --no-deps spandrel", allow_module_level=True)

from spandrel.architectures.Compact import Compact
from spandrel.architectures.DAT import DAT
from spandrel.architectures.DnCNN import DnCNN
from spandrel.architectures.ESRGAN import ESRGAN
from spandrel.architectures.NAFNet import NAFNet
from spandrel.architectures.SPAN import SPAN
from spandrel.architectures.SwinIR import SwinIR

_WINDOWS: dict[str, Any] = {
    "embed_dim": 16,
    "num_heads": [2],
    "upsampler": "pixelshuffledirect",
    "resi_connection": "1conv",
}


def compact(scale: int, features: int = 8, layers: int = 2) -> nn.Module:
    made: nn.Module = Compact(num_feat=features, num_conv=layers, upscale=scale)
    return made


def span(scale: int = 2) -> nn.Module:
    made: nn.Module = SPAN(num_in_ch=3, num_out_ch=3, feature_channels=8, upscale=scale)
    return made


def swinir() -> nn.Module:
    size: dict[str, Any] = {"img_size": 48, "window_size": 8, "depths": [2], "mlp_ratio": 2}
    made: nn.Module = SwinIR(upscale=2, img_range=1.0, **size, **_WINDOWS)
    return made


def dat() -> nn.Module:
    size: dict[str, Any] = {"img_size": 64, "split_size": [8, 16], "depth": [2]}
    made: nn.Module = DAT(upscale=2, in_chans=3, expansion_factor=2, **size, **_WINDOWS)
    return made


def dncnn(channels: int = 3) -> nn.Module:
    made: nn.Module = DnCNN(in_nc=channels, out_nc=channels, nc=8, nb=17, act_mode="R")
    return made


def nafnet() -> nn.Module:
    made: nn.Module = NAFNet(
        img_channel=3, width=8, middle_blk_num=1, enc_blk_nums=[1, 1], dec_blk_nums=[1, 1]
    )
    return made


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, str]] = {
    "1x-compact": (lambda: compact(1), 1, "Compact"),
    "2x-compact": (lambda: compact(2), 2, "Compact"),
    "4x-compact": (lambda: compact(4), 4, "Compact"),
    "8x-compact": (lambda: compact(8), 8, "Compact"),
    "2x-span": (span, 2, "SPAN"),
    "4x-esrgan": (lambda: ESRGAN(num_filters=8, num_blocks=1), 4, "ESRGAN"),
    "2x-esrgan": (lambda: ESRGAN(num_filters=8, num_blocks=1, scale=2), 2, "ESRGAN"),
    "2x-swinir": (swinir, 2, "SwinIR"),
    "2x-dat": (dat, 2, "DAT"),
    "1x-dncnn": (dncnn, 1, "DnCNN"),
    "1x-nafnet": (nafnet, 1, "NAFNet"),
    "1x-grey": (lambda: dncnn(1), 1, "DnCNN"),
}
"""By name: what makes one, its scale, and spandrel's name of its architecture."""

__all__ = ["NETWORKS", "compact", "drawn", "nafnet", "saved", "spandrel"]


def drawn(name: str) -> nn.Module:
    """The network of a name, always with the same weights."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        made = NETWORKS[name][0]().eval().requires_grad_(False)
        for tensor in [*made.parameters(), *made.buffers()]:
            if tensor.is_floating_point() and not tensor.any():
                tensor.uniform_(-0.05, 0.05)  # gains that begin at 0 leave all behind them out
    return made


def saved(network: nn.Module, path: Path, under: str = "") -> Path:
    """A network's weights in a file of either kind, in a dict `under` a name if wanted."""
    state = network.state_dict()
    if path.suffix == ".safetensors":
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    else:
        torch.save({under: state, "iter": 3} if under else state, path)
    return path
