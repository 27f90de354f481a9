"""Re-parameterisation: train wide convolutions, merge them into plain ones.

Each kernel W is trained as W + P @ K, where K is a bank of many kernels and P mixes them:
the 1x1 after a wide convolution, multiplied out before it is applied. It costs work the
size of the weights only, and training goes better than on W alone. Bhardwaj et al. 2022,
"Collapsible Linear Blocks for Super-Efficient Super Resolution" (SESR), section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class _WideKernel(nn.Module):
    """W -> W + P @ K, with P zero at first so that the network starts unchanged."""

    def __init__(self, weight: Tensor, width: int) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.empty(width, *weight.shape[1:]))
        self.mix = nn.Parameter(torch.zeros(weight.shape[0], width))
        nn.init.normal_(self.bank, std=weight[0].numel() ** -0.5)

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            return weight + (self.mix @ self.bank.flatten(1)).view_as(weight)


def widen(network: nn.Module, width: int) -> None:
    """Give every convolution of `network` a bank of `width` kernels, in place."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            kernel = _WideKernel(module.weight, width).to(module.weight.device)
            parametrize.register_parametrization(module, "weight", kernel)


@torch.no_grad()
def merged_state(network: nn.Module) -> dict[str, Tensor]:
    """The state that a plain copy of a widened network loads, on the network's device."""
    state = {
        name: value.clone()
        for name, value in network.state_dict().items()
        if "parametrizations" not in name.split(".")
    }
    for name, module in network.named_modules():
        if parametrize.is_parametrized(module, "weight"):
            state[f"{name}.weight" if name else "weight"] = module.weight
    return state
