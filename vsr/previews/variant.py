"""One way to enlarge a few seconds, to be looked at beside others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Take:
    """The same few seconds, enlarged in one way.

    Attributes:
        label: what people read over it, such as "vespcn" or "bicubic".
        file: the enlarged seconds as a video, without sound. All takes of a preview have the same
            frames at the same times, in the same size.
        is_baseline: whether this is what a player would have done anyway.
    """

    label: str
    file: Path
    is_baseline: bool = False
