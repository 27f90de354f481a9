"""The size where none is asked for: a model file's own scale."""

from __future__ import annotations

from collections.abc import Sequence

from vsr.core.options import UpscaleOptions
from vsr.networks.registry import own_scale


def at_own_scale(options: UpscaleOptions, models: Sequence[str] = ()) -> UpscaleOptions:
    """The options, at the scale that the model's file is for, where they ask for no size.

    `models` are those that are shown side by side, which share a scale; the options' own if there
    is none. Nothing changes where a scale or a size is asked for, or a file has weights for
    several scales, or models differ in theirs, or are none of files. Raises ModelError.
    """
    if options.picture.scale is not None or options.picture.asks_size:
        return options
    scale = own_scale(models or [options.model])
    return options if scale is None else options.but(scale=scale)
