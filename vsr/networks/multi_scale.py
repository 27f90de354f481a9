"""Networks whose one set of weights serves several scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vsr.networks.network import Network

SCALES = (2, 3, 4)


class MultiScale(Network):
    """A network that is made for several scales and works at one of them at a time.

    Its constructor has an argument `scales`, SCALES by default, among which `scale` must be. A
    subclass calls `use` at the end of it.

    Attributes:
        scales: those that the weights serve.
    """

    scales: tuple[int, ...]

    @classmethod
    def scales_of(cls, scale: int, options: Mapping[str, Any]) -> tuple[int, ...]:
        return tuple(options.get("scales", SCALES))

    def use(self, scale: int) -> None:
        """Work at a scale from here on. Raises ValueError for one that it was not made for."""
        check_scales(scale, self.scales)
        self.scale = scale
        self.receptive_field = self._receptive_field_at(scale)

    def _receptive_field_at(self, scale: int) -> int:
        raise NotImplementedError


def check_scales(scale: int, scales: tuple[int, ...]) -> None:
    """Raise ValueError unless `scales` are some of SCALES, each once, and `scale` one of them."""
    if not scales or any(n not in SCALES for n in scales) or len(set(scales)) < len(scales):
        raise ValueError(f"scales {list(scales)}: must be some of {', '.join(map(str, SCALES))}")
    if scale not in scales:
        raise ValueError(f"scale {scale}: must be one of {', '.join(map(str, scales))}")
