"""From a model file of somebody else's to a network."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor

from vsr.core.errors import ModelError
from vsr.networks.community.bounded import Bounded, TooLargeError
from vsr.networks.community.community import Community
from vsr.networks.community.kinds import recognised
from vsr.networks.community.state_dict import check_tensors, read_state_dict
from vsr.networks.community.torchvision_shim import import_spandrel
from vsr.networks.model_path import model_file_facts
from vsr.util.text import one_line

SCALES = range(1, 9)
"""The factors of networks that are taken; 1 restores."""

INSTALL = "pip install 'vsr-video[models]' && pip install --no-deps spandrel"

_KEPT = 2  # models: a job asks for the scale first, and then for the network


@dataclass(frozen=True)
class CommunityModel:
    """A community model, with what its file and spandrel say of it.

    Attributes:
        network: ready to run.
        architecture: spandrel's name for it, such as "Compact" or "ESRGAN".
        tags: what spandrel calls its variant, such as ("64nf", "23nb").
        purpose: "SR" or "Restoration".
        parameters: how many numbers were learnt.
        sha256: of the file.
        licence: as the file tells it; "" for most.
    """

    network: Community
    architecture: str
    tags: tuple[str, ...] = ()
    purpose: str = "SR"
    parameters: int = 0
    sha256: str = ""
    licence: str = field(default="")


def load_community(path: Path) -> CommunityModel:
    """The network in a .safetensors, .pth, .pt or .ckpt file of any architecture of spandrel's.

    Raises ModelError, in one line, where spandrel is not installed, and for a file that is no
    such network, or one that does not enlarge or restore pictures of luma or of RGB.
    """
    known = model_file_facts(path)
    model = _loaded(path, known.st_mtime_ns, known.st_size)
    return CommunityModel(**{**vars(model), "network": copy.deepcopy(model.network)})


@lru_cache(maxsize=_KEPT)
def _loaded(path: Path, _changed: int, _size: int) -> CommunityModel:
    stored = read_state_dict(path)  # first: a file that is refused needs no spandrel for that
    try:
        spandrel = import_spandrel()
    except ImportError:
        raise ModelError(f"{path}: community models need spandrel: {INSTALL}") from None
    state = _tensors(path, stored.held, spandrel)
    described = _described(path, state, spandrel)
    _check(path, described, spandrel)
    try:
        with warnings.catch_warnings(action="ignore"):  # of operations of old
            network = Community(described, stored.sha256)
    except Exception as error:  # of shapes that only running it finds to be wrong
        name = described.architecture.id
        raise ModelError(f"{path}: {name} does not run ({one_line(error, 200)})") from None
    return CommunityModel(
        network,
        str(described.architecture.id),
        tuple(map(str, described.tags)),
        str(described.purpose),
        sum(parameter.numel() for parameter in network.parameters()),
        stored.sha256,
        stored.licence,
    )


def _tensors(path: Path, held: dict[str, Any], spandrel: Any) -> dict[str, Any]:
    """The network's tensors, without the dicts and prefixes that training put around them."""
    try:
        state = spandrel.canonicalize_state_dict(held)
    except (AttributeError, TypeError):  # of names that are no text
        state = held
    if not isinstance(state, Mapping):
        raise ModelError(f"{path}: holds no tensors by their names")
    check_tensors(path, state)
    return dict(state)


def _described(path: Path, state: dict[str, Any], spandrel: Any) -> Any:
    """spandrel's descriptor, its module filled."""
    numbers = sum(tensor.numel() for tensor in state.values() if isinstance(tensor, Tensor))
    try:
        with Bounded(numbers), warnings.catch_warnings(action="ignore"):
            return spandrel.ModelLoader().load_from_state_dict(state)
    except spandrel.UnsupportedModelError:
        raise ModelError(f"{path}: is of no known architecture; {recognised(state)}") from None
    except TooLargeError:
        raise ModelError(f"{path}: stands for a network far larger than itself") from None
    except Exception as error:  # of shapes that fit no network: each architecture has its own
        names = ", ".join(
            str(each.architecture.id)
            for each in spandrel.MAIN_REGISTRY.architectures("detection")
            if each.detect(state)
        )
        why = one_line(error, 200) or type(error).__name__
        raise ModelError(f"{path}: seems to be {names or 'damaged'}, but is not ({why})") from None


def _check(path: Path, described: Any, spandrel: Any) -> None:
    """Raise ModelError for a network that does not take and give whole pictures."""
    name = described.architecture.id
    if not isinstance(described, spandrel.ImageModelDescriptor):
        raise ModelError(f"{path}: {name} fills in parts under a mask; that is not supported")
    if described.purpose == "FaceSR":
        raise ModelError(f"{path}: {name} restores faces that were cut out; it takes no pictures")
    channels = described.input_channels, described.output_channels
    if channels not in ((1, 1), (3, 3)):
        raise ModelError(
            f"{path}: {name} takes {channels[0]} channels and gives {channels[1]}; "
            "RGB (3) or luma (1) is supported"
        )
    if described.scale not in SCALES:
        raise ModelError(f"{path}: {name} enlarges x{described.scale}; x1 to x8 are supported")
