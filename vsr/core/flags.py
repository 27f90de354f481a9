"""Options that messages name by their flags, and what Python calls them."""

from __future__ import annotations

import re

IN_PYTHON = {
    "-y": "overwrite=True",
    "--audio": "audio=...",
    "--codec": "codec=...",
    "--crf": "crf=...",
    "--deinterlace": "deinterlace=...",
    "--max-hours": "limits=vsr.Limits(seconds=...)",
    "--max-pixels": "limits=vsr.Limits(pixels=...)",
    "--preset": "preset=...",
    "--scale": "scale=...",
    "--stall-timeout": "stall_timeout=...",
    "--stills": "stills=True",
    "--strict": "strict=True",
}
"""A message names an option once, as it is typed at the command line; see `VsrError`."""

_FLAG = re.compile(r"(?<![\w/.-])(--[a-z][a-z-]*[a-z]|-[a-z])(?![\w/.-])")


def in_python(message: str) -> str:
    """What Python calls the options that a message names by their flags; "" where there is none."""
    names = (IN_PYTHON.get(flag, "") for flag in _FLAG.findall(message))
    return ", ".join(name for name in dict.fromkeys(names) if name and name not in message)
