"""What a file of tensors seems to be, where no architecture fits: by the names that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vsr.util.text import shown

_SHOWN = 4  # names

# Parts of names, and what holds them. The first line that fits is taken.
_KINDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("lora_up", "lora_A", "lora_down", "lora_B"), "a LoRA, which changes another network"),
    (("model.diffusion_model.", "first_stage_model."), "a diffusion model that makes pictures"),
    (("spynet.", "backward_resblocks", "forward_resblocks"), "a network for several frames"),
    (("flownet.", "block_tea.", "contextnet."), "a network that makes frames between frames"),
    (("text_model.", "self_attn.q_proj", "lm_head"), "a network for text"),
    ((".dfl.",), "a network that finds objects"),
    (("layer4.0.conv1", "fc.weight", "classifier."), "a network that sorts pictures into classes"),
    (("weight_orig", "weight_u"), "a discriminator, which only training needs"),
    (("optimizer", "lr_schedulers", "param_groups"), "the state of a training run"),
)


def recognised(state: Mapping[Any, Any]) -> str:
    """In words, without a line break: how many tensors there are, how they are called, and what
    has such names."""
    names = sorted(str(name) for name in state)
    if not names:
        return "it is empty"
    few = ", ".join(shown(name) for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    for parts, kind in _KINDS:
        if any(part in name for part in parts for name in names):
            return f"it holds {few}{more}, as {kind} does"
    return f"it holds {few}{more}"
