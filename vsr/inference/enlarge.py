"""One picture: the planes of a window in, the planes of the large frame out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vsr.inference.windows import Window
from vsr.networks import Network
from vsr.resample import to_samples
from vsr.video.color import CHROMA_REACH, RGB_REACH, enlarge_chroma, from_rgb, known_matrix, to_rgb
from vsr.video.frame import Frame, Plane, VideoInfo


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
    def halo(self) -> int:
        """How many pixels around its own place a large pixel can depend on."""
        network = (self.network.receptive_field - 1) // 2
        if self.network.color == "rgb":
            return network + RGB_REACH
        return max(network, CHROMA_REACH)

    def gathered(self, window: Window) -> tuple[tuple[Plane, ...], ...]:
        """What the network needs of a window: for each plane those of one frame or of all."""
        frames = window.frames
        seen: list[Sequence[Frame]] = [frames]
        others = frames if self.network.color == "rgb" else (window.centre,)
        seen += [others] * (self.info.format.planes - 1)
        return tuple(tuple(f.planes[n] for f in some) for n, some in enumerate(seen))

    @torch.inference_mode()
    def __call__(self, planes: Sequence[Tensor]) -> list[Tensor]:
        """Stacked planes of N windows (N, T, h, w) -> those of the large frames (N, H, W).

        All are uint8, or uint16 above 8 bits, and on `device`. The first plane tells the size.
        """
        height, width = planes[0].shape[-2:]
        info = replace(known_matrix(self.info), width=width, height=height)
        return self._rgb(planes, info) if self.network.color == "rgb" else self._luma(planes, info)

    def _luma(self, planes: Sequence[Tensor], info: VideoInfo) -> list[Tensor]:
        """Luma by the network, all else bicubically."""
        luma = enlarge_planes(self.network, planes[0], info.format.peak)
        others = [plane[:, 0] for plane in planes[1:]]
        return [luma, *enlarge_chroma(others, info, self.network.scale)]

    def _rgb(self, planes: Sequence[Tensor], info: VideoInfo) -> list[Tensor]:
        """Colour by the network, alpha bicubically."""
        context, scale = self.network.context, self.network.scale
        frames = range(2 * context + 1)
        x = torch.cat([to_rgb([plane[:, t] for plane in planes[:3]], info) for t in frames], 1)
        large = from_rgb(self.network(x), info.enlarged(scale))
        alpha = [plane[:, context] for plane in planes[3:]]
        return large + enlarge_chroma(alpha, info, scale)


@torch.inference_mode()
def enlarge_planes(network: Network, planes: Tensor, peak: int) -> Tensor:
    """Samples (N, T, H, W) in 0..peak -> the middle ones enlarged, (N, scale*H, scale*W), rounded.

    uint8 or uint16, on the network's device.
    """
    x = planes.to(torch.float32).div_(peak)
    return to_samples(network.phases(x).mul_(peak), network.scale, peak)


def stacked(planes: Sequence[Sequence[Plane]], device: torch.device) -> list[Tensor]:
    """The planes that `Enlarger.gathered` gives of one window, for a batch of one."""
    return [torch.from_numpy(np.stack(plane))[None].to(device) for plane in planes]
