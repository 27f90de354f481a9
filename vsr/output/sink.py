"""Where frames go: a video or images being written, and who is told of the finished file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from vsr.core.frame import Frame
from vsr.core.stream_report import Others
from vsr.output.verify import OutputCheck

BeforeCommit: TypeAlias = "Callable[[Path, Output], None]"
"""Told of a finished file before it gets its name, and of what it holds."""


@dataclass
class Output:
    """A video, or images, being written.

    Attributes:
        write: takes the next frame of the enlarged size.
        encoder: its name in libav, "" for images.
        others: what became of a video's other streams or an image's metadata.
        check: what a video holds, once it is complete.
        sound_offset: seconds by which the first sound begins after the picture, as it was
            written; None without any.
        encoding: the settings that the encoder was opened with.
        note: what is worth knowing of the encoding, and no warning; or "".
    """

    write: Callable[[Frame], None]
    encoder: str
    others: Others
    check: OutputCheck | None = None
    sound_offset: Fraction | None = None
    encoding: dict[str, str] = field(default_factory=dict)
    note: str = ""
