"""The best frame's region by a network, which sees the frames around it as well."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from vsr.core.errors import InputError
from vsr.core.events import ignore
from vsr.core.frame import Frame, VideoInfo
from vsr.core.source import Source
from vsr.fusion.options import FuseOptions
from vsr.fusion.placement import inverse, seen_at, shift
from vsr.fusion.still import Fused
from vsr.pipeline.routes import open_file
from vsr.upscaler import Upscaler


def by_network(path: Path, fused: Fused, upscaler: Upscaler, options: FuseOptions) -> Tensor:
    """The best frame's region by a network: (C, H, W) float32, RGB or grey, 0..1 nominally.

    The source is read anew, as it was before, so that the frame is found by its number. Raises
    InputError.
    """
    read = options.read
    with open_file(path, read.span, read.clip_rate, ignore, read) as source:
        amid = cast(Source, _Amid(source, fused.best_frame))  # all that `frames` asks for
        large = next(upscaler.frames(amid), None)
    if large is None:
        raise InputError(f"{path}: has lost its frame {fused.best_frame} meanwhile")
    pixels = large.image.astype(np.float32) / np.iinfo(large.image.dtype).max
    if fused.still.shape[0] == 1:
        pixels = pixels[..., :1]
    (window,) = (v.window for v in fused.verdicts if v.window.number == fused.best_frame)
    assert window.found is not None
    box, scale = window.found.box, float(upscaler.scale)
    whole = shift(box.x, box.y) @ window.found.placement.matrix
    to_large = shift(-0.5, -0.5) @ np.diag([scale, scale, 1.0]) @ shift(0.5, 0.5)
    matrix = to_large @ whole @ inverse(to_large)
    height, width = fused.still.shape[-2:]
    planes = [
        seen_at(np.ascontiguousarray(plane), matrix, width, height)
        for plane in pixels.transpose(2, 0, 1)
    ]
    return torch.from_numpy(np.stack(planes))


@dataclass(frozen=True)
class _Amid:
    """A source of which one frame is wanted; those around it are context."""

    source: Source
    number: int

    @property
    def path(self) -> object:
        return self.source.path

    @property
    def info(self) -> VideoInfo:
        return self.source.info

    def frames(self, context: int = 0, warmup: int = 0) -> Iterator[Frame]:
        """As in `Source`."""
        before: deque[Frame] = deque(maxlen=max(context, warmup))
        for number, frame in enumerate(self.source.frames()):
            around = replace(frame, is_context=True)
            if number < self.number:
                before.append(around)
            elif number == self.number:
                yield from before
                yield frame
            elif number <= self.number + context:
                yield around
            else:
                return
