"""One picture: the planes of a window in, the planes of the large frame out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vsr.core.color import (
    chroma_upsampler,
    enlarge_alpha,
    enlarge_chroma,
    from_rgb,
    known_matrix,
    luma_of,
    reach,
    seen_of,
    to_rgb,
)
from vsr.core.frame import Frame, Plane, VideoInfo
from vsr.core.resample import to_samples
from vsr.inference.windows import Window
from vsr.networks import Network


@dataclass(frozen=True)
class Enlarger:
    """A network on a device, with the ways from samples to it and back.

    Attributes:
        network: as `engine.prepared` makes it, on `device`.
        info: what holds for the frames that go in.
        device: where everything is computed, from integers to integers.
    """

    network: Network
    info: VideoInfo
    device: torch.device

    @property
    def in_rgb(self) -> bool:
        """Whether colours go through it as RGB."""
        return self.network.color == "rgb" or self.info.format.rgb

    @property
    def halo(self) -> int:
        """How many pixels around its own place a large pixel can depend on."""
        if not self.network.local:
            return max(self.info.width, self.info.height)
        network = (self.network.receptive_field - 1) // 2
        if self.network.color == "rgb":
            return network + reach(self.info.format, rgb=True)
        return max(network, reach(self.info.format, rgb=False))

    def gathered(self, window: Window) -> tuple[tuple[Plane, ...], ...]:
        """What the network needs of a window: for each plane those of one frame or of all."""
        frames = window.frames
        seen: list[Sequence[Frame]] = [frames]
        others = frames if self.in_rgb else (window.centre,)
        seen += [others] * (self.info.format.planes - 1)
        return tuple(tuple(f.planes[n] for f in some) for n, some in enumerate(seen))

    @torch.inference_mode()
    def __call__(self, planes: Sequence[Tensor]) -> list[Tensor]:
        """Stacked planes of N windows (N, T, h, w) -> those of the large frames (N, H, W).

        All are uint8, or uint16 above 8 bits, and on `device`. The first plane tells the size.
        """
        info = self._info(planes)
        if self.in_rgb:
            colours = from_rgb(self._rgb(planes, info), info.enlarged(self.network.scale))
        else:
            colours = self._luma(planes, info)
        alpha = [plane[:, plane.shape[1] // 2] for plane in planes[3:]]
        return colours + enlarge_alpha(alpha, info, self.network.scale, self.network.chroma_kernel)

    @torch.inference_mode()
    def unrounded(self, planes: Sequence[Tensor]) -> Tensor:
        """The same planes -> luma (N, 1, H, W), or RGB (N, 3, H, W), float32 in [0, 1], about.

        Chroma and alpha are left alone.
        """
        if self.in_rgb:
            return self._rgb(planes, self._info(planes))
        large: Tensor = self.network(planes[0].to(torch.float32).div_(self.info.format.peak))
        return large

    def _info(self, planes: Sequence[Tensor]) -> VideoInfo:
        """What holds for what is seen."""
        height, width = planes[0].shape[-2:]
        return replace(known_matrix(self.info), width=width, height=height)

    def _luma(self, planes: Sequence[Tensor], info: VideoInfo) -> list[Tensor]:
        """Luma by the network, chroma as it says."""
        luma = enlarge_planes(self.network, planes[0], info.format.peak)
        chroma = [plane[:, 0] for plane in planes[1:3]]
        return [luma, *enlarge_chroma(chroma, info, self.network.scale, self.network.chroma_kernel)]

    def _rgb(self, planes: Sequence[Tensor], info: VideoInfo) -> Tensor:
        """RGB by the network, or by one for luma that frames of RGB are put through."""
        frames = range(2 * self.network.context + 1)
        seen = [to_rgb([plane[:, t] for plane in planes[:3]], info) for t in frames]
        if self.network.color == "rgb":
            shown = [seen_of(rgb, info) for rgb in seen]
            large: Tensor = self.network(torch.cat(shown, 1))
            if info.format.half:
                centre = self.network.context
                large = large + enlarged_as_chroma(seen[centre] - shown[centre], self.network)
            return large
        return self._by_luma(seen, info)

    def _by_luma(self, seen: Sequence[Tensor], info: VideoInfo) -> Tensor:
        """The luma of RGB (N, 3, h, w) by the network, what red, green and blue differ by as
        chroma is."""
        network = self.network
        lumas = [luma_of(seen_of(rgb, info), info) for rgb in seen]
        large = enlarged_differences(seen[network.context], lumas[network.context], network)
        large += network(torch.cat(lumas, 1))
        return large


def enlarged_differences(rgb: Tensor, luma: Tensor, network: Network) -> Tensor:
    """What red, green and blue differ by from luma, enlarged as chroma is.

    (N, 3, h, w) and (N, 1, h, w) -> (N, 3, H, W) float32.
    """
    return enlarged_as_chroma(rgb - luma, network)


def enlarged_as_chroma(rgb: Tensor, network: Network) -> Tensor:
    """(N, 3, h, w) -> (N, 3, H, W) float32."""
    upsample = chroma_upsampler(network.scale, 1, 1, "", rgb.device, network.chroma_kernel)
    large: Tensor = upsample(rgb.flatten(0, 1)[:, None]).unflatten(0, (-1, 3))[:, :, 0]
    return large


@torch.inference_mode()
def enlarge_planes(network: Network, planes: Tensor, peak: int) -> Tensor:
    """Samples (N, T, H, W) in 0..peak -> the middle ones enlarged, (N, scale*H, scale*W), rounded.

    uint8 or uint16, on the network's device.
    """
    x = planes.to(torch.float32).div_(peak)
    return to_samples(network.subpixel(x).mul_(peak), network.scale, peak)


def stacked(planes: Sequence[Sequence[Plane]], device: torch.device) -> list[Tensor]:
    """The planes that `Enlarger.gathered` gives of one window, for a batch of one."""
    return [torch.from_numpy(np.stack(plane))[None].to(device) for plane in planes]
