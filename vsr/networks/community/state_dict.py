"""The tensors of a model file, read without running anything that it holds."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor

from vsr.core.errors import ModelError
from vsr.networks.model_path import model_file_facts
from vsr.util.text import one_line, shown, size_text

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")
"""Of the files that may hold community models."""

MOST_BYTES = 4 * 2**30
"""Of a file, and of what it unpacks to: the largest networks of today have 2.5 GB."""

_MOST_INDEX = 4096  # of a layer among its like; the deepest networks have some hundreds
_LICENCES = ("modelspec.license", "license", "licence")
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class StoredTensors:
    """What a model file holds.

    Attributes:
        held: tensors by their names, in dicts within dicts, as they were stored.
        sha256: of the file.
        licence: what the file says of its terms; "" for most.
    """

    held: dict[str, Any]
    sha256: str
    licence: str = ""


def read_state_dict(path: Path) -> StoredTensors:
    """What a .safetensors file, or one of torch.save, holds. Raises ModelError.

    The latter is a pickle, which could name any function: torch's own reader for tensors alone
    refuses all but those that make tensors.
    """
    data = _bytes_of(path)
    sha256 = hashlib.sha256(data).hexdigest()
    if path.suffix.lower() == ".safetensors":
        return StoredTensors(_of_safetensors(path, data), sha256, _licence(data))
    return StoredTensors(_of_pickle(path, data), sha256)


def _bytes_of(path: Path) -> bytes:
    if (size := model_file_facts(path).st_size) > MOST_BYTES:
        raise ModelError(
            f"{path}: has {size_text(size)}; a model file may have {size_text(MOST_BYTES)}"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None


def _of_safetensors(path: Path, data: bytes) -> dict[str, Any]:
    try:
        return dict(load_tensors(data))
    except (SafetensorError, RuntimeError, ValueError, LookupError) as error:
        raise ModelError(f"{path}: not a safetensors file ({one_line(error, 200)})") from None


def _licence(data: bytes) -> str:
    """What the header's free entries say of it; the header itself was read before."""
    length = int.from_bytes(data[:8], "little")
    facts = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    said = (facts[name] for name in _LICENCES if isinstance(facts.get(name), str))
    return one_line(next(said, ""), 200)


def _of_pickle(path: Path, data: bytes) -> dict[str, Any]:
    if data.startswith(_ZIP):
        _check_archive(path, data)
    try:
        with warnings.catch_warnings(action="ignore"):  # of old formats
            held = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # of what is no pickle, or a damaged or hostile one: anything
        raise ModelError(f"{path}: {_refusal(error)}") from None
    if not isinstance(held, Mapping):
        raise ModelError(f"{path}: holds {type(held).__name__}, not tensors by their names")
    return dict(held)


def _check_archive(path: Path, data: bytes) -> None:
    """Raise ModelError for TorchScript, which is a program, and for what unpacks to too much."""
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ModelError(f"{path}: damaged, or cut short ({one_line(error, 200)})") from None
    names = [entry.filename for entry in entries]
    if any("/code/" in name or name.endswith("constants.pkl") for name in names):
        raise ModelError(
            f"{path}: is TorchScript, a program, and is not run; "
            "take the model's .pth or .safetensors file"
        )
    if (size := sum(entry.file_size for entry in entries)) > MOST_BYTES:
        raise ModelError(
            f"{path}: unpacks to {size_text(size)}; a model may have {size_text(MOST_BYTES)}"
        )


def _refusal(error: Exception) -> str:
    words = one_line(error)
    no_pickle = isinstance(error, LookupError | EOFError) or "Unsupported operand" in words
    if no_pickle:  # as of a web page that was saved in a model's place
        return "is no model file of torch, or a damaged one"
    if "Unsupported global" in words or "GLOBAL" in words or "weights_only" in words.lower():
        named = words.partition("GLOBAL ")[2].split(" ")[0]
        what = f"more than tensors ({named})" if named else "more than tensors"
        return f"holds {what}, which could run code; take the model's .safetensors file"
    return f"cannot be read as a model ({words[:200] or type(error).__name__})"


def check_tensors(path: Path, state: Mapping[Any, Any]) -> None:
    """Raise ModelError for what no network can have learnt: holds no memory of its own, is not
    finite, or has names that count further than networks are deep."""
    for name, tensor in state.items():
        if not isinstance(name, str) or any(index > _MOST_INDEX for index in _indices(name)):
            raise ModelError(f"{path}: {shown(name)} is no name that a network's tensors have")
        if not isinstance(tensor, Tensor):
            continue  # spandrel says whether it can make something of it
        if not _is_plain(tensor):
            raise ModelError(f"{path}: {shown(name)} is stored as no network's tensors are")
        size = tensor.numel() * tensor.element_size()
        if size > tensor.untyped_storage().nbytes():
            raise ModelError(f"{path}: {shown(name)} claims more numbers than the file holds")
        if tensor.is_floating_point() and not tensor.float().isfinite().all():
            raise ModelError(f"{path}: {shown(name)} holds numbers that are infinite, or are none")


def _is_plain(tensor: Tensor) -> bool:
    """Whether its numbers lie in memory as they are: not sparse, quantised, nested, or nowhere."""
    packed = tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_nested
    return tensor.device.type == "cpu" and not packed


def _indices(name: str) -> Iterator[int]:
    """The numbers among the parts of a tensor's name: 4 in body.4.weight."""
    for part in name.split("."):
        if part.isascii() and part.isdigit():
            yield int(part[:9])
