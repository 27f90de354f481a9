"""A plain stack of convolutions, as ESPCN and SRCNN are."""

from __future__ import annotations

from torch import nn


def stack(
    scale: int, kernels: tuple[int, ...], features: tuple[int, ...], outputs: int
) -> nn.ModuleList:
    """Convolutions from one plane to `outputs`, each padded to keep the picture's size.

    `kernels` are their sizes, odd; `features` the channels between them, one fewer. Raises
    ValueError for others, and for a scale below 1.
    """
    if scale < 1 or any(n < 1 for n in features) or any(k < 1 or k % 2 == 0 for k in kernels):
        raise ValueError(
            f"scale {scale}, kernels {kernels}, features {features}: all must be positive, "
            "kernels odd"
        )
    if len(features) != len(kernels) - 1:
        raise ValueError(f"{len(kernels)} kernels need {len(kernels) - 1} feature counts")
    channels = (1, *features, outputs)
    return nn.ModuleList(
        nn.Conv2d(channels[i], channels[i + 1], size, padding=size // 2)
        for i, size in enumerate(kernels)
    )
