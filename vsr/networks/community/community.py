"""A network of spandrel as vsr sees it."""

from __future__ import annotations

import copy
import threading
from typing import Any

import torch
from torch import Tensor, nn

from vsr.core.errors import ModelError
from vsr.networks.community.reach import Reach, measured_reach
from vsr.networks.network import Network

_SMALL = 64  # pixels: such pictures fail for their size, larger ones for want of memory
_TRIED = 32  # pixels: side of a picture that says whether a module works


class Community(Network):
    """(N, 1 or 3, H, W) in [0, 1] -> (N, 1 or 3, scale*H, scale*W) float32 in [0, 1].

    It sees one frame, of luma or of RGB. The weights stay float32; where half precision is asked
    for, torch's autocast uses it in convolutions and products, so that what a network adds to the
    picture itself is added in float32.

    Args:
        descriptor: spandrel's ImageModelDescriptor: the module, and what it can do. It pads
            pictures to the sizes that the module takes.
        sha256: of the file that the weights are from.

    Raises ModelError where the module does not do what its descriptor says.
    """

    traceable = False

    def __init__(self, descriptor: Any, sha256: str) -> None:
        super().__init__()
        self.scale = descriptor.scale
        self.color = "y" if descriptor.input_channels == 1 else "rgb"
        self.sha256 = sha256
        self.module: nn.Module = descriptor.model.eval().requires_grad_(False)
        self.numbers = torch.float32
        half = {"bf16": descriptor.supports_bfloat16, "fp16": descriptor.supports_half}
        self.precisions = ("fp32", *(name for name, borne in half.items() if borne))
        self._layout = torch.channels_last
        self._descriptor = descriptor
        self._copies: _Copies | None = None
        if self._try():
            self._copies = _Copies()

    @property
    def channels(self) -> int:
        """Of the pictures it takes and gives: 1 or 3."""
        return 1 if self.color == "y" else 3

    @property
    def multiple(self) -> int:
        """What the sides of a picture are padded to multiples of."""
        return int(self._descriptor.size_requirements.multiple_of)

    @property
    def least(self) -> int:
        """The least side of a picture; smaller ones are padded."""
        return int(self._descriptor.size_requirements.minimum)

    @property
    def takes_parts(self) -> bool:
        """Whether a part of a picture can go through it by itself, rather than as a square or
        after a division of its own."""
        requirements = self._descriptor.size_requirements
        return not requirements.square and self._descriptor.tiling.name != "INTERNAL"

    @property
    def tiling(self) -> str:
        """What spandrel says of tiles: "supported", "discouraged" or "internal"."""
        return str(self._descriptor.tiling.name).lower()

    @property
    def reach(self) -> Reach:
        """How far it sees, measured when it is first asked for."""
        return measured_reach(self)

    @property
    def receptive_field(self) -> int:  # type: ignore[override]
        """Side of the square of pixels that one can reach, or of the overlap that stands for it."""
        return 2 * self.reach.pixels + 1

    @property
    def tile_error(self) -> float:  # type: ignore[override]
        """How far tiles may differ from the whole, in levels of 255, as it was measured."""
        return self.reach.error

    @property
    def grid(self) -> int:  # type: ignore[override]
        """What parts of a picture begin on multiples of: windows lie as in the whole."""
        return self.reach.grid

    def to_numbers(
        self, numbers: torch.dtype, memory_format: torch.memory_format = torch.channels_last
    ) -> None:
        """By autocast; which order of memory is taken has been tried out."""
        self.numbers = numbers

    def forward(self, x: Tensor) -> Tensor:
        try:
            return self._enlarged(x, self.numbers)
        except RuntimeError as error:
            height, width = x.shape[-2:]
            if max(height, width) > _SMALL:
                raise
            raise ModelError(f"the model takes no pictures of {width}x{height}") from error

    def in_float32(self, x: Tensor) -> Tensor:
        """The same, whatever precision is set."""
        return self._enlarged(x, torch.float32)

    def subpixel(self, x: Tensor) -> Tensor:
        return nn.functional.pixel_unshuffle(self(x), self.scale)

    def _enlarged(self, x: Tensor, numbers: torch.dtype) -> Tensor:
        """One picture after another: some modules take no more at a time."""
        run = self._descriptor if self._copies is None else self._copies.own(self._descriptor)
        half = numbers is not torch.float32
        with torch.autocast(x.device.type, numbers if half else None, enabled=half):
            large = [
                run(picture.float().contiguous(memory_format=self._layout))
                for picture in torch.split(x, 1)
            ]
        return torch.cat(large).float()

    def _try(self) -> bool:
        """Put a small picture through it. Returns whether the module changes itself by that.

        Most modules are faster with channels last; those that cannot take that get it otherwise.
        """
        side = max(_TRIED, self.least)
        try:
            self._try_layout(torch.channels_last, side)
        except RuntimeError:
            self._try_layout(torch.contiguous_format, side)
        before = _state(self.module)
        again = torch.full((1, self.channels, side, side + self.multiple), 0.5)
        self._enlarged(again, torch.float32)
        return _state(self.module) != before

    def _try_layout(self, layout: torch.memory_format, side: int) -> None:
        self._layout = layout
        for parameter in self.module.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=layout)
        made = self._enlarged(torch.full((1, self.channels, side, side), 0.5), torch.float32)
        if made.shape != (1, self.channels, side * self.scale, side * self.scale):
            raise ModelError(f"gives {_size(made)} for a picture of {side}x{side}")


class _Copies:
    """Copies of a module that changes itself as it runs: one for each thread that runs it."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> _Copies:
        return _Copies()

    def own(self, descriptor: Any) -> Any:
        """This thread's copy."""
        if not hasattr(self._local, "own"):
            with self._lock:
                self._local.own = copy.deepcopy(descriptor)
        return self._local.own


def _state(module: nn.Module) -> dict[tuple[str, str], object]:
    """What a module consists of: attributes by value or identity, and where its numbers lie."""
    found: dict[tuple[str, str], object] = {}
    for place, part in module.named_modules():
        for name, value in vars(part).items():
            if not name.startswith("_"):
                plain = isinstance(value, int | float | str)
                found[place, name] = value if plain else id(value)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        found[name, ""] = tensor.data_ptr()
    return found


def _size(made: Tensor) -> str:
    return "x".join(map(str, made.shape))
