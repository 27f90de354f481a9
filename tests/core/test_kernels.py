"""Operations that are faster than torch's own, and give the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vsr.core.kernels import chosen


def planes(dtype: torch.dtype, channels: int, last: bool) -> Tensor:
    made = torch.randn(2, channels, 5, 7).to(dtype)
    return made.to(memory_format=torch.channels_last) if last else made


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("channels", [1, 9, 16, 24])
@pytest.mark.parametrize("last", [True, False])
def test_what_is_chosen_is_wheres(dtype: torch.dtype, channels: int, last: bool) -> None:
    torch.manual_seed(1)
    mask = torch.rand(2, 1, 5, 7) < 0.5
    one, other = planes(dtype, channels, last), planes(dtype, channels + 8, last)[:, :channels]
    assert torch.equal(chosen(mask, one, other), torch.where(mask, one, other))


def test_gradients_pass_what_is_chosen() -> None:
    mask = torch.tensor([[[[True, False]]]])
    one = torch.ones(1, 4, 1, 2).to(memory_format=torch.channels_last).requires_grad_()
    chosen(mask, one, torch.zeros_like(one)).sum().backward()
    assert one.grad is not None
    assert torch.equal(one.grad, mask.expand(1, 4, 1, 2).float())
