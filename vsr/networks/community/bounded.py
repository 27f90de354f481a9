"""No network is built that is far larger than the file that it is for."""

from __future__ import annotations

from math import prod
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

_FACTOR, _BEYOND = 16, 2**26  # tables and masks are made, not stored


class TooLargeError(Exception):
    """More numbers were asked for than the file can account for."""


class Bounded(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, tensors are made as long as all together stay in proportion to `stored` numbers.

    An architecture takes its width from the shape of one tensor: a small file could ask for more
    memory than there is. Raises TooLargeError before that is taken.
    """

    def __init__(self, stored: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._left = _FACTOR * stored + _BEYOND

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        size = args[0] if args else None
        if isinstance(size, list | tuple) and size and all(isinstance(n, int) for n in size):
            self._left -= prod(size)
            if self._left < 0:
                raise TooLargeError
        return func(*args, **(kwargs or {}))
