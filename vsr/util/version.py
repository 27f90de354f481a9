"""The package's version, as it was installed, and those of all that it stands on."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

try:
    VERSION = version("vsr-video")
except PackageNotFoundError:  # a checkout on the path
    VERSION = "unknown"

__version__ = VERSION


def libraries() -> dict[str, str]:
    """The versions of Python and of the libraries that take part in a picture, by their names.

    Each of libav's libraries is told by itself: PyAV may stand on others than it comes with.
    """
    import av
    import cv2
    import numpy as np
    import torch

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        **({"cuda": torch.version.cuda} if torch.version.cuda else {}),
        "pyav": av.__version__,
        **{name: ".".join(map(str, numbers)) for name, numbers in av.library_versions.items()},
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "kornia": _installed("kornia"),
        "safetensors": _installed("safetensors"),
        **{name: _installed(name) for name in ("spandrel", "onnxruntime") if name in sys.modules},
    }


def machine() -> dict[str, str]:
    """The operating system and the processor, with the instructions that torch uses of it."""
    import torch

    return {
        "platform": platform.platform(),
        "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _processor() -> str:
    """Its name as the maker gives it; Linux alone has a file for that."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
