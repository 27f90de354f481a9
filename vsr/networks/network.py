"""The base class of all networks, and what each states about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Runtime:
    """What torch does not see of a network that something else runs, on the CPU.

    Attributes:
        parameters: how many numbers were learnt.
        macs: multiplications with addition for each pixel of its input.
        memory: bytes that it takes at its peak for each of them.
        tiles: whether it cuts pictures into tiles of a size of its own.
    """

    parameters: int
    macs: float
    memory: float
    tiles: bool


class Network(nn.Module):
    """(N, T*C, H, W) float in [0, 1] -> (N, C, scale*H, scale*W) float32, about [0, 1].

    T is `seen` frames, C is 1 for color "y" and 3 for "rgb". A network knows nothing
    of files, timestamps or tiles.

    Attributes:
        scale: the factor for both sides.
        context: frames it sees on each side of the one it restores.
        color: "y" (luma) or "rgb".
        chroma_kernel: how the planes that it does not see are resampled: "cubic" or "nearest".
        receptive_field: side of the square of input pixels that one input place can reach.
        local: whether it reaches no further. Else the network takes means over the whole picture
            besides, and is run on whole pictures alone.
        block: side of the blocks of pixels, from the upper left corner on, that it works in; at
            most 4, the grid that tiles lie on.
        large_layers: whether most of its layers work at the size of the output. It is then run in
            tiles that take no more than four times the memory of such layers at the input's size.
        state_channels: planes that one frame hands to the next; 0 for networks that see windows.
            One with a state has no context: it is stepped, see `vsr.networks.recurrent`.
        future: coming frames that a network with a state is shown.
        warmup: frames after which a state that began empty is as good as an old one.
        grid: what parts of a picture must begin on multiples of.
        tile_error: how far a picture in parts may differ from the whole, in levels of 255.
        precisions: of its numbers, those that it bears: keys of `vsr.inference.engine.PRECISIONS`.
        traceable: whether what `torch.jit.trace` records of it is right for all pictures, which is
            not known of others' networks.
        runtime: of a network that something else than torch runs; else None.
    """

    scale: int
    context: int = 0
    color: str = "y"
    chroma_kernel: str = "cubic"
    receptive_field: int
    local: bool = True
    block: int = 1
    large_layers: bool = False
    state_channels: int = 0
    future: int = 0
    warmup: int = 0
    grid: int = 4
    tile_error: float = 0.0
    precisions: tuple[str, ...] = ("fp32", "bf16", "fp16", "int8")
    traceable: bool = True
    runtime: Runtime | None = None

    @classmethod
    def scales_of(cls, scale: int, options: Mapping[str, Any]) -> tuple[int, ...]:
        """The scales that weights of a network made with these arguments serve."""
        return (scale,)

    @property
    def seen(self) -> int:
        """How many frames it is shown at once."""
        return 2 * self.context + 1 + self.future

    @property
    def neighbours(self) -> int:
        """How many other pictures on a side it may be shown."""
        return max(self.context, self.future)

    def subpixel(self, x: Tensor) -> Tensor:
        """The output before its pixel shuffle: (N, C*scale**2, H, W) float32.

        Rounding to integers and then shuffling moves a quarter of the bytes.
        """
        raise NotImplementedError

    def supervised(self, x: Tensor) -> tuple[Tensor, ...]:
        """All outputs that training judges, the last of them what `forward` gives.

        Each is (N, C, f*H, f*W) with a factor f of at most `scale`: the levels of a pyramid, or
        what the steps of a recursion would give if they were the last.
        """
        return (self(x),)

    def to_numbers(
        self, numbers: torch.dtype, memory_format: torch.memory_format = torch.channels_last
    ) -> None:
        """Have the convolutions work in float32, bfloat16 or float16; the rest stays float32.

        `memory_format` is the order that the device's kernels want.
        """
        for parameter in self.parameters():  # buffers hold exact interpolation weights: float32
            layout = memory_format if parameter.ndim == 4 else torch.contiguous_format
            parameter.data = parameter.data.to(numbers).contiguous(memory_format=layout)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.pixel_shuffle(self.subpixel(x), self.scale)
