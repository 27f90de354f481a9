"""What a network costs: its parameters, and the multiplications that a frame takes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from vsr.core.quality import FLAWLESS
from vsr.networks.network import Network
from vsr.networks.recurrent import Recurrent
from vsr.networks.recurrent_state import quality_planes


@dataclass(frozen=True)
class Cost:
    """What running a network takes.

    Attributes:
        parameters: numbers that were learnt.
        macs: multiplications with addition for one output frame, those of convolutions and
            matrix products, the bicubic upscale among them; twice as many operations.
    """

    parameters: int
    macs: int


_SIDE = 32  # pixels of the piece that is counted: what a pixel takes is the same in all sizes


def cost(network: Network, width: int = 1920, height: int = 1080) -> Cost:
    """The cost of one output frame of `width` x `height` pixels, counted, not measured."""
    pixels = width * height / network.scale**2
    if network.runtime is not None:
        return Cost(network.runtime.parameters, round(network.runtime.macs * pixels))
    frames = network.seen * (3 if network.color == "rgb" else 1)
    first = next(network.parameters(), torch.zeros(()))
    piece = torch.zeros(1, frames, _SIDE, _SIDE, device=first.device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        _step(network, piece) if isinstance(network, Recurrent) else network(piece)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Cost(parameters, round(counter.get_total_flops() / 2 / _SIDE**2 * pixels))


def _step(network: Recurrent, frames: Tensor) -> None:
    """A step amid a shot: of the flows that it sees the step before has found all but one."""
    quality = quality_planes(FLAWLESS).to(frames.device)
    flows = (1, network.future, network.flow_planes, *frames.shape[-2:])
    nothing = torch.zeros(flows, device=frames.device)
    coming = network.coming_flows(frames, nothing[:, 1:])
    flow = nothing[:, 0] if coming.shape[1] else None
    network.step(frames, network.start(frames[:, :1]), quality, flow, coming)
