"""A model file: what it says of its network is held against its tensors before either is used.

Whoever gets a file from elsewhere need not trust it: nothing in it is executed, nothing is made
that its own tensors do not fill, and no number in it is one that no picture can come from.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as load_tensors
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vsr.core.errors import ModelError
from vsr.networks import ARCHITECTURES, Network
from vsr.networks.model_path import model_file_facts
from vsr.util.text import one_line, shown

_SCALES = (2, 3, 4)
_LARGEST = 1e6  # of the numbers that a network has learnt: most are below 1
_MOST = 1024  # layers, channels or pixels: several times what any published network has


@dataclass(frozen=True)
class ModelFacts:
    """What a model file says of itself.

    Attributes:
        network: a key of `vsr.networks.ARCHITECTURES`.
        scale: the factor that its weights are for.
        options: the network's arguments besides the scale.
        scales: all the factors that they are for, in order.
    """

    network: str
    scale: int
    options: dict[str, Any]
    scales: tuple[int, ...]


def is_own(path: Path) -> bool:
    """Whether a file is for this module: of `vsr train` or `vsr adapt`, or no model at all.

    A .safetensors file that says nothing of vsr is another's, as is any of another suffix.
    """
    if path.suffix.lower() != ".safetensors":
        return False
    try:
        model_file_facts(path)
        with safe_open(path, "pt") as tensors:
            return "vsr" in (tensors.metadata() or {})
    except (ModelError, SafetensorError, ValueError, RecursionError, OSError):
        return True  # `read_facts` says what is wrong


def read_facts(path: Path) -> ModelFacts:
    """What a model file says of itself, each fact of its type. Raises ModelError."""
    model_file_facts(path)
    try:
        with safe_open(path, "pt") as tensors:
            facts = json.loads((tensors.metadata() or {}).get("vsr", "null"))
    except (SafetensorError, ValueError, RecursionError, OSError) as error:
        raise ModelError(f"{path}: not a safetensors file ({one_line(error, 200)})") from None
    if not isinstance(facts, dict) or not {"network", "scale"} <= facts.keys():
        raise ModelError(f"{path}: says nothing of its network; models come from `vsr train`")
    network, scale, options = facts["network"], facts["scale"], facts.get("options", {})
    if not isinstance(network, str) or network not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ModelError(f"{path}: unknown network {shown(network)}; known: {known}")
    if type(scale) is not int or scale not in _SCALES:
        raise ModelError(f"{path}: scale {shown(scale)}: must be one of the numbers 2, 3, 4")
    if not isinstance(options, dict):
        raise ModelError(f"{path}: options {shown(options)}: must be the network's, by name")
    _check_options(path, ARCHITECTURES[network], options)
    scales = ARCHITECTURES[network].scales_of(scale, options)
    if scale not in scales or any(each not in _SCALES for each in scales):
        raise ModelError(f"{path}: scales {shown(list(scales))}: must be some of 2, 3, 4")
    return ModelFacts(network, scale, options, tuple(sorted(scales)))


def network_of(
    kind: type[Network], scale: int, options: Mapping[str, Any], data: bytes, where: str
) -> Network:
    """The network that a model file holds: `data` is all of it, `where` its name for people.

    It is built once without memory, on torch's meta device, and in earnest only where the file
    has its every tensor. Raises ModelError.
    """
    try:
        tensors = load_tensors(data)
    except (SafetensorError, RuntimeError, ValueError, LookupError) as error:
        raise ModelError(f"{where}: cannot be read ({one_line(error, 200)})") from None
    if unlike := _unlike(shapes_of(kind, scale, options, where), tensors):
        raise ModelError(f"{where}: the tensors do not fit the network ({unlike})")
    with _Undrawn():
        network = build(kind, scale, options, where)
    network.load_state_dict(tensors)
    for name, tensor in network.state_dict().items():
        if not tensor.isfinite().all():  # as they are now: float64 can hold what float32 cannot
            raise ModelError(f"{where}: {name} holds numbers that are infinite, or are none")
        if tensor.numel() and tensor.abs().max() > _LARGEST:
            raise ModelError(f"{where}: {name} holds numbers above {_LARGEST:g}, as nothing learns")
    return network.requires_grad_(False)


def shapes_of(
    kind: type[Network], scale: int, options: Mapping[str, Any], where: str
) -> dict[str, Tensor]:
    """The tensors that a network has, without memory. Raises ModelError for refused options."""
    with torch.device("meta"), _Undrawn():
        return build(kind, scale, options, where).state_dict()


_DRAWING = (Tensor.normal_, Tensor.uniform_, nn.init.normal_, nn.init.uniform_)


class _Undrawn(TorchFunctionMode):
    """Within it nothing is drawn at random: weights that are read need none to begin with.

    On the meta device drawing takes torch's compiler, which is a second to import.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _DRAWING:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def build(kind: type[Network], scale: int, options: Mapping[str, Any], where: str) -> Network:
    """A network as its class begins it. Raises ModelError where it refuses the options."""
    try:
        return kind(scale, **options).eval()
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: more than memory holds
        raise ModelError(f"{where}: {one_line(error, 200)}") from None


def _check_options(path: Path, kind: type[Network], options: Mapping[str, Any]) -> None:
    """Raise ModelError for an option that the class has not, or of another type or size."""
    names = [name for name in inspect.signature(kind).parameters if name != "scale"]
    hints = get_type_hints(kind.__init__)
    for name, value in options.items():
        if name not in names:
            known = ", ".join(names)
            raise ModelError(f"{path}: no option {shown(name)}: the network has {known}")
        if wanted := _wanted(value, hints.get(name, Any)):
            raise ModelError(f"{path}: option {name} {shown(value)}: must be {wanted}")


def _wanted(value: Any, hint: Any) -> str:
    """What a value of JSON must be to suit a parameter's type; "" where it is that."""
    if get_origin(hint) is tuple:
        return _wanted_items(value, get_args(hint))
    plain = not isinstance(value, bool)
    if hint is bool and plain:
        return "true or false"
    if hint is str and not isinstance(value, str):
        return "text"
    if hint is int and not (plain and isinstance(value, int) and 0 <= value <= _MOST):
        return f"a whole number of 0 to {_MOST}"
    if hint is float and not (plain and isinstance(value, int | float) and 0 <= value <= _MOST):
        return f"a number of 0 to {_MOST}"
    return ""


def _wanted_items(value: Any, hints: tuple[Any, ...]) -> str:
    """The same for lists: of any length, where the last of `hints` is an ellipsis."""
    fixed = hints[-1] is not ...
    if not isinstance(value, list | tuple) or len(value) > _MOST:
        return f"a list of {len(hints) if fixed else f'at most {_MOST}'} values"
    if fixed and len(value) != len(hints):
        return f"a list of {len(hints)} values"
    each = hints if fixed else hints[:1] * len(value)
    wanted = (_wanted(item, hint) for item, hint in zip(value, each, strict=True))
    return next((f"a list, each {words}" for words in wanted if words), "")


def _unlike(shapes: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> str:
    """The first tensor of a file that is not as a network has it, in words; "" for none."""
    for name, own in shapes.items():
        if name not in tensors:
            return f"{name} is missing"
        if own.shape != tensors[name].shape:
            return f"{name} is {_size(tensors[name])}, not {_size(own)}"
        if not tensors[name].is_floating_point():
            return f"{name} holds {tensors[name].dtype}, no fractions"
    beyond = next((name for name in tensors if name not in shapes), None)
    return "" if beyond is None else f"it has no {shown(beyond)}"


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"
